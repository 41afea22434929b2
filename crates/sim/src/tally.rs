//! How often each fault bit: one that never does proves nothing.

use crate::withdrawals::GIVEN_UP;
use std::collections::BTreeMap;
use std::fmt;
use windlass_core::FailureKind;
use windlass_core::ledger::{Applied, Entry};

/// What takes many seeds to bite.
const RARE_FAULTS: &[&str] = &[
    "master: a damaged one is gone before it claims",
    "master: a victory is heard of too late",
    "snapshot: a standby's next record was trimmed",
    "snapshot: trim of an earlier reign refused",
];

/// Everything that must bite within two thousand seeds.
const FAULTS: &[&str] = &[
    "clock: a wall is not believed",
    "clock: a wall jumps",
    "decision: made again, a failure",
    "decision: made again, a result",
    "decision: refused",
    "engine: a ghost appends",
    "engine: a master is cut off",
    "engine: a message is late",
    "engine: a message is lost",
    "engine: an answer comes twice",
    "engine: append from the reserve",
    "engine: append to a full disk",
    "engine: append unknown, in the log",
    "engine: append unknown, not in the log",
    "engine: append while it is away",
    "engine: crashes",
    "engine: decisions wait again for room",
    "job: cancelled",
    "job: paused",
    "job: resumed",
    "look-up: a group is missing",
    "look-up: its record set is not there",
    "look-up: whole",
    "master: a claim",
    "master: a primary dies",
    "master: a standby's state is damaged",
    "master: a standby dies",
    "master: a zombie is fenced",
    "master: it has diverged and ends",
    "master: its loop hangs",
    "master: stands still",
    "machine: a worker's is broken",
    "network: a connection is cut",
    "network: a connection ends, all said is heard",
    "network: a connection is half open",
    "network: a master hears garbage",
    "network: a message to a master is lost",
    "network: a message to a worker is lost",
    "network: a worker hears garbage",
    "network: an answer comes twice, late",
    "network: one direction is cut",
    "operation: its tasks are given up",
    "operation: offered again",
    "operation: returned unmade",
    "operation: withdrawn, it crashes",
    "operation: withdrawn, it starts not",
    "operation: withdrawn, repeated",
    "records: a shard cannot be served",
    "records: dropped",
    "records: loaded",
    "snapshot: a start from one",
    "snapshot: an older one is used",
    "snapshot: announced",
    "snapshot: damaged where it lies",
    "snapshot: damaged, read back",
    "snapshot: its writer has died",
    "snapshot: log trimmed",
    "snapshot: torn while it is written",
    "snapshot: written",
    "task: crashes",
    "task: failed for good",
    "task: its worker is lost",
    "task: opened again",
    "task: rejected",
    "task: unavailable",
    "tenure: answer lost",
    "tenure: swap refused",
    "tenure: taken from another",
    "token: issued",
    "token: refused",
    "token: revoked",
    "token: shown, has expired",
    "token: shown, holds",
    "token: shown, is revoked",
    "worker: a new incarnation",
    "worker: dies at work",
    "worker: dies idle",
    "worker: drained",
    "worker: says goodbye",
    "worker: stands still",
];

/// Counts by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    /// It happened, and somebody felt it.
    pub(crate) fn bite(&mut self, fault: &'static str) {
        let known = FAULTS.contains(&fault) || RARE_FAULTS.contains(&fault);
        debug_assert!(known, "{fault} is in no list");
        *self.0.entry(fault).or_insert(0) += 1;
    }

    /// An entry is in the log, and this is what it did.
    pub(crate) fn count_entry(&mut self, entry: &Entry, applied: &[Applied]) {
        match entry {
            Entry::Claim { .. } => self.bite("master: a claim"),
            Entry::AttemptFailed { failure, .. } => match failure.kind {
                _ if failure.code == GIVEN_UP => self.bite("operation: its tasks are given up"),
                FailureKind::Rejected => self.bite("task: rejected"),
                FailureKind::Unavailable => self.bite("task: unavailable"),
                _ => self.bite("task: crashes"),
            },
            Entry::WorkerLost { .. } => self.bite("task: its worker is lost"),
            Entry::JobCancelled { .. } => self.bite("job: cancelled"),
            Entry::JobPaused { on: true, .. } => self.bite("job: paused"),
            Entry::JobPaused { on: false, .. } => self.bite("job: resumed"),
            Entry::WorkerDrained { on: true, .. } => self.bite("worker: drained"),
            _ => {}
        }
        for done in applied {
            match done {
                Applied::TaskFailed { .. } => self.bite("task: failed for good"),
                Applied::TaskReopened { .. } => self.bite("task: opened again"),
                Applied::RecordsLoaded(..) => self.bite("records: loaded"),
                Applied::RecordsDropped(_) => self.bite("records: dropped"),
                Applied::Refused(_) => self.bite("decision: refused"),
                _ => {}
            }
        }
    }

    /// What should have bitten within two thousand seeds and never did.
    pub fn missing(&self) -> impl Iterator<Item = &'static str> {
        FAULTS.iter().copied().filter(|fault| self.count(fault) == 0)
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: &Tally) {
        for (fault, count) in &other.0 {
            *self.0.entry(fault).or_insert(0) += count;
        }
    }

    /// How often this fault bit.
    #[must_use]
    pub fn count(&self, fault: &str) -> u64 {
        self.0.get(fault).copied().unwrap_or(0)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(fault, count)| writeln!(f, "{count:>10}  {fault}"))
    }
}
