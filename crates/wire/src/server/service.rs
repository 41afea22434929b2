//! What all services share: the host, calls that block, and how errors are answered.

use crate::convert::Malformed;
use crate::generated as pb;
use crate::host::{Host, HostError};
use crate::limits::MESSAGE_BYTES_MAX;
use std::sync::Arc;
use tonic::Status;

/// A host as the generated services want it.
pub(super) struct Server<H> {
    pub(super) host: Arc<H>,
}

impl<H> Clone for Server<H> {
    fn clone(&self) -> Server<H> {
        Server { host: Arc::clone(&self.host) }
    }
}

/// The routes of all services, by HTTP path.
pub fn router<H: Host>(host: Arc<H>) -> axum::Router {
    let server = Server { host };
    let sessions = pb::sessions_server::SessionsServer::new(server.clone())
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let blobs = pb::blobs_server::BlobsServer::new(server.clone())
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let cluster =
        pb::cluster_server::ClusterServer::new(server).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let mut routes = tonic::service::Routes::builder();
    routes.add_service(sessions).add_service(blobs).add_service(cluster);
    routes.routes().prepare().into_axum_router()
}

impl<H: Host> Server<H> {
    /// Makes a call that may block where it stops nobody else.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&H) -> Result<T, HostError> + Send + 'static,
    ) -> Result<T, Status> {
        let host = Arc::clone(&self.host);
        blocking(move || call(&host)).await
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, HostError> + Send + 'static,
) -> Result<T, Status> {
    match tokio::task::spawn_blocking(call).await {
        Ok(done) => done.map_err(Status::from),
        Err(error) => Err(Status::internal(format!("a call broke off: {error}"))),
    }
}

impl From<HostError> for Status {
    fn from(error: HostError) -> Status {
        match error {
            HostError::Refused(text) => Status::failed_precondition(text),
            HostError::NotFound(text) => Status::not_found(text),
            HostError::Ended(text) => Status::unavailable(text),
            HostError::Failed(text) => Status::internal(text),
        }
    }
}

impl From<Malformed> for Status {
    fn from(error: Malformed) -> Status {
        Status::invalid_argument(error.0)
    }
}
