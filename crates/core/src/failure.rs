//! Why an attempt failed: what the user reads, and what decides about a retry.

use crate::limits::CAUSE_BYTES_MAX;
use serde::{Deserialize, Serialize};

/// The class of a failure: it decides whether and where to try again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum FailureKind {
    /// Bad input or parameters: trying again cannot help.
    Rejected,
    /// The executor died: a signal, an abort, a panic.
    Crashed,
    /// No progress, or the total time used up.
    TimedOut,
    /// The memory limit was reached.
    OutOfMemory,
    /// Something the attempt needs is away: a file server, a full disk.
    Unavailable,
}

impl FailureKind {
    /// All of them.
    pub const ALL: [FailureKind; 5] = [
        FailureKind::Rejected,
        FailureKind::Crashed,
        FailureKind::TimedOut,
        FailureKind::OutOfMemory,
        FailureKind::Unavailable,
    ];

    /// One or two words for tables and JSON.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            FailureKind::Rejected => "rejected",
            FailureKind::Crashed => "crashed",
            FailureKind::TimedOut => "timed out",
            FailureKind::OutOfMemory => "out of memory",
            FailureKind::Unavailable => "unavailable",
        }
    }

    /// Whether another attempt may succeed.
    #[must_use]
    pub fn is_retried(self) -> bool {
        self != FailureKind::Rejected
    }

    /// Whether the worker may be to blame as well as the input: another one tries next.
    #[must_use]
    pub fn may_be_the_workers(self) -> bool {
        matches!(self, FailureKind::Crashed | FailureKind::TimedOut | FailureKind::OutOfMemory)
    }
}

/// A failed attempt as the user sees it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// The class.
    pub kind: FailureKind,
    /// A stable snake_case name of the cause; failures are grouped by it (`password_required`).
    pub code: String,
    /// One lowercase sentence without a full stop: what was wrong with this input.
    pub cause: String,
    /// What the user can do about it, an imperative sentence; may be empty.
    pub next_step: String,
    /// Time that the attempt took on its slot, in microseconds; 0 where it never ran.
    pub duration_us: u64,
}

impl Failure {
    /// A failure of any kind; cause and next step are cut to [`CAUSE_BYTES_MAX`] together.
    #[must_use]
    pub fn new(
        kind: FailureKind,
        code: &str,
        cause: impl Into<String>,
        next_step: impl Into<String>,
    ) -> Failure {
        let mut next_step = next_step.into();
        let mut cause = cause.into();
        cut(&mut next_step, CAUSE_BYTES_MAX / 2);
        cut(&mut cause, CAUSE_BYTES_MAX - next_step.len());
        Failure { kind, code: code.to_owned(), cause, next_step, duration_us: 0 }
    }

    /// Bad input: never retried.
    #[must_use]
    pub fn rejected(code: &str, cause: impl Into<String>, next_step: impl Into<String>) -> Failure {
        Failure::new(FailureKind::Rejected, code, cause, next_step)
    }

    /// What the attempt needs is away: retried with backoff.
    #[must_use]
    pub fn unavailable(
        code: &str,
        cause: impl Into<String>,
        next_step: impl Into<String>,
    ) -> Failure {
        Failure::new(FailureKind::Unavailable, code, cause, next_step)
    }
}

/// The name of a signal that broken programs die of, by its number on Linux.
#[must_use]
pub fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        31 => "SIGSYS",
        _ => return None,
    })
}

/// "signal 11 (SIGSEGV)".
#[must_use]
pub fn signal_text(signal: i32) -> String {
    match signal_name(signal) {
        Some(name) => format!("signal {signal} ({name})"),
        None => format!("signal {signal}"),
    }
}

/// Shortens a text to at most `bytes_max` bytes, on a character boundary, ending in `…`.
pub fn cut(text: &mut String, bytes_max: usize) {
    const ELLIPSIS: &str = "…";
    if text.len() <= bytes_max {
        return;
    }
    let mut end = bytes_max.saturating_sub(ELLIPSIS.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.push_str(ELLIPSIS);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names() {
        assert_eq!(signal_text(11), "signal 11 (SIGSEGV)");
        assert_eq!(signal_text(64), "signal 64");
    }

    #[test]
    fn cause_and_next_step_stay_within_the_limit() {
        let failure = Failure::rejected("x", "é".repeat(600), "do ".repeat(300));
        assert!(failure.cause.len() + failure.next_step.len() <= CAUSE_BYTES_MAX);
        assert!(failure.cause.ends_with('…'));
    }
}
