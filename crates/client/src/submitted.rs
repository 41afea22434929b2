//! What a run's jobs are, as far as the run must know: phases, inputs, how many tasks.

use std::collections::{BTreeMap, BTreeSet};
use windlass_core::input::Input;
use windlass_core::ledger::PhaseSpec;
use windlass_core::plan::TaskCount;
use windlass_core::{JobId, PhaseId, PhaseIndex};

/// What a run works on.
#[derive(Debug, Default)]
pub(crate) struct Submission {
    pub(crate) phases: BTreeMap<PhaseId, SubmittedPhase>,
    /// Whether an unfinished job goes on.
    pub(crate) resumed: bool,
    /// Tasks that are tried again.
    pub(crate) reopened_count: u64,
}

/// One phase of a run's jobs.
#[derive(Debug)]
pub(crate) struct SubmittedPhase {
    pub(crate) operation: String,
    /// In task order; empty where tasks have no inputs.
    pub(crate) inputs: Vec<Input>,
    pub(crate) task_count: u32,
    /// How many tasks follow from earlier phases; `None`: they are added.
    pub(crate) derived: Option<TaskCount>,
    /// Whether another phase builds on its results, which are nobody else's then.
    pub(crate) is_intermediate: bool,
}

impl Submission {
    /// The jobs, oldest first.
    pub(crate) fn jobs(&self) -> BTreeSet<JobId> {
        self.phases.keys().map(|phase| phase.job).collect()
    }

    /// Counts the tasks that follow from earlier phases. One that works on the result of another
    /// one is, to the user, about the same file.
    pub(crate) fn count_derived(&mut self) {
        let ids: Vec<PhaseId> = self.phases.keys().copied().collect();
        for id in ids {
            let (count, inputs) = match self.phases[&id].derived {
                None => continue,
                Some(TaskCount::Fixed(count)) => (count, Vec::new()),
                Some(TaskCount::EachOf(source)) => {
                    let source = self.phases.get(&PhaseId { job: id.job, phase: source });
                    source.map_or((0, Vec::new()), |it| (it.task_count, it.inputs.clone()))
                }
            };
            if let Some(phase) = self.phases.get_mut(&id) {
                (phase.task_count, phase.inputs) = (count, inputs);
            }
        }
    }

    pub(crate) fn task_count(&self) -> u64 {
        self.phases.values().map(|phase| u64::from(phase.task_count)).sum()
    }
}

pub(crate) fn phase_id(job: JobId, position: usize) -> PhaseId {
    PhaseId { job, phase: phase_index(position) }
}

pub(crate) fn phase_index(position: usize) -> PhaseIndex {
    PhaseIndex(u16::try_from(position).expect("a job has at most 64 phases"))
}

impl SubmittedPhase {
    /// A phase of a job with these phases, before its tasks are counted.
    pub(crate) fn of(specs: &[&PhaseSpec], position: usize) -> SubmittedPhase {
        let spec = specs[position];
        let index = phase_index(position);
        let builds_on_it = |spec: &&PhaseSpec| {
            spec.derived.as_ref().is_some_and(|derived| derived.sources().any(|it| it == index))
        };
        SubmittedPhase {
            operation: spec.operation.clone(),
            inputs: Vec::new(),
            task_count: 0,
            derived: spec.derived.as_ref().map(|derived| derived.count),
            is_intermediate: specs.iter().any(builds_on_it),
        }
    }
}
