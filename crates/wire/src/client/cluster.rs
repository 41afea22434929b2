//! What is asked of the cluster: the calls of the master's own handle, over a connection.

use super::connection::{Client, Line, WireError};
use crate::convert::{Malformed, submission};
use crate::generated as pb;
use crate::limits::{ASKED_TASK_COUNT_MAX, MESSAGE_BYTES_MAX};
use std::io;
use std::sync::mpsc::{Receiver, sync_channel};
use windlass_core::balance::Strategy;
use windlass_core::calls::CallRequest;
use windlass_core::ledger::{ChunkRef, IndexRange, JobSpec, StoredChunk};
use windlass_core::view::{ClusterView, JobView, Notice, TaskView};
use windlass_core::{JobId, PhaseId, RequestId, TaskId, TaskIndex};

/// What happened and may wait to be taken; whoever is further behind watches again.
const NOTICES_COUNT_MAX: usize = 4_096;

impl Client {
    fn cluster(&self) -> pb::cluster_client::ClusterClient<Line> {
        pb::cluster_client::ClusterClient::new(self.line.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Makes a job, or finds the one that the same request made; `true`: it is new.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn submit(&self, request: RequestId, spec: JobSpec) -> Result<(JobId, bool), WireError> {
        let made = self.ask(self.cluster().submit(submission(request, spec)))?.into_inner();
        Ok((JobId(made.job), made.fresh))
    }

    /// Adds a phase's next tasks.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn add_tasks(
        &self,
        phase: PhaseId,
        first: TaskIndex,
        count: u32,
        chunk: ChunkRef,
    ) -> Result<(), WireError> {
        let (phase, chunk) = (Some(phase.into()), Some(chunk.into()));
        let asked = pb::AddTasksRequest { phase, first: first.0, count, chunk };
        self.ask(self.cluster().add_tasks(asked)).map(drop)
    }

    /// Says that a phase gets no more tasks.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn seal(&self, phase: PhaseId) -> Result<(), WireError> {
        self.ask(self.cluster().seal(pb::PhaseId::from(phase))).map(drop)
    }

    /// Opens failed tasks again; answers how many.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn reopen(
        &self,
        phase: PhaseId,
        tasks: Vec<IndexRange>,
        why: &str,
    ) -> Result<usize, WireError> {
        let tasks = tasks.into_iter().map(pb::IndexRange::from).collect();
        let asked = pb::ReopenRequest { phase: Some(phase.into()), tasks, why: why.to_owned() };
        let reopened = self.ask(self.cluster().reopen(asked))?.into_inner();
        Ok(usize::try_from(reopened.tasks).unwrap_or(usize::MAX))
    }

    /// Ends a job without its open tasks.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn cancel(&self, job: JobId, why: &str) -> Result<(), WireError> {
        let asked = pb::CancelRequest { job: job.0, why: why.to_owned() };
        self.ask(self.cluster().cancel(asked)).map(drop)
    }

    /// All jobs, oldest first.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn jobs(&self) -> Result<Vec<JobView>, WireError> {
        let listed = self.ask(self.cluster().list_jobs(pb::ListJobsRequest {}))?.into_inner();
        Ok(listed.jobs.into_iter().map(JobView::try_from).collect::<Result<_, _>>()?)
    }

    /// Where the inputs of a phase are.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn chunks(&self, phase: PhaseId) -> Result<Vec<StoredChunk>, WireError> {
        let listed = self.ask(self.cluster().list_chunks(pb::PhaseId::from(phase)))?.into_inner();
        Ok(listed.chunks.into_iter().map(StoredChunk::try_from).collect::<Result<_, _>>()?)
    }

    /// The tasks of a phase from an index on, at most 4,096; empty at the end.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn tasks(&self, phase: PhaseId, from: TaskIndex) -> Result<Vec<TaskView>, WireError> {
        let asked = pb::ListTasksRequest { phase: Some(phase.into()), from: from.0 };
        let listed = self.ask(self.cluster().list_tasks(asked))?.into_inner();
        let tasks = views(listed)?;
        tasks
            .into_iter()
            .map(|task| task.ok_or(Malformed("a task without a state").into()))
            .collect()
    }

    /// These tasks, in this order; `None` for one that does not exist.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn task_views(&self, tasks: Vec<TaskId>) -> Result<Vec<Option<TaskView>>, WireError> {
        let mut answers = Vec::with_capacity(tasks.len());
        for some in tasks.chunks(ASKED_TASK_COUNT_MAX) {
            let tasks = some.iter().copied().map(pb::TaskId::from).collect();
            let listed = self.ask(self.cluster().get_tasks(pb::GetTasksRequest { tasks }))?;
            answers.extend(views(listed.into_inner())?);
        }
        Ok(answers)
    }

    /// Who is connected and what waits.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn status(&self) -> Result<ClusterView, WireError> {
        Ok(self.ask(self.cluster().status(pb::StatusRequest {}))?.into_inner().try_into()?)
    }

    /// Calls an operation, and hands its answer over as it comes. `take` asks nothing of a client.
    ///
    /// # Errors
    /// See [`WireError`]; what has been handed over is then worth nothing.
    pub fn call(
        &self,
        request: CallRequest,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), WireError> {
        // Waited for as one: a short answer comes at once, and its caller is woken once.
        let taken = self.ask(async {
            let call = pb::CallRequest::from(request);
            let mut answer = self.cluster().call(call).await?.into_inner();
            while let Some(piece) = answer.message().await? {
                if let Err(error) = take(&piece.bytes) {
                    return Ok(Err(error));
                }
            }
            Ok(Ok(()))
        })?;
        taken.map_err(|error| WireError::Unwritten(error.to_string()))
    }

    /// Sets how the workers for an operation's calls are chosen.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn set_strategy(&self, operation: &str, strategy: Strategy) -> Result<(), WireError> {
        let (operation, strategy) = (operation.to_owned(), strategy.name().to_owned());
        let asked = pb::SetStrategyRequest { operation, strategy };
        self.ask(self.cluster().set_strategy(asked)).map(drop)
    }

    /// Everything that happens from now on. The receiver is disconnected when the connection breaks
    /// or it falls far behind: watch again and read the tasks anew.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn watch(&self) -> Result<Receiver<Vec<Notice>>, WireError> {
        let mut cluster = self.cluster();
        let mut happening = self.ask(cluster.watch(pb::WatchRequest {}))?.into_inner();
        // The first message says that nothing after it is missed.
        self.ask(happening.message())?;
        let (sender, receiver) = sync_channel(NOTICES_COUNT_MAX);
        self.runtime.spawn(async move {
            while let Ok(Some(batch)) = happening.message().await {
                let notices: Result<Vec<Notice>, _> =
                    batch.notices.into_iter().map(Notice::try_from).collect();
                let Ok(notices) = notices else { return };
                if sender.try_send(notices).is_err() {
                    return;
                }
            }
        });
        Ok(receiver)
    }
}

/// The views of a list.
fn views(listed: pb::Tasks) -> Result<Vec<Option<TaskView>>, Malformed> {
    listed.tasks.into_iter().map(Option::<TaskView>::try_from).collect()
}
