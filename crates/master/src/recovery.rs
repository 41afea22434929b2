//! From a journal to a reign: a snapshot and the records behind it, then the next epoch's claim.

use crate::error::MasterError;
use windlass_core::ledger::{
    Applied, Batch, CLUSTER_VERSION, ENTRY_FORMAT, Entry, Ledger, SnapshotMarks, SnapshotPoints,
};
use windlass_core::random::SplitMix64;
use windlass_core::reign::{Found, Reign};
use windlass_core::writer::Writer;
use windlass_core::{LogTime, Seq, Tick};
use windlass_journal::{AppendError, Engine, Head, Record, Room, Snapshots, TailError};

/// A ledger in the making: records go in one after the other.
#[derive(Debug)]
pub struct Replay {
    /// What the records so far have built.
    pub ledger: Ledger,
    /// The record that went in last.
    pub head: Head,
    /// The states at the last snapshot points.
    pub marks: SnapshotMarks,
    /// Where the next one is.
    pub points: SnapshotPoints,
    applied: Vec<Applied>,
}

impl Default for Replay {
    fn default() -> Replay {
        Replay::behind(Head::default(), Ledger::default())
    }
}

impl Replay {
    /// Goes on behind a record that led to this state.
    #[must_use]
    pub fn behind(head: Head, ledger: Ledger) -> Replay {
        let points = SnapshotPoints::after(&ledger);
        Replay { ledger, head, marks: SnapshotMarks::default(), points, applied: Vec::new() }
    }

    /// Applies the next record.
    ///
    /// # Errors
    /// It does not follow the one before, this version cannot read it, or it announces a snapshot
    /// of another state than this ledger was in.
    pub fn apply(&mut self, record: &Record) -> Result<(), MasterError> {
        let (seq, epoch) = (record.seq, record.epoch);
        if epoch < self.head.epoch {
            return Err(MasterError::StaleRecord { seq, epoch, current: self.head.epoch });
        }
        if seq != self.head.seq.next() || record.prev_hash != self.head.hash {
            return Err(MasterError::NotNext { seq, after: self.head.seq });
        }
        let batch =
            Batch::decode(&record.body).map_err(|error| MasterError::Entry { seq, error })?;
        for entry in &batch.entries {
            self.applied.clear();
            self.ledger.apply(batch.at, entry, &mut self.applied);
            compare(&mut self.marks, &self.applied)?;
        }
        self.head = Head { seq, epoch, hash: record.hash() };
        if self.points.on_record(record.body.len(), &self.ledger) {
            self.marks.hold(seq, self.head.hash, &self.ledger);
        }
        Ok(())
    }

    /// Applies what the log holds behind it, as every master does that does not write.
    ///
    /// # Errors
    /// A log that cannot be read, or what [`Replay::apply`] refuses.
    pub fn follow(&mut self, journal: &mut Engine) -> Result<(), MasterError> {
        let failed = |error: TailError| MasterError::Journal(error.to_string());
        for record in journal.tail(self.head.seq.next()).map_err(failed)? {
            self.apply(&record.map_err(failed)?)?;
        }
        Ok(())
    }

    /// As [`Replay::follow`]; at first, and where the log was trimmed meanwhile, it goes on from a
    /// snapshot. What the user should know comes back.
    ///
    /// # Errors
    /// As [`restore`].
    pub fn catch_up(
        &mut self,
        journal: &mut Engine,
        snapshots: &Snapshots,
    ) -> Result<Vec<String>, MasterError> {
        if self.head.seq.next() >= journal.first() && self.head.seq > Seq(0) {
            self.follow(journal)?;
            return Ok(Vec::new());
        }
        let Restored { replay, notes } = restore(journal, snapshots)?;
        *self = replay;
        Ok(notes)
    }

    /// Claims the next epoch at this wall time.
    ///
    /// # Errors
    /// Another master claimed it, or the log cannot be written.
    pub fn claim(
        &mut self,
        journal: &mut Engine,
        holder: &str,
        wall: LogTime,
        random: &mut SplitMix64,
    ) -> Result<(), MasterError> {
        let record = append_claim(journal, &self.ledger, self.head, holder, wall, random)?;
        self.apply(&record)
    }
}

/// Compares what a snapshot was announced to be with the state that was held there.
///
/// # Errors
/// They differ: one of two masters has gone astray, and nobody can say which.
pub fn compare(marks: &mut SnapshotMarks, applied: &[Applied]) -> Result<(), MasterError> {
    for done in applied {
        if let Applied::SnapshotTaken(announced) = done
            && marks.agrees(announced) == Some(false)
        {
            return Err(MasterError::Diverged { seq: announced.seq });
        }
    }
    Ok(())
}

/// A state that was built from a snapshot and the records behind it.
#[derive(Debug)]
pub struct Restored {
    /// The state.
    pub replay: Replay,
    /// What the user should know although nothing is lost: a damaged snapshot that was passed over.
    pub notes: Vec<String>,
}

/// The ledger at the head of the log, from the newest sound snapshot on.
///
/// # Errors
/// A log that cannot be read, or that holds what this version cannot; a snapshot of a record that
/// the log has lost; no sound snapshot of records that were trimmed.
pub fn restore(journal: &mut Engine, snapshots: &Snapshots) -> Result<Restored, MasterError> {
    let head = journal.head().map_err(|error| MasterError::Journal(error.to_string()))?;
    let (mut replay, notes) = newest_sound(head, journal.first(), snapshots)?;
    replay.follow(journal)?;
    Ok(Restored { replay, notes })
}

/// Where to begin: behind the newest snapshot that can be read and that the log goes on from.
pub(crate) fn newest_sound(
    head: Head,
    first: Seq,
    snapshots: &Snapshots,
) -> Result<(Replay, Vec<String>), MasterError> {
    let mut notes = Vec::new();
    let seqs = snapshots.seqs().map_err(|error| MasterError::Journal(error.to_string()))?;
    for seq in seqs.into_iter().filter(|seq| seq.next() >= first) {
        let snapshot = match snapshots.get(seq) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                notes.push(format!("{error}; an older state is used instead"));
                continue;
            }
        };
        if seq > head.seq || (seq == head.seq && snapshot.head != head) {
            return Err(MasterError::LogLost { seq, head: head.seq });
        }
        match Ledger::decode_snapshot(&snapshot.body) {
            Ok(ledger) => return Ok((Replay::behind(snapshot.head, ledger), notes)),
            Err(error) => {
                let text = format!("read the snapshot of record {seq}: {error}");
                notes.push(format!("{text}; an older state is used instead"));
            }
        }
    }
    if first > Seq(1) {
        return Err(MasterError::NoSnapshot { first, notes: notes.join("; ") });
    }
    Ok((Replay::default(), notes))
}

/// The ledger at the head of the log, from its first record on.
///
/// # Errors
/// A log that cannot be read, or that holds what this version cannot.
pub fn replay(journal: &mut Engine) -> Result<(Ledger, Head), MasterError> {
    let mut replay = Replay::default();
    replay.follow(journal)?;
    Ok((replay.ledger, replay.head))
}

/// The writer of a claim, with the claim as its first decision; `None` where nothing is claimed.
pub fn opening<T: Default>(
    reign: Reign,
    ledger: &Ledger,
    holder: &str,
    random: &mut SplitMix64,
) -> Option<Writer<T>> {
    let Reign::Claiming { epoch, at } = reign else { return None };
    let mut writer = Writer::new(epoch, Seq(at.0 - 1), ledger.time);
    writer.propose(Entry::Claim { epoch, holder: holder.to_owned() }, T::default());
    if ledger.cluster.is_none() {
        let cluster = draw_u128(random);
        writer.propose(Entry::Genesis { cluster, format: ENTRY_FORMAT }, T::default());
    }
    if ledger.version < CLUSTER_VERSION {
        writer.propose(Entry::VersionRaised { version: CLUSTER_VERSION }, T::default());
    }
    Some(writer)
}

/// Appends the claim of the next epoch behind this head.
fn append_claim(
    journal: &mut Engine,
    ledger: &Ledger,
    head: Head,
    holder: &str,
    wall: LogTime,
    random: &mut SplitMix64,
) -> Result<Record, MasterError> {
    let opening: Option<Writer<()>> =
        opening(Reign::claim(head.seq, head.epoch), ledger, holder, random);
    let draft = opening
        .and_then(|mut writer| writer.next(Tick::default(), wall))
        .expect("a claim is being made");
    let record = head.record(draft.epoch, draw_u128(random), draft.body);
    loop {
        // Without a claim nobody could make room.
        match journal.append_in(&record, Room::Reserve) {
            Ok(_) => break,
            Err(AppendError::Unknown(_)) => {}
            Err(AppendError::Fenced { .. }) if found(journal, &record)? == Found::Own => break,
            Err(AppendError::Fenced { .. }) => return Err(MasterError::Deposed),
            Err(error) => return Err(MasterError::Journal(error.to_string())),
        }
    }
    Ok(record)
}

/// What stands where a fenced record wanted to be. Where that is trimmed, a later reign did it:
/// nobody trims above a record of its own that is not answered.
///
/// # Errors
/// A log that cannot be read.
pub fn found(journal: &mut Engine, record: &Record) -> Result<Found, MasterError> {
    match journal.record_at(record.seq) {
        Ok(there) => {
            Ok(Found::of((record.epoch, record.id), there.map(|there| (there.epoch, there.id))))
        }
        Err(TailError::Trimmed { .. }) => Ok(Found::Claim),
        Err(error) => Err(MasterError::Journal(error.to_string())),
    }
}

/// 128 random bits.
pub fn draw_u128(random: &mut SplitMix64) -> u128 {
    u128::from(random.next_u64()) << 64 | u128::from(random.next_u64())
}
