//! The engine that all masters share: one log with compare-and-swap on its head, one tenure cell,
//! and what goes wrong with both.

use crate::plan::HEALED_AT;
use crate::tally::Tally;
use crate::wire::MasterIndex;
use std::collections::BTreeMap;
use windlass_core::ledger::{Ledger, SnapshotId};
use windlass_core::random::SplitMix64;
use windlass_core::reign::{CellAnswer, MasterId, RequestNumber, Revision};
use windlass_core::writer::Answer;
use windlass_core::{Epoch, Seq, Tick};
use windlass_journal::{
    AppendError, CellFault, Engine, Fault, Faults, Head, Memory, MemoryCell, MemorySnapshots,
    Record, Room, SnapshotFault, Snapshots,
};
use windlass_master::recovery::found;
use windlass_master::snapshots::{Written, store_snapshot, trim};

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
    store: MemorySnapshots,
    pub(crate) snapshots: Snapshots,
    pub(crate) tally: Tally,
}

impl SharedEngine {
    pub(crate) fn new() -> SharedEngine {
        let (memory, store) = (Memory::new(), MemorySnapshots::new());
        SharedEngine {
            log: Engine::Memory(memory.clone()),
            memory,
            cell: MemoryCell::new(),
            away_until: Tick(0),
            outage: None,
            full_until: Tick(0),
            cut_until: BTreeMap::new(),
            snapshots: Snapshots::Memory(store.clone()),
            store,
            tally: Tally::default(),
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
        match fault {
            Some(CellFault::AnswerLost) => self.tally.bite("tenure: answer lost"),
            Some(_) => self.tally.bite("tenure: swap refused"),
            None => {}
        }
        let CellAnswer::Stands(before) = self.cell.read(None) else {
            return Err("the cell cannot be read".to_owned());
        };
        let answer = self.cell.swap(swap.expected, swap.holder, fault);
        let made = self.cell.read(None) != CellAnswer::Stands(before);
        let taken = made && before.holder.is_some_and(|holder| holder != swap.holder);
        if taken {
            self.tally.bite("tenure: taken from another");
        }
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
        room: Room,
        random: &mut SplitMix64,
    ) -> Result<Option<Answer>, String> {
        if now < self.away_until {
            self.tally.bite("engine: append while it is away");
            return Ok((random.below(2) == 0).then_some(Answer::Unknown));
        }
        let fault = match random.below(50) {
            _ if now < self.full_until && room == Room::Ordinary => Some(Fault::Unavailable),
            0 if now < HEALED_AT => Some(Fault::UnknownApplied),
            1 if now < HEALED_AT => Some(Fault::UnknownLost),
            _ => None,
        };
        self.memory.set_faults(Faults { next_append: fault });
        match fault {
            Some(Fault::Unavailable) => self.tally.bite("engine: append to a full disk"),
            Some(Fault::UnknownApplied) => self.tally.bite("engine: append unknown, in the log"),
            Some(Fault::UnknownLost) => self.tally.bite("engine: append unknown, not in the log"),
            None if now < self.full_until => self.tally.bite("engine: append from the reserve"),
            None => {}
        }
        let answer = match self.log.append_in(record, room) {
            Ok(_) => Answer::Durable,
            Err(AppendError::Unknown(_)) => Answer::Unknown,
            Err(AppendError::Unavailable(_)) => Answer::Unavailable,
            Err(AppendError::Fenced { .. }) => {
                let found = found(&mut self.log, record).map_err(|error| error.to_string())?;
                Answer::Fenced(found)
            }
            Err(error) => return Err(error.to_string()),
        };
        Ok(Some(answer))
    }

    /// Stores a snapshot as the master's thread does; some are torn or damaged on the way.
    pub(crate) fn store(
        &mut self,
        now: Tick,
        head: Head,
        ledger: Ledger,
        random: &mut SplitMix64,
    ) -> Written {
        let fault = match random.below(6) {
            _ if now < self.full_until => Some(SnapshotFault::Torn),
            0 if now < HEALED_AT => Some(SnapshotFault::Torn),
            1 if now < HEALED_AT => Some(SnapshotFault::Damaged),
            _ => None,
        };
        self.store.set_fault(fault);
        let written = store_snapshot(&self.snapshots, head, ledger);
        self.store.set_fault(None);
        match fault.filter(|_| written.failed.is_some()) {
            Some(SnapshotFault::Torn) => self.tally.bite("snapshot: torn while it is written"),
            Some(SnapshotFault::Damaged) => self.tally.bite("snapshot: damaged, read back"),
            None => self.tally.bite("snapshot: written"),
        }
        written
    }

    /// The newest announced snapshot is damaged where it lies, if the one before it is sound.
    pub(crate) fn rot(&mut self, announced: &[SnapshotId]) -> bool {
        if let [second_newest, newest] = announced
            && self.snapshots.get(second_newest.seq).is_ok()
            && self.store.rot(newest.seq)
        {
            self.tally.bite("snapshot: damaged where it lies");
            return true;
        }
        false
    }

    /// Trims the log; another reign may have begun.
    pub(crate) fn trim(&mut self, upto: Seq, epoch: Epoch) {
        match trim(&mut self.log, &self.snapshots, upto, epoch) {
            Ok(()) => self.tally.bite("snapshot: log trimmed"),
            Err(_) => self.tally.bite("snapshot: trim of an earlier reign refused"),
        }
    }

    /// The log goes back to the second newest announced snapshot, and to the beginning before there
    /// are two.
    pub(crate) fn check_trimmed(&self, announced: &[SnapshotId]) -> Result<(), String> {
        let needed = match announced {
            [second_newest, _] => second_newest.seq.next(),
            _ => Seq(1),
        };
        let first = self.log.first();
        if first <= needed {
            return Ok(());
        }
        Err(format!("the log begins with record {first}, {needed} is needed"))
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
            self.tally.bite("engine: a ghost appends");
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
