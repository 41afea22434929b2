//! What a run's jobs are, as far as the run must know: phases, inputs, how many tasks.

use crate::export::base_of_task;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use windlass_core::input::Input;
use windlass_core::ledger::PhaseSpec;
use windlass_core::manifest::{Base, Bases};
use windlass_core::plan::{self, STEP_PARAM, TaskCount};
use windlass_core::{JobId, PhaseId, PhaseIndex, TaskIndex};

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
    /// Which step of the operation it is, where that one's work is divided.
    pub(crate) step: Option<String>,
    /// Whether another phase builds on its results: then its tasks are not told as files.
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

    /// The phases whose tasks are told as files.
    pub(crate) fn shown(&self) -> impl Iterator<Item = (&PhaseId, &SubmittedPhase)> {
        self.phases.iter().filter(|(_, phase)| !phase.is_intermediate)
    }

    /// By operation, whose folder they share: the bases of the results.
    pub(crate) fn bases(&self) -> BTreeMap<String, Arc<Bases>> {
        let mut all: BTreeMap<&str, Vec<Vec<u8>>> = BTreeMap::new();
        for (_, phase) in self.shown() {
            let bases = phase.inputs.iter().map(|input| input.base.clone());
            all.entry(&phase.operation).or_default().extend(bases);
        }
        let shared = |(operation, bases): (&str, Vec<Vec<u8>>)| {
            (operation.to_owned(), Arc::new(bases.into_iter().collect()))
        };
        all.into_iter().map(shared).collect()
    }

    pub(crate) fn file_count(&self) -> u64 {
        self.shown().map(|(_, phase)| u64::from(phase.task_count)).sum()
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
        SubmittedPhase {
            operation: spec.operation.clone(),
            inputs: Vec::new(),
            task_count: 0,
            derived: spec.derived.as_ref().map(|derived| derived.count),
            step: spec.params.text(STEP_PARAM).map(str::to_owned),
            is_intermediate: plan::is_intermediate(specs, position),
        }
    }

    /// What stands for `{base}` in the names of a task's artifacts: its input's base; of a task
    /// without one its step, which only the first of several has without a number.
    pub(crate) fn base(&self, index: TaskIndex) -> Base {
        if let Some(input) = self.inputs.get(index.0 as usize) {
            return Base::OfInput(input.base.clone());
        }
        Base::OfTask(match &self.step {
            Some(step) if index.0 == 0 => step.clone().into_bytes(),
            Some(step) => format!("{step}-{}", index.0 + 1).into_bytes(),
            None => base_of_task(index),
        })
    }

    /// What a task is called for people: its input's path, or which one of its step it is.
    pub(crate) fn name(&self, index: TaskIndex) -> Vec<u8> {
        match self.inputs.get(index.0 as usize) {
            Some(input) => input.path.clone(),
            None => name_without_input(self.step.as_deref(), index, self.task_count),
        }
    }
}

/// `part 1 of 2`; where there is no step, the task's number.
pub(crate) fn name_without_input(step: Option<&str>, index: TaskIndex, count: u32) -> Vec<u8> {
    match step {
        Some(step) if count == 1 => step.as_bytes().to_vec(),
        Some(step) => format!("{step} {} of {count}", index.0 + 1).into_bytes(),
        None => base_of_task(index),
    }
}
