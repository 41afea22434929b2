//! The loop: one thread that owns the ledger and the scheduler, one beside it that appends.

use crate::clock;
use crate::error::MasterError;
use crate::handle::{Handle, Shared};
use crate::inbox::{Deliver, Inbox, Question, Reply};
use crate::recovery::{claim, draw_u128, found, replay};
use crate::view::{JobView, Notice, TaskView, WorkerView};
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use windlass_core::ledger::{Applied, Ledger};
use windlass_core::limits::CHUNK_TASK_COUNT_MAX;
use windlass_core::random::SplitMix64;
use windlass_core::reign::{Found, Next, Reign};
use windlass_core::scheduler::{Effect, Event, Scheduler, SessionId};
use windlass_core::writer::Writer;
use windlass_core::{PhaseId, TaskId, TaskIndex};
use windlass_journal::{AppendError, Engine, Head, Record};

/// Messages that may wait for the loop.
const INBOX_MESSAGE_COUNT_MAX: usize = 4_096;
/// Pause before a full disk is tried again.
const DISK_FULL_PAUSE: Duration = Duration::from_secs(1);
/// Longest sleep of the loop.
const TURN_MAX: Duration = Duration::from_secs(1);

/// What a master needs to start.
pub struct Options {
    /// Its journal.
    pub journal: Engine,
    /// Who claims, for people.
    pub holder: String,
    /// Where its randomness comes from.
    pub seed: u64,
}

/// A running master.
pub struct Master {
    handle: Handle,
    turning: JoinHandle<()>,
}

impl Master {
    /// Replays the journal, claims the cluster and begins to serve.
    ///
    /// # Errors
    /// A journal that cannot be read or written.
    pub fn start(options: Options) -> Result<Master, MasterError> {
        let Options { mut journal, holder, seed } = options;
        let mut random = SplitMix64::new(seed);
        let (mut ledger, head) = replay(&mut journal)?;
        let head = claim(&mut journal, &mut ledger, head, &holder, clock::wall(), &mut random)?;
        let (inbox, messages) = sync_channel(INBOX_MESSAGE_COUNT_MAX);
        let shared = Arc::new(Shared::default());
        let handle = Handle::new(inbox.clone(), Arc::clone(&shared));
        let (records, to_append) = sync_channel(1);
        let appending = thread::spawn(move || append_all(journal, &to_append, &inbox));
        let turning = thread::spawn(move || {
            let ended = Loop::new(ledger, head, random, records).run(&messages);
            if let Err(error) = ended {
                *shared.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
            // Whoever waits for an answer must not see the channel open any longer.
            drop(messages);
            let _ = appending.join();
        });
        Ok(Master { handle, turning })
    }

    /// A reference to it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Ends it after what is in flight; the journal is closed when this returns.
    pub fn stop(self) {
        self.handle.stop();
        let _ = self.turning.join();
    }
}

/// Appends one record after the other and answers each.
fn append_all(mut journal: Engine, records: &Receiver<Record>, inbox: &SyncSender<Inbox>) {
    while let Ok(record) = records.recv() {
        let answer = loop {
            match journal.append(&record) {
                // The identical record again: the engine or `record_at` tells what became of it.
                Err(AppendError::Unknown(_)) => {}
                // A full disk: nobody is answered until it is freed.
                Err(AppendError::Unavailable(_)) => thread::sleep(DISK_FULL_PAUSE),
                Err(AppendError::Fenced { head }) => match found(&mut journal, &record) {
                    Ok(Found::Own) => break Ok(record.seq),
                    _ => break Err(AppendError::Fenced { head }),
                },
                answer => break answer,
            }
        };
        if inbox.send(Inbox::Appended(answer)).is_err() {
            return;
        }
    }
}

/// Everything that the loop's thread owns.
struct Loop {
    ledger: Ledger,
    scheduler: Scheduler,
    writer: Writer<Option<Reply<Vec<Applied>>>>,
    reign: Reign,
    head: Head,
    /// Hash of the record in flight.
    next_hash: u64,
    random: SplitMix64,
    records: SyncSender<Record>,
    sessions: BTreeMap<SessionId, Deliver>,
    watchers: Vec<SyncSender<Vec<Notice>>>,
    effects: Vec<Effect>,
    stopping: bool,
}

impl Loop {
    fn new(
        ledger: Ledger,
        head: Head,
        mut random: SplitMix64,
        records: SyncSender<Record>,
    ) -> Loop {
        let scheduler = Scheduler::new(clock::tick(), &ledger, random.next_u64());
        Loop {
            writer: Writer::new(ledger.epoch, head.seq, ledger.time),
            reign: Reign::Primary(ledger.epoch),
            scheduler,
            ledger,
            head,
            next_hash: 0,
            random,
            records,
            sessions: BTreeMap::new(),
            watchers: Vec::new(),
            effects: Vec::new(),
            stopping: false,
        }
    }

    fn run(mut self, messages: &Receiver<Inbox>) -> Result<(), MasterError> {
        while !(self.stopping && self.writer.is_idle()) {
            match messages.recv_timeout(self.sleep()) {
                Ok(message) => self.on_message(message)?,
                Err(RecvTimeoutError::Timeout) => self.tell_scheduler(Event::Tick),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            // Whatever has arrived meanwhile goes into the same record.
            while let Ok(message) = messages.try_recv() {
                self.on_message(message)?;
            }
            self.append_next();
        }
        Ok(())
    }

    fn sleep(&self) -> Duration {
        let deadline = self.scheduler.next_deadline();
        let wait = deadline.map(|at| Duration::from_micros(at.0.saturating_sub(clock::tick().0)));
        wait.unwrap_or(TURN_MAX).min(TURN_MAX)
    }

    fn on_message(&mut self, message: Inbox) -> Result<(), MasterError> {
        match message {
            Inbox::Decide(entry, reply) => self.writer.propose(entry, Some(reply)),
            Inbox::Ask(question) => self.answer(question),
            Inbox::Connected(session, deliver) => {
                self.sessions.insert(session, deliver);
            }
            Inbox::Heard(session, message) => {
                if self.sessions.contains_key(&session) {
                    self.tell_scheduler(Event::Heard(session, message));
                }
            }
            Inbox::Closed(session) => {
                if self.sessions.remove(&session).is_some() {
                    self.tell_scheduler(Event::Closed(session));
                }
            }
            Inbox::Appended(answer) => self.on_appended(answer)?,
            Inbox::Stop => self.stopping = true,
        }
        Ok(())
    }

    fn tell_scheduler(&mut self, event: Event<'_>) {
        let mut effects = std::mem::take(&mut self.effects);
        let mut gone = Vec::new();
        self.scheduler.on(clock::tick(), &self.ledger, event, &mut effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Send(session, message) => {
                    // A peer that does not keep up is dropped, never waited for.
                    let deliver = self.sessions.get(&session);
                    if deliver.is_some_and(|deliver| deliver(message).is_err()) {
                        self.sessions.remove(&session);
                        gone.push(session);
                    }
                }
                Effect::Close(session) => drop(self.sessions.remove(&session)),
                Effect::Propose(entry) => self.writer.propose(entry, None),
            }
        }
        self.effects = effects;
        for session in gone {
            self.tell_scheduler(Event::Closed(session));
        }
    }

    fn append_next(&mut self) {
        let Some(draft) = self.writer.next(clock::wall()) else { return };
        let record = Record {
            seq: draft.seq,
            epoch: draft.epoch,
            id: draw_u128(&mut self.random),
            prev_hash: self.head.hash,
            body: draft.body,
        };
        self.next_hash = record.hash();
        // The channel holds one record and one is in flight at most; a failed send shows in `recv`.
        let _ = self.records.send(record);
    }

    fn on_appended(
        &mut self,
        answer: Result<windlass_core::Seq, AppendError>,
    ) -> Result<(), MasterError> {
        let seq = match answer {
            Ok(seq) => seq,
            Err(AppendError::Fenced { .. }) => {
                let (reign, next) = self.reign.on_fenced(Found::Claim);
                self.reign = reign;
                assert_eq!(next, Next::Follow, "a fenced primary follows");
                return Err(MasterError::Deposed);
            }
            Err(error) => return Err(MasterError::Journal(error.to_string())),
        };
        self.head = Head { seq, epoch: self.ledger.epoch, hash: self.next_hash };
        let (at, entries) = self.writer.on_durable();
        let mut applied = Vec::new();
        let mut notices = Vec::new();
        for (entry, reply) in entries {
            applied.clear();
            self.ledger.apply(at, &entry, &mut applied);
            notices.extend(applied.iter().filter_map(Notice::of));
            self.tell_scheduler(Event::Applied(&entry, &applied));
            if let Some(reply) = reply {
                let _ = reply.send(applied.clone());
            }
        }
        if !notices.is_empty() {
            self.watchers.retain(|watcher| match watcher.try_send(notices.clone()) {
                Ok(()) => true,
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
            });
        }
        Ok(())
    }

    /// Answers a question; whoever asked may be gone by now.
    fn answer(&mut self, question: Question) {
        match question {
            Question::Jobs(reply) => {
                let _ = reply.send(self.ledger.jobs.values().map(|job| JobView::of(job)).collect());
            }
            Question::Job(id, reply) => {
                let _ = reply.send(self.ledger.jobs.get(&id).map(|job| JobView::of(job)));
            }
            Question::Chunks(phase, reply) => {
                let phase = self.ledger.phase(phase);
                let _ = reply.send(phase.map(|phase| phase.chunks.clone()).unwrap_or_default());
            }
            Question::Tasks { phase, from, reply } => {
                let _ = reply.send(self.tasks(phase, from));
            }
            Question::TaskViews(tasks, reply) => {
                let view = |task: &TaskId| {
                    let phase = self.ledger.phase(task.phase_id())?;
                    TaskView::of(phase, task.index)
                };
                let _ = reply.send(tasks.iter().map(view).collect());
            }
            Question::Workers(reply) => {
                let _ = reply.send(self.workers());
            }
            Question::Unserved(reply) => {
                let _ = reply.send(self.scheduler.unserved(&self.ledger));
            }
            Question::Watch(watcher) => self.watchers.push(watcher),
        }
    }

    fn tasks(&self, phase: PhaseId, from: TaskIndex) -> Vec<TaskView> {
        let Some(phase) = self.ledger.phase(phase) else { return Vec::new() };
        (from.0..phase.tasks.len())
            .take(CHUNK_TASK_COUNT_MAX)
            .filter_map(|index| TaskView::of(phase, TaskIndex(index)))
            .collect()
    }

    fn workers(&self) -> Vec<WorkerView> {
        let running = self.scheduler.running();
        running
            .map(|(name, slots, running)| WorkerView {
                name: name.clone(),
                slots,
                running: running.to_vec(),
            })
            .collect()
    }
}
