//! What clients ask.

use super::answer::Answer;
use super::service::Server;
use crate::convert::{Malformed, strategy_asked, submitted};
use crate::generated as pb;
use crate::host::{Gone, Host, HostError, TakeNotices};
use crate::limits::ASKED_TASK_COUNT_MAX;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::adapters::Map;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use windlass_core::ledger::ChunkRef;
use windlass_core::view::Notice;
use windlass_core::{JobId, PhaseId, TaskId, TaskIndex};

/// Records whose notices may wait for a client's connection; who is further behind is let go.
const RECORD_COUNT_MAX: usize = 4_096;

type Notices = Map<ReceiverStream<Vec<Notice>>, fn(Vec<Notice>) -> Result<pb::Notices, Status>>;

fn phase(id: Option<pb::PhaseId>) -> Result<PhaseId, Malformed> {
    id.ok_or(Malformed("a request without its phase"))?.try_into()
}

#[tonic::async_trait]
impl<H: Host> pb::cluster_server::Cluster for Server<H> {
    type WatchStream = Notices;
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
        let (take, notices) = watching();
        self.call(move |host| host.watch(take)).await?;
        Ok(Response::new(notices))
    }
}

/// Where notices go in and come out. The first is empty: it says that none after it is missed.
fn watching() -> (TakeNotices, Notices) {
    let (outgoing, notices) = mpsc::channel(RECORD_COUNT_MAX);
    let _ = outgoing.try_send(Vec::new());
    let take = move |notices: &[Notice]| match notices {
        [] if outgoing.is_closed() => Err(Gone),
        [] => Ok(()),
        _ => outgoing.try_send(notices.to_vec()).map_err(|_| Gone),
    };
    // Here and not by the master's loop, which has more to do.
    let told = |batch: Vec<Notice>| {
        Ok(pb::Notices { notices: batch.into_iter().map(pb::Notice::from).collect() })
    };
    (Box::new(take), ReceiverStream::new(notices).map(told))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTICE: Notice = Notice::JobEnded(JobId(7));

    #[test]
    fn a_watch_ends_with_who_listens_also_where_nothing_happens() {
        let (take, notices) = watching();
        assert_eq!((take(&[]), take(&[NOTICE])), (Ok(()), Ok(())));
        drop(notices);
        assert_eq!(take(&[]), Err(Gone));
    }

    #[tokio::test]
    async fn who_falls_behind_is_let_go_and_hears_what_came_before() {
        let (take, mut notices) = watching();
        let told_count = (1..).find(|_| take(&[NOTICE]).is_err()).expect("it has a bound");
        assert_eq!(told_count, RECORD_COUNT_MAX);
        drop(take);
        let first = notices.next().await.expect("one").expect("sound");
        assert_eq!(first, pb::Notices::default(), "nothing after it is missed");
        let rest: Vec<_> = notices.collect().await;
        assert_eq!(rest.len(), RECORD_COUNT_MAX - 1);
    }
}
