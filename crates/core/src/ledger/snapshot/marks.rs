//! Where in the log snapshots are taken, and the states held there until they are announced.

use super::super::apply::Ledger;
use super::{Digest, SnapshotId};
use crate::ids::Seq;
use crate::limits::SNAPSHOT_BYTES_MIN;

/// Tells at which records a snapshot is taken: it follows from the log alone, so that every master
/// and every replay has the state of the same records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotPoints {
    left_bytes: u64,
}

impl SnapshotPoints {
    /// Behind a point with this state; the empty ledger is one.
    #[must_use]
    pub fn after(ledger: &Ledger) -> SnapshotPoints {
        SnapshotPoints { left_bytes: ledger.weight_bytes().max(SNAPSHOT_BYTES_MIN) }
    }

    /// A record with so long a body was applied, which led to this state; `true`: this is a point.
    pub fn on_record(&mut self, body_bytes: usize, ledger: &Ledger) -> bool {
        self.left_bytes = self.left_bytes.saturating_sub(body_bytes as u64);
        let reached = self.left_bytes == 0;
        if reached {
            *self = SnapshotPoints::after(ledger);
        }
        reached
    }
}

/// The states at the last points, until an announcement is compared with them.
#[derive(Clone, Debug, Default)]
pub struct SnapshotMarks {
    /// Oldest first, at most [`MARK_COUNT_MAX`].
    marks: Vec<Mark>,
}

/// A snapshot is announced long before the next but one point is reached.
const MARK_COUNT_MAX: usize = 2;

#[derive(Clone, Debug)]
struct Mark {
    seq: Seq,
    hash: u64,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    /// A copy that shares its pages with the living one.
    Whole(Box<Ledger>),
    Digest(Digest),
}

impl SnapshotMarks {
    /// Holds the state behind this record.
    pub fn hold(&mut self, seq: Seq, hash: u64, ledger: &Ledger) {
        if self.marks.len() == MARK_COUNT_MAX {
            self.marks.remove(0);
        }
        self.marks.push(Mark { seq, hash, state: State::Whole(Box::new(ledger.clone())) });
    }

    /// The digest of a held state was made elsewhere: the state itself need not be held any longer.
    pub fn on_digest(&mut self, seq: Seq, digest: Digest) {
        if let Some(mark) = self.marks.iter_mut().find(|mark| mark.seq == seq) {
            mark.state = State::Digest(digest);
        }
    }

    /// The newest state that is held, with its record and that one's hash.
    #[must_use]
    pub fn newest(&self) -> Option<(Seq, u64, &Ledger)> {
        match self.marks.last() {
            Some(Mark { seq, hash, state: State::Whole(ledger) }) => Some((*seq, *hash, ledger)),
            _ => None,
        }
    }

    /// Whether an announced snapshot is the one of the state held here; `None` where none of its
    /// record is held. Earlier states are let go.
    pub fn agrees(&mut self, announced: &SnapshotId) -> Option<bool> {
        self.marks.retain(|mark| mark.seq >= announced.seq);
        let mark = self.marks.iter_mut().find(|mark| mark.seq == announced.seq)?;
        let digest = match &mark.state {
            State::Whole(ledger) => Digest::of(&ledger.encode_snapshot()),
            State::Digest(digest) => *digest,
        };
        mark.state = State::Digest(digest);
        Some(digest == announced.digest && mark.hash == announced.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_follow_from_the_bytes_alone() {
        let ledger = Ledger::default();
        let step = usize::try_from(SNAPSHOT_BYTES_MIN).unwrap() / 4;
        let mut points = SnapshotPoints::after(&ledger);
        let reached: Vec<bool> = (0..9).map(|_| points.on_record(step, &ledger)).collect();
        let expected = [false, false, false, true, false, false, false, true, false];
        assert_eq!(reached, expected);
    }

    #[test]
    fn announcements_are_compared_with_the_state_of_their_record() {
        let (mut one, mut other) = (Ledger::default(), Ledger::default());
        one.cluster = Some(1);
        other.cluster = Some(2);
        let digest = Digest::of(&one.encode_snapshot());
        let announced = SnapshotId { seq: Seq(5), hash: 3, digest };
        for known in [false, true] {
            for (ledger, hash, agrees) in [(&one, 3, true), (&other, 3, false), (&one, 4, false)] {
                let mut marks = SnapshotMarks::default();
                marks.hold(Seq(5), hash, ledger);
                assert_eq!(marks.newest().map(|(seq, ..)| seq), Some(Seq(5)));
                if known {
                    marks.on_digest(Seq(5), Digest::of(&ledger.encode_snapshot()));
                    assert!(marks.newest().is_none());
                }
                assert_eq!(marks.agrees(&announced), Some(agrees));
                assert_eq!(marks.agrees(&SnapshotId { seq: Seq(6), ..announced }), None);
                assert_eq!(marks.agrees(&announced), None, "it was let go");
            }
        }
    }
}
