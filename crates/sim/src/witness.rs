//! A reader of the log that misses nothing: what stands there is checked record by record, and its
//! ledger is what every master's must be.

use crate::clock::WALL_START_MS;
use crate::master::{entries_of, is_refused};
use crate::oracle::Oracle;
use crate::plan::QUIET_AT;
use crate::tally::Tally;
use crate::wire::MasterLife;
use std::collections::{BTreeMap, BTreeSet};
use windlass_core::ledger::{Applied, Digest, Entry, Ledger, SnapshotMarks, SnapshotPoints};
use windlass_core::{AttemptId, Round, TaskId, Tick};
use windlass_journal::{Engine, Head, Record, Snapshots};
use windlass_master::recovery::compare;

/// A counter that no attempt has: marks decisions that the world itself makes a second time.
pub(crate) const REPEATED: u64 = u64::MAX;
/// How far the log may be ahead of the right time: jumps of the wall that are small enough to be
/// believed.
const AHEAD_MS_MAX: u64 = 3 * 3_600_000;

/// The reader.
#[derive(Debug)]
pub(crate) struct Witness {
    pub(crate) ledger: Ledger,
    pub(crate) head: Head,
    /// Who sent which record.
    sent: BTreeMap<u128, MasterLife>,
    /// Attempts whose end is recorded in this reign; the next one may adopt what it finds.
    ended: BTreeSet<AttemptId>,
    /// The round before of a task that was opened again.
    pub(crate) reopened: Option<(TaskId, Round)>,
    points: SnapshotPoints,
    marks: SnapshotMarks,
    pub(crate) tally: Tally,
}

impl Default for Witness {
    fn default() -> Witness {
        let ledger = Ledger::default();
        Witness {
            points: SnapshotPoints::after(&ledger),
            ledger,
            head: Head::default(),
            sent: BTreeMap::new(),
            ended: BTreeSet::new(),
            reopened: None,
            marks: SnapshotMarks::default(),
            tally: Tally::default(),
        }
    }
}

impl Witness {
    pub(crate) fn on_sent(&mut self, record: &Record, by: MasterLife) {
        self.sent.insert(record.id, by);
    }

    /// Reads what was appended since.
    pub(crate) fn read(
        &mut self,
        now: Tick,
        log: &mut Engine,
        snapshots: &Snapshots,
        oracle: &mut Oracle,
    ) -> Result<(), String> {
        let head = log.head().map_err(|error| error.to_string())?;
        if head.seq < self.head.seq {
            return Err(format!("record {} was durable and is lost", self.head.seq));
        }
        if head.seq == self.head.seq {
            return Ok(());
        }
        let tail = log.tail(self.head.seq.next()).map_err(|error| error.to_string())?;
        for record in tail {
            let record = record.map_err(|error| error.to_string())?;
            self.take(now, &record, snapshots, oracle)?;
        }
        Ok(())
    }

    fn take(
        &mut self,
        now: Tick,
        record: &Record,
        snapshots: &Snapshots,
        oracle: &mut Oracle,
    ) -> Result<(), String> {
        let by = self.sent.get(&record.id).copied();
        let by = by.ok_or_else(|| format!("nobody sent record {}", record.seq))?;
        let batch = entries_of(record)?;
        let claims = matches!(batch.entries.first(), Some(Entry::Claim { .. }));
        let epoch = if claims { self.head.epoch.0 + 1 } else { self.head.epoch.0 };
        if record.epoch.0 != epoch {
            return Err(format!("record {} is of epoch {}, not {epoch}", record.seq, record.epoch));
        }
        oracle.on_epoch(record.epoch, by)?;
        let right_ms = WALL_START_MS + now.0 * 105 / 100_000;
        if batch.at < self.ledger.time || batch.at.0 > right_ms + AHEAD_MS_MAX {
            return Err(format!("record {} has the time {:?}", record.seq, batch.at));
        }
        if claims {
            self.ended.clear();
        }
        for entry in &batch.entries {
            self.check_attempts(now, entry)?;
            let mut applied = Vec::new();
            self.ledger.apply(batch.at, entry, &mut applied);
            self.tally.count_entry(entry, &applied);
            if is_repeated(entry) && !is_refused(&applied) {
                return Err(format!("a decision counted twice: {applied:?}"));
            }
            oracle.on_applied(&self.ledger, &applied)?;
            oracle.crashes.on_recorded(entry, &applied);
            oracle.withdrawals.on_recorded(&self.ledger, entry, &applied)?;
            self.check_snapshot(snapshots, &applied)?;
            if let (Entry::SweepBegun(sweep), Some(Applied::SweepBegun(batch))) =
                (entry, applied.last())
            {
                oracle.durable.sweep(sweep.marked_at, batch);
            }
            let reopened = applied.iter().rev().find_map(|done| match done {
                Applied::TaskReopened { task, round } => Some((*task, Round(round.0 - 1))),
                _ => None,
            });
            self.reopened = reopened.or(self.reopened);
        }
        oracle.check_paused(&self.ledger)?;
        oracle.reader.on_read(&self.ledger);
        self.head = Head::of(record);
        if self.points.on_record(record.body.len(), &self.ledger) {
            self.marks.hold(self.head.seq, self.head.hash, &self.ledger);
        }
        if self.ledger.epoch != record.epoch {
            return Err(format!("the claim of epoch {} was refused", record.epoch));
        }
        Ok(())
    }

    /// An announced snapshot is sound, and the one of the state behind its record.
    fn check_snapshot(&mut self, store: &Snapshots, applied: &[Applied]) -> Result<(), String> {
        compare(&mut self.marks, applied).map_err(|error| error.to_string())?;
        for done in applied {
            let Applied::SnapshotTaken(announced) = done else { continue };
            self.tally.bite("snapshot: announced");
            let stored = store.get(announced.seq).map_err(|error| error.to_string())?;
            let digest = Digest::of(&stored.body);
            if stored.head.hash != announced.hash || digest != announced.digest {
                return Err(format!("snapshot {} is not what was announced", announced.seq));
            }
        }
        Ok(())
    }

    /// An attempt ends once in a reign.
    fn check_attempts(&mut self, now: Tick, entry: &Entry) -> Result<(), String> {
        let mut ends = |attempt: AttemptId| match self.ended.insert(attempt) {
            true => Ok(()),
            false => Err(format!("{attempt:?} ended twice")),
        };
        match entry {
            Entry::WorkerLost { worker, .. } if now > QUIET_AT => {
                Err(format!("{worker} was lost although nothing disturbs it"))
            }
            _ if is_repeated(entry) => Ok(()),
            Entry::AttemptFailed { attempt, .. } | Entry::WorkerLost { attempt, .. } => {
                ends(*attempt)
            }
            Entry::TasksSettled { runs } => runs.iter().try_for_each(|run| {
                let count = u32::try_from(run.results.len()).unwrap_or(u32::MAX);
                (0..count).try_for_each(|offset| ends(run.attempt.plus(offset)))
            }),
            _ => Ok(()),
        }
    }
}

fn is_repeated(entry: &Entry) -> bool {
    match entry {
        Entry::AttemptFailed { attempt, .. } => attempt.counter == REPEATED,
        Entry::TasksSettled { runs } => runs.iter().any(|run| run.attempt.counter == REPEATED),
        _ => false,
    }
}
