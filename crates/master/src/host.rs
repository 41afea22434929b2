//! The loop: one thread that owns the ledger and the scheduler, one beside it that appends.

use crate::clock;
use crate::error::MasterError;
use crate::guests::Guests;
use crate::handle::{Handle, Shared};
use crate::inbox::{Deliver, Inbox, Reply};
use crate::journal::{self, ToJournal};
use crate::observer::Observer;
use crate::recovery::{Replay, Restored, compare, draw_u128, restore};
use crate::snapshots::{self, Written};
use crate::switchboard::{Ends, Switchboard};
use crate::tokens::show_tokens;
use crate::watchers::Watchers;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use windlass_core::ledger::{Applied, Entry, Ledger, Refusal, SnapshotMarks, SnapshotPoints};
use windlass_core::logclock::LogClock;
use windlass_core::random::SplitMix64;
use windlass_core::scheduler::{Effect, Event, Scheduler, SessionId};
use windlass_core::view::Notice;
use windlass_core::writer::{Answer, Then, Writer};
use windlass_core::{Seq, Tick};
use windlass_journal::{Engine, Head, Record, Room, Snapshots};

/// Messages that may wait for the loop.
const INBOX_MESSAGE_COUNT_MAX: usize = 4_096;
/// Orders that may wait for the journal: a record, and a trim or two.
const JOURNAL_ORDER_COUNT_MAX: usize = 4;
/// Longest sleep of the loop.
pub(crate) const TURN_MAX: Duration = Duration::from_secs(1);

/// What a master needs to start.
pub struct Options {
    /// Its journal.
    pub journal: Engine,
    /// Where its snapshots are kept, at least as durable as the journal.
    pub snapshots: Snapshots,
    /// Who claims, for people.
    pub holder: String,
    /// Where its randomness comes from.
    pub seed: u64,
}

/// A running master.
pub struct Master {
    handle: Handle,
    notes: Vec<String>,
    turning: JoinHandle<()>,
}

impl Master {
    /// Replays the journal, claims the cluster and begins to serve.
    ///
    /// # Errors
    /// A journal that cannot be read or written.
    pub fn start(options: Options) -> Result<Master, MasterError> {
        let Options { mut journal, snapshots, holder, seed } = options;
        let mut random = SplitMix64::new(seed);
        let Restored { mut replay, notes } = restore(&mut journal, &snapshots)?;
        replay.claim(&mut journal, &holder, clock::wall(), &mut random)?;
        let (inbox, messages) = sync_channel(INBOX_MESSAGE_COUNT_MAX);
        let shared = Arc::new(Shared::default());
        show_tokens(&shared, &replay.ledger);
        let switchboard = Switchboard::new(&replay.ledger, random.next_u64(), inbox.clone());
        let switchboard = Arc::new(switchboard);
        let handle = Handle::new(inbox.clone(), Arc::clone(&shared), Arc::clone(&switchboard));
        let (to_snapshots, writing) = snapshots::start(snapshots.clone(), inbox.clone());
        let (to_journal, asked) = sync_channel(JOURNAL_ORDER_COUNT_MAX);
        let appending = thread::spawn(move || journal::serve(journal, &snapshots, &asked, &inbox));
        let turning = thread::spawn(move || {
            let operated = Arc::clone(&switchboard);
            let operating = thread::spawn(move || operated.operate());
            let ending = Ends(Arc::clone(&switchboard));
            let shared_too = Arc::clone(&shared);
            let parts = Parts { random, to_journal, to_snapshots, shared: shared_too, switchboard };
            let mut turning = Loop::new(replay, parts);
            // Why it ended is known before whoever waits for an answer learns that none comes.
            if let Err(error) = turning.run(&messages) {
                *shared.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
            drop(turning);
            drop(ending);
            // Whoever waits for an answer must not see the channel open any longer.
            drop(messages);
            let _ = appending.join();
            let _ = writing.join();
            let _ = operating.join();
        });
        Ok(Master { handle, notes, turning })
    }

    /// What the user should know of the state although nothing is lost.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
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

/// Everything that the loop's thread owns.
pub(crate) struct Loop {
    pub(crate) ledger: Ledger,
    pub(crate) scheduler: Scheduler,
    pub(crate) guests: Guests,
    pub(crate) switchboard: Arc<Switchboard>,
    pub(crate) observer: Observer,
    pub(crate) writer: Writer<Option<Reply<Vec<Applied>>>>,
    pub(crate) clock: LogClock,
    pub(crate) head: Head,
    /// What room the record in flight may take.
    room: Room,
    /// The record in flight, while it waits to be sent again to a full disk.
    resends: Option<Record>,
    points: SnapshotPoints,
    pub(crate) marks: SnapshotMarks,
    /// Who waits for an announced snapshot of this record or a later one.
    pub(crate) snapshot_waiters: Vec<(Seq, Reply<Result<(), String>>)>,
    /// When the ended jobs are looked at next.
    pub(crate) forgets_at: Tick,
    random: SplitMix64,
    to_journal: SyncSender<ToJournal>,
    to_snapshots: SyncSender<snapshots::Request>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) sessions: BTreeMap<SessionId, Deliver>,
    /// Where the sessions come from, for people.
    pub(crate) places: BTreeMap<SessionId, String>,
    pub(crate) watchers: Watchers,
    pub(crate) effects: Vec<Effect>,
    stopping: bool,
}

/// What a loop is given beside the state that it goes on from.
struct Parts {
    random: SplitMix64,
    to_journal: SyncSender<ToJournal>,
    to_snapshots: SyncSender<snapshots::Request>,
    shared: Arc<Shared>,
    switchboard: Arc<Switchboard>,
}

impl Loop {
    fn new(replay: Replay, parts: Parts) -> Loop {
        let Replay { ledger, head, marks, points, .. } = replay;
        let Parts { mut random, to_journal, to_snapshots, shared, switchboard } = parts;
        let scheduler = Scheduler::new(clock::tick(), &ledger, random.next_u64());
        let mut starting = Loop {
            guests: Guests::default(),
            switchboard,
            observer: Observer::default(),
            writer: Writer::new(ledger.epoch, head.seq, ledger.time),
            clock: LogClock::new(clock::tick(), clock::wall()),
            scheduler,
            ledger,
            head,
            room: Room::Ordinary,
            resends: None,
            points,
            marks,
            snapshot_waiters: Vec::new(),
            forgets_at: clock::tick(),
            random,
            to_journal,
            to_snapshots,
            shared,
            sessions: BTreeMap::new(),
            places: BTreeMap::new(),
            watchers: Watchers::default(),
            effects: Vec::new(),
            stopping: false,
        };
        // The process before this one may have ended before it had announced its last snapshot.
        starting.write_snapshot();
        starting
    }

    fn run(&mut self, messages: &Receiver<Inbox>) -> Result<(), MasterError> {
        while !(self.stopping && self.may_end()) {
            match messages.recv_timeout(self.sleep()) {
                Ok(message) => self.on_message(message)?,
                Err(RecvTimeoutError::Timeout) => self.tell_scheduler(Event::Tick),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            self.take_waiting(messages)?;
            self.forget_due();
            self.append_next();
            self.log_stalls();
        }
        Ok(())
    }

    /// Whatever has arrived meanwhile goes into the same record.
    fn take_waiting(&mut self, messages: &Receiver<Inbox>) -> Result<(), MasterError> {
        // No more than this, so that the turn has an end.
        for message in messages.try_iter().take(INBOX_MESSAGE_COUNT_MAX) {
            self.on_message(message)?;
        }
        for session in self.switchboard.take_lost() {
            self.close(session);
        }
        Ok(())
    }

    /// What waits for room was never acknowledged: whoever asked for it asks again.
    fn may_end(&self) -> bool {
        self.writer.is_idle() || (self.writer.waits_for_room() && !self.writer.is_in_flight())
    }

    fn sleep(&self) -> Duration {
        let deadlines = [
            self.scheduler.next_deadline(),
            self.writer.next_deadline(),
            Some(self.switchboard.keep_time()),
        ];
        let deadline = deadlines.into_iter().flatten().min();
        let wait = deadline.map(|at| Duration::from_micros(at.0.saturating_sub(clock::tick().0)));
        wait.unwrap_or(TURN_MAX).min(TURN_MAX)
    }

    fn on_message(&mut self, message: Inbox) -> Result<(), MasterError> {
        match message {
            Inbox::Decide(entry, reply) if self.ledger.has_room_for(&entry) => {
                self.writer.propose(entry, Some(reply));
            }
            Inbox::Decide(_, reply) => {
                let _ = reply.send(vec![Applied::Refused(Refusal::TooLarge)]);
            }
            Inbox::Ask(question) => self.answer(question),
            Inbox::Connected(session, deliver, place) => {
                self.sessions.insert(session, deliver);
                self.places.insert(session, place);
            }
            Inbox::Heard(session, message) => {
                if self.sessions.contains_key(&session) {
                    self.on_heard(session, message);
                }
            }
            Inbox::Closed(session) => self.close(session),
            Inbox::ForgetWorker(name, reply) => self.forget_worker(name, reply),
            Inbox::ForgetDue(reply) => self.forget_due_for(reply),
            Inbox::ConfirmClock(reply) => self.confirm_clock(&reply),
            Inbox::Appended(record, answer) => self.on_appended(record, answer?)?,
            Inbox::SnapshotWritten(written) => self.on_snapshot(&written),
            Inbox::Wake => {}
            Inbox::Stop => self.stopping = true,
        }
        Ok(())
    }

    fn append_next(&mut self) {
        if self.writer.is_idle() {
            return;
        }
        let now = clock::tick();
        if self.writer.next_deadline().is_none_or(|at| at <= now)
            && let Some(record) = self.resends.take()
        {
            self.send(record);
        }
        let at = self.clock.read(now, clock::wall());
        let Some(draft) = self.writer.next(now, at) else { return };
        self.room = if draft.frees_room { Room::Reserve } else { Room::Ordinary };
        let id = draw_u128(&mut self.random);
        self.send(self.head.record(draft.epoch, id, draft.body));
    }

    fn send(&mut self, record: Record) {
        self.observer.on_sent(clock::tick());
        // One record is in flight at most; a failed send shows in `recv`.
        let _ = self.to_journal.send(ToJournal::Append(record, self.room));
    }

    fn on_appended(&mut self, record: Record, answer: Answer) -> Result<(), MasterError> {
        let then = self.writer.on_answer(clock::tick(), answer);
        let waits = self.writer.waits_for_room();
        self.shared.waits_for_room.store(waits, Ordering::Relaxed);
        match then {
            Then::Done => self.on_durable(&record),
            // Another record may not take its place; the engine tells what became of it.
            Then::Resend => {
                self.send(record);
                Ok(())
            }
            Then::ResendLater => {
                self.resends = Some(record);
                Ok(())
            }
            // Nobody is answered until there is room; whatever only reads goes on.
            Then::Refused => Ok(()),
            Then::Fenced(_) => Err(MasterError::Deposed),
        }
    }

    fn on_durable(&mut self, record: &Record) -> Result<(), MasterError> {
        self.head = Head::of(record);
        self.observer.on_durable(clock::tick());
        let (at, entries) = self.writer.on_durable();
        let waits = self.writer.waits_for_room();
        self.shared.waits_for_room.store(waits, Ordering::Relaxed);
        let mut applied = Vec::new();
        let mut notices = Vec::new();
        for (entry, reply) in entries {
            applied.clear();
            self.ledger.apply(at, &entry, &mut applied);
            compare(&mut self.marks, &applied)?;
            self.trim(&applied);
            self.on_kept(&applied);
            self.observer.on_applied(&self.ledger, &entry, &applied);
            self.on_tokens(&applied);
            self.on_sets(&applied);
            notices.extend(applied.iter().filter_map(Notice::of));
            self.tell_scheduler(Event::Applied(&entry, &applied));
            if let Entry::WorkerDrained { name, on } = &entry {
                for session in self.guests.drain(name, *on) {
                    self.switchboard.drain(session, *on);
                }
            }
            if let Some(reply) = reply {
                let _ = reply.send(applied.clone());
            }
        }
        if self.points.on_record(record.body.len(), &self.ledger) {
            self.marks.hold(self.head.seq, self.head.hash, &self.ledger);
            self.write_snapshot();
        }
        if !notices.is_empty() {
            self.watchers.tell(&notices);
        }
        Ok(())
    }

    /// Has the newest state that is held written beside the loop.
    pub(crate) fn write_snapshot(&mut self) {
        if let Some((seq, hash, ledger)) = self.marks.begin(&self.ledger) {
            let head = Head { seq, epoch: ledger.epoch, hash };
            let _ = self.to_snapshots.send(snapshots::Request { head, ledger });
        }
    }

    fn on_snapshot(&mut self, written: &Written) {
        let Written { snapshot, failed } = written;
        let announced = self.marks.on_written(&self.ledger, *snapshot, failed.is_none());
        if let Some(entry) = announced {
            self.writer.propose(entry, None);
        }
        if let Some(error) = failed {
            self.fail_snapshot_waiters(error);
        }
        // Somebody may wait for a later one than this.
        if !self.snapshot_waiters.is_empty() {
            self.write_snapshot();
        }
    }

    fn trim(&mut self, applied: &[Applied]) {
        if let Some(seq) = self.ledger.needless_until(applied) {
            // With a record in flight the channel may be full: the next announcement trims as well.
            let _ = self.to_journal.try_send(ToJournal::Trim(seq, self.ledger.epoch));
        }
    }
}
