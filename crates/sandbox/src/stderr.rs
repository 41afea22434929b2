//! A child's stderr: read as it comes, so that a full pipe never stops the child; the end is kept.

use rustix::fs::OFlags;
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Bytes read at once: what a pipe holds by default.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces read before other things get their turn.
const PIECE_COUNT_MAX: usize = 16;

#[derive(Debug)]
pub(crate) struct Stderr {
    pipe: Option<OwnedFd>,
    tail: Vec<u8>,
    tail_bytes_max: usize,
    total_bytes: u64,
}

impl Stderr {
    /// Reads from `pipe` without waiting and keeps the last `tail_bytes_max` bytes.
    pub(crate) fn new(pipe: OwnedFd, tail_bytes_max: usize) -> io::Result<Stderr> {
        rustix::fs::fcntl_setfl(&pipe, OFlags::NONBLOCK)?;
        Ok(Stderr { pipe: Some(pipe), tail: Vec::new(), tail_bytes_max, total_bytes: 0 })
    }

    /// The pipe to poll, while it is open.
    pub(crate) fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Takes what is there.
    pub(crate) fn drain(&mut self) {
        let Some(pipe) = &self.pipe else { return };
        let mut piece = vec![0_u8; PIECE_BYTES];
        for _ in 0..PIECE_COUNT_MAX {
            match rustix::io::read(pipe, &mut piece[..]) {
                Ok(0) => {
                    self.pipe = None;
                    return;
                }
                Ok(count) => {
                    self.total_bytes += count as u64;
                    self.tail.extend_from_slice(&piece[..count]);
                    let excess = self.tail.len().saturating_sub(self.tail_bytes_max);
                    self.tail.drain(..excess);
                }
                Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }

    /// Forgets what came so far: it belongs to an earlier attempt.
    pub(crate) fn forget(&mut self) {
        self.tail.clear();
    }

    /// All that ever came.
    pub(crate) fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// The end of what came.
    pub(crate) fn take_tail(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_and_the_rest_counted() {
        let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
        let mut stderr = Stderr::new(reader, 4).expect("a reader");
        stderr.drain();
        assert!(stderr.pipe().is_some());
        rustix::io::write(&writer, b"abcdef").expect("written");
        stderr.drain();
        rustix::io::write(&writer, b"g").expect("written");
        drop(writer);
        stderr.drain();
        assert_eq!((stderr.take_tail().as_slice(), stderr.total_bytes()), (&b"defg"[..], 7));
        assert!(stderr.pipe().is_none());
    }
}
