//! A candidate's patience: how long the tenure cell has stood still, by the candidate's own clock
//! and its own reads.
//!
//! It counts only over an unbroken row of answered reads: while the engine is away, for an election
//! of its own, the holder cannot renew either, and that is no reason to take over.

use super::tenure::{CellAnswer, RequestNumber, Revision, Standing};
use crate::limits::{TENURE_ANSWER_MS_MAX, TENURE_PATIENCE_MS, TENURE_READ_MS};
use crate::time::Tick;

/// The patience of one candidate.
#[derive(Debug)]
pub(super) struct Patience {
    /// What the first read of the row found, and when it was answered: it stood there then.
    since: Option<(Revision, Tick)>,
    /// The read on its way, and when it was sent: what it finds stood there after that.
    asked: Option<(RequestNumber, Tick)>,
    ask_at: Tick,
}

impl Patience {
    pub(super) fn fresh(now: Tick) -> Patience {
        Patience { since: None, asked: None, ask_at: now }
    }

    pub(super) fn deadline(&self) -> Tick {
        self.asked.map_or(self.ask_at, |(_, sent_at)| sent_at.after_ms(TENURE_ANSWER_MS_MAX))
    }

    /// Whether a read is due; it goes out under this number.
    pub(super) fn asks(&mut self, now: Tick, request: RequestNumber) -> bool {
        if self.deadline() > now {
            return false;
        }
        // The read before was not answered, or this candidate itself stood still.
        if self.asked.is_some() || now.ms_since(self.ask_at) > TENURE_ANSWER_MS_MAX {
            self.since = None;
        }
        self.asked = Some((request, now));
        true
    }

    /// Takes the answer to a read; the revision to expect, once the patience is over.
    pub(super) fn on_answer(
        &mut self,
        now: Tick,
        request: RequestNumber,
        answer: CellAnswer,
    ) -> Option<Revision> {
        let (_, sent_at) = self.asked.take_if(|(known, _)| *known == request)?;
        self.ask_at = now.after_ms(TENURE_READ_MS);
        let in_time = now.ms_since(sent_at) <= TENURE_ANSWER_MS_MAX;
        match answer {
            CellAnswer::Stands(Standing { revision, holder: None }) => Some(revision),
            CellAnswer::Stands(Standing { revision, .. }) if in_time => match self.since {
                Some((seen, seen_at)) if seen == revision => {
                    (sent_at.ms_since(seen_at) >= TENURE_PATIENCE_MS).then_some(revision)
                }
                _ => {
                    self.since = Some((revision, now));
                    None
                }
            },
            _ => {
                self.since = None;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reign::MasterId;

    fn stands(revision: u64) -> CellAnswer {
        let holder = Some(MasterId(9));
        CellAnswer::Stands(Standing { revision: Revision(revision), holder })
    }

    /// Reads every 100 ms, answered after 10 ms by what `answer` says; when the patience was over.
    fn over_at(until_ms: u64, answer: impl Fn(u64) -> CellAnswer) -> Option<u64> {
        let mut patience = Patience::fresh(Tick(0));
        let mut asked = None;
        for at_ms in 0..until_ms {
            let now = Tick(0).after_ms(at_ms);
            if patience.asks(now, RequestNumber(at_ms)) {
                asked = Some(at_ms);
            }
            if let Some(sent_ms) = asked.filter(|sent_ms| sent_ms + 10 == at_ms)
                && patience.on_answer(now, RequestNumber(sent_ms), answer(at_ms)).is_some()
            {
                return Some(at_ms);
            }
        }
        None
    }

    #[test]
    fn a_cell_that_stands_still_is_given_a_second() {
        assert_eq!(over_at(3_000, |_| stands(1)), Some(1_110));
    }

    #[test]
    fn a_cell_that_nobody_holds_is_free_at_once() {
        assert_eq!(over_at(3_000, |_| CellAnswer::Stands(Standing::default())), Some(10));
    }

    #[test]
    fn every_renewal_starts_it_anew() {
        assert_eq!(over_at(3_000, |now_ms| stands(now_ms / 900)), None);
        assert_eq!(over_at(6_000, |now_ms| stands(now_ms.min(2_700) / 900)), Some(3_860));
    }

    #[test]
    fn the_time_of_an_engine_outage_does_not_count() {
        let outage = |now_ms: u64| match now_ms {
            500..2_500 => CellAnswer::Failed,
            _ => stands(1),
        };
        assert_eq!(over_at(9_000, outage), Some(3_640));
    }

    #[test]
    fn reads_without_an_answer_do_not_count() {
        let mut patience = Patience::fresh(Tick(0));
        let at = |ms| Tick(0).after_ms(ms);
        assert!(patience.asks(at(0), RequestNumber(0)));
        assert_eq!(patience.on_answer(at(10), RequestNumber(0), stands(1)), None);
        assert!(patience.asks(at(110), RequestNumber(1)));
        assert!(!patience.asks(at(409), RequestNumber(2)));
        assert!(patience.asks(at(410), RequestNumber(2)));
        // The answer to the read that was given up.
        assert_eq!(patience.on_answer(at(1_200), RequestNumber(1), stands(1)), None);
        // Too late to say what stands there now.
        assert_eq!(patience.on_answer(at(1_400), RequestNumber(2), stands(1)), None);
        assert!(patience.asks(at(1_500), RequestNumber(3)));
        assert_eq!(patience.on_answer(at(1_510), RequestNumber(3), stands(1)), None);
        assert_eq!(patience.since, Some((Revision(1), at(1_510))));
    }

    #[test]
    fn a_candidate_that_stood_still_starts_anew() {
        let mut patience = Patience::fresh(Tick(0));
        let at = |ms| Tick(0).after_ms(ms);
        patience.asks(at(0), RequestNumber(0));
        patience.on_answer(at(10), RequestNumber(0), stands(1));
        assert!(patience.asks(at(5_000), RequestNumber(1)));
        assert_eq!(patience.on_answer(at(5_010), RequestNumber(1), stands(1)), None);
    }
}
