//! A disk as a file: the kernel's FUSE protocol for a file system that is one file.
//!
//! A loop device over this file sends its writes and its flushes here, in their order. The format
//! of requests and answers: include/uapi/linux/fuse.h.

use super::disk::Disk;
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Where the kernel asks.
pub(crate) const DEVICE: &str = "/dev/fuse";
/// Longest write that the kernel sends: 32 pages.
const WRITE_BYTES_MAX: u32 = 128 << 10;
/// A write, its headers, and room: the kernel wants at least 8 KiB (fuse_dev_do_read).
const REQUEST_BYTES_MAX: usize = (128 << 10) + 8_192;
/// The protocol's version that is spoken here.
const VERSION: (u32, u32) = (7, 31);
/// Bytes of a request's header, and of what a write says before its bytes.
const HEADER_BYTES: usize = 40;
const WRITE_HEADER_BYTES: usize = 40;
const ENOSYS: i32 = 38;

const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const OPEN: u32 = 14;
const READ: u32 = 15;
const WRITE: u32 = 16;
const RELEASE: u32 = 18;
const FSYNC: u32 = 20;
const FLUSH: u32 = 25;
const INIT: u32 = 26;
const INTERRUPT: u32 = 36;
const BATCH_FORGET: u32 = 42;

/// Answers until the file system is gone.
pub(crate) fn serve(mut device: File, disk: &Arc<Mutex<Disk>>) {
    let mut request = vec![0; REQUEST_BYTES_MAX];
    loop {
        let count = match device.read(&mut request) {
            Ok(count) => count,
            Err(error) if is_passing(&error) => continue,
            // The file system was unmounted, or its process is gone.
            Err(_) => return,
        };
        let request = Request(&request[..count]);
        if matches!(request.opcode(), FORGET | BATCH_FORGET | INTERRUPT) {
            continue;
        }
        let answer = {
            let mut disk = disk.lock().unwrap_or_else(PoisonError::into_inner);
            answer(&request, &mut disk)
        };
        let (error, body) = match answer {
            Some(body) => (0, body),
            None => (-ENOSYS, Vec::new()),
        };
        let mut bytes = u32::try_from(16 + body.len()).expect("short").to_ne_bytes().to_vec();
        bytes.extend_from_slice(&i32::to_ne_bytes(error));
        bytes.extend_from_slice(&request.u64(8).to_ne_bytes());
        bytes.extend_from_slice(&body);
        match device.write_all(&bytes) {
            Err(error) if !is_passing(&error) => return,
            _ => {}
        }
    }
}

/// Whether an error is about one request, which its sender has given up (fuse(4): ENOENT), or about
/// nothing at all.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, NotFound, WouldBlock};
    matches!(error.kind(), Interrupted | NotFound | WouldBlock)
}

struct Request<'a>(&'a [u8]);

impl Request<'_> {
    fn u32(&self, at: usize) -> u32 {
        u32::from_ne_bytes(self.0[at..at + 4].try_into().expect("four bytes"))
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from_ne_bytes(self.0[at..at + 8].try_into().expect("eight bytes"))
    }

    fn opcode(&self) -> u32 {
        self.u32(4)
    }
}

/// `None` for what this file system does not do.
fn answer(request: &Request<'_>, disk: &mut Disk) -> Option<Vec<u8>> {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    match request.opcode() {
        INIT => {
            // max_background and congestion_threshold stay at their defaults; so do the pages.
            let read_ahead = request.u32(HEADER_BYTES + 8);
            let mut body = vec![VERSION.0, VERSION.1, read_ahead, 0, 0, WRITE_BYTES_MAX, 1];
            body.resize(16, 0);
            Some(words(&body))
        }
        GETATTR => Some(attributes(disk.size_bytes())),
        OPEN => Some(words(&[0; 4])),
        READ => {
            let (offset, length) = (request.u64(HEADER_BYTES + 8), request.u32(HEADER_BYTES + 16));
            Some(disk.read(offset, length as usize))
        }
        WRITE => {
            let (offset, length) = (request.u64(HEADER_BYTES + 8), request.u32(HEADER_BYTES + 16));
            let bytes = &request.0[HEADER_BYTES + WRITE_HEADER_BYTES..][..length as usize];
            disk.write(offset, bytes);
            Some(words(&[length, 0]))
        }
        FSYNC => {
            disk.flush();
            Some(Vec::new())
        }
        FLUSH | RELEASE => Some(Vec::new()),
        _ => None,
    }
}

/// `fuse_attr_out` of a regular file of this size, valid for an hour.
fn attributes(size_bytes: u64) -> Vec<u8> {
    const REGULAR_0600: u32 = 0o100_600;
    let mut body = Vec::new();
    let blocks = size_bytes / 512;
    // attr_valid, (attr_valid_nsec and a dummy); ino, size, blocks, atime, mtime, ctime.
    for word in [3_600, 0, 1, size_bytes, blocks, 0, 0, 0] {
        body.extend_from_slice(&u64::to_ne_bytes(word));
    }
    // The times' nanoseconds; mode, nlink, uid, gid, rdev, blksize, flags.
    for word in [0, 0, 0, REGULAR_0600, 1, 0, 0, 0, 4_096, 0] {
        body.extend_from_slice(&u32::to_ne_bytes(word));
    }
    body
}
