//! The older file-processing service, over HTTP on the main port: files come in one request and are
//! answered for when all of them are done.

mod kinds;
mod processing;
mod saving;
mod slave;
mod slaves;
mod together;
mod upload;

pub(crate) use kinds::Kind;
pub(crate) use processing::{Made, Processing, Who};
pub(crate) use upload::{Form, UploadError};

use super::browsers;
use super::http::Target;
use crate::node::Node;
use crate::server::OlderFiles;
use axum::body::Bytes;
use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use kinds::KINDS;
use processing::Outcome;
use serde::Serialize;
use serde_json::{Value, json};
use slaves::Slaves;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tracing::{info, warn};
use windlass_core::Failure;
use windlass_core::catalogue::OperationSpec;
use windlass_core::view::ClusterView;

/// Requests for work at a time; what is left to do goes on after their clients are gone.
const REQUEST_COUNT_MAX: usize = 128;
/// Longest request that registers a slave.
const REGISTER_BYTES_MAX: usize = 64 << 10;

/// What serves the requests.
struct Service {
    node: Node,
    operations: Vec<&'static OperationSpec>,
    /// Where results go, as clients are told it.
    folder: PathBuf,
    slaves: Arc<Slaves>,
    /// Each request that is worked on has a thread of those that the whole server shares.
    room: Arc<Semaphore>,
}

/// The answer to a request whose files were worked on.
#[derive(Serialize)]
struct Answer {
    message: String,
    total_files_processed: usize,
    saved_files: Vec<String>,
    task_type: String,
    failed_files: Vec<Failed>,
}

/// A file that has no result.
#[derive(Serialize)]
struct Failed {
    file: String,
    cause: String,
    next_step: String,
}

/// What is served on the port. Slaves that are known since before are looked for.
pub(crate) fn routes(node: Node, files: OlderFiles) -> Router {
    let OlderFiles { operations, folder, slave_timeout } = files;
    let slaves = Slaves::new(node.clone(), slave_timeout);
    slaves.find_known();
    let room = Arc::new(Semaphore::new(REQUEST_COUNT_MAX));
    let service = Arc::new(Service { node, operations, folder, slaves, room });
    let assigning = post(assign_task).layer(DefaultBodyLimit::disable());
    let registering = post(register).layer(DefaultBodyLimit::max(REGISTER_BYTES_MAX));
    Router::new()
        .route("/", get(|| async { "Master is working" }))
        .route("/check_status", get(|| async { Json(json!({"status": "alive"})) }))
        .route("/register", registering.clone())
        // Of a slave whose master's URL ends with a slash.
        .route("//register", registering)
        .route("/assign_task", assigning)
        .layer(middleware::from_fn(browsers::refuse))
        .with_state(service)
}

/// Takes a slave's word where it will listen. It does not yet: that is looked after by itself.
async fn register(State(service): State<Arc<Service>>, body: Bytes) -> Response {
    let refused =
        |error: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response();
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    let port = match &said["slave_port"] {
        Value::String(port) => port.clone(),
        Value::Number(port) => port.to_string(),
        _ => String::new(),
    };
    let ip = said["slave_ip"].as_str().unwrap_or_default();
    if ip.is_empty() || port.is_empty() {
        return refused("slave_ip and slave_port are required");
    }
    let target = port.trim().parse().ok().and_then(|port| Target::new(ip, port));
    let Some(target) = target else {
        return refused("slave_ip must be an address or a name, slave_port a port");
    };
    if !service.slaves.register(target) {
        let error = json!({"error": "there are too many slaves already"});
        return (StatusCode::SERVICE_UNAVAILABLE, Json(error)).into_response();
    }
    Json(json!({"status": "success"})).into_response()
}

async fn assign_task(
    State(service): State<Arc<Service>>,
    form: Result<Multipart, MultipartRejection>,
) -> Response {
    let answered = match Form::read(form, &service.node.blobs).await {
        Ok(form) => service.answer(form).await,
        Err(error) => Err(error.into()),
    };
    match answered {
        Ok(answer) => Json(answer).into_response(),
        Err((status, error)) => (status, Json(json!({"error": error}))).into_response(),
    }
}

type Refused = (StatusCode, String);

impl From<UploadError> for Refused {
    fn from(error: UploadError) -> Refused {
        (error.status(), error.to_string())
    }
}

impl Service {
    /// Checks in the order in which that service checked, works, and saves.
    async fn answer(self: &Arc<Service>, form: Form) -> Result<Answer, Refused> {
        let task_type = form.task_type.unwrap_or_else(|| Kind::default().name.to_owned());
        let kind = Kind::of(&task_type);
        let who = who(kind, &self.status().await?);
        let who = who.ok_or((StatusCode::SERVICE_UNAVAILABLE, "No slaves available".to_owned()))?;
        let spec =
            kind.and_then(|kind| self.operations.iter().find(|it| it.name == kind.operation));
        let Some((kind, spec)) = kind.zip(spec.copied()) else {
            return Err((StatusCode::BAD_REQUEST, format!("Unknown task type: {task_type}")));
        };
        let mut uploads = form.uploads;
        uploads.retain(|upload| upload.field == kind.field);
        if uploads.is_empty() {
            let error = format!("No files provided for {task_type} processing");
            return Err((StatusCode::BAD_REQUEST, error));
        }
        let room = Arc::clone(&self.room).try_acquire_owned().map_err(|_| {
            let error = format!("{REQUEST_COUNT_MAX} requests are worked on; ask again later");
            (StatusCode::SERVICE_UNAVAILABLE, error)
        })?;
        let processing = Processing { node: self.node.clone(), spec, who, uploads };
        let (node, folder) = (self.node.clone(), self.folder.join(kind.name));
        // Also for a client that waits no longer: what it asked for is made and saved.
        let done = tokio::task::spawn_blocking(move || {
            let _room = room;
            let mut done = Done::default();
            for Outcome { name, result } in processing.run()? {
                match result {
                    Ok(made) => done.saved.push(saving::save(&node, &folder, &made)?),
                    Err(failure) => done.failed.push((name, failure)),
                }
            }
            Ok(done)
        });
        let done = done.await.map_err(|error| internal(&error))?.map_err(|error: String| {
            warn!(task_type, error, "a request of an older client failed");
            internal(&error)
        })?;
        info!(task_type, saved = done.saved.len(), failed = done.failed.len(), "assigned and done");
        Ok(answer(kind, done))
    }

    async fn status(&self) -> Result<ClusterView, Refused> {
        let handle = self.node.handle.clone();
        let status = tokio::task::spawn_blocking(move || handle.status()).await;
        status.map_err(|error| internal(&error))?.map_err(|error| internal(&error))
    }
}

/// What became of the files of a request.
#[derive(Default)]
struct Done {
    /// The main result of each file that has one.
    saved: Vec<PathBuf>,
    /// The other files, by name.
    failed: Vec<(String, Failure)>,
}

/// Who of those that are there works on files of a kind; `None`: nobody. Where texts are weighed
/// against each other either one slave gets all of them or none does.
fn who(kind: Option<&Kind>, status: &ClusterView) -> Option<Who> {
    let offers = |operation: &str| {
        let taking = status.workers.iter().filter(|worker| !worker.draining);
        taking.flat_map(|worker| &worker.offers).any(|offer| offer.operation == operation)
    };
    let Some(kind) = kind else {
        // Nobody does what is not known: that is the answer where somebody is there for files.
        let does = |kind: &&Kind| offers(kind.operation) || offers(&kind.of_slaves());
        return KINDS.iter().find(does).map(|_| Who::Own);
    };
    match (offers(kind.operation), offers(&kind.of_slaves())) {
        (false, false) => None,
        (false, true) if kind.is_together => Some(Who::OneSlave),
        (true, _) if kind.is_together => Some(Who::Own),
        _ => Some(Who::All),
    }
}

fn answer(kind: &Kind, done: Done) -> Answer {
    let failed = done.failed.into_iter().map(|(file, failure)| Failed {
        file,
        cause: failure.cause,
        next_step: failure.next_step,
    });
    Answer {
        message: format!("{} processing complete", kind.title),
        total_files_processed: done.saved.len(),
        saved_files: done.saved.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
        task_type: kind.name.to_owned(),
        failed_files: failed.collect(),
    }
}

fn internal(error: &impl ToString) -> Refused {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
