//! What people ask of jobs.

use super::service::Server;
use crate::generated as pb;
use crate::host::Host;
use tonic::{Request, Response, Status};
use windlass_core::JobId;

#[tonic::async_trait]
impl<H: Host> pb::job_control_server::JobControl for Server<H> {
    async fn pause(
        &self,
        request: Request<pb::PauseRequest>,
    ) -> Result<Response<pb::Done>, Status> {
        let pb::PauseRequest { job, on, by } = request.into_inner();
        self.call(move |host| host.pause(JobId(job), on, &by)).await?;
        Ok(Response::new(pb::Done {}))
    }

    async fn forget(
        &self,
        request: Request<pb::ForgetRequest>,
    ) -> Result<Response<pb::Done>, Status> {
        let pb::ForgetRequest { job } = request.into_inner();
        self.call(move |host| host.forget(JobId(job))).await?;
        Ok(Response::new(pb::Done {}))
    }

    async fn history(
        &self,
        request: Request<pb::HistoryRequest>,
    ) -> Result<Response<pb::JobHistory>, Status> {
        let pb::HistoryRequest { job, from } = request.into_inner();
        let history = self.call(move |host| host.history(JobId(job), from)).await?;
        Ok(Response::new(history.into()))
    }
}
