//! The simulated master: the host's loop and its contender, with threads, clocks and the network
//! taken out.

use crate::alarm::Alarm;
use crate::client::Answered;
use crate::clock::MachineClock;
use crate::lookups::{Enquiries, Enquiry};
use crate::wire::{Connection, MasterEvent};
use windlass_core::calls::CallerId;
use windlass_core::ledger::{Applied, Batch, Entry, Ledger};
use windlass_core::logclock::LogClock;
use windlass_core::lookups::{LookupAnswer, LookupError, LookupEvent};
use windlass_core::random::SplitMix64;
use windlass_core::reign::{
    Contender, ContenderEffect, ContenderEvent, Found, MasterId, Next, Reign, RequestNumber,
    Revision,
};
use windlass_core::scheduler::{Effect, Event, Scheduler, SessionId};
use windlass_core::session::{AssignRun, ToMaster, ToWorker};
use windlass_core::tokens::Tokens;
use windlass_core::writer::{Answer, Then, Writer};
use windlass_core::{Epoch, JobId, LogTime, Seq, Tick, WorkerName};
use windlass_journal::{Engine, Head, Record, Room, Snapshots};
use windlass_master::MasterError;
use windlass_master::recovery::{Replay, compare, draw_u128, opening};
use windlass_master::snapshots::Written;

/// A master's machine.
pub(crate) struct SimMaster {
    pub(crate) clock: MachineClock,
    /// Number of its starts.
    pub(crate) life: u64,
    pub(crate) process: Option<Process>,
    pub(crate) paused_until: Tick,
    pub(crate) hung_until: Tick,
    pub(crate) turns: Alarm,
    pub(crate) contends: Alarm,
    /// When the newest swap was sent that the engine has made.
    pub(crate) renewed_at: Tick,
}

/// A running master.
pub(crate) struct Process {
    pub(crate) id: MasterId,
    /// What it has applied.
    pub(crate) replay: Replay,
    /// Behind which record its state in memory was damaged, if it was.
    pub(crate) damaged_at: Option<Seq>,
    log_clock: LogClock,
    /// `None`: there is no other master.
    pub(crate) contender: Option<Contender>,
    reign: Reign,
    office: Option<Office>,
    random: SplitMix64,
    sending_count: u64,
}

/// What only a claiming or reigning master has.
struct Office {
    /// Marks are the client's steps.
    writer: Writer<Option<u64>>,
    in_flight: Option<(u64, Record, Room)>,
    /// From the moment that the claim is durable.
    scheduler: Option<Scheduler>,
    /// From then on, too.
    enquiries: Option<Enquiries>,
    /// What whoever shows a token is judged by, as the host shows it beside its loop.
    tokens: Tokens,
}

/// What a master reads: the log, and the snapshots beside it.
pub(crate) struct Shelf<'a> {
    pub(crate) log: &'a mut Engine,
    pub(crate) snapshots: &'a Snapshots,
}

/// The two clocks of a moment, as this machine shows them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) tick: Tick,
    pub(crate) wall: LogTime,
}

/// What a turn of a master asks of the world.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    pub(crate) sends: Vec<(SessionId, ToWorker)>,
    /// Tasks handed out, and who took attempts then.
    pub(crate) assigns: Vec<HandedOut>,
    pub(crate) closes: Vec<SessionId>,
    pub(crate) closes_all: bool,
    pub(crate) reads: Vec<RequestNumber>,
    pub(crate) swaps: Vec<(RequestNumber, Revision)>,
    /// What the contender tells the loop.
    pub(crate) orders: Vec<MasterEvent>,
    pub(crate) appends: Vec<(u64, Record, Room)>,
    /// States to be stored as snapshots.
    pub(crate) stores: Vec<(Head, Ledger)>,
    /// What the log need not hold any longer, by this reign's word.
    pub(crate) trims: Vec<(Seq, Epoch)>,
    /// What it felt of the faults.
    pub(crate) bites: Vec<&'static str>,
    pub(crate) resends_later: Option<u128>,
    pub(crate) answers: Vec<Answered>,
    /// What became of look-ups.
    pub(crate) looked: Vec<(CallerId, Result<LookupAnswer, LookupError>)>,
    /// It asks for its claim to be appended.
    pub(crate) claims: bool,
    /// A reign has begun.
    pub(crate) reigns: bool,
    /// Its state is not the one that was announced: it ends, as every host of a master does.
    pub(crate) halts: bool,
}

/// A worker that takes attempts.
#[derive(Debug)]
pub(crate) struct Taker {
    pub(crate) name: WorkerName,
    /// What it offers and has not withdrawn.
    pub(crate) operations: Vec<String>,
}

/// Tasks that a master hands out, and what its ledger says then.
#[derive(Debug)]
pub(crate) struct HandedOut {
    pub(crate) session: SessionId,
    pub(crate) runs: Vec<AssignRun>,
    /// Workers that take attempts: connected and not drained.
    pub(crate) takers: Vec<Taker>,
    /// Jobs of which nothing may be handed out.
    pub(crate) paused: Vec<JobId>,
}

impl Process {
    pub(crate) fn new(id: MasterId, solo: bool, moment: Moment, seed: u64) -> Process {
        Process {
            id,
            replay: Replay::default(),
            damaged_at: None,
            log_clock: LogClock::new(moment.tick, moment.wall),
            contender: (!solo).then(|| Contender::new(id, moment.tick)),
            reign: Reign::Standby,
            office: None,
            random: SplitMix64::new(seed),
            sending_count: 0,
        }
    }

    /// Its epoch, while it reigns.
    pub(crate) fn epoch(&self) -> Option<Epoch> {
        match self.reign {
            Reign::Primary(epoch) => Some(epoch),
            _ => None,
        }
    }

    /// The tokens that it lets in, while it reigns.
    pub(crate) fn tokens(&self) -> Option<&Tokens> {
        self.office.as_ref().filter(|office| office.scheduler.is_some()).map(|it| &it.tokens)
    }

    pub(crate) fn scheduler(&self) -> Option<&Scheduler> {
        self.office.as_ref()?.scheduler.as_ref()
    }

    /// A bit of what a standby has applied flips in memory; `false` where it does not follow.
    pub(crate) fn damage(&mut self) -> bool {
        let follows = self.contender.is_some() && self.reign == Reign::Standby;
        let cluster = self.replay.ledger.cluster.filter(|_| follows && self.damaged_at.is_none());
        if let Some(cluster) = cluster {
            self.replay.ledger.cluster = Some(cluster ^ 1);
            self.damaged_at = Some(self.replay.head.seq);
        }
        cluster.is_some()
    }

    /// Something happens to the process; `log` while the engine can be read.
    pub(crate) fn on(
        &mut self,
        moment: Moment,
        event: MasterEvent,
        log: Option<Shelf<'_>>,
        turn: &mut Turn,
    ) -> Result<(), String> {
        if event.is_for_loop() {
            self.contend(moment, ContenderEvent::Turned, turn);
        }
        match event {
            MasterEvent::ContenderTicks(_) => self.contend(moment, ContenderEvent::Tick, turn),
            MasterEvent::CellAnswered(request, answer) => {
                self.contend(moment, ContenderEvent::Answered(request, answer), turn);
            }
            MasterEvent::Turns(_) => self.on_turn(moment, log, turn)?,
            MasterEvent::Won => self.claim(moment, turn),
            MasterEvent::Lost => self.step_down(turn),
            MasterEvent::Appended { id, sending, answer } => {
                self.on_appended(moment, id, sending, answer, log, turn)?;
            }
            MasterEvent::ResendDue(id) => self.resend(id, turn),
            MasterEvent::Stored(written) => self.on_stored(&written),
            MasterEvent::Heard(connection, message) => {
                if self.scheduler().is_some() {
                    self.on_heard(moment, connection, message, turn);
                } else {
                    turn.closes.push(connection.id);
                }
            }
            MasterEvent::Gone(Connection { id, .. })
            | MasterEvent::HeardGarbage(Connection { id, .. }) => {
                self.tell(moment, Event::Closed(id), turn);
                self.enquire(|enquiries, _| enquiries.on_lost(moment, id, turn));
            }
            // Whoever does not reign hears of none.
            MasterEvent::Enquired(Enquiry { caller, request }) => {
                let asked = LookupEvent::Asked(caller, request);
                self.enquire(|enquiries, _| enquiries.on(moment, asked, turn));
            }
            MasterEvent::Requested(step, entry) => match &mut self.office {
                Some(office) if office.scheduler.is_some() => {
                    office.writer.propose(entry, Some(step));
                }
                _ => turn.answers.push(Answered::elsewhere(step)),
            },
        }
        self.append_next(moment, turn);
        Ok(())
    }

    /// When the loop of a reigning master is to turn.
    pub(crate) fn next_deadline(&self) -> Option<Tick> {
        let office = self.office.as_ref()?;
        let scheduler = office.scheduler.as_ref().and_then(Scheduler::next_deadline);
        let lookups = office.enquiries.as_ref().and_then(Enquiries::next_deadline);
        scheduler.into_iter().chain(lookups).min()
    }

    fn enquire(&mut self, act: impl FnOnce(&mut Enquiries, &Ledger)) {
        if let Some(enquiries) = self.office.as_mut().and_then(|it| it.enquiries.as_mut()) {
            act(enquiries, &self.replay.ledger);
        }
    }

    fn on_heard(
        &mut self,
        moment: Moment,
        connection: Connection,
        message: ToMaster,
        turn: &mut Turn,
    ) {
        let session = connection.id;
        match &message {
            ToMaster::Hello(hello) => {
                self.enquire(|enquiries, ledger| enquiries.on_hello(ledger, session, hello));
            }
            // The scheduler is spared these.
            ToMaster::Found { .. } | ToMaster::Shelved { .. } => {
                let heard = (session, &message);
                return self.enquire(|enquiries, _| enquiries.on_heard(moment, heard, turn));
            }
            _ => {}
        }
        self.tell(moment, Event::Heard(session, message), turn);
    }

    /// Has a decision recorded for which nobody waits.
    pub(crate) fn propose(&mut self, entry: Entry) -> bool {
        let office = self.office.as_mut().filter(|office| office.scheduler.is_some());
        office.map(|office| office.writer.propose(entry, None)).is_some()
    }

    fn on_turn(
        &mut self,
        moment: Moment,
        log: Option<Shelf<'_>>,
        turn: &mut Turn,
    ) -> Result<(), String> {
        if self.reign == Reign::Standby {
            self.follow(log, turn)?;
            if turn.halts {
                return Ok(());
            }
            // The only master asks nobody; what it could not read yet shows as a fenced claim.
            if self.contender.is_none() {
                self.claim(moment, turn);
            }
        }
        self.log_clock.read(moment.tick, moment.wall);
        if self.log_clock.refused().is_some() {
            turn.bites.push("clock: a wall is not believed");
        }
        self.tell(moment, Event::Tick, turn);
        self.enquire(|enquiries, _| enquiries.on(moment, LookupEvent::Tick, turn));
        Ok(())
    }

    fn contend(&mut self, moment: Moment, event: ContenderEvent, turn: &mut Turn) {
        let Some(contender) = &mut self.contender else { return };
        let mut effects = Vec::new();
        contender.on(moment.tick, event, &mut effects);
        for effect in effects {
            match effect {
                ContenderEffect::Read(request) => turn.reads.push(request),
                ContenderEffect::Swap(request, expected) => turn.swaps.push((request, expected)),
                ContenderEffect::Won => turn.orders.push(MasterEvent::Won),
                ContenderEffect::Lost => turn.orders.push(MasterEvent::Lost),
            }
        }
    }

    fn follow(&mut self, log: Option<Shelf<'_>>, turn: &mut Turn) -> Result<(), String> {
        let Some(Shelf { log, snapshots }) = log else { return Ok(()) };
        let (behind, first) = (self.replay.head.seq, log.first());
        let notes = match self.replay.catch_up(log, snapshots) {
            Ok(notes) => notes,
            Err(MasterError::Diverged { .. }) => {
                turn.halts = true;
                return Ok(());
            }
            Err(error) => return Err(error.to_string()),
        };
        // Where it begins anew from a snapshot, it is sound again.
        if behind.next() < first {
            self.damaged_at = None;
        }
        match behind {
            Seq(0) if first > Seq(1) => turn.bites.push("snapshot: a start from one"),
            behind if behind.next() < first => {
                turn.bites.push("snapshot: a standby's next record was trimmed");
            }
            _ => {}
        }
        if !notes.is_empty() {
            turn.bites.push("snapshot: an older one is used");
        }
        self.log_clock.on_applied(self.replay.ledger.time);
        Ok(())
    }

    fn claim(&mut self, moment: Moment, turn: &mut Turn) {
        if self.reign != Reign::Standby {
            return;
        }
        // It has not renewed what it won: it waits like everybody.
        if self.contender.as_ref().is_some_and(|it| !it.may_claim(moment.tick)) {
            turn.bites.push("master: a victory is heard of too late");
            return self.contend(moment, ContenderEvent::SteppedDown, turn);
        }
        turn.claims = true;
        self.reign = Reign::claim(self.replay.head.seq, self.replay.head.epoch);
        let writer = opening(self.reign, &self.replay.ledger, "sim", &mut self.random);
        self.office = writer.map(|writer| Office {
            writer,
            in_flight: None,
            scheduler: None,
            enquiries: None,
            tokens: Tokens::default(),
        });
    }

    fn step_down(&mut self, turn: &mut Turn) {
        self.reign = Reign::Standby;
        self.office = None;
        turn.closes_all = true;
    }

    fn tell(&mut self, moment: Moment, event: Event<'_>, turn: &mut Turn) {
        let Some(office) = &mut self.office else { return };
        let Some(scheduler) = &mut office.scheduler else { return };
        if let Some(contender) = &self.contender {
            scheduler.set_dispatch_until(contender.dispatch_until().unwrap_or_default());
        }
        let mut effects = Vec::new();
        let before = (turn.sends.len(), turn.closes.len());
        scheduler.on(moment.tick, &self.replay.ledger, event, &mut effects);
        for effect in effects {
            match effect {
                Effect::Send(session, message) => {
                    if let ToWorker::Assign(runs) = &message {
                        let takers = takers(moment, scheduler, &self.replay.ledger);
                        let jobs = self.replay.ledger.jobs.values();
                        let paused = jobs.filter(|job| job.paused.is_some()).map(|job| job.id);
                        let (runs, paused) = (runs.clone(), paused.collect());
                        turn.assigns.push(HandedOut { session, runs, takers, paused });
                    }
                    turn.sends.push((session, message));
                }
                Effect::Close(session) => turn.closes.push(session),
                Effect::Propose(entry) => office.writer.propose(entry, None),
            }
        }
        if let Some(enquiries) = &mut office.enquiries {
            enquiries.on_scheduled(moment, before, turn);
        }
    }

    /// Has the newest state that is held stored.
    fn store(&mut self, turn: &mut Turn) {
        let Replay { ledger, marks, .. } = &mut self.replay;
        if let Some((seq, hash, state)) = marks.begin(ledger) {
            turn.stores.push((Head { seq, epoch: state.epoch, hash }, state));
        }
    }

    fn on_stored(&mut self, written: &Written) {
        let Written { snapshot, failed } = written;
        let Replay { ledger, marks, .. } = &mut self.replay;
        let announced = marks.on_written(ledger, *snapshot, failed.is_none());
        if let Some(entry) = announced {
            self.propose(entry);
        }
    }

    /// Sends the next record to the journal, if none is on its way.
    fn append_next(&mut self, moment: Moment, turn: &mut Turn) {
        let Some(office) = &mut self.office else { return };
        if office.in_flight.is_some() || office.writer.is_idle() {
            return;
        }
        let at = self.log_clock.read(moment.tick, moment.wall);
        let Some(draft) = office.writer.next(moment.tick, at) else { return };
        // Without a claim nobody could make room.
        let claims = matches!(self.reign, Reign::Claiming { .. });
        let room = if claims || draft.frees_room { Room::Reserve } else { Room::Ordinary };
        let id = draw_u128(&mut self.random);
        let record = self.replay.head.record(draft.epoch, id, draft.body);
        self.sending_count += 1;
        office.in_flight = Some((self.sending_count, record.clone(), room));
        turn.appends.push((self.sending_count, record, room));
    }

    fn resend(&mut self, id: u128, turn: &mut Turn) {
        let Some((sending, record, room)) =
            self.office.as_mut().and_then(|office| office.in_flight.as_mut())
        else {
            return;
        };
        if record.id == id {
            self.sending_count += 1;
            *sending = self.sending_count;
            turn.appends.push((*sending, record.clone(), *room));
        }
    }

    fn on_appended(
        &mut self,
        moment: Moment,
        id: u128,
        sending: u64,
        answer: Answer,
        log: Option<Shelf<'_>>,
        turn: &mut Turn,
    ) -> Result<(), String> {
        let Some(office) = &mut self.office else { return Ok(()) };
        let of_this = office.in_flight.as_ref().filter(|(_, record, _)| record.id == id);
        let Some((newest, ..)) = of_this else { return Ok(()) };
        // A later sending is on its way: that one's answer counts.
        if *newest != sending && matches!(answer, Answer::Unknown | Answer::Unavailable) {
            return Ok(());
        }
        match office.writer.on_answer(moment.tick, answer) {
            Then::Done => self.on_durable(moment, turn),
            Then::Refused => {
                turn.bites.push("engine: decisions wait again for room");
                office.in_flight = None;
                Ok(())
            }
            Then::Resend => {
                self.resend(id, turn);
                Ok(())
            }
            Then::ResendLater => {
                turn.resends_later = Some(id);
                Ok(())
            }
            Then::Fenced(found) => self.on_fenced(moment, found, log, turn),
        }
    }

    fn on_durable(&mut self, moment: Moment, turn: &mut Turn) -> Result<(), String> {
        let Some(office) = &mut self.office else { return Ok(()) };
        let Some((_, record, _)) = office.in_flight.take() else { return Ok(()) };
        self.replay.head = Head::of(&record);
        let (at, entries) = office.writer.on_durable();
        self.log_clock.on_applied(at);
        for (entry, mark) in entries {
            let mut applied = Vec::new();
            self.replay.ledger.apply(at, &entry, &mut applied);
            compare(&mut self.replay.marks, &applied).map_err(|error| error.to_string())?;
            let needless = self.replay.ledger.needless_until(&applied);
            turn.trims.extend(needless.map(|upto| (upto, record.epoch)));
            if applied.contains(&Applied::TokensChanged)
                && let Some(office) = &mut self.office
            {
                office.tokens = self.replay.ledger.tokens.clone();
            }
            self.tell(moment, Event::Applied(&entry, &applied), turn);
            self.enquire(|enquiries, ledger| {
                enquiries.on_applied(moment, ledger, (&entry, &applied), turn);
            });
            turn.answers
                .extend(mark.map(|step| Answered::of(step, &entry, &applied, &self.replay.ledger)));
        }
        let Replay { ledger, head, marks, points, .. } = &mut self.replay;
        if points.on_record(record.body.len(), ledger) {
            marks.hold(head.seq, head.hash, ledger);
            self.store(turn);
        }
        if let Reign::Claiming { .. } = self.reign {
            self.reign = self.reign.on_durable();
            // The reign before may have ended before it had announced its last snapshot.
            self.store(turn);
            let seed = self.random.next_u64();
            if let Some(office) = &mut self.office {
                office.scheduler = Some(Scheduler::new(moment.tick, &self.replay.ledger, seed));
                office.enquiries = Some(Enquiries::new(moment.tick, &self.replay.ledger));
                office.tokens = self.replay.ledger.tokens.clone();
            }
            turn.reigns = true;
            self.tell(moment, Event::Tick, turn);
        }
        Ok(())
    }

    fn on_fenced(
        &mut self,
        moment: Moment,
        found: Found,
        log: Option<Shelf<'_>>,
        turn: &mut Turn,
    ) -> Result<(), String> {
        let before = self.reign;
        let (reign, next) = self.reign.on_fenced(found);
        if reign == Reign::Deposed {
            turn.bites.push("master: a zombie is fenced");
        }
        if self.contender.is_none() && reign == Reign::Deposed {
            return Err("the only master was deposed".to_owned());
        }
        match next {
            Next::Done => {
                self.reign = reign;
                return self.on_durable(moment, turn);
            }
            Next::ClaimAgain => {
                let Reign::Claiming { epoch, .. } = before else { return Ok(()) };
                self.reign = Reign::Standby;
                self.office = None;
                self.follow(log, turn)?;
                if turn.halts {
                    return Ok(());
                }
                if Reign::claim_again(epoch, self.replay.head.seq, self.replay.head.epoch)
                    != Reign::Standby
                {
                    self.claim(moment, turn);
                    return Ok(());
                }
            }
            Next::Follow => {}
        }
        self.step_down(turn);
        self.contend(moment, ContenderEvent::SteppedDown, turn);
        Ok(())
    }
}

/// Who takes attempts.
fn takers(moment: Moment, scheduler: &Scheduler, ledger: &Ledger) -> Vec<Taker> {
    let is_drained =
        |name: &WorkerName| ledger.workers.get(name).is_some_and(|worker| worker.draining);
    let views = scheduler.workers(moment.tick, ledger).into_iter().map(|(_, view)| view);
    let views = views.filter(|view| !is_drained(&view.name));
    let takers = views.map(|view| {
        let is_gone = |name: &String| view.withdrawn.iter().any(|gone| gone.operation == *name);
        let offered = view.offers.iter().map(|offer| offer.operation.clone());
        Taker { operations: offered.filter(|name| !is_gone(name)).collect(), name: view.name }
    });
    takers.collect()
}

/// What an entry of the log decides, for those who look on.
pub(crate) fn entries_of(record: &Record) -> Result<Batch, String> {
    Batch::decode(&record.body).map_err(|error| error.to_string())
}

/// Whether something was refused only.
pub(crate) fn is_refused(applied: &[Applied]) -> bool {
    applied.iter().all(|done| matches!(done, Applied::Refused(_)))
}
