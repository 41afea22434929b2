//! What is asked again and again by whoever watches.

use super::service::Server;
use crate::generated as pb;
use crate::host::Host;
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl<H: Host> pb::observation_server::Observation for Server<H> {
    async fn look(
        &self,
        _request: Request<pb::LookRequest>,
    ) -> Result<Response<pb::Overview>, Status> {
        Ok(Response::new(self.call(Host::overview).await?.into()))
    }
}
