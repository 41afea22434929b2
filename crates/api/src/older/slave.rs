//! The workers of this cluster as one slave of an older file service: what its master calls, and
//! how that master hears of it.

use super::browsers;
use super::files::{Form, Kind, Made, Processing, Who};
use super::http::{Ask, Target};
use crate::node::Node;
use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tracing::{info, warn};
use windlass_core::catalogue::OperationSpec;
use windlass_core::manifest::Content;

/// Largest result of a file: it goes as text, from memory.
const RESULT_BYTES_MAX: u64 = 256 << 20;
/// How long the master may take to take in who we are.
const REGISTER_TIME_MAX: Duration = Duration::from_secs(10);
/// Between two tries to tell it; doubled each time.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// What it is to be a slave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlaveOf {
    /// The master's URL, as `http://localhost:5000`.
    pub master_url: String,
    /// Where that master reaches this machine.
    pub ip: String,
    /// The port there.
    pub port: u16,
}

/// What serves that master's requests.
struct Service {
    node: Node,
    operations: Vec<&'static OperationSpec>,
}

/// What is served on the port; requests may name the machine as that master does.
pub(super) fn routes(
    node: Node,
    operations: Vec<&'static OperationSpec>,
    slave: &SlaveOf,
) -> Router {
    let service = Arc::new(Service { node, operations });
    let own_name: Arc<str> = slave.ip.as_str().into();
    let working = post(get_task).layer(DefaultBodyLimit::disable());
    Router::new()
        .route("/", get(|| async { "Slave is working" }))
        .route("/check_status", get(|| async { Json(json!({"status": "alive"})) }))
        .route("/get_task", working)
        .layer(middleware::from_fn_with_state(own_name, browsers::refuse_but))
        .with_state(service)
}

/// Tells the master where it finds us, until it has heard it.
pub(super) async fn register(slave: SlaveOf) {
    let Some((target, path)) = Target::of_url(&slave.master_url) else {
        return warn!(url = slave.master_url, "this is no http:// URL: no master hears of us");
    };
    let path = format!("{}/register", path.trim_end_matches('/'));
    let said = json!({"slave_ip": slave.ip, "slave_port": slave.port}).to_string().into_bytes();
    let (mut pause, mut is_told) = (PAUSE_MIN, false);
    loop {
        let ask = Ask::post(&path, "application/json", said.clone(), REGISTER_TIME_MAX);
        let why = match target.ask(ask).await {
            Ok((status, _)) if status.is_success() => {
                return info!(master = %target, ip = slave.ip, port = slave.port, "registered");
            }
            Ok((status, body)) => {
                format!("{target} answers {status}: {}", String::from_utf8_lossy(&body))
            }
            Err(error) => error.to_string(),
        };
        if !std::mem::replace(&mut is_told, true) {
            warn!(why, "the master has not heard of us yet; it is told again");
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

type Refused = (StatusCode, String);

async fn get_task(
    State(service): State<Arc<Service>>,
    form: Result<Multipart, MultipartRejection>,
) -> Response {
    let answered = match Form::read(form, &service.node.blobs).await {
        Ok(form) => service.answer(form).await,
        Err(error) => Err((error.status(), error.to_string())),
    };
    match answered {
        Ok(results) => Json(json!({"results": results})).into_response(),
        Err((status, error)) => (status, Json(json!({"error": error}))).into_response(),
    }
}

impl Service {
    /// What was made of each file; those of which nothing was made are left out.
    async fn answer(&self, form: Form) -> Result<Vec<Value>, Refused> {
        let task_type = form.task_type.unwrap_or_else(|| Kind::default().name.to_owned());
        let kind = Kind::of(&task_type);
        let spec =
            kind.and_then(|kind| self.operations.iter().find(|it| it.name == kind.operation));
        let Some((kind, spec)) = kind.zip(spec.copied()) else {
            return Err((StatusCode::BAD_REQUEST, format!("Unknown task type: {task_type}")));
        };
        let mut uploads = form.uploads;
        uploads.retain(|upload| upload.field == kind.field);
        if uploads.is_empty() {
            return Err((StatusCode::BAD_REQUEST, kind.missing.to_owned()));
        }
        let (node, who) = (self.node.clone(), Who::Own);
        let done = tokio::task::spawn_blocking(move || {
            let processing = Processing { node: node.clone(), spec, who, uploads };
            let mut results = Vec::new();
            for outcome in processing.run()? {
                match outcome.result {
                    Ok(made) => results.push(result(&node, kind, &outcome.name, &made)?),
                    Err(failure) => warn!(
                        file = outcome.name,
                        cause = failure.cause,
                        next_step = failure.next_step,
                        "a file of the older master has no result"
                    ),
                }
            }
            Ok(results)
        });
        let failed =
            |error: &dyn std::fmt::Display| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
        done.await.map_err(|error| failed(&error))?.map_err(|error: String| failed(&error))
    }
}

/// The main result of a file, in that master's words.
fn result(node: &Node, kind: &Kind, name: &str, made: &Made) -> Result<Value, String> {
    let main = made.manifest.artifacts.first().ok_or("a task has made nothing")?;
    let data = match &main.content {
        Content::Inline(bytes) => STANDARD.encode(bytes),
        Content::Blob { id, .. } => {
            let bytes =
                node.blobs.read(*id, RESULT_BYTES_MAX).map_err(|error| error.to_string())?;
            STANDARD.encode(bytes)
        }
    };
    let mut result = Map::new();
    result.insert("filename".to_owned(), name.into());
    result.insert(kind.result.to_owned(), data.into());
    Ok(result.into())
}
