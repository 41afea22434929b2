//! The engine that all masters share: one log with compare-and-swap on its head, one tenure cell,
//! and what goes wrong with both.

use crate::plan::HEALED_AT;
use crate::wire::MasterIndex;
use std::collections::BTreeMap;
use windlass_core::random::SplitMix64;
use windlass_core::reign::{CellAnswer, Found, MasterId, RequestNumber, Revision};
use windlass_core::writer::Answer;
use windlass_core::{Epoch, Tick};
use windlass_journal::{
    AppendError, CellFault, Engine, Fault, Faults, Head, Memory, MemoryCell, Record,
};

/// The shared engine.
pub(crate) struct SharedEngine {
    memory: Memory,
    pub(crate) log: Engine,
    cell: MemoryCell,
    away_until: Tick,
    /// Begin and end of the newest outage.
    outage: Option<(Tick, Tick)>,
    full_until: Tick,
    cut_until: BTreeMap<MasterIndex, Tick>,
}

impl SharedEngine {
    pub(crate) fn new() -> SharedEngine {
        let memory = Memory::new();
        SharedEngine {
            log: Engine::Memory(memory.clone()),
            memory,
            cell: MemoryCell::new(),
            away_until: Tick(0),
            outage: None,
            full_until: Tick(0),
            cut_until: BTreeMap::new(),
        }
    }

    pub(crate) fn go_away(&mut self, now: Tick, us: u64) {
        let begin = self.outage.filter(|_| now < self.away_until).map_or(now, |(begin, _)| begin);
        self.away_until = self.away_until.max(Tick(now.0 + us));
        self.outage = Some((begin, self.away_until));
    }

    pub(crate) fn fill(&mut self, now: Tick, us: u64) {
        self.full_until = self.full_until.max(Tick(now.0 + us));
    }

    pub(crate) fn cut(&mut self, now: Tick, master: MasterIndex, us: u64) {
        self.cut_until.insert(master, Tick(now.0 + us));
    }

    pub(crate) fn crash(&mut self) {
        self.memory.crash();
    }

    /// Whether a request of this master comes through.
    pub(crate) fn hears(&self, now: Tick, master: MasterIndex) -> bool {
        self.cut_until.get(&master).is_none_or(|until| *until <= now)
    }

    /// Whether this master can read the log now.
    pub(crate) fn serves(&self, now: Tick, master: MasterIndex) -> bool {
        now >= self.away_until && self.hears(now, master)
    }

    pub(crate) fn read(&self, now: Tick) -> CellAnswer {
        self.cell.read((now < self.away_until).then_some(CellFault::Unavailable))
    }

    /// Who holds the tenure.
    pub(crate) fn holder(&self) -> Option<MasterId> {
        match self.cell.read(None) {
            CellAnswer::Stands(standing) => standing.holder,
            _ => None,
        }
    }

    /// Carries out a swap; whether it took the tenure from another holder is checked against
    /// outages.
    pub(crate) fn swap(
        &mut self,
        now: Tick,
        swap: &SentSwap,
        random: &mut SplitMix64,
    ) -> Result<(CellAnswer, bool), String> {
        let fault = match random.below(30) {
            _ if now < self.away_until || now < self.full_until => Some(CellFault::Unavailable),
            0 if now < HEALED_AT => Some(CellFault::AnswerLost),
            _ => None,
        };
        let CellAnswer::Stands(before) = self.cell.read(None) else {
            return Err("the cell cannot be read".to_owned());
        };
        let answer = self.cell.swap(swap.expected, swap.holder, fault);
        let made = self.cell.read(None) != CellAnswer::Stands(before);
        let taken = made && before.holder.is_some_and(|holder| holder != swap.holder);
        if taken && let Some((begin, end)) = self.outage {
            // Patience is a second by a clock that may run 5 % fast.
            let counted_from = Tick(swap.sent_at.0.saturating_sub(900_000));
            if counted_from < end && begin < swap.sent_at {
                return Err(format!("{:?} ran out during an engine outage", swap.request));
            }
        }
        Ok((answer, made))
    }

    /// Appends a record; `None`: nobody is answered.
    pub(crate) fn append(
        &mut self,
        now: Tick,
        record: &Record,
        random: &mut SplitMix64,
    ) -> Result<Option<Answer>, String> {
        if now < self.away_until {
            return Ok((random.below(2) == 0).then_some(Answer::Unknown));
        }
        let fault = match random.below(50) {
            _ if now < self.full_until => Some(Fault::Unavailable),
            0 if now < HEALED_AT => Some(Fault::UnknownApplied),
            1 if now < HEALED_AT => Some(Fault::UnknownLost),
            _ => None,
        };
        self.memory.set_faults(Faults { next_append: fault });
        let answer = match self.log.append(record) {
            Ok(_) => Answer::Durable,
            Err(AppendError::Unknown(_)) => Answer::Unknown,
            Err(AppendError::Unavailable(_)) => Answer::Unavailable,
            Err(AppendError::Fenced { .. }) => {
                let there = self.log.record_at(record.seq).map_err(|error| error.to_string())?;
                let there = there.map(|there| (there.epoch, there.id));
                Answer::Fenced(Found::of((record.epoch, record.id), there))
            }
            Err(error) => return Err(error.to_string()),
        };
        Ok(Some(answer))
    }

    pub(crate) fn head(&mut self) -> Result<Head, String> {
        self.log.head().map_err(|error| error.to_string())
    }

    /// A writer of the reign before, which has read the log to its end, appends to it.
    pub(crate) fn ghost_writes(&mut self) -> Result<(), String> {
        let head = self.head()?;
        self.memory.set_faults(Faults::default());
        if head.epoch.0 > 1 {
            let record = head.record(Epoch(head.epoch.0 - 1), 1, Vec::new());
            if self.log.append(&record).is_ok() {
                return Err("a record of an earlier reign was accepted".to_owned());
            }
        }
        Ok(())
    }
}

/// A swap on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SentSwap {
    pub(crate) request: RequestNumber,
    pub(crate) expected: Revision,
    pub(crate) holder: MasterId,
    pub(crate) sent_at: Tick,
}
