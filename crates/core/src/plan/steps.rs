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
}

/// The phases of an operation with these parameters, where the first of them is the job's phase
/// `first`; none where its work is not divided.
#[must_use]
pub fn phases_of(
    spec: &OperationSpec,
    params: &Params,
    first: PhaseIndex,
    fresh: bool,
) -> Vec<PhaseSpec> {
    let phase = |(position, step): (u16, &Step)| {
        let mut params = params.clone();
        params.0.insert(STEP_PARAM.to_owned(), step.name.to_owned());
        let before = (position > 0).then(|| PhaseIndex(first.0 + position - 1));
        let (count, takes) = match step.input {
            StepInput::Nothing(count) => (count, Vec::new()),
            StepInput::AllOfBefore(count) => {
                let take = |phase| Take { phase, share: Share::Whole };
                (count, before.into_iter().map(take).collect())
            }
        };
        PhaseSpec {
            operation: spec.name.to_owned(),
            version: spec.version,
            params,
            after: before.into_iter().collect(),
            on_failure: step.on_failure,
            fresh,
            derived: Some(Derived { count: TaskCount::Fixed(count), takes }),
        }
    };
    (0..).zip(spec.steps).map(phase).collect()
}
