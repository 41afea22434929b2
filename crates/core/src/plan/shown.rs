//! What of a job's tasks is told to people: those on whose results no other phase builds, each for
//! a file, also while it is still to come.

use super::TaskCount;
use super::steps::STEP_PARAM;
use crate::ids::PhaseIndex;
use crate::ledger::{Counts, JobState, Outcome, PhaseSpec};

/// Whether another one of these phases builds on the results of the one at a position: then these
/// are nobody else's.
#[must_use]
pub fn is_intermediate(phases: &[&PhaseSpec], position: usize) -> bool {
    let index = u16::try_from(position).map(PhaseIndex);
    let derived = phases.iter().filter_map(|spec| spec.derived.as_ref());
    derived.flat_map(|derived| derived.sources()).any(|source| Ok(source) == index)
}

/// Where the tasks of the phase at a position stand, those that are still to come being open.
#[must_use]
pub fn expected_counts(phases: &[(&PhaseSpec, Counts)], position: usize) -> Counts {
    let Some((spec, counts)) = phases.get(position) else { return Counts::default() };
    let expected = match spec.derived.as_ref().map(|derived| derived.count) {
        None => return *counts,
        Some(TaskCount::Fixed(count)) => count,
        // It builds on earlier ones alone.
        Some(TaskCount::EachOf(source)) if usize::from(source.0) < position => {
            let of = expected_counts(phases, usize::from(source.0));
            of.pending + of.succeeded + of.failed
        }
        Some(TaskCount::EachOf(_)) => 0,
    };
    let settled = counts.succeeded + counts.failed;
    Counts { pending: expected.saturating_sub(settled), ..*counts }
}

/// Where a job's files stand. Where a failure has ended the job, it is the failure of all that was
/// open too.
#[must_use]
pub fn file_counts(phases: &[(&PhaseSpec, Counts)], state: &JobState) -> Counts {
    let specs: Vec<&PhaseSpec> = phases.iter().map(|(spec, _)| *spec).collect();
    let shown = (0..phases.len()).filter(|position| !is_intermediate(&specs, *position));
    let sum = shown.fold(Counts::default(), |sum, position| {
        let of = expected_counts(phases, position);
        Counts {
            pending: sum.pending + of.pending,
            succeeded: sum.succeeded + of.succeeded,
            failed: sum.failed + of.failed,
        }
    });
    match state {
        JobState::Ended(Outcome::Failed) => {
            Counts { pending: 0, failed: sum.failed + sum.pending, ..sum }
        }
        _ => sum,
    }
}

/// What a phase is called: its operation, and which step of it.
#[must_use]
pub fn label(spec: &PhaseSpec) -> String {
    match spec.params.text(STEP_PARAM) {
        Some(step) => format!("{}: {step}", spec.operation),
        None => spec.operation.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::OnFailure;
    use crate::params::Params;
    use crate::plan::{Derived, Share, Take};

    fn spec(derived: Option<(TaskCount, Option<u16>)>) -> PhaseSpec {
        let derived = derived.map(|(count, taken)| {
            let take = |phase| Take { phase: PhaseIndex(phase), share: Share::Whole };
            Derived { count, takes: taken.into_iter().map(take).collect() }
        });
        PhaseSpec {
            operation: "noop".to_owned(),
            version: 1,
            params: Params::default(),
            after: Vec::new(),
            on_failure: OnFailure::Stop,
            fresh: false,
            derived,
        }
    }

    fn counts(pending: u32, succeeded: u32, failed: u32) -> Counts {
        Counts { pending, succeeded, failed }
    }

    #[test]
    fn what_others_build_on_is_no_file_and_what_is_to_come_is_open() {
        let each_of = TaskCount::EachOf(PhaseIndex(0));
        let specs = [spec(None), spec(Some((each_of, None))), spec(Some((each_of, Some(1))))];
        let phases = [
            (&specs[0], counts(1, 3, 1)),
            (&specs[1], counts(0, 0, 0)),
            (&specs[2], counts(0, 0, 0)),
        ];
        assert_eq!(file_counts(&phases, &JobState::Open), counts(5, 0, 0));
        assert_eq!(expected_counts(&phases, 1), counts(5, 0, 0));
        let failed = JobState::Ended(Outcome::Failed);
        assert_eq!(file_counts(&phases, &failed), counts(0, 0, 5));
    }

    #[test]
    fn files_of_phases_that_nobody_builds_on_are_all_counted() {
        let specs = [spec(None), spec(None), spec(Some((TaskCount::Fixed(2), Some(1))))];
        let phases = [
            (&specs[0], counts(1, 3, 1)),
            (&specs[1], counts(0, 7, 0)),
            (&specs[2], counts(1, 1, 0)),
        ];
        assert_eq!(file_counts(&phases, &JobState::Open), counts(2, 4, 1));
    }
}
