//! The phase graph of a job: which phases wait for which.

use crate::ledger::PhaseSpec;

/// Whether every phase waits only for earlier ones: such a list has no cycle.
#[must_use]
pub fn is_in_order(phases: &[PhaseSpec]) -> bool {
    let waits_for_earlier = |(position, phase): (usize, &PhaseSpec)| {
        phase.after.iter().all(|before| usize::from(before.0) < position)
    };
    phases.iter().enumerate().all(waits_for_earlier)
}
