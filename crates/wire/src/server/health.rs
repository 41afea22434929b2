//! What gRPC's health service (grpc.health.v1) tells of this server.

use crate::generated as pb;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// All services of this server, and the empty name for it as a whole.
const SERVICES: [&str; 10] = [
    "",
    pb::sessions_server::SERVICE_NAME,
    pb::blobs_server::SERVICE_NAME,
    pb::cluster_server::SERVICE_NAME,
    pb::calls_server::SERVICE_NAME,
    pb::steering_server::SERVICE_NAME,
    pb::job_control_server::SERVICE_NAME,
    pb::records_server::SERVICE_NAME,
    pb::observation_server::SERVICE_NAME,
    pb::trust_server::SERVICE_NAME,
];

/// The paths of the health service, for whoever decides who may ask.
pub const HEALTH_PATHS: [&str; 2] =
    ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"];

/// What the health service tells.
#[derive(Clone)]
pub struct Health {
    reporter: HealthReporter,
}

impl Health {
    pub(super) fn new(reporter: HealthReporter) -> Health {
        Health { reporter }
    }

    /// Tells from now on that all services serve, or that none does.
    pub async fn tell(&self, serves: bool) {
        let status = if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in SERVICES {
            self.reporter.set_service_status(service, status).await;
        }
    }
}
