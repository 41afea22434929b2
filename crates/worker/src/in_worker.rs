//! Attempts of operations that run in the worker itself, by no executor.

use crate::attempt::{Made, base, file_name, stored};
use crate::earlier::Listed;
use crate::options::Options;
use crate::parcel::Parcel;
use crate::slot::Job;
use windlass_core::Failure;
use windlass_core::limits::NOTE_COUNT_MAX;
use windlass_core::manifest::Artifact;
use windlass_ops::{Operation, Output, Source, Work};
use windlass_sandbox::Cancel;

/// Makes an attempt on this thread.
pub(crate) fn run(
    operation: &Operation,
    job: &Job,
    earlier: &Listed,
    options: &Options,
    cancel: &Cancel,
) -> Result<Made, Failure> {
    let order = &job.order;
    let earlier = earlier.bring(&options.store, &options.scratch, cancel)?;
    let source = order.input.as_ref().zip(options.open_input(job)?).map(|(input, file)| {
        let hash = Some(input.hash);
        let name = file_name(input);
        let mut source = Source::new(file, name, input.media, input.size, hash);
        source.base = base(input);
        source
    });
    let made = Made { artifacts: Vec::new(), notes: Vec::new(), parcel: Parcel::default() };
    let mut output = MemoryOutput { options, cancel, made };
    let (index, params) = (job.task.index.0, &*order.params);
    // What works with a model parses what it is given, and so has an executor.
    let mut work = Work { source, earlier, index, params, model: None, output: &mut output };
    let run = operation.run.expect("only commands have no function");
    run(&mut work)?;
    Ok(output.made)
}

/// What it gives.
struct MemoryOutput<'a> {
    options: &'a Options,
    cancel: &'a Cancel,
    made: Made,
}

impl Output for MemoryOutput<'_> {
    fn artifact(&mut self, name: &str, media_type: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.artifact_of(name, media_type, bytes.to_vec())
    }

    fn artifact_of(&mut self, name: &str, media_type: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        let content = stored(self.options, bytes, &mut self.made.parcel)?;
        let artifact =
            Artifact { name: name.to_owned(), media_type: media_type.to_owned(), content };
        self.made.artifacts.push(artifact);
        Ok(())
    }

    fn note(&mut self, note: String) {
        if self.made.notes.len() < NOTE_COUNT_MAX {
            self.made.notes.push(note);
        }
    }

    fn progress(&mut self, _done: u64, _total: u64) {}

    fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}
