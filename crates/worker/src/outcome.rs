//! How deaths and disk errors read to the user.

use std::any::Any;
use windlass_blobs::BlobError;
use windlass_core::{Failure, FailureKind};
use windlass_sandbox::Death;

const RETRY: &str = "The other files are unharmed; retry this one with --failed, or report it.";

/// An executor's death as a failure of the attempt that it was making.
pub(crate) fn of_death(operation: &str, death: &Death) -> Failure {
    let (kind, code, cause) = match death {
        Death::Signal { signal, stderr_tail } => (
            FailureKind::Crashed,
            "operation_crashed",
            format!("the {operation} operation died of signal {signal}{}", said(stderr_tail)),
        ),
        Death::Exit { code, stderr_tail } => (
            FailureKind::Crashed,
            "operation_crashed",
            format!("the {operation} operation ended with exit code {code}{}", said(stderr_tail)),
        ),
        Death::TotalTimeout(limit) => (
            FailureKind::TimedOut,
            "timed_out",
            format!("the {operation} operation took longer than {} s", limit.as_secs()),
        ),
        Death::ProgressTimeout(limit) => (
            FailureKind::TimedOut,
            "no_progress",
            format!("the {operation} operation made no progress for {} s", limit.as_secs()),
        ),
        Death::OutOfMemory { limit } => (
            FailureKind::OutOfMemory,
            "out_of_memory",
            format!("the {operation} operation needed more than {} MB of memory", limit >> 20),
        ),
        Death::OutputTooLarge { limit } => {
            return Failure::rejected(
                "output_too_large",
                format!("the result is larger than the {} MB allowed", limit >> 20),
                "Split the input.",
            );
        }
        Death::Protocol(what) => {
            (FailureKind::Crashed, "executor_protocol", format!("the executor went astray: {what}"))
        }
    };
    Failure::new(kind, code, cause, RETRY)
}

/// A blob that cannot be stored.
pub(crate) fn of_blob_error(error: &BlobError) -> Failure {
    Failure::unavailable(
        "store_unavailable",
        format!("the result cannot be stored: {error}"),
        "Free space on the state directory's disk; the task is tried again by itself.",
    )
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}

fn said(stderr_tail: &str) -> String {
    match stderr_tail.trim().lines().last() {
        Some(line) if !line.is_empty() => format!("; its last words: {line}"),
        _ => String::new(),
    }
}
