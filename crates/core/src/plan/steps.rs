//! Operations whose work is divided: the phases that one of them becomes.

use super::{Derived, Share, Take, TaskCount};
use crate::catalogue::OperationSpec;
use crate::ids::PhaseIndex;
use crate::ledger::{OnFailure, PhaseSpec};
use crate::params::Params;

/// The parameter that tells an operation which of its steps is meant. No user can give it: no
/// operation declares it.
pub const STEP_PARAM: &str = "step";

/// One phase of an operation whose work is divided, as data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// Its name, the value of [`STEP_PARAM`].
    pub name: &'static str,
    /// How many tasks it has and what they work on.
    pub input: StepInput,
    /// What one failed task means for the job.
    pub on_failure: OnFailure,
}

/// What a step works on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StepInput {
    /// Nothing: so many tasks are told apart by their numbers.
    Nothing(u32),
    /// So many tasks, each of which gets everything that the step before made.
    AllOfBefore(u32),
    /// The job's files: one task for each, added by whoever submits them.
    Files,
    /// So many tasks, each of which gets everything that the steps at these positions made.
    AllOf(u32, &'static [u16]),
    /// A task for each one of the step at the first position, whose result it gets, and behind it
    /// everything that the steps at the others made. To the user it is about the same file.
    EachOf(u16, &'static [u16]),
}

/// The phases of an operation with these parameters, where the first of them is the job's phase
/// `first`: one over its files where its work is not divided.
#[must_use]
pub fn phases_of(
    spec: &OperationSpec,
    params: &Params,
    first: PhaseIndex,
    fresh: bool,
) -> Vec<PhaseSpec> {
    let of = |step: u16| PhaseIndex(first.0 + step);
    let all_of = |steps: &[u16]| -> Vec<Take> {
        let take = |step: &u16| Take { phase: of(*step), share: Share::Whole };
        steps.iter().map(take).collect()
    };
    let phase = |(position, step): (u16, &Step)| {
        let mut params = params.clone();
        params.0.insert(STEP_PARAM.to_owned(), step.name.to_owned());
        let fixed = |count, takes| Some(Derived { count: TaskCount::Fixed(count), takes });
        let derived = match step.input {
            StepInput::Files => None,
            StepInput::Nothing(count) => fixed(count, Vec::new()),
            StepInput::AllOfBefore(count) => {
                fixed(count, all_of(position.checked_sub(1).as_slice()))
            }
            StepInput::AllOf(count, steps) => fixed(count, all_of(steps)),
            StepInput::EachOf(source, others) => {
                Some(Derived { count: TaskCount::EachOf(of(source)), takes: all_of(others) })
            }
        };
        PhaseSpec {
            operation: spec.name.to_owned(),
            version: spec.version,
            params,
            after: derived.iter().flat_map(Derived::sources).collect(),
            on_failure: step.on_failure,
            fresh,
            derived,
        }
    };
    if spec.steps.is_empty() {
        return vec![PhaseSpec {
            operation: spec.name.to_owned(),
            version: spec.version,
            params: params.clone(),
            after: Vec::new(),
            on_failure: OnFailure::Continue,
            fresh,
            derived: None,
        }];
    }
    (0..).zip(spec.steps).map(phase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Accepts, Cacheable, Home};
    use crate::plan::is_in_order;

    const fn step(name: &'static str, input: StepInput) -> Step {
        Step { name, input, on_failure: OnFailure::Continue }
    }

    const SPEC: OperationSpec = OperationSpec {
        name: "pages",
        version: 1,
        summary: "",
        accepts: Accepts::AnyFile,
        params: &[],
        home: Home::Executor,
        cacheable: Cacheable::Never,
        attempt_ms_max: 1,
        progress_ms_max: None,
        memory_bytes_max: 1,
        output_bytes_max: 1,
        steps: &[
            step("read", StepInput::Files),
            step("join", StepInput::AllOf(1, &[0])),
            step("write", StepInput::EachOf(0, &[1])),
            step("index", StepInput::AllOf(2, &[0, 1])),
        ],
    };

    /// Behind the two phases of another operation of the same job.
    #[test]
    fn steps_build_on_each_other_wherever_in_the_job_they_are() {
        let phases = phases_of(&SPEC, &Params::default(), PhaseIndex(2), false);
        let take = |phase| Take { phase: PhaseIndex(phase), share: Share::Whole };
        let derived = |count, takes: &[u16]| {
            Some(Derived { count, takes: takes.iter().copied().map(take).collect() })
        };
        assert_eq!(phases[0].derived, None);
        assert_eq!(phases[1].derived, derived(TaskCount::Fixed(1), &[2]));
        assert_eq!(phases[2].derived, derived(TaskCount::EachOf(PhaseIndex(2)), &[3]));
        assert_eq!(phases[3].derived, derived(TaskCount::Fixed(2), &[2, 3]));
        let after: Vec<Vec<u16>> =
            phases.iter().map(|it| it.after.iter().map(|phase| phase.0).collect()).collect();
        assert_eq!(after, [vec![], vec![2], vec![2, 3], vec![2, 3]]);
        let before = phases_of(&SPEC, &Params::default(), PhaseIndex(0), false);
        assert!(is_in_order(&[&before[..2], &phases].concat()));
    }

    #[test]
    fn work_that_is_not_divided_is_one_phase_over_its_files() {
        let whole = OperationSpec { steps: &[], ..SPEC };
        let phases = phases_of(&whole, &Params::default(), PhaseIndex(3), true);
        let [phase] = &phases[..] else { panic!("one phase") };
        assert_eq!((&*phase.operation, phase.fresh, &phase.derived), ("pages", true, &None));
        assert!(phase.after.is_empty() && phase.params == Params::default());
    }
}
