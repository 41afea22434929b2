//! The tenure cell of the memory engine: one register with compare-and-swap and a revision.
//!
//! Clones share one register. Answers that are late or come twice are the network's business; here
//! a request may fail before or after it was carried out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use windlass_core::reign::{CellAnswer, MasterId, Revision, Standing};

/// What goes wrong with a request to the cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CellFault {
    /// It is not carried out.
    Unavailable,
    /// It is carried out, but nobody hears of it.
    AnswerLost,
}

/// A tenure cell in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryCell {
    register: Arc<Mutex<Standing>>,
}

impl MemoryCell {
    /// A cell that nobody holds.
    #[must_use]
    pub fn new() -> MemoryCell {
        MemoryCell::default()
    }

    /// What stands in the cell now: linearizable.
    #[must_use]
    pub fn read(&self, fault: Option<CellFault>) -> CellAnswer {
        if fault.is_some() { CellAnswer::Failed } else { CellAnswer::Stands(*self.register()) }
    }

    /// Puts a holder into the cell if it stands at this revision.
    #[must_use]
    pub fn swap(
        &self,
        expected: Revision,
        holder: MasterId,
        fault: Option<CellFault>,
    ) -> CellAnswer {
        if fault == Some(CellFault::Unavailable) {
            return CellAnswer::Failed;
        }
        let mut register = self.register();
        let fits = register.revision == expected;
        if fits {
            *register = Standing { revision: Revision(expected.0 + 1), holder: Some(holder) };
        }
        match fault {
            Some(_) => CellAnswer::Failed,
            None if fits => CellAnswer::Swapped(register.revision),
            None => CellAnswer::Stands(*register),
        }
    }

    fn register(&self) -> MutexGuard<'_, Standing> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: MasterId = MasterId(1);
    const SECOND: MasterId = MasterId(2);

    fn stands(revision: u64, holder: Option<MasterId>) -> CellAnswer {
        CellAnswer::Stands(Standing { revision: Revision(revision), holder })
    }

    #[test]
    fn one_of_two_swaps_wins_and_the_other_sees_the_winner() {
        let cell = MemoryCell::new();
        assert_eq!(cell.read(None), stands(0, None));
        assert_eq!(cell.swap(Revision(0), FIRST, None), CellAnswer::Swapped(Revision(1)));
        assert_eq!(cell.clone().swap(Revision(0), SECOND, None), stands(1, Some(FIRST)));
        assert_eq!(cell.swap(Revision(1), SECOND, None), CellAnswer::Swapped(Revision(2)));
        assert_eq!(cell.read(None), stands(2, Some(SECOND)));
    }

    #[test]
    fn a_failed_swap_was_made_or_not() {
        let cell = MemoryCell::new();
        let fault = Some(CellFault::Unavailable);
        assert_eq!(cell.swap(Revision(0), FIRST, fault), CellAnswer::Failed);
        assert_eq!(cell.read(fault), CellAnswer::Failed);
        assert_eq!(cell.read(None), stands(0, None));
        let fault = Some(CellFault::AnswerLost);
        assert_eq!(cell.swap(Revision(0), FIRST, fault), CellAnswer::Failed);
        assert_eq!(cell.read(None), stands(1, Some(FIRST)));
    }
}
