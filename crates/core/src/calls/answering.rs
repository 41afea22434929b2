//! A worker's end of a call: the answer in pieces, as fast as the caller takes them.

use crate::limits::{CALL_PIECE_BYTES_MAX, CALL_WINDOW_BYTES};
use std::ops::Range;

/// How far an answer has been sent. The bytes themselves are the host's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Answering {
    /// `None`: the operation is still at work.
    size: Option<u64>,
    sent_bytes: u64,
    taken_bytes: u64,
    is_ended: bool,
}

impl Answering {
    /// An answer in the making.
    #[must_use]
    pub fn new() -> Answering {
        Answering::default()
    }

    /// The answer is there and has so many bytes.
    pub fn on_made(&mut self, size: u64) {
        self.size = Some(size);
    }

    /// The caller has taken so many bytes in all. Word of it may come before the answer is made.
    pub fn on_taken(&mut self, bytes: u64) {
        self.taken_bytes = self.taken_bytes.max(bytes);
    }

    /// The next piece to send, and whether it is the last; `None` while there is nothing to send or
    /// no room for it. An empty answer is one empty piece.
    pub fn next_piece(&mut self) -> Option<(Range<u64>, bool)> {
        let size = self.size.filter(|_| !self.is_ended)?;
        let room_until = self.taken_bytes.saturating_add(CALL_WINDOW_BYTES).min(size);
        let end = room_until.min(self.sent_bytes + CALL_PIECE_BYTES_MAX);
        if end <= self.sent_bytes && size > 0 {
            return None;
        }
        let piece = self.sent_bytes..end;
        self.sent_bytes = end;
        self.is_ended = end == size;
        Some((piece, self.is_ended))
    }

    /// Whether the last piece has been sent.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.is_ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_pieces(answering: &mut Answering) -> Vec<(Range<u64>, bool)> {
        std::iter::from_fn(|| answering.next_piece()).collect()
    }

    #[test]
    fn a_small_answer_is_one_piece_an_empty_one_too() {
        let mut answering = Answering::new();
        assert_eq!(answering.next_piece(), None);
        answering.on_made(3);
        assert_eq!(all_pieces(&mut answering), [(0..3, true)]);
        let mut answering = Answering::new();
        answering.on_made(0);
        assert_eq!(all_pieces(&mut answering), [(0..0, true)]);
        assert!(answering.is_ended());
    }

    #[test]
    fn a_large_one_waits_for_the_caller() {
        let mut answering = Answering::new();
        let size = 2 * CALL_WINDOW_BYTES + 1;
        answering.on_made(size);
        let first = all_pieces(&mut answering);
        assert_eq!(first.last().map(|(piece, _)| piece.end), Some(CALL_WINDOW_BYTES));
        assert!(first.iter().all(|(p, last)| p.end - p.start <= CALL_PIECE_BYTES_MAX && !last));
        answering.on_taken(1);
        assert_eq!(all_pieces(&mut answering), [(CALL_WINDOW_BYTES..CALL_WINDOW_BYTES + 1, false)]);
        // Older news takes nothing back.
        answering.on_taken(0);
        answering.on_taken(CALL_WINDOW_BYTES + 1);
        let rest = all_pieces(&mut answering);
        assert_eq!(rest.last().map(|(piece, is_last)| (piece.end, *is_last)), Some((size, true)));
    }

    #[test]
    fn what_was_taken_of_an_earlier_try_counts_before_the_answer_is_made() {
        let mut answering = Answering::new();
        answering.on_taken(5 * CALL_WINDOW_BYTES);
        answering.on_made(6 * CALL_WINDOW_BYTES);
        assert!(all_pieces(&mut answering).last().is_some_and(|(_, is_last)| *is_last));
    }
}
