//! The executor's side of the frames: requests come in, operations run, answers go out.

use crate::frames::{Answer, Request, Section};
use crate::outcome::panic_text;
use std::fs::File;
use std::io::Write;
use windlass_core::limits::NOTE_COUNT_MAX;
use windlass_core::{Failure, FailureKind};
use windlass_ops::{Earlier, Model, Output, Source, Work};

/// The hidden argument that makes the binary an executor.
pub const EXECUTOR_ARGUMENT: &str = "__executor";

/// The executor: answers requests until its worker closes the socket.
///
/// # Errors
/// The socket fails, or this process was not started by a worker.
pub fn executor_main() -> std::io::Result<()> {
    windlass_sandbox::serve(|task, progress| {
        Answer::encode(&answer(task.frame, task.inputs, task.output, progress))
    })
}

fn answer(
    frame: &[u8],
    inputs: Vec<File>,
    output: File,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Answer, Failure> {
    let request = Request::decode(frame).ok_or_else(|| broken("the request cannot be read"))?;
    let Some(run) = windlass_ops::find(&request.operation).and_then(|operation| operation.run)
    else {
        return Err(broken(&format!("operation {} does not run here", request.operation)));
    };
    let mut sink = FileOutput {
        file: output,
        bytes_left: request.output_bytes_max,
        bytes_max: request.output_bytes_max,
        answer: Answer::default(),
        progress,
    };
    let mut inputs = inputs.into_iter();
    let has_input = request.source.is_some() || request.earlier_at.is_some();
    let input = if has_input { inputs.next() } else { None };
    let (source, earlier) = match (request.earlier_at, input) {
        (Some(at), Some(file)) => {
            let read = crate::earlier::read_sizes(&file, at);
            let sizes =
                read.map_err(|error| broken(&format!("the input cannot be read: {error}")))?;
            (None, Earlier::new(file, sizes))
        }
        (None, Some(file)) => {
            let facts = request.source;
            let source = facts.map(|it| {
                let mut source = Source::new(file, it.name, it.media, it.size, it.hash);
                source.base = it.base;
                source
            });
            (source, Earlier::default())
        }
        (_, None) => (None, Earlier::default()),
    };
    let model = request.model.map(|asked| {
        let file = inputs.next().ok_or_else(|| broken("the model did not come along"))?;
        Ok(Model { asked, file })
    });
    let (index, params, model) = (request.index, &request.params, model.transpose()?);
    let mut work = Work { source, earlier, index, params, model, output: &mut sink };
    let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&mut work)));
    match ran {
        Ok(done) => done.map(|()| sink.answer),
        Err(panic) => Err(Failure::new(
            FailureKind::Crashed,
            "operation_crashed",
            format!("the {} operation stopped with: {}", request.operation, panic_text(&*panic)),
            "The other files are unharmed; please report this file.",
        )),
    }
}

/// Artifacts go into the output file, one after another.
struct FileOutput<'a> {
    file: File,
    bytes_left: u64,
    bytes_max: u64,
    answer: Answer,
    progress: &'a mut dyn FnMut(u64, u64),
}

impl Output for FileOutput<'_> {
    fn artifact(&mut self, name: &str, media_type: &str, bytes: &[u8]) -> Result<(), Failure> {
        let size = bytes.len() as u64;
        let Some(bytes_left) = self.bytes_left.checked_sub(size) else {
            return Err(Failure::rejected(
                "output_too_large",
                format!("the result is larger than the {} MB allowed", self.bytes_max >> 20),
                "Split the input.",
            ));
        };
        self.bytes_left = bytes_left;
        self.file.write_all(bytes).map_err(|error| {
            Failure::unavailable(
                "output_unwritable",
                format!("the result cannot be written: {error}"),
                "Free space on the disk of its worker's scratch folder (--scratch).",
            )
        })?;
        let section = Section { name: name.to_owned(), media_type: media_type.to_owned(), size };
        self.answer.artifacts.push(section);
        Ok(())
    }

    fn note(&mut self, note: String) {
        if self.answer.notes.len() < NOTE_COUNT_MAX {
            self.answer.notes.push(note);
        }
    }

    fn progress(&mut self, done: u64, total: u64) {
        (self.progress)(done, total);
    }
}

fn broken(cause: &str) -> Failure {
    Failure::new(FailureKind::Crashed, "executor_protocol", cause, "")
}
