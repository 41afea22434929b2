//! The simulated master process: the host's loop with the threads taken out.

use crate::oracle::Oracle;
use std::collections::BTreeMap;
use windlass_core::ledger::{Applied, Entry, Ledger};
use windlass_core::random::SplitMix64;
use windlass_core::scheduler::{Effect, Event, Scheduler, SessionId};
use windlass_core::session::ToWorker;
use windlass_core::writer::Writer;
use windlass_core::{LogTime, Tick};
use windlass_journal::{AppendError, Engine, Head, Memory, Record};
use windlass_master::recovery::{claim, draw_u128, replay};

/// Who waits for a proposal's answer: the client's step, by number.
pub(crate) type Mark = Option<u64>;

/// A running master.
pub(crate) struct Primary {
    /// Number of this start of the process.
    pub(crate) life: u64,
    pub(crate) ledger: Ledger,
    scheduler: Scheduler,
    writer: Writer<Mark>,
    engine: Engine,
    head: Head,
    in_flight: Option<Record>,
    random: SplitMix64,
}

/// What a turn of the master asks of the world.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    pub(crate) sends: Vec<(SessionId, ToWorker)>,
    pub(crate) closes: Vec<SessionId>,
    /// Whether a record went on its way to the journal.
    pub(crate) appending: bool,
    /// Client steps that were answered, with what they did.
    pub(crate) answers: BTreeMap<u64, Vec<Applied>>,
}

impl Primary {
    /// Replays, claims, begins to serve.
    pub(crate) fn start(
        life: u64,
        log: &Memory,
        now: Tick,
        seed: u64,
        oracle: &mut Oracle,
    ) -> Result<Primary, String> {
        let mut engine = Engine::Memory(log.clone());
        let mut random = SplitMix64::new(seed);
        let (mut ledger, head) = replay(&mut engine).map_err(|error| error.to_string())?;
        let head = claim(&mut engine, &mut ledger, head, "sim", wall(now), &mut random)
            .map_err(|error| error.to_string())?;
        oracle.on_reign(&ledger)?;
        Ok(Primary {
            life,
            scheduler: Scheduler::new(now, &ledger, random.next_u64()),
            writer: Writer::new(ledger.epoch, head.seq, ledger.time),
            ledger,
            engine,
            head,
            in_flight: None,
            random,
        })
    }

    pub(crate) fn next_deadline(&self) -> Option<Tick> {
        self.scheduler.next_deadline()
    }

    pub(crate) fn propose(&mut self, entry: Entry, step: u64) {
        self.writer.propose(entry, Some(step));
    }

    /// One event of the scheduler.
    pub(crate) fn tell(&mut self, now: Tick, event: Event<'_>, turn: &mut Turn) {
        let mut effects = Vec::new();
        self.scheduler.on(now, &self.ledger, event, &mut effects);
        for effect in effects {
            match effect {
                Effect::Send(session, message) => turn.sends.push((session, message)),
                Effect::Close(session) => turn.closes.push(session),
                Effect::Propose(entry) => self.writer.propose(entry, None),
            }
        }
    }

    /// Sends the next record to the journal, if none is on its way.
    pub(crate) fn append_next(&mut self, now: Tick, turn: &mut Turn) {
        let Some(draft) = self.writer.next(wall(now)) else { return };
        let id = draw_u128(&mut self.random);
        self.in_flight = Some(self.head.record(draft.epoch, id, draft.body));
        turn.appending = true;
    }

    /// The journal takes the record in flight; what it decided is applied and told.
    pub(crate) fn on_append(
        &mut self,
        now: Tick,
        oracle: &mut Oracle,
        turn: &mut Turn,
    ) -> Result<(), String> {
        let Some(record) = self.in_flight.take() else { return Ok(()) };
        match self.engine.append(&record) {
            Ok(_) => {}
            Err(AppendError::Unknown(_) | AppendError::Unavailable(_)) => {
                // The identical record again; the engine tells whether it was there.
                self.in_flight = Some(record);
                turn.appending = true;
                return Ok(());
            }
            Err(AppendError::Fenced { .. }) => {
                let there = self.engine.record_at(record.seq).map_err(|e| e.to_string())?;
                if there.map(|there| there.id) != Some(record.id) {
                    return Err("the only master was fenced".to_owned());
                }
            }
            Err(error) => return Err(error.to_string()),
        }
        self.head = Head::of(&record);
        let (at, entries) = self.writer.on_durable();
        for (entry, mark) in entries {
            let mut applied = Vec::new();
            self.ledger.apply(at, &entry, &mut applied);
            oracle.on_applied(&entry, &applied)?;
            self.tell(now, Event::Applied(&entry, &applied), turn);
            if let Some(step) = mark {
                turn.answers.insert(step, applied);
            }
        }
        Ok(())
    }

    /// What a reader of the journal would build is what this master has built.
    pub(crate) fn check_replay(&mut self) -> Result<(), String> {
        let (replayed, _) = replay(&mut self.engine).map_err(|error| error.to_string())?;
        if replayed == self.ledger { Ok(()) } else { Err("the replay differs".to_owned()) }
    }
}

fn wall(now: Tick) -> LogTime {
    LogTime(now.0 / 1_000)
}
