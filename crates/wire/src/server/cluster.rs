//! What clients ask.

use super::answer::Answer;
use super::service::Server;
use crate::convert::{Malformed, strategy_asked, submitted};
use crate::generated as pb;
use crate::host::{Host, HostError};
use crate::limits::ASKED_TASK_COUNT_MAX;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use windlass_core::ledger::ChunkRef;
use windlass_core::{JobId, PhaseId, TaskId, TaskIndex};

/// Batches of notices that may wait for a client's connection.
const NOTICES_COUNT_MAX: usize = 1_024;

fn phase(id: Option<pb::PhaseId>) -> Result<PhaseId, Malformed> {
    id.ok_or(Malformed("a request without its phase"))?.try_into()
}

#[tonic::async_trait]
impl<H: Host> pb::cluster_server::Cluster for Server<H> {
    type WatchStream = ReceiverStream<Result<pb::Notices, Status>>;
    type CallStream = Answer;

    async fn submit(
        &self,
        request: Request<pb::SubmitRequest>,
    ) -> Result<Response<pb::Submitted>, Status> {
        let (id, spec) = submitted(request.into_inner())?;
        let (job, fresh) = self.call(move |host| host.submit(id, spec)).await?;
        Ok(Response::new(pb::Submitted { job: job.0, fresh }))
    }

    async fn add_tasks(
        &self,
        request: Request<pb::AddTasksRequest>,
    ) -> Result<Response<pb::Done>, Status> {
        let asked = request.into_inner();
        let (phase, first, count) = (phase(asked.phase)?, TaskIndex(asked.first), asked.count);
        let chunk = asked.chunk.ok_or(Malformed("tasks without a chunk"))?;
        let chunk = ChunkRef::try_from(chunk)?;
        self.call(move |host| {
            if let ChunkRef::Blob(id) = chunk
                && !host.missing(vec![id])?.is_empty()
            {
                let text = format!("the tasks name blob {id}, which is not there; put it first");
                return Err(HostError::Refused(text));
            }
            host.add_tasks(phase, first, count, chunk)
        })
        .await?;
        Ok(Response::new(pb::Done {}))
    }

    async fn seal(&self, request: Request<pb::PhaseId>) -> Result<Response<pb::Done>, Status> {
        let phase = request.into_inner().try_into()?;
        self.call(move |host| host.seal(phase)).await?;
        Ok(Response::new(pb::Done {}))
    }

    async fn reopen(
        &self,
        request: Request<pb::ReopenRequest>,
    ) -> Result<Response<pb::Reopened>, Status> {
        let asked = request.into_inner();
        let phase = phase(asked.phase)?;
        let tasks = asked.tasks.into_iter().map(Into::into).collect();
        let count = self.call(move |host| host.reopen(phase, tasks, &asked.why)).await?;
        Ok(Response::new(pb::Reopened { tasks: count as u64 }))
    }

    async fn cancel(
        &self,
        request: Request<pb::CancelRequest>,
    ) -> Result<Response<pb::Done>, Status> {
        let pb::CancelRequest { job, why } = request.into_inner();
        self.call(move |host| host.cancel(JobId(job), &why)).await?;
        Ok(Response::new(pb::Done {}))
    }

    async fn list_jobs(
        &self,
        _: Request<pb::ListJobsRequest>,
    ) -> Result<Response<pb::Jobs>, Status> {
        let jobs = self.call(Host::jobs).await?;
        Ok(Response::new(pb::Jobs { jobs: jobs.into_iter().map(pb::Job::from).collect() }))
    }

    async fn list_chunks(
        &self,
        request: Request<pb::PhaseId>,
    ) -> Result<Response<pb::Chunks>, Status> {
        let phase = request.into_inner().try_into()?;
        let chunks = self.call(move |host| host.chunks(phase)).await?;
        let chunks = chunks.into_iter().map(pb::StoredChunk::from).collect();
        Ok(Response::new(pb::Chunks { chunks }))
    }

    async fn list_tasks(
        &self,
        request: Request<pb::ListTasksRequest>,
    ) -> Result<Response<pb::Tasks>, Status> {
        let asked = request.into_inner();
        let phase = phase(asked.phase)?;
        let tasks = self.call(move |host| host.tasks(phase, TaskIndex(asked.from))).await?;
        let tasks = tasks.into_iter().map(|task| Some(task).into()).collect();
        Ok(Response::new(pb::Tasks { tasks }))
    }

    async fn get_tasks(
        &self,
        request: Request<pb::GetTasksRequest>,
    ) -> Result<Response<pb::Tasks>, Status> {
        let asked = request.into_inner().tasks;
        if asked.len() > ASKED_TASK_COUNT_MAX {
            return Err(Status::invalid_argument("more than 16384 tasks at once"));
        }
        let asked = asked.into_iter().map(TaskId::try_from).collect::<Result<_, _>>()?;
        let tasks = self.call(move |host| host.task_views(asked)).await?;
        Ok(Response::new(pb::Tasks { tasks: tasks.into_iter().map(pb::Task::from).collect() }))
    }

    async fn status(
        &self,
        _: Request<pb::StatusRequest>,
    ) -> Result<Response<pb::ClusterStatus>, Status> {
        Ok(Response::new(self.call(Host::status).await?.into()))
    }

    async fn call(
        &self,
        request: Request<pb::CallRequest>,
    ) -> Result<Response<Self::CallStream>, Status> {
        Ok(Response::new(Answer::open(&*self.host, request.into_inner().into()).await?))
    }

    async fn set_strategy(
        &self,
        request: Request<pb::SetStrategyRequest>,
    ) -> Result<Response<pb::Done>, Status> {
        let asked = request.into_inner();
        let strategy = strategy_asked(&asked)?;
        self.call(move |host| host.set_strategy(&asked.operation, strategy)).await?;
        Ok(Response::new(pb::Done {}))
    }

    async fn watch(
        &self,
        _: Request<pb::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let happening = self.call(Host::watch).await?;
        let (outgoing, notices) = mpsc::channel(NOTICES_COUNT_MAX);
        let begun = Ok(pb::Notices::default());
        outgoing.try_send(begun).map_err(|_| Status::internal("a fresh channel is full"))?;
        // A thread of its own: it waits for hours.
        std::thread::spawn(move || {
            while let Ok(batch) = happening.recv() {
                let notices = batch.into_iter().map(pb::Notice::from).collect();
                if outgoing.blocking_send(Ok(pb::Notices { notices })).is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(notices)))
    }
}
