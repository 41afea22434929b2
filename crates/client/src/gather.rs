//! From the user's PATHS to inputs: finds files, tells their kinds, chooses operations, hashes.
//!
//! Paths are bytes throughout. Nothing is opened that could block (named pipes, devices), nothing
//! is read that no operation takes. The order of the result is the order of the paths' bytes.

mod choose;
mod inspect;
mod pattern;
mod walk;

pub use choose::AUTO_OPERATIONS;
use inspect::{Inspector, Shared};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use walk::Candidate;
use windlass_core::catalogue::OperationSpec;
use windlass_core::input::Input;

/// Threads that read and hash at most, whatever the caller asks for.
const READER_COUNT_MAX: usize = 16;
/// Outcomes between the threads and the caller.
const OUTCOMES_WAITING_MAX: usize = 1_024;
/// Progress is told this often while large files are read.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// What to gather, and for which operations.
#[derive(Clone, Debug)]
pub struct Request {
    /// Files, folders and glob patterns as the user gave them.
    pub paths: Vec<OsString>,
    /// Which operation a file goes to.
    pub choice: Choice,
    /// The operations there are.
    pub operations: Vec<&'static OperationSpec>,
    /// Folders that are never walked: the output folder and the state.
    pub excluded: Vec<PathBuf>,
    /// Threads that read and hash.
    pub reader_count: usize,
}

/// Which operation a file goes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Choice {
    /// By its content: images to `image`, those of printed paper to `ocr`, PDF and DOCX to
    /// `document`, text to `text`.
    Auto {
        /// Operations that the user does not want.
        skip: Vec<String>,
    },
    /// All to this one.
    One(String),
}

/// How far gathering is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Found {
    /// Files found so far.
    pub file_count: u64,
    /// Of those, looked at.
    pub done_count: u64,
    /// Bytes read for hashing.
    pub done_bytes: u64,
}

/// What became of every path, in order of the paths' bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Gathered {
    /// One outcome a file, and one for each path or folder that gave none.
    pub outcomes: Vec<Outcome>,
}

/// What became of one path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// An input of an operation; its base name is still empty, see [`assign`].
    ///
    /// [`assign`]: windlass_core::names::assign
    Accepted {
        /// The operation's name.
        operation: String,
        /// The input.
        input: Input,
        /// What the user should know of the choice of the operation.
        why: Option<&'static str>,
    },
    /// A failed input: the run ends with exit code 3.
    Refused {
        /// Absolute path.
        path: Vec<u8>,
        /// Stable name of the cause.
        code: &'static str,
        /// One lowercase sentence.
        cause: String,
        /// What the user can do.
        next_step: String,
    },
    /// Nothing to do, and not the user's fault.
    Skipped {
        /// Absolute path.
        path: Vec<u8>,
        /// Why, for people; equal for files of the same case.
        reason: String,
    },
}

impl Outcome {
    /// The path in question.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        match self {
            Outcome::Accepted { input, .. } => &input.path,
            Outcome::Refused { path, .. } | Outcome::Skipped { path, .. } => path,
        }
    }
}

/// Finds every file of the request and looks at it.
///
/// Folders are walked to any depth, without entries whose name starts with a dot; what the user
/// names is taken, hidden or not. Symbolic links are followed, every folder and file is taken once.
///
/// `progress` is called on this thread, after every file and a few times a second.
pub fn gather(request: &Request, progress: &mut dyn FnMut(Found)) -> Gathered {
    gather_unless(request, &AtomicBool::new(false), progress).expect("nothing interrupts it")
}

/// As [`gather`]; `None` soon after `interrupted` is set.
pub fn gather_unless(
    request: &Request,
    interrupted: &AtomicBool,
    progress: &mut dyn FnMut(Found),
) -> Option<Gathered> {
    let mut found = Found::default();
    let walked = walk::walk(request, interrupted, &mut |file_count| {
        found.file_count = file_count;
        progress(found);
    });
    found.file_count = walked.files.len() as u64;
    progress(found);
    let mut outcomes = walked.outcomes;
    let inspected = inspect_all(request, &walked.files, interrupted, &mut |count, bytes| {
        found.done_count = count;
        found.done_bytes = bytes;
        progress(found);
    });
    outcomes.extend(inspected?);
    outcomes.sort_by(|a, b| a.path().cmp(b.path()));
    Some(Gathered { outcomes })
}

/// Looks at the files on several threads; the outcomes come in no order.
fn inspect_all(
    request: &Request,
    files: &[Candidate],
    interrupted: &AtomicBool,
    done: &mut dyn FnMut(u64, u64),
) -> Option<Vec<Outcome>> {
    let reader_count = request.reader_count.clamp(1, READER_COUNT_MAX).min(files.len());
    let next = AtomicUsize::new(0);
    let shared = Shared::default();
    let (sender, receiver) = mpsc::sync_channel(OUTCOMES_WAITING_MAX);
    std::thread::scope(|scope| {
        for _ in 0..reader_count {
            let (sender, next, shared) = (sender.clone(), &next, &shared);
            scope.spawn(move || {
                let mut inspector = Inspector::new(request, shared);
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if sender.send(inspector.inspect(&file.path)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut outcomes = Vec::with_capacity(files.len());
        while !interrupted.load(Ordering::Relaxed) {
            match receiver.recv_timeout(PROGRESS_INTERVAL) {
                Ok(outcome) => outcomes.push(outcome),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Some(outcomes),
            }
            done(outcomes.len() as u64, shared.hashed_bytes.load(Ordering::Relaxed));
        }
        // The threads end at their next outcome, which nobody takes, or within a large file.
        shared.is_stopped.store(true, Ordering::Relaxed);
        drop(receiver);
        None
    })
}

#[cfg(test)]
mod tests;
