//! An operation whose work is divided, step by step in this process: what a step made is handed to
//! those that build on it in memory, uncopied; workers hand it over in files.

use crate::LoopError;
use crate::files::{Input, Outlet};
use crate::model::OpenModel;
use crate::rounds::Job;
use std::ops::Range;
use std::path::{Path, PathBuf};
use windlass_core::Failure;
use windlass_core::params::Params;
use windlass_core::plan::{STEP_PARAM, Step, StepInput};
use windlass_ops::{Earlier, Output, Work};

/// A task's file, and the artifacts that it builds on; `None`: what it builds on failed.
type Task<'i, 'm> = (Option<&'i Input>, Option<Vec<&'m [u8]>>);

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
        let mut made: Vec<Made> = Vec::new();
        for (position, step) in (0_u16..).zip(self.spec.steps) {
            let mut params = self.params.clone();
            params.0.insert(STEP_PARAM.to_owned(), step.name.to_owned());
            let is_last = !self.spec.steps.iter().any(|other| builds_on(other, position));
            let mut results = Made::default();
            for (index, (input, before)) in (0..).zip(tasks_of(step, position, inputs, &made)) {
                let path = input.map_or(Path::new(step.name), |input| &input.path);
                outlet.turn_to(path);
                let Some(before) = before else {
                    results.end(false);
                    continue;
                };
                let output: &mut dyn Output = if is_last { outlet } else { &mut results };
                let source = input.filter(|_| step.input == StepInput::Files);
                let done = self.task(&params, index, source, Earlier::in_memory(before), output)?;
                results.end(done.is_ok());
                failures.extend(done.err().map(|failure| (path.to_owned(), failure)));
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
        earlier: Earlier<'_>,
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

/// The file that each task of a step is about, and what it builds on, put together when its turn
/// comes.
fn tasks_of<'t, 'i: 't, 'm: 't>(
    step: &'t Step,
    position: u16,
    inputs: &'i [Input],
    made: &'m [Made],
) -> Box<dyn Iterator<Item = Task<'i, 'm>> + 't> {
    let all_of = |steps: &[u16]| -> Vec<&'m [u8]> {
        steps.iter().filter_map(|step| made.get(usize::from(*step))).flat_map(Made::all).collect()
    };
    let so_many = |count: u32, steps: &[u16]| {
        let all = all_of(steps);
        Box::new((0..count).map(move |_| (None, Some(all.clone()))))
    };
    match step.input {
        StepInput::Files => Box::new(inputs.iter().map(|input| (Some(input), Some(Vec::new())))),
        StepInput::Nothing(count) => so_many(count, &[]),
        StepInput::AllOfBefore(count) => so_many(count, &[position.saturating_sub(1)]),
        StepInput::AllOf(count, steps) => so_many(count, steps),
        StepInput::EachOf(source, others) => {
            let others = all_of(others);
            let source = made.get(usize::from(source));
            let each = move |(number, own): (usize, Option<&Range<usize>>)| {
                let own = own.zip(source).map(|(own, source)| source.some(own.clone()));
                let before = own.map(|own| own.chain(others.iter().copied()).collect());
                (inputs.get(number), before)
            };
            let tasks = source.map_or(&[][..], |made| &made.tasks);
            Box::new(tasks.iter().map(Option::as_ref).enumerate().map(each))
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

/// What the tasks of a step made, all artifacts one behind the other: each in memory of its own
/// would cost a small task as much as its work.
#[derive(Default)]
struct Made {
    bytes: Vec<u8>,
    /// Where each artifact ends.
    ends: Vec<usize>,
    /// The artifacts of each task that has ended; `None`: it failed.
    tasks: Vec<Option<Range<usize>>>,
    /// The artifacts of all of them.
    ended: usize,
}

impl Made {
    /// Ends a task; what a failed one made is dropped.
    fn end(&mut self, is_done: bool) {
        if !is_done {
            self.ends.truncate(self.ended);
            self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
        }
        self.tasks.push(is_done.then_some(self.ended..self.ends.len()));
        self.ended = self.ends.len();
    }

    fn all(&self) -> impl Iterator<Item = &[u8]> {
        self.some(0..self.ends.len())
    }

    /// The artifacts of these numbers.
    fn some(&self, numbers: Range<usize>) -> impl Iterator<Item = &[u8]> {
        numbers.map(|number| {
            let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
            &self.bytes[start..self.ends[number]]
        })
    }
}

impl Output for Made {
    fn artifact(&mut self, _name: &str, _media_type: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len());
        Ok(())
    }

    fn note(&mut self, _note: String) {}

    fn progress(&mut self, _done: u64, _total: u64) {}
}
