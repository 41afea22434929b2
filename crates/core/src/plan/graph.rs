//! Which phases wait for which.

use crate::ledger::PhaseSpec;

/// Whether every phase waits only for earlier ones, so that such a list has no cycle, and takes
/// results only of phases that it waits for.
#[must_use]
pub fn is_in_order(phases: &[PhaseSpec]) -> bool {
    let waits_for_earlier = |(position, phase): (usize, &PhaseSpec)| {
        phase.after.iter().all(|before| usize::from(before.0) < position)
            && phase.derived.as_ref().is_none_or(|derived| derived.is_sound(&phase.after))
    };
    phases.iter().enumerate().all(waits_for_earlier)
}
