//! The older file-processing service, over HTTP on the main port: files come in one request and are
//! answered for when all of them are done.

mod kinds;
mod processing;
mod upload;

use super::browsers;
use crate::node::Node;
use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use kinds::Kind;
use processing::{Done, Processing};
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use tracing::{info, warn};
use upload::{Form, UploadError};
use windlass_core::catalogue::OperationSpec;

/// What serves the requests.
pub(crate) struct Service {
    node: Node,
    operations: Vec<&'static OperationSpec>,
    /// Where results go, as clients are told it.
    folder: PathBuf,
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

/// What is served on the port.
pub(crate) fn routes(
    node: Node,
    operations: Vec<&'static OperationSpec>,
    folder: PathBuf,
) -> Router {
    let service = Arc::new(Service { node, operations, folder });
    let assigning = post(assign_task).layer(DefaultBodyLimit::disable());
    Router::new()
        .route("/", get(|| async { "Master is working" }))
        .route("/check_status", get(|| async { Json(json!({"status": "alive"})) }))
        .route("/assign_task", assigning)
        .layer(middleware::from_fn(browsers::refuse))
        .with_state(service)
}

async fn assign_task(
    State(service): State<Arc<Service>>,
    form: Result<Multipart, MultipartRejection>,
) -> Response {
    let form = match form {
        Ok(form) => Form::read(form, &service.node.blobs).await,
        // As a form without anything in it.
        Err(_) => Ok(Form::default()),
    };
    let answered = match form {
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
        let status = match error {
            UploadError::Broken(_) => StatusCode::BAD_REQUEST,
            UploadError::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, error.to_string())
    }
}

impl Service {
    /// Checks in the order in which that service checked, works, and saves.
    async fn answer(self: &Arc<Service>, form: Form) -> Result<Answer, Refused> {
        let task_type = form.task_type.unwrap_or_else(|| Kind::default().name.to_owned());
        let kind = Kind::of(&task_type);
        let spec = kind.and_then(|kind| self.operation(kind));
        if !self.has_worker(spec).await? {
            return Err((StatusCode::SERVICE_UNAVAILABLE, "No slaves available".to_owned()));
        }
        let Some((kind, spec)) = kind.zip(spec) else {
            return Err((StatusCode::BAD_REQUEST, format!("Unknown task type: {task_type}")));
        };
        let mut uploads = form.uploads;
        uploads.retain(|upload| upload.field == kind.field);
        if uploads.is_empty() {
            let error = format!("No files provided for {task_type} processing");
            return Err((StatusCode::BAD_REQUEST, error));
        }
        let processing = Processing {
            node: self.node.clone(),
            spec,
            folder: self.folder.join(kind.name),
            uploads,
        };
        // Also for a client that waits no longer: what it asked for is made and saved.
        let done = tokio::task::spawn_blocking(move || processing.run());
        let done = done.await.map_err(|error| internal(&error))?.map_err(|error| {
            warn!(task_type, error, "a request of an older client failed");
            internal(&error)
        })?;
        info!(task_type, saved = done.saved.len(), failed = done.failed.len(), "assigned and done");
        Ok(answer(kind, done))
    }

    fn operation(&self, kind: &Kind) -> Option<&'static OperationSpec> {
        self.operations.iter().find(|spec| spec.name == kind.operation).copied()
    }

    /// Whether somebody is there, for this operation where one is meant.
    async fn has_worker(&self, spec: Option<&OperationSpec>) -> Result<bool, Refused> {
        let handle = self.node.handle.clone();
        let status = tokio::task::spawn_blocking(move || handle.status()).await;
        let status = status.map_err(|error| internal(&error))?.map_err(|error| internal(&error))?;
        let offers = |operation: &str| {
            let mut offers = status.workers.iter().flat_map(|worker| &worker.offers);
            offers.any(|offer| offer.operation == operation)
        };
        Ok(spec.map_or(!status.workers.is_empty(), |spec| offers(spec.name)))
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
