//! The making of an answer.

use super::hands::{Job, Made};
use std::panic::{AssertUnwindSafe, catch_unwind};
use windlass_core::params::Params;
use windlass_core::{Failure, FailureKind};
use windlass_ops::{Operation, Output, Work};
use windlass_sandbox::Cancel;

pub(super) fn make(job: &Job) -> Made {
    if job.cancel.is_cancelled() {
        return Err(crate::attempt::cancelled());
    }
    let operation = windlass_ops::find(&job.operation).ok_or_else(|| {
        Failure::unavailable(
            "operation_unknown",
            format!("this worker does not know the operation {}", job.operation),
            "Run the same version of windlass everywhere.",
        )
    })?;
    let function = operation.run.filter(|_| operation.spec.is_callable());
    let function = function.ok_or_else(|| not_callable(operation))?;
    // What a caller says has been checked by nobody before.
    let params = Params::normalise(operation.spec.name, operation.spec.params, &job.params.0)
        .map_err(|error| Failure::rejected("bad_parameter", error.to_string(), ""))?;
    let mut output = MainArtifact { cancel: &job.cancel, bytes: None };
    let mut work = Work::new(None, &params, &mut output);
    catch_unwind(AssertUnwindSafe(|| function(&mut work))).unwrap_or_else(|_| {
        let cause = format!("the {} operation panicked", job.operation);
        Err(Failure::new(FailureKind::Crashed, "operation_crashed", cause, "Report it."))
    })?;
    Ok(output.bytes.unwrap_or_default())
}

/// Whether a call is made sooner than a thread is woken for it.
pub(super) fn is_instant(job: &Job) -> bool {
    let operation = windlass_ops::find(&job.operation).filter(|it| it.spec.is_callable());
    operation.and_then(|it| it.is_instant).is_some_and(|is_instant| is_instant(&job.params))
}

fn not_callable(operation: &Operation) -> Failure {
    let name = operation.spec.name;
    Failure::rejected(
        "not_callable",
        format!("{name} works on files and cannot be called"),
        format!("Run it over files: `windlass run FILES --op {name}`."),
    )
}

/// Keeps an operation's first artifact, in memory.
struct MainArtifact<'a> {
    cancel: &'a Cancel,
    bytes: Option<Vec<u8>>,
}

impl Output for MainArtifact<'_> {
    fn artifact(&mut self, _name: &str, _media_type: &str, bytes: &[u8]) -> Result<(), Failure> {
        if self.bytes.is_none() {
            self.bytes = Some(bytes.to_vec());
        }
        Ok(())
    }

    fn note(&mut self, _note: String) {}

    fn progress(&mut self, _done: u64, _total: u64) {}

    fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}
