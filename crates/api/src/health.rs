//! Signs of life for whoever watches processes.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use std::time::Duration;
use tokio::time::timeout;
use windlass_master::Handle;

/// A master that takes longer to answer is not ready.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// `/livez`: the process serves. `/readyz`: its master answers.
pub(crate) fn router(handle: Handle) -> Router {
    let ready = move || {
        let handle = handle.clone();
        async move {
            let asked = tokio::task::spawn_blocking(move || handle.reign());
            match timeout(ANSWER_TIMEOUT, asked).await {
                Ok(Ok(Ok((_, epoch)))) => (StatusCode::OK, format!("ready, epoch {epoch}\n")),
                Ok(Ok(Err(error))) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
                _ => {
                    let text = "the master does not answer\n".to_owned();
                    (StatusCode::SERVICE_UNAVAILABLE, text)
                }
            }
        }
    };
    Router::new().route("/livez", get(async || "alive\n")).route("/readyz", get(ready))
}
