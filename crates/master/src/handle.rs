//! What others hold of a running master.

use crate::collector::Clocks;
use crate::error::MasterError;
use crate::inbox::{Gone, Inbox, Question, Reply};
use crate::switchboard::Switchboard;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use windlass_core::balance::Strategy;
use windlass_core::collection::SweepBatch;
use windlass_core::ledger::{
    Applied, ChunkRef, Entry, IndexRange, JobSpec, Refusal, RootCursor, RootPage, Settings,
    StoredChunk,
};
use windlass_core::scheduler::SessionId;
use windlass_core::session::{ToMaster, ToWorker};
use windlass_core::tokens::Tokens;
use windlass_core::view::{ClusterView, CollectionView, JobView, MetersView, Notice, TaskView};
use windlass_core::{Epoch, JobId, LogTime, PhaseId, RequestId, TaskId, TaskIndex};

/// Records that a watcher may be behind before it is let go.
const WATCHER_RECORD_COUNT_MAX: usize = 1 << 12;

/// A cheap reference to a running master.
#[derive(Clone)]
pub struct Handle {
    pub(crate) inbox: SyncSender<Inbox>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) switchboard: Arc<Switchboard>,
}

/// What the handles and the loop share beside the channel.
#[derive(Default)]
pub(crate) struct Shared {
    session_count: AtomicU64,
    pub(crate) caller_count: AtomicU64,
    /// Whether the journal waits for room on its disk.
    pub(crate) waits_for_room: AtomicBool,
    /// The tokens of the ledger.
    pub(crate) tokens: RwLock<Arc<Tokens>>,
    /// The clocks when somebody confirmed the wall.
    pub(crate) confirmed: Mutex<Option<Clocks>>,
    /// Why the loop ended.
    pub(crate) ended: Mutex<Option<MasterError>>,
}

/// A worker's side of a connection inside this process.
pub struct Session {
    id: SessionId,
    inbox: SyncSender<Inbox>,
    switchboard: Arc<Switchboard>,
}

/// Why the master does not take a message.
#[derive(Debug)]
pub enum Unsent {
    /// It has more to do than it can take: say it again, soon.
    Busy(ToMaster),
    /// It has ended.
    Ended,
}

impl Handle {
    pub(crate) fn new(
        inbox: SyncSender<Inbox>,
        shared: Arc<Shared>,
        switchboard: Arc<Switchboard>,
    ) -> Handle {
        Handle { inbox, shared, switchboard }
    }

    /// Makes a job, or finds the one that the same request made; `true`: it is new.
    ///
    /// # Errors
    /// A graph out of order, texts too long, or the master has ended.
    pub fn submit(&self, request: RequestId, spec: JobSpec) -> Result<(JobId, bool), MasterError> {
        if spec.is_too_large() {
            return Err(MasterError::Refused(Refusal::TooLarge));
        }
        let applied = self.decide(Entry::JobSubmitted { request, spec })?;
        let made = applied.iter().find_map(|done| match done {
            Applied::JobSubmitted { job, fresh } => Some((*job, *fresh)),
            _ => None,
        });
        made.ok_or_else(|| self.ended())
    }

    /// Adds a phase's next tasks.
    ///
    /// # Errors
    /// They are not its next ones, it is sealed, its job has ended, or the master has.
    pub fn add_tasks(
        &self,
        phase: PhaseId,
        first: TaskIndex,
        count: u32,
        chunk: ChunkRef,
    ) -> Result<(), MasterError> {
        self.decide(Entry::TasksAdded { phase, first, count, chunk }).map(drop)
    }

    /// Says that a phase gets no more tasks.
    ///
    /// # Errors
    /// It is sealed already, its job has ended, or the master has.
    pub fn seal(&self, phase: PhaseId) -> Result<(), MasterError> {
        self.decide(Entry::PhaseSealed { phase }).map(drop)
    }

    /// Opens failed tasks again, as their next round, and what builds on them with them; answers
    /// how many failed ones.
    ///
    /// # Errors
    /// The job was cancelled, or the master has ended.
    pub fn reopen(
        &self,
        phase: PhaseId,
        tasks: Vec<IndexRange>,
        why: &str,
    ) -> Result<usize, MasterError> {
        let applied = self.decide(Entry::TasksReopened { phase, tasks, why: why.to_owned() })?;
        let reopened = |done: &&Applied| match done {
            Applied::TaskReopened { task, .. } => task.phase_id() == phase,
            _ => false,
        };
        Ok(applied.iter().filter(reopened).count())
    }

    /// Ends a job without its open tasks.
    ///
    /// # Errors
    /// It has ended already, or the master has.
    pub fn cancel(&self, job: JobId, why: &str) -> Result<(), MasterError> {
        self.decide(Entry::JobCancelled { job, why: why.to_owned() }).map(drop)
    }

    /// The cluster's id, and the reign of this master.
    ///
    /// # Errors
    /// The master has ended.
    pub fn reign(&self) -> Result<(u128, Epoch), MasterError> {
        self.ask(Question::Reign)
    }

    /// What it counts.
    ///
    /// # Errors
    /// The master has ended.
    pub fn meters(&self) -> Result<MetersView, MasterError> {
        self.ask(Question::Meters)
    }

    /// All jobs, oldest first.
    ///
    /// # Errors
    /// The master has ended.
    pub fn jobs(&self) -> Result<Vec<JobView>, MasterError> {
        self.ask(Question::Jobs)
    }

    /// One job.
    ///
    /// # Errors
    /// The master has ended.
    pub fn job(&self, id: JobId) -> Result<Option<JobView>, MasterError> {
        self.ask(|reply| Question::Job(id, reply))
    }

    /// Where the inputs of a phase are.
    ///
    /// # Errors
    /// The master has ended.
    pub fn chunks(&self, phase: PhaseId) -> Result<Vec<StoredChunk>, MasterError> {
        self.ask(|reply| Question::Chunks(phase, reply))
    }

    /// The tasks of a phase from an index on, at most 4,096; empty at the end.
    ///
    /// # Errors
    /// The master has ended.
    pub fn tasks(&self, phase: PhaseId, from: TaskIndex) -> Result<Vec<TaskView>, MasterError> {
        self.ask(|reply| Question::Tasks { phase, from, reply })
    }

    /// These tasks, in this order; `None` for one that does not exist.
    ///
    /// # Errors
    /// The master has ended.
    pub fn task_views(&self, tasks: Vec<TaskId>) -> Result<Vec<Option<TaskView>>, MasterError> {
        self.ask(|reply| Question::TaskViews(tasks, reply))
    }

    /// Who is connected and who is not, what does not move and why.
    ///
    /// # Errors
    /// The master has ended.
    pub fn status(&self) -> Result<ClusterView, MasterError> {
        self.ask(Question::Cluster)
    }

    /// Whether the journal's disk is full: nothing is acknowledged until there is room again.
    #[must_use]
    pub fn waits_for_room(&self) -> bool {
        self.shared.waits_for_room.load(Ordering::Relaxed)
    }

    /// The limits that can be changed, as they are.
    ///
    /// # Errors
    /// The master has ended.
    pub fn settings(&self) -> Result<Settings, MasterError> {
        self.ask(Question::Settings)
    }

    /// Changes a limit.
    ///
    /// # Errors
    /// No such setting, a value out of bounds, or the master has ended.
    pub fn set(&self, name: &str, value: u64) -> Result<(), MasterError> {
        self.decide(Entry::SettingChanged { name: name.to_owned(), value }).map(drop)
    }

    /// Has the state of now written and announced, so that the log before the snapshot before it
    /// is removed.
    ///
    /// # Errors
    /// It cannot be written, or the master has ended.
    pub fn snapshot(&self) -> Result<(), MasterError> {
        self.ask(Question::Snapshot)?.map_err(MasterError::Snapshot)
    }

    /// Whether a collection is due at this time of the wall, and what it needs to know.
    pub(crate) fn collection(&self, now: LogTime) -> Result<CollectionView, MasterError> {
        self.ask(|reply| Question::Collection(now, reply))
    }

    /// Some of what kept jobs refer to in the blob store.
    pub(crate) fn roots(&self, from: RootCursor) -> Result<RootPage, MasterError> {
        self.ask(|reply| Question::Roots(from, reply))
    }

    /// Records a batch of a collection; only what this answers may be swept.
    pub(crate) fn begin_sweep(&self, entry: Entry) -> Result<SweepBatch, MasterError> {
        let begun = self.decide(entry)?.into_iter().find_map(|done| match done {
            Applied::SweepBegun(batch) => Some(batch),
            _ => None,
        });
        begun.ok_or_else(|| self.ended())
    }

    /// Everything that happens from now on, what a record did at a time. A receiver that falls far
    /// behind is disconnected: watch again and read the tasks anew.
    ///
    /// # Errors
    /// The master has ended.
    pub fn watch(&self) -> Result<Receiver<Vec<Notice>>, MasterError> {
        let (sender, receiver) = sync_channel(WATCHER_RECORD_COUNT_MAX);
        self.watch_with(move |notices| match notices {
            [] => Ok(()),
            _ => sender.try_send(notices.to_vec()).map_err(|_| Gone),
        })?;
        Ok(receiver)
    }

    /// The same for `tell`, which must not block, until it answers that nobody listens: with
    /// nothing to tell it is only asked that.
    ///
    /// # Errors
    /// The master has ended.
    pub fn watch_with(
        &self,
        tell: impl Fn(&[Notice]) -> Result<(), Gone> + Send + 'static,
    ) -> Result<(), MasterError> {
        self.send(Inbox::Ask(Question::Watch(Box::new(tell))))
    }

    /// Connects a worker of this process; what the master says goes to `deliver`, which must not
    /// block.
    ///
    /// # Errors
    /// The master has ended.
    pub fn connect(
        &self,
        deliver: impl Fn(ToWorker) -> Result<(), Gone> + Send + Sync + 'static,
    ) -> Result<Session, MasterError> {
        self.connect_from("the master's process", deliver)
    }

    /// Connects a worker that is at a place, which is for people.
    ///
    /// # Errors
    /// The master has ended.
    pub fn connect_from(
        &self,
        place: &str,
        deliver: impl Fn(ToWorker) -> Result<(), Gone> + Send + Sync + 'static,
    ) -> Result<Session, MasterError> {
        let id = SessionId(self.shared.session_count.fetch_add(1, Ordering::Relaxed));
        self.send(Inbox::Connected(id, Arc::new(deliver), place.to_owned()))?;
        let switchboard = Arc::clone(&self.switchboard);
        Ok(Session { id, inbox: self.inbox.clone(), switchboard })
    }

    /// How the workers for an operation are chosen from now on.
    ///
    /// # Errors
    /// Too many operations have a strategy of their own, or the master has ended.
    pub fn set_strategy(&self, operation: &str, strategy: Strategy) -> Result<(), MasterError> {
        let set = self.switchboard.set_strategy(operation, strategy);
        set.ok_or_else(|| self.ended())?.map_err(MasterError::Strategy)
    }

    /// Ends the master after what is in flight.
    pub fn stop(&self) {
        let _ = self.inbox.send(Inbox::Stop);
    }

    pub(crate) fn decide(&self, entry: Entry) -> Result<Vec<Applied>, MasterError> {
        // The journal takes no such record, and a master that cannot write it ends.
        if entry.is_too_large() {
            return Err(MasterError::Refused(Refusal::TooLarge));
        }
        self.decided(|reply| Inbox::Decide(entry, reply))
    }

    /// Asks for something that is answered by what it did.
    pub(crate) fn decided(
        &self,
        message: impl FnOnce(Reply<Vec<Applied>>) -> Inbox,
    ) -> Result<Vec<Applied>, MasterError> {
        let (reply, answer) = sync_channel(1);
        self.send(message(reply))?;
        let applied = answer.recv().map_err(|_| self.ended())?;
        match applied.iter().find_map(refusal) {
            Some(refusal) => Err(MasterError::Refused(refusal)),
            None => Ok(applied),
        }
    }

    pub(crate) fn ask<T>(
        &self,
        question: impl FnOnce(Reply<T>) -> Question,
    ) -> Result<T, MasterError> {
        let (reply, answer) = sync_channel(1);
        self.send(Inbox::Ask(question(reply)))?;
        answer.recv().map_err(|_| self.ended())
    }

    pub(crate) fn send(&self, message: Inbox) -> Result<(), MasterError> {
        self.inbox.send(message).map_err(|_| self.ended())
    }

    pub(crate) fn ended(&self) -> MasterError {
        let ended = self.shared.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.clone().unwrap_or_else(|| MasterError::Ended("it was stopped".to_owned()))
    }
}

impl Session {
    /// Says something to the master.
    ///
    /// # Errors
    /// The master has ended.
    pub fn send(&self, message: ToMaster) -> Result<(), Gone> {
        let Some(message) = self.switchboard.answer(self.id, message) else { return Ok(()) };
        self.inbox.send(Inbox::Heard(self.id, message)).map_err(|_| Gone)
    }

    /// Says something if the master can take it at once.
    ///
    /// # Errors
    /// It cannot, and here is the message; or the master has ended.
    pub fn try_send(&self, message: ToMaster) -> Result<(), Unsent> {
        let Some(message) = self.switchboard.answer(self.id, message) else { return Ok(()) };
        match self.inbox.try_send(Inbox::Heard(self.id, message)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(Inbox::Heard(_, message))) => Err(Unsent::Busy(message)),
            Err(_) => Err(Unsent::Ended),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.inbox.send(Inbox::Closed(self.id));
    }
}

fn refusal(done: &Applied) -> Option<Refusal> {
    match done {
        Applied::Refused(refusal) => Some(*refusal),
        _ => None,
    }
}
