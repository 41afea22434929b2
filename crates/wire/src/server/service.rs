//! What all services share: the host, calls that block, and how errors are answered.

use super::health::Health;
use super::pieces::Places;
use crate::convert::Malformed;
use crate::generated as pb;
use crate::host::{Host, HostError};
use crate::limits::{DISK_FULL, MESSAGE_BYTES_MAX};
use crate::records_host::RecordsHost;
use std::sync::Arc;
use tonic::Status;
use tonic::metadata::MetadataValue;
use tonic::service::{Routes, RoutesBuilder};

/// A host as the generated services want it.
pub(super) struct Server<H> {
    pub(super) host: Arc<H>,
    pub(super) blob_places: Places,
}

impl<H> Clone for Server<H> {
    fn clone(&self) -> Server<H> {
        Server { host: Arc::clone(&self.host), blob_places: self.blob_places.clone() }
    }
}

/// The contract as the reflection service tells it.
const DESCRIPTORS: &[u8] = include_bytes!("../generated/windlass.v1.bin");

/// The routes of all services, by HTTP path, and what the health service among them tells: at first
/// that all of them serve.
pub async fn router<H: Host + RecordsHost>(host: Arc<H>) -> (axum::Router, Health) {
    let server = Server { host, blob_places: Places::new() };
    let sessions = pb::sessions_server::SessionsServer::new(server.clone())
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let blobs = pb::blobs_server::BlobsServer::new(server.clone())
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let steering = pb::steering_server::SteeringServer::new(server.clone())
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let jobs = pb::job_control_server::JobControlServer::new(server.clone())
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let records = pb::records_server::RecordsServer::new(server.clone())
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let calls = pb::calls_server::CallsServer::new(server.clone())
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let observation = pb::observation_server::ObservationServer::new(server.clone())
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let memo = pb::memo_server::MemoServer::new(server.clone())
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let cluster =
        pb::cluster_server::ClusterServer::new(server).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let mut routes = Routes::builder();
    routes.add_service(sessions).add_service(blobs).add_service(cluster);
    routes.add_service(steering).add_service(jobs).add_service(records).add_service(observation);
    routes.add_service(calls).add_service(memo);
    let health = add_about(&mut routes);
    health.tell(true).await;
    (routes.routes().prepare().into_axum_router(), health)
}

/// The services that tell of the others: whether they serve, and what they look like.
fn add_about(routes: &mut RoutesBuilder) -> Health {
    let (reporter, health) = tonic_health::server::health_reporter();
    routes.add_service(health);
    let describe = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let sound = "the descriptors are made by `cargo xtask gen`";
    routes.add_service(describe().build_v1().expect(sound));
    // Older clients know only this one.
    routes.add_service(describe().build_v1alpha().expect(sound));
    Health::new(reporter)
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
            HostError::Full(text) => {
                let mut status = Status::resource_exhausted(text);
                status.metadata_mut().insert(DISK_FULL, MetadataValue::from_static("1"));
                status
            }
            HostError::Failed(text) => Status::internal(text),
        }
    }
}

impl From<Malformed> for Status {
    fn from(error: Malformed) -> Status {
        Status::invalid_argument(error.0)
    }
}
