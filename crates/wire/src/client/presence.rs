//! Whether the master is still there, for who waits for blobs: their connection is patient with
//! slow lines, and would notice only after half a minute that nobody is at its other end.

use super::connection::{Line, is_lost};
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::time::sleep;
use tonic::Status;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

/// What is answered sooner costs nothing more.
const SOON: Duration = Duration::from_secs(1);

/// Waits for an answer, for as long as the connection of calls stands.
pub(super) async fn while_there<T>(
    calls: Line,
    answer: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    let (mut answer, mut gone) = (pin!(answer), pin!(gone(calls)));
    poll_fn(|cx| match answer.as_mut().poll(cx) {
        Poll::Pending => gone.as_mut().poll(cx).map(Err),
        answered => answered,
    })
    .await
}

/// Ends with the connection of calls, which a stream over it that says next to nothing shows.
async fn gone(calls: Line) -> Status {
    sleep(SOON).await;
    let ended = match HealthClient::new(calls).watch(HealthCheckRequest::default()).await {
        Ok(told) => {
            let mut told = told.into_inner();
            loop {
                match told.message().await {
                    Ok(Some(_)) => {}
                    Ok(None) => break Status::unavailable("the master has ended"),
                    Err(status) => break status,
                }
            }
        }
        Err(status) => status,
    };
    // Else there is somebody who does not tell.
    if is_lost(&ended) { ended } else { pending().await }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::connection::Show;
    use hyper_util::rt::TokioIo;
    use std::io;
    use tokio::io::DuplexStream;
    use tonic::service::interceptor::InterceptedService;
    use tonic::transport::{Endpoint, Uri};

    /// A connection whose other end is gone.
    fn dead() -> Line {
        let refused = tower::service_fn(|_: Uri| async {
            Err::<TokioIo<DuplexStream>, _>(io::Error::from(io::ErrorKind::ConnectionRefused))
        });
        let endpoint = Endpoint::from_static("http://windlass");
        InterceptedService::new(endpoint.connect_with_connector_lazy(refused), Show::default())
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_blobs_gives_up_with_the_connection_of_calls() {
        let ended = while_there(dead(), pending::<Result<(), Status>>()).await;
        assert!(is_lost(&ended.expect_err("nobody is there")));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_answered_soon_asks_nobody_else() {
        let answer = async {
            sleep(SOON / 2).await;
            Ok(7)
        };
        assert_eq!(while_there(dead(), answer).await.expect("it comes"), 7);
    }
}
