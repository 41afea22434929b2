//! What operators change.

use super::service::Server;
use crate::convert::{act, compacted_of, settings_of};
use crate::generated as pb;
use crate::host::Host;
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl<H: Host> pb::steering_server::Steering for Server<H> {
    async fn steer(&self, request: Request<pb::Act>) -> Result<Response<pb::Acted>, Status> {
        let act = act(request.into_inner())?;
        self.call(move |host| host.steer(&act)).await?;
        Ok(Response::new(pb::Acted {}))
    }

    async fn list_settings(
        &self,
        _: Request<pb::ListSettingsRequest>,
    ) -> Result<Response<pb::Settings>, Status> {
        Ok(Response::new(settings_of(&self.call(Host::settings).await?)))
    }

    async fn compact(
        &self,
        _: Request<pb::CompactRequest>,
    ) -> Result<Response<pb::Compacted>, Status> {
        Ok(Response::new(compacted_of(self.call(Host::compact).await?)))
    }
}
