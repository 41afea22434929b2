//! Looks at one file: opens it without blocking, tells its kind, decides, and hashes what is taken.

use super::choose::{Decision, choose};
use super::walk::{special_name, unreadable};
use super::{Choice, Outcome, Request};
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use windlass_core::BlobId;
use windlass_core::input::Input;
use windlass_core::media::{Media, SAMPLE_HEAD_BYTES_MAX, Sample, is_paper, sniff};

/// Bytes read at once: large enough for BLAKE3's widest steps, small enough for the cache.
const PIECE_BYTES: usize = 4 * SAMPLE_HEAD_BYTES_MAX;

/// The operation that pictures go to which look like printed paper.
const READING: &str = "ocr";
/// What the user is told of them.
const LOOKS_LIKE_PAPER: &str =
    "looks like printed paper and was read; --skip ocr or --op image takes it for a picture";

/// What all threads have in common.
#[derive(Default)]
pub(super) struct Shared {
    /// Bytes hashed so far.
    pub(super) hashed_bytes: AtomicU64,
    /// Set when the outcomes are not wanted any more.
    pub(super) is_stopped: AtomicBool,
}

/// One thread's buffers.
pub(super) struct Inspector<'a> {
    request: &'a Request,
    shared: &'a Shared,
    piece: Vec<u8>,
    tail: Vec<u8>,
}

impl<'a> Inspector<'a> {
    pub(super) fn new(request: &'a Request, shared: &'a Shared) -> Inspector<'a> {
        Inspector {
            request,
            shared,
            piece: vec![0; PIECE_BYTES],
            tail: vec![0; SAMPLE_HEAD_BYTES_MAX],
        }
    }

    /// What becomes of the file at an absolute path.
    pub(super) fn inspect(&mut self, path: &Path) -> Outcome {
        match self.look(path) {
            Ok(outcome) => outcome,
            Err(error) => unreadable(path, "file", &error),
        }
    }

    fn look(&mut self, path: &Path) -> std::io::Result<Outcome> {
        // The path may have become a pipe since it was found; opening one must not wait for a
        // writer.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
        let metadata = file.metadata()?;
        let path_bytes = path.as_os_str().as_bytes().to_vec();
        if !metadata.is_file() {
            let reason = special_name(&metadata).to_owned();
            return Ok(Outcome::Skipped { path: path_bytes, reason });
        }
        let size = metadata.len();
        let filled = fill(&mut file, &mut self.piece)?;
        if filled as u64 > size {
            return Ok(changed(path_bytes));
        }
        let media = self.kind(&file, size, filled)?;
        let is_auto = matches!(self.request.choice, Choice::Auto { .. });
        let is_paper = is_auto && is_paper(media, &self.piece[..filled], size);
        let operation = match choose(self.request, path, media, is_paper) {
            Decision::Take(operation) => operation.to_owned(),
            Decision::Skip { reason } => return Ok(Outcome::Skipped { path: path_bytes, reason }),
            Decision::Refuse { code, cause, next_step } => {
                return Ok(Outcome::Refused { path: path_bytes, code, cause, next_step });
            }
        };
        let Some(hash) = self.hash(&mut file, size, filled)? else {
            return Ok(changed(path_bytes));
        };
        let input = Input { path: path_bytes, size, hash, media, base: Vec::new() };
        let why = (operation == READING && is_paper).then_some(LOOKS_LIKE_PAPER);
        Ok(Outcome::Accepted { operation, input, why })
    }

    /// The kind by the first `filled` bytes, which the piece holds, and the end of the file.
    fn kind(&mut self, file: &File, size: u64, filled: usize) -> std::io::Result<Media> {
        let head = &self.piece[..filled.min(SAMPLE_HEAD_BYTES_MAX)];
        let tail_bytes = size.min(SAMPLE_HEAD_BYTES_MAX as u64);
        let tail = if size > head.len() as u64 {
            let tail = &mut self.tail[..usize::try_from(tail_bytes).unwrap_or(0)];
            match file.read_exact_at(tail, size - tail_bytes) {
                Ok(()) => &*tail,
                // It shrank: hashing will find that out.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => &[],
                Err(error) => return Err(error),
            }
        } else {
            &[]
        };
        Ok(sniff(&Sample { head, tail, size }))
    }

    /// The hash of the whole file, whose first bytes the piece holds; `None` where the file is not
    /// as long as it was when opened, or where nobody waits for it any more.
    fn hash(
        &mut self,
        file: &mut File,
        size: u64,
        filled: usize,
    ) -> std::io::Result<Option<BlobId>> {
        let mut hasher = blake3::Hasher::new();
        let mut total = 0;
        let mut filled = filled;
        while filled > 0 && total <= size {
            hasher.update(&self.piece[..filled]);
            total += filled as u64;
            self.shared.hashed_bytes.fetch_add(filled as u64, Ordering::Relaxed);
            if self.shared.is_stopped.load(Ordering::Relaxed) {
                return Ok(None);
            }
            filled = fill(file, &mut self.piece)?;
        }
        Ok((total == size).then(|| BlobId(*hasher.finalize().as_bytes())))
    }
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut File, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn changed(path: Vec<u8>) -> Outcome {
    Outcome::Refused {
        path,
        code: "input_changed",
        cause: "the file changed while it was read".to_owned(),
        next_step: "Run the same command again when nothing writes to it any more.".to_owned(),
    }
}
