//! Where in the log snapshots are taken, and the states held there until they are announced.

use super::super::applied::Applied;
use super::super::apply::Ledger;
use super::super::entry::Entry;
use super::super::settings::Setting;
use super::{Digest, SnapshotId};
use crate::ids::Seq;

/// Tells at which records a snapshot is taken: it follows from the log alone, so that every master
/// and every replay has the state of the same records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotPoints {
    /// Weight of the state at the last point.
    weight_bytes: u64,
    /// Bodies of the records since.
    since_bytes: u64,
}

impl SnapshotPoints {
    /// Behind a point with this state; the empty ledger is one.
    #[must_use]
    pub fn after(ledger: &Ledger) -> SnapshotPoints {
        SnapshotPoints { weight_bytes: ledger.weight_bytes(), since_bytes: 0 }
    }

    /// A record with so long a body was applied, which led to this state; `true`: this is a point.
    pub fn on_record(&mut self, body_bytes: usize, ledger: &Ledger) -> bool {
        self.since_bytes = self.since_bytes.saturating_add(body_bytes as u64);
        let least_bytes = ledger.settings.get(Setting::SnapshotKbMin) * 1_024;
        let reached = self.since_bytes >= self.weight_bytes.max(least_bytes);
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
    /// The record of the state that is being written.
    writing: Option<Seq>,
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

    /// The newest state that is held, to be written now: its record, that one's hash, and a copy.
    /// `None` while an earlier one is being written, or once this one is announced.
    pub fn begin(&mut self, ledger: &Ledger) -> Option<(Seq, u64, Ledger)> {
        let (seq, hash, state) = self.newest()?;
        if self.writing.is_some() || is_announced(ledger, seq) {
            return None;
        }
        let begun = (seq, hash, state.clone());
        self.writing = Some(seq);
        Some(begun)
    }

    /// The writing of a state has ended; `sound`: the store has it, and it was read back as it was
    /// written. What is to be announced comes back. One that could not be written costs nothing but
    /// a longer replay; the next is tried.
    pub fn on_written(
        &mut self,
        ledger: &Ledger,
        written: SnapshotId,
        sound: bool,
    ) -> Option<Entry> {
        self.writing = self.writing.filter(|seq| *seq != written.seq);
        // The state itself need not be held any longer.
        if let Some(mark) = self.marks.iter_mut().find(|mark| mark.seq == written.seq) {
            mark.state = State::Digest(written.digest);
        }
        let announced = sound && !is_announced(ledger, written.seq);
        announced.then_some(Entry::SnapshotTaken(written))
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

/// Whether a snapshot of this record, or of a later one, is announced.
fn is_announced(ledger: &Ledger, seq: Seq) -> bool {
    ledger.snapshots.last().is_some_and(|newest| newest.seq >= seq)
}

impl Ledger {
    /// Up to which record the log has served once these were applied: a snapshot was announced, and
    /// the one before it is enough to start from should that one be damaged.
    #[must_use]
    pub fn needless_until(&self, applied: &[Applied]) -> Option<Seq> {
        let announced = applied.iter().any(|done| matches!(done, Applied::SnapshotTaken(_)));
        match self.snapshots.as_slice() {
            [second_newest, _] if announced => Some(second_newest.seq),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::SNAPSHOT_KB_MIN;

    #[test]
    fn points_follow_from_the_bytes_alone() {
        let ledger = Ledger::default();
        let step = usize::try_from(SNAPSHOT_KB_MIN).unwrap() * 1_024 / 4;
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
                    let digest = Digest::of(&ledger.encode_snapshot());
                    let written = SnapshotId { digest, ..announced };
                    marks.on_written(&Ledger::default(), written, true);
                    assert!(marks.newest().is_none());
                }
                assert_eq!(marks.agrees(&announced), Some(agrees));
                assert_eq!(marks.agrees(&SnapshotId { seq: Seq(6), ..announced }), None);
                assert_eq!(marks.agrees(&announced), None, "it was let go");
            }
        }
    }

    #[test]
    fn one_state_is_written_at_a_time_and_announced_once_it_is_sound() {
        let mut ledger = Ledger::default();
        let mut marks = SnapshotMarks::default();
        marks.hold(Seq(5), 3, &ledger);
        let (seq, hash, state) = marks.begin(&ledger).expect("one is held");
        assert_eq!((seq, hash), (Seq(5), 3));
        marks.hold(Seq(9), 4, &ledger);
        assert!(marks.begin(&ledger).is_none(), "one at a time");
        let digest = Digest::of(&state.encode_snapshot());
        let written = SnapshotId { seq, hash, digest };
        assert_eq!(marks.on_written(&ledger, written, false), None, "it is damaged");
        let announced = Entry::SnapshotTaken(written);
        assert_eq!(marks.on_written(&ledger, written, true), Some(announced));
        ledger.snapshots.push(written);
        assert_eq!(marks.on_written(&ledger, written, true), None, "it is announced already");
        assert_eq!(marks.begin(&ledger).map(|(seq, ..)| seq), Some(Seq(9)));
    }

    #[test]
    fn the_log_goes_up_to_the_second_newest_snapshot() {
        let digest = Digest([0; 32]);
        let of = |seq| SnapshotId { seq: Seq(seq), hash: 0, digest };
        let mut ledger = Ledger::default();
        let applied = [Applied::SnapshotTaken(of(9))];
        ledger.snapshots.push(of(5));
        assert_eq!(ledger.needless_until(&applied), None);
        ledger.snapshots.push(of(9));
        assert_eq!(ledger.needless_until(&applied), Some(Seq(5)));
        assert_eq!(ledger.needless_until(&[Applied::SettingChanged]), None);
    }
}
