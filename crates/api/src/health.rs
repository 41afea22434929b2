//! Signs of life for whoever watches processes and spreads load: by HTTP and by gRPC the same.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use windlass_master::{Handle, MasterError};
use windlass_wire::{Denial, Health};

/// A master that takes longer to answer is not ready.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// How soon the health service tells that this has changed.
const LOOK: Duration = Duration::from_secs(1);

/// `/livez`: the process serves. `/readyz`: its master answers.
pub(crate) fn router(handle: Handle) -> Router {
    let ready = move || {
        let mut asked = ask(&handle);
        async move {
            match timeout(ANSWER_TIMEOUT, &mut asked).await {
                Ok(Ok(Ok(epoch))) => (StatusCode::OK, format!("ready, epoch {epoch}\n")),
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

/// What there is for who asks for something else: gRPC has its own answer to that.
pub(crate) async fn absent(asked: HeaderMap) -> Response {
    let text = "there is nothing at this path: /livez and /readyz tell whether this master serves, \
                /metrics what it counts, and everything else is gRPC";
    Denial::Absent(text.to_owned()).answer(&asked)
}

/// Keeps what the health service tells the same as `/readyz`, a second behind at most.
pub(crate) async fn keep_telling(handle: Handle, health: Health) {
    let mut told = None;
    loop {
        let mut asked = ask(&handle);
        let mut answer = timeout(ANSWER_TIMEOUT, &mut asked).await.ok();
        if answer.is_none() {
            tell(&health, &mut told, false).await;
            // One question at a time: each that waits has a thread.
            answer = Some(asked.await);
        }
        tell(&health, &mut told, matches!(answer, Some(Ok(Ok(_))))).await;
        tokio::time::sleep(LOOK).await;
    }
}

/// Tells it if it is news.
async fn tell(health: &Health, told: &mut Option<bool>, serves: bool) {
    if told.replace(serves) != Some(serves) {
        health.tell(serves).await;
    }
}

/// The reign of the master, once it answers.
fn ask(handle: &Handle) -> JoinHandle<Result<String, MasterError>> {
    let handle = handle.clone();
    tokio::task::spawn_blocking(move || handle.reign().map(|(_, epoch)| epoch.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderValue, header};
    use tokio::runtime::Builder;

    fn answer(content_type: Option<&'static str>) -> Response {
        let value = content_type.map(HeaderValue::from_static);
        let headers = value.map(|value| (header::CONTENT_TYPE, value)).into_iter().collect();
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(absent(headers))
    }

    #[test]
    fn what_is_not_there_is_told_in_the_language_of_who_asks() {
        for other in [None, Some("text/html")] {
            assert_eq!(answer(other).status(), StatusCode::NOT_FOUND);
        }
        let by_grpc = answer(Some("application/grpc+proto"));
        assert_eq!(by_grpc.status(), StatusCode::OK);
        assert_eq!(by_grpc.headers()["grpc-status"], "12");
    }
}
