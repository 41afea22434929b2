//! How a master comes to write: it claims the next epoch behind the head that it has applied, and
//! writes until somebody else's claim stands in its way.

use crate::ids::{Epoch, Seq};

/// Where a master stands in the sequence of reigns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reign {
    /// Follows the log.
    Standby,
    /// Has asked for its claim to be appended; the epoch is used nowhere before that is durable.
    Claiming {
        /// The epoch asked for.
        epoch: Epoch,
        /// Where the claim would stand.
        at: Seq,
    },
    /// Its claim is durable: it writes.
    Primary(Epoch),
    /// Another claim came after its own: it never writes again.
    Deposed,
}

/// What stands at the position that a fenced append wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// The record itself, appended although the answer was lost.
    Own,
    /// A record of the epoch that was current when this master followed the log.
    Ordinary,
    /// A claim of another master.
    Claim,
}

/// What to do after a fenced append.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Go on as if the append had been answered.
    Done,
    /// Apply what was found, then claim again behind it.
    ClaimAgain,
    /// Follow the log, with fresh patience.
    Follow,
}

impl Found {
    /// Judges by epoch and id what stands where a fenced record wanted to be.
    #[must_use]
    pub fn of(own: (Epoch, u128), there: Option<(Epoch, u128)>) -> Found {
        match there {
            Some((_, id)) if id == own.1 => Found::Own,
            Some((epoch, _)) if epoch >= own.0 => Found::Claim,
            _ => Found::Ordinary,
        }
    }
}

impl Reign {
    /// A standby that has applied everything up to the head claims the next epoch.
    #[must_use]
    pub fn claim(head: Seq, head_epoch: Epoch) -> Reign {
        Reign::Claiming { epoch: Epoch(head_epoch.0 + 1), at: head.next() }
    }

    /// A claim was fenced by an ordinary record, and the log is applied up to this head: the same
    /// epoch again behind it, unless another master has claimed it on the way.
    #[must_use]
    pub fn claim_again(wanted: Epoch, head: Seq, head_epoch: Epoch) -> Reign {
        if head_epoch >= wanted { Reign::Standby } else { Reign::claim(head, head_epoch) }
    }

    /// The append is durable.
    #[must_use]
    pub fn on_durable(self) -> Reign {
        match self {
            Reign::Claiming { epoch, .. } => Reign::Primary(epoch),
            other => other,
        }
    }

    /// The append was fenced, and this was found in its place. A primary's first fence by anything
    /// but its own record ends it for good.
    #[must_use]
    pub fn on_fenced(self, found: Found) -> (Reign, Next) {
        match (self, found) {
            (reign, Found::Own) => (reign.on_durable(), Next::Done),
            (Reign::Claiming { .. }, Found::Ordinary) => (Reign::Standby, Next::ClaimAgain),
            (Reign::Primary(_) | Reign::Deposed, _) => (Reign::Deposed, Next::Follow),
            (Reign::Standby | Reign::Claiming { .. }, _) => (Reign::Standby, Next::Follow),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_the_next_epoch_at_the_next_position() {
        let reign = Reign::claim(Seq(7), Epoch(2));
        assert_eq!(reign, Reign::Claiming { epoch: Epoch(3), at: Seq(8) });
        assert_eq!(reign.on_durable(), Reign::Primary(Epoch(3)));
    }

    #[test]
    fn a_fenced_claim_is_retried_only_behind_an_ordinary_record() {
        let reign = Reign::claim(Seq(7), Epoch(2));
        assert_eq!(reign.on_fenced(Found::Ordinary), (Reign::Standby, Next::ClaimAgain));
        assert_eq!(reign.on_fenced(Found::Claim), (Reign::Standby, Next::Follow));
        assert_eq!(reign.on_fenced(Found::Own), (Reign::Primary(Epoch(3)), Next::Done));
    }

    #[test]
    fn a_claim_is_not_repeated_behind_the_claim_of_another() {
        let again = Reign::claim_again(Epoch(3), Seq(9), Epoch(2));
        assert_eq!(again, Reign::Claiming { epoch: Epoch(3), at: Seq(10) });
        assert_eq!(Reign::claim_again(Epoch(3), Seq(12), Epoch(3)), Reign::Standby);
    }

    #[test]
    fn what_stands_in_the_way_is_known_by_its_id_then_by_its_epoch() {
        let own = (Epoch(3), 7);
        assert_eq!(Found::of(own, Some((Epoch(3), 7))), Found::Own);
        assert_eq!(Found::of(own, Some((Epoch(3), 8))), Found::Claim);
        assert_eq!(Found::of(own, Some((Epoch(4), 8))), Found::Claim);
        assert_eq!(Found::of(own, Some((Epoch(2), 8))), Found::Ordinary);
        assert_eq!(Found::of(own, None), Found::Ordinary);
    }

    #[test]
    fn a_fenced_primary_never_writes_again() {
        let primary = Reign::Primary(Epoch(3));
        for found in [Found::Ordinary, Found::Claim] {
            assert_eq!(primary.on_fenced(found), (Reign::Deposed, Next::Follow));
        }
        assert_eq!(primary.on_fenced(Found::Own), (primary, Next::Done));
        assert_eq!(Reign::Deposed.on_durable(), Reign::Deposed);
    }
}
