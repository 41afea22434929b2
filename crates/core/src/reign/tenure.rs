//! The holder's side of the tenure: renewed by compare-and-swap, believed only as long as nobody
//! else's patience can have run out.

use crate::limits::{TENURE_DISPATCH_MS, TENURE_RENEW_MS, TENURE_UNANSWERED_COUNT_MAX};
use crate::time::Tick;
use std::collections::VecDeque;

/// One start of a master, drawn at random: what the tenure cell holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MasterId(pub u128);

/// How often the tenure cell was changed; 0 before anybody held it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Revision(pub u64);

/// A master's number for one request to the tenure cell, so that an answer which is late or comes
/// twice is known for what it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct RequestNumber(pub u64);

/// What the tenure cell holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// How often it was changed.
    pub revision: Revision,
    /// Who changed it last; `None` at revision 0.
    pub holder: Option<MasterId>,
}

/// What a request to the tenure cell came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CellAnswer {
    /// The swap was made, and is this revision.
    Swapped(Revision),
    /// What stands there: the answer to a read, and to a swap that expected something else.
    Stands(Standing),
    /// The engine did not answer as it should; a swap may have been made or not.
    Failed,
}

/// Whether the tenure is still one's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Hold {
    Kept,
    Lost,
}

/// The tenure in its holder's hands.
#[derive(Debug)]
pub(super) struct Tenure {
    revision: Revision,
    /// When the newest renewal that succeeded was sent. Its answer may have taken any time, and
    /// others may count from the moment after the sending.
    renewed_at: Tick,
    /// Renewals on their way, oldest first.
    unanswered: VecDeque<(RequestNumber, Tick)>,
    pub(super) renew_at: Tick,
}

impl Tenure {
    pub(super) fn won(revision: Revision, sent_at: Tick) -> Tenure {
        Tenure {
            revision,
            renewed_at: sent_at,
            unanswered: VecDeque::new(),
            renew_at: sent_at.after_ms(TENURE_RENEW_MS),
        }
    }

    /// Until when tasks may be handed out.
    pub(super) fn dispatch_until(&self) -> Tick {
        self.renewed_at.after_ms(TENURE_DISPATCH_MS)
    }

    /// A renewal goes out under this number; answers what it must expect in the cell.
    pub(super) fn renew(&mut self, now: Tick, request: RequestNumber) -> Revision {
        if self.unanswered.len() == TENURE_UNANSWERED_COUNT_MAX {
            self.unanswered.pop_front();
        }
        self.unanswered.push_back((request, now));
        self.renew_at = now.after_ms(TENURE_RENEW_MS);
        self.revision
    }

    pub(super) fn on_answer(
        &mut self,
        now: Tick,
        me: MasterId,
        request: RequestNumber,
        answer: CellAnswer,
    ) -> Hold {
        let Some(position) = self.unanswered.iter().position(|(known, _)| *known == request) else {
            return Hold::Kept;
        };
        let (_, sent_at) = self.unanswered.remove(position).unwrap_or((request, Tick(0)));
        match answer {
            CellAnswer::Swapped(revision) => {
                self.revision = self.revision.max(revision);
                self.renewed_at = self.renewed_at.max(sent_at);
            }
            // A renewal whose answer was lost: it counts for nothing, but the next one may build
            // on it, at once.
            CellAnswer::Stands(Standing { revision, holder }) if holder == Some(me) => {
                self.revision = self.revision.max(revision);
                self.renew_at = now;
            }
            CellAnswer::Stands(standing) if standing.revision > self.revision => return Hold::Lost,
            CellAnswer::Stands(_) | CellAnswer::Failed => {}
        }
        Hold::Kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: MasterId = MasterId(1);

    fn ms(ms: u64) -> Tick {
        Tick(0).after_ms(ms)
    }

    fn stands(revision: u64, holder: u128) -> CellAnswer {
        CellAnswer::Stands(Standing {
            revision: Revision(revision),
            holder: Some(MasterId(holder)),
        })
    }

    #[test]
    fn the_time_counts_from_sending_not_from_the_answer() {
        let mut tenure = Tenure::won(Revision(4), ms(0));
        assert_eq!(tenure.dispatch_until(), ms(750));
        assert_eq!(tenure.renew(ms(250), RequestNumber(1)), Revision(4));
        let answer = CellAnswer::Swapped(Revision(5));
        assert_eq!(tenure.on_answer(ms(700), ME, RequestNumber(1), answer), Hold::Kept);
        assert_eq!(tenure.dispatch_until(), ms(1_000));
        assert_eq!(tenure.renew(ms(700), RequestNumber(2)), Revision(5));
    }

    #[test]
    fn an_answer_that_comes_twice_or_to_nobody_changes_nothing() {
        let mut tenure = Tenure::won(Revision(4), ms(0));
        tenure.renew(ms(250), RequestNumber(1));
        let answer = CellAnswer::Swapped(Revision(5));
        for answered_ms in [300, 900] {
            tenure.on_answer(ms(answered_ms), ME, RequestNumber(1), answer);
        }
        tenure.on_answer(ms(900), ME, RequestNumber(7), CellAnswer::Swapped(Revision(6)));
        tenure.on_answer(ms(900), ME, RequestNumber(8), stands(9, 2));
        assert_eq!(tenure.dispatch_until(), ms(1_000));
        assert_eq!(tenure.renew(ms(900), RequestNumber(2)), Revision(5));
    }

    #[test]
    fn a_lost_answer_is_built_on_but_renews_nothing() {
        let mut tenure = Tenure::won(Revision(4), ms(0));
        tenure.renew(ms(250), RequestNumber(1));
        tenure.renew(ms(500), RequestNumber(2));
        assert_eq!(tenure.on_answer(ms(510), ME, RequestNumber(2), stands(5, 1)), Hold::Kept);
        assert_eq!(tenure.dispatch_until(), ms(750));
        assert_eq!(tenure.renew_at, ms(510));
        assert_eq!(tenure.renew(ms(510), RequestNumber(3)), Revision(5));
    }

    #[test]
    fn another_holder_ends_it() {
        let mut tenure = Tenure::won(Revision(4), ms(0));
        tenure.renew(ms(250), RequestNumber(1));
        assert_eq!(tenure.on_answer(ms(260), ME, RequestNumber(1), stands(5, 2)), Hold::Lost);
    }

    #[test]
    fn renewals_without_an_answer_are_bounded() {
        let mut tenure = Tenure::won(Revision(4), ms(0));
        for number in 0..100 {
            tenure.renew(ms(number), RequestNumber(number));
        }
        assert_eq!(tenure.unanswered.len(), TENURE_UNANSWERED_COUNT_MAX);
    }
}
