//! How deaths and disk errors read to the user.

use crate::attempt::unstartable;
use std::any::Any;
use windlass_blobs::BlobError;
use windlass_core::failure::{cut, signal_text};
use windlass_core::input::Input;
use windlass_core::limits::CAUSE_BYTES_MAX;
use windlass_core::{Failure, FailureKind};
use windlass_sandbox::Death;
use windlass_wire::WireError;

/// Lines of a child's stderr that a cause repeats.
const SAID_LINE_COUNT_MAX: usize = 3;
/// Bytes of them together; the rest of a cause is for what happened and to which input.
const SAID_BYTES_MAX: usize = 240;
/// With less room another line would say nothing.
const SAID_BYTES_MIN: usize = 20;

const RETRY: &str = "The other files are unharmed; retry this one with --failed, or report it.";

/// An executor's death as a failure of the attempt that it was making.
pub(crate) fn of_death(operation: &str, death: &Death) -> Failure {
    let (kind, code, cause) = match death {
        Death::Signal { signal, stderr_tail } => (
            FailureKind::Crashed,
            "operation_crashed",
            format!(
                "the {operation} operation died of {}{}",
                signal_text(*signal),
                said(stderr_tail)
            ),
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
        Death::KilledForMemory => (
            FailureKind::OutOfMemory,
            "out_of_memory",
            format!("the kernel killed the {operation} operation because memory had run out"),
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

/// The master's store, or the connection to it, does not do what it should, or this machine's disk
/// does not.
pub(crate) fn of_wire_error(error: &WireError) -> Failure {
    if let WireError::Unwritten(_) = error {
        return unstartable(format!("failed to {error}"));
    }
    Failure::unavailable(
        "store_unavailable",
        format!("the master's store does not answer as it should: failed to {error}"),
        "Look after the master and the network; the task is tried again by itself.",
    )
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}

/// Names the input of an attempt that may be its fault by content: whoever looks into the failure
/// knows the very bytes again, also when the file has changed since.
pub(crate) fn of_input(failure: Failure, input: Option<&Input>) -> Failure {
    let Some(input) = input.filter(|_| failure.kind.may_be_the_workers()) else { return failure };
    let told = format!(" (input {})", input.hash.to_hex());
    let mut cause = failure.cause;
    cut(&mut cause, CAUSE_BYTES_MAX.saturating_sub(failure.next_step.len() + told.len()));
    Failure { cause: cause + &told, ..failure }
}

/// The end of what a child wrote to stderr, in one line.
fn said(stderr_tail: &str) -> String {
    let lines = stderr_tail.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut last = Vec::new();
    let mut bytes_left = SAID_BYTES_MAX;
    for line in lines.rev().take(SAID_LINE_COUNT_MAX) {
        let mut line = line.to_owned();
        cut(&mut line, bytes_left);
        bytes_left = bytes_left.saturating_sub(line.len());
        last.push(line);
        if bytes_left < SAID_BYTES_MIN {
            break;
        }
    }
    if last.is_empty() {
        return String::new();
    }
    last.reverse();
    format!("; its last words: {}", last.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_core::BlobId;
    use windlass_core::media::Media;

    fn input() -> Input {
        let (path, base) = (b"/a".to_vec(), b"a".to_vec());
        Input { path, base, media: Media::Pdf, size: 1, hash: BlobId([7; 32]) }
    }

    fn failure(death: &Death) -> Failure {
        of_input(of_death("document", death), Some(&input()))
    }

    #[test]
    fn a_crash_names_its_signal_its_last_words_and_its_input() {
        let stderr_tail = "one\ntwo\n\nthree\nfour\n".to_owned();
        let crashed = failure(&Death::Signal { signal: 11, stderr_tail });
        let hash = "07".repeat(32);
        let told = "the document operation died of signal 11 (SIGSEGV); its last words: \
                    two | three | four";
        assert_eq!(crashed.cause, format!("{told} (input {hash})"));
    }

    #[test]
    fn a_disk_of_this_machine_is_not_taken_for_the_masters_store() {
        let full = of_wire_error(&WireError::Unwritten("No space left on device".to_owned()));
        assert_eq!(full.code, "executor_unavailable");
        assert!(full.cause.contains("No space left") && full.next_step.contains("this machine"));
        let master = of_wire_error(&WireError::Failed("the disk is broken".to_owned()));
        assert_eq!(master.code, "store_unavailable");
    }

    #[test]
    fn last_words_are_cut_and_the_hash_is_not() {
        for tail in ["é".repeat(2_000), "word\n".repeat(500), "x".repeat(150).repeat(9)] {
            let long = failure(&Death::Exit { code: 101, stderr_tail: tail });
            assert!(
                long.cause.ends_with(&format!("(input {})", "07".repeat(32))),
                "{}",
                long.cause
            );
            assert!(long.cause.len() + long.next_step.len() <= CAUSE_BYTES_MAX);
        }
    }

    #[test]
    fn a_rejection_names_no_hash() {
        let rejected = Failure::rejected("x", "bad", "mend it");
        assert_eq!(of_input(rejected.clone(), Some(&input())), rejected);
        assert_eq!(failure(&Death::OutputTooLarge { limit: 1 << 20 }).kind, FailureKind::Rejected);
    }

    #[test]
    fn what_the_kernel_kills_for_memory_is_out_of_memory() {
        let killed = failure(&Death::KilledForMemory);
        assert_eq!(
            (killed.kind, killed.code.as_str()),
            (FailureKind::OutOfMemory, "out_of_memory")
        );
    }
}
