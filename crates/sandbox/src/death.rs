//! How an executor's end reads: which limit it met, or what killed it.

use rustix::process::Signal;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

/// Why an executor is no more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Death {
    /// A signal that the worker did not send.
    Signal {
        /// Its number.
        signal: i32,
        /// The end of what it wrote to stderr.
        stderr_tail: String,
    },
    /// It ended without an answer; a panic ends with code 101.
    Exit {
        /// The exit code.
        code: i32,
        /// The end of what it wrote to stderr.
        stderr_tail: String,
    },
    /// Killed: the attempt took longer than this.
    TotalTimeout(Duration),
    /// Killed: for so long nothing showed that the attempt moves.
    ProgressTimeout(Duration),
    /// An allocation failed under this limit in bytes.
    OutOfMemory {
        /// The limit in bytes.
        limit: u64,
    },
    /// The kernel killed it, as memory had run out: that of the machine or of its control group.
    KilledForMemory,
    /// It was stopped while writing beyond this limit in bytes.
    OutputTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// It said what no executor says, or could not be spoken to.
    Protocol(String),
}

/// The limits that the kernel holds an executor to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Its address space in bytes.
    pub memory_bytes: u64,
    /// Size of any file that it writes, in bytes.
    pub output_bytes: u64,
}

/// Reads the end of a process that ended without being asked to; `is_oom`: the kernel has killed
/// somebody for memory meanwhile.
pub(crate) fn of_status(
    status: ExitStatus,
    stderr_tail: &[u8],
    bounds: Bounds,
    is_oom: impl FnOnce() -> bool,
) -> Death {
    let stderr_tail = String::from_utf8_lossy(stderr_tail).into_owned();
    match (status.signal(), status.code()) {
        (Some(signal), _) if signal == Signal::XFSZ.as_raw() => {
            Death::OutputTooLarge { limit: bounds.output_bytes }
        }
        // What Rust's runtime says before it aborts on a failed allocation.
        (Some(signal), _)
            if signal == Signal::ABORT.as_raw()
                && stderr_tail.contains("memory allocation of ")
                && stderr_tail.contains(" bytes failed") =>
        {
            Death::OutOfMemory { limit: bounds.memory_bytes }
        }
        (Some(signal), _) if signal == Signal::KILL.as_raw() && is_oom() => Death::KilledForMemory,
        (Some(signal), _) => Death::Signal { signal, stderr_tail },
        (None, code) => Death::Exit { code: code.unwrap_or(-1), stderr_tail },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: i32, stderr: &str) -> Death {
        let bounds = Bounds { memory_bytes: 1, output_bytes: 2 };
        of_status(ExitStatus::from_raw(raw), stderr.as_bytes(), bounds, || raw == 9)
    }

    #[test]
    fn ends_are_told_apart() {
        let failed = "memory allocation of 17 bytes failed\n";
        assert_eq!(check(6, failed), Death::OutOfMemory { limit: 1 });
        assert!(matches!(check(6, "assertion failed"), Death::Signal { signal: 6, .. }));
        assert!(matches!(check(11, failed), Death::Signal { signal: 11, .. }));
        assert_eq!(check(9, ""), Death::KilledForMemory);
        let bounds = Bounds { memory_bytes: 1, output_bytes: 2 };
        let killed = of_status(ExitStatus::from_raw(9), b"", bounds, || false);
        assert!(matches!(killed, Death::Signal { signal: 9, .. }));
        assert_eq!(check(25, ""), Death::OutputTooLarge { limit: 2 });
        assert!(matches!(check(101 << 8, "panicked"), Death::Exit { code: 101, .. }));
    }
}
