//! An operation whose work is divided, step by step in this process: what a step made is handed to
//! those that build on it in memory, uncopied; workers hand it over in files.

use crate::LoopError;
use crate::files::{Input, Outlet};
use crate::model::OpenModel;
use crate::rounds::Job;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use windlass_core::Failure;
use windlass_core::params::Params;
use windlass_core::plan::{STEP_PARAM, Step, StepInput};
use windlass_ops::{Earlier, Output, Work};

/// Artifacts of a task; `None`: it failed.
type Made = Option<Vec<Arc<[u8]>>>;

/// A task's file, and the results that it builds on.
type Task<'i, 'm> = (Option<&'i Input>, Option<Vec<&'m Made>>);

/// What failed, and why.
pub(crate) type Failures = Vec<(PathBuf, Failure)>;

impl Job<'_> {
    /// Runs all steps once; nothing is lost by a file that fails but its own results.
    pub(crate) fn steps(
        &self,
        inputs: &[Input],
        outlet: &mut Outlet,
    ) -> Result<Failures, LoopError> {
        let mut failures = Vec::new();
        let mut made: Vec<Vec<Made>> = Vec::new();
        for (position, step) in (0_u16..).zip(self.spec.steps) {
            let mut params = self.params.clone();
            params.0.insert(STEP_PARAM.to_owned(), step.name.to_owned());
            let is_last = !self.spec.steps.iter().any(|other| builds_on(other, position));
            let mut results = Vec::new();
            for (index, (input, before)) in (0..).zip(tasks_of(step, position, inputs, &made)) {
                let path = input.map_or(Path::new(step.name), |input| &input.path);
                outlet.turn_to(path);
                let Some(before) = before else {
                    results.push(None);
                    continue;
                };
                let mut kept = Kept::default();
                let output: &mut dyn Output = if is_last { outlet } else { &mut kept };
                let source = input.filter(|_| step.input == StepInput::Files);
                match self.task(&params, index, source, handed_over(&before), output)? {
                    Ok(()) => results.push(Some(kept.0)),
                    Err(failure) => {
                        failures.push((path.to_owned(), failure));
                        results.push(None);
                    }
                }
            }
            made.push(results);
        }
        Ok(failures)
    }

    fn task(
        &self,
        params: &Params,
        index: u32,
        input: Option<&Input>,
        earlier: Earlier,
        output: &mut dyn Output,
    ) -> Result<Result<(), Failure>, LoopError> {
        let source = match input {
            None => None,
            Some(input) => match self.open(input)? {
                Ok(source) => Some(source),
                Err(failure) => return Ok(Err(failure)),
            },
        };
        // As workers do: those that build on results of earlier steps have used it there.
        let model = self.model.filter(|_| source.is_some()).map(OpenModel::handle).transpose()?;
        Ok(self.run(&mut Work { earlier, index, model, ..Work::new(source, params, output) }))
    }
}

/// The file that each task of a step is about, and what it builds on; `None`: that failed. It is
/// put together when the task's turn comes: all at once, large results would be there many times.
fn tasks_of<'i, 'm>(
    step: &Step,
    position: u16,
    inputs: &'i [Input],
    made: &'m [Vec<Made>],
) -> Vec<Task<'i, 'm>> {
    let all_of = |steps: &[u16]| -> Vec<&'m Made> {
        let of = |step: &u16| made.get(usize::from(*step)).into_iter().flatten();
        steps.iter().flat_map(of).filter(|made| made.is_some()).collect()
    };
    let so_many =
        |count: u32, steps: &[u16]| (0..count).map(|_| (None, Some(all_of(steps)))).collect();
    match step.input {
        StepInput::Files => inputs.iter().map(|input| (Some(input), Some(Vec::new()))).collect(),
        StepInput::Nothing(count) => so_many(count, &[]),
        StepInput::AllOfBefore(count) => so_many(count, &[position.saturating_sub(1)]),
        StepInput::AllOf(count, steps) => so_many(count, steps),
        StepInput::EachOf(source, others) => {
            let own = made.get(usize::from(source)).map_or(&[][..], Vec::as_slice);
            let others = all_of(others);
            let each = |(number, own): (usize, &'m Made)| {
                let all = || std::iter::once(own).chain(others.iter().copied()).collect();
                (inputs.get(number), own.is_some().then(all))
            };
            own.iter().enumerate().map(each).collect()
        }
    }
}

/// Whether a step builds on the one at this position.
fn builds_on(step: &Step, position: u16) -> bool {
    match step.input {
        StepInput::Files | StepInput::Nothing(_) => false,
        // No operation has both this and steps that name others.
        StepInput::AllOfBefore(_) => true,
        StepInput::AllOf(_, steps) => steps.contains(&position),
        StepInput::EachOf(source, others) => source == position || others.contains(&position),
    }
}

fn handed_over(results: &[&Made]) -> Earlier {
    Earlier::in_memory(results.iter().flat_map(|result| result.iter().flatten()).cloned().collect())
}

/// Keeps artifacts for the steps to come.
#[derive(Default)]
struct Kept(Vec<Arc<[u8]>>);

impl Output for Kept {
    fn artifact(&mut self, _name: &str, _media_type: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.0.push(bytes.into());
        Ok(())
    }

    fn note(&mut self, _note: String) {}

    fn progress(&mut self, _done: u64, _total: u64) {}
}
