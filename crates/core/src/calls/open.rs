//! One open call: where it is, what became of its tries, how much of its answer was passed on.

use super::error::FailedTry;
use crate::ids::{CallId, WorkerName};
use crate::limits::{CALL_PIECE_BYTES_MAX, CALL_WINDOW_BYTES};
use crate::params::Params;
use crate::scheduler::SessionId;
use crate::session::AnswerPiece;
use crate::time::Tick;

/// A call in a worker's hands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Try {
    pub(super) call: CallId,
    pub(super) session: SessionId,
}

/// A call that has no answer yet, or not all of it.
#[derive(Debug)]
pub(super) struct OpenCall {
    pub(super) operation: String,
    pub(super) params: Params,
    pub(super) limit_ms: u64,
    pub(super) deadline: Tick,
    /// `None`: it waits for a worker.
    pub(super) at: Option<Try>,
    pub(super) failed: Vec<FailedTry>,
    pub(super) passing: Passing,
}

impl OpenCall {
    pub(super) fn was_tried_on(&self, worker: &WorkerName) -> bool {
        self.failed.iter().any(|failed| failed.worker == *worker)
    }
}

/// What a piece of an answer comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Passed {
    /// To be passed on; the last one even if empty.
    On { bytes: Vec<u8>, is_last: bool },
    /// The caller has it already, from an earlier try.
    Known,
    /// It is not what the earlier try answered.
    Differs,
    /// No worker that keeps to the protocol says this.
    Breach,
}

/// How much of an answer the caller has. After the loss of a worker the next one begins anew, and
/// what it repeats must be what the caller has.
#[derive(Debug, Default)]
pub(super) struct Passing {
    passed_bytes: u64,
    /// Of all that was passed on.
    passed_hash: blake3::Hasher,
    /// What the caller has taken, at most `passed_bytes`.
    taken_bytes: u64,
    /// Of this try.
    received_bytes: u64,
    /// Of what this try has repeated.
    repeated_hash: blake3::Hasher,
}

impl Passing {
    /// A worker begins to answer from the start.
    pub(super) fn on_try(&mut self) {
        self.received_bytes = 0;
        self.repeated_hash.reset();
    }

    pub(super) fn taken_bytes(&self) -> u64 {
        self.taken_bytes
    }

    /// The caller has taken so many bytes in all; whether that is news.
    pub(super) fn on_taken(&mut self, bytes: u64) -> bool {
        let before = self.taken_bytes;
        self.taken_bytes = before.max(bytes.min(self.passed_bytes));
        self.taken_bytes > before
    }

    pub(super) fn on_piece(&mut self, piece: AnswerPiece) -> Passed {
        let AnswerPiece { offset, mut bytes, is_last } = piece;
        let size = bytes.len() as u64;
        let end = offset.saturating_add(size);
        let is_in_turn = offset == self.received_bytes && (size > 0 || is_last);
        if !is_in_turn
            || size > CALL_PIECE_BYTES_MAX
            || end > self.taken_bytes.saturating_add(CALL_WINDOW_BYTES)
        {
            return Passed::Breach;
        }
        let repeated = self.passed_bytes.saturating_sub(offset).min(size);
        self.received_bytes = end;
        if is_last && end < self.passed_bytes {
            return Passed::Differs;
        }
        if repeated > 0 {
            let rest = bytes.split_off(usize::try_from(repeated).expect("part of a piece"));
            self.repeated_hash.update(&bytes);
            let is_all = offset + repeated == self.passed_bytes;
            if is_all && self.repeated_hash.finalize() != self.passed_hash.finalize() {
                return Passed::Differs;
            }
            bytes = rest;
        }
        if bytes.is_empty() && !is_last {
            return Passed::Known;
        }
        if !is_last {
            self.passed_hash.update(&bytes);
        }
        self.passed_bytes = self.passed_bytes.max(end);
        Passed::On { bytes, is_last }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn piece(offset: u64, bytes: &[u8], is_last: bool) -> AnswerPiece {
        AnswerPiece { offset, bytes: bytes.to_vec(), is_last }
    }

    fn on(bytes: &[u8], is_last: bool) -> Passed {
        Passed::On { bytes: bytes.to_vec(), is_last }
    }

    #[test]
    fn a_second_try_goes_on_where_the_first_one_ended() {
        let mut passing = Passing::default();
        assert_eq!(passing.on_piece(piece(0, b"abc", false)), on(b"abc", false));
        passing.on_try();
        assert_eq!(passing.on_piece(piece(0, b"ab", false)), Passed::Known);
        assert_eq!(passing.on_piece(piece(2, b"cd", true)), on(b"d", true));
    }

    #[test]
    fn a_second_try_that_answers_otherwise_is_noticed() {
        let begin = || {
            let mut passing = Passing::default();
            passing.on_piece(piece(0, b"abc", false));
            passing.on_try();
            passing
        };
        assert_eq!(begin().on_piece(piece(0, b"abx", false)), Passed::Differs);
        assert_eq!(begin().on_piece(piece(0, b"ab", true)), Passed::Differs);
        assert_eq!(begin().on_piece(piece(0, b"abc", true)), on(b"", true));
    }

    #[test]
    fn what_no_worker_says_is_a_breach() {
        let large = vec![0; 1 + usize::try_from(CALL_PIECE_BYTES_MAX).expect("small")];
        for breach in [piece(1, b"a", false), piece(0, b"", false), piece(0, &large, true)] {
            assert_eq!(Passing::default().on_piece(breach), Passed::Breach);
        }
    }

    #[test]
    fn no_more_is_on_its_way_than_the_window_allows() {
        let full = vec![0; usize::try_from(CALL_PIECE_BYTES_MAX).expect("small")];
        let mut passing = Passing::default();
        let mut offset = 0;
        while offset < CALL_WINDOW_BYTES {
            assert_eq!(passing.on_piece(piece(offset, &full, false)), on(&full, false));
            offset += CALL_PIECE_BYTES_MAX;
        }
        assert!(passing.on_taken(1) && !passing.on_taken(1));
        assert_eq!(passing.on_piece(piece(offset, b"a", false)), on(b"a", false));
        assert_eq!(passing.on_piece(piece(offset + 1, b"b", false)), Passed::Breach);
    }

    proptest! {
        #[test]
        fn the_caller_gets_every_byte_once(
            answer in prop::collection::vec(any::<u8>(), 1..200),
            tries in prop::collection::vec(prop::collection::vec(1..50_usize, 0..6), 0..4),
        ) {
            let mut passing = Passing::default();
            let mut got = Vec::new();
            // Each try but the last is lost after some pieces.
            for sizes in tries.iter().chain([&vec![7; 40]]) {
                passing.on_try();
                let mut at = 0;
                for size in sizes {
                    let end = (at + size).min(answer.len());
                    let is_last = end == answer.len();
                    match passing.on_piece(piece(at as u64, &answer[at..end], is_last)) {
                        Passed::On { bytes, is_last } => {
                            got.extend(bytes);
                            if is_last {
                                prop_assert_eq!(got, answer);
                                return Ok(());
                            }
                        }
                        Passed::Known => {}
                        other => prop_assert!(false, "{other:?}"),
                    }
                    at = end;
                }
            }
            prop_assert!(false, "the last try ends");
        }
    }
}
