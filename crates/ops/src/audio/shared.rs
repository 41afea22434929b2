//! The file, read by a decoder that owns what it reads and by us.

use crate::SourceReader;
use std::io::{Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use symphonia::core::io::MediaSource;

/// One of its owners.
#[derive(Clone)]
pub(super) struct Shared {
    reader: Arc<Mutex<SourceReader>>,
    is_seekable: bool,
}

impl Shared {
    pub(super) fn new(reader: SourceReader) -> Shared {
        Shared { reader: Arc::new(Mutex::new(reader)), is_seekable: true }
    }

    /// For a decoder that is to read from the beginning to the end, and jump nowhere.
    pub(super) fn in_order(reader: SourceReader) -> Shared {
        Shared { is_seekable: false, ..Shared::new(reader) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, SourceReader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file's first and last 64 KiB: codecs are named there.
    pub(super) fn ends(&self) -> Vec<u8> {
        const END_BYTES: u64 = 64 << 10;
        let mut reader = self.lock();
        let mut bytes = Vec::new();
        for start in [0, reader.size().saturating_sub(END_BYTES)] {
            if reader.seek(SeekFrom::Start(start)).is_ok() {
                // What cannot be read names no codec.
                let _ = (&mut *reader).take(END_BYTES).read_to_end(&mut bytes);
            }
        }
        bytes
    }

    /// The reader, once the decoder is gone.
    pub(super) fn into_inner(self) -> Option<SourceReader> {
        Some(Arc::into_inner(self.reader)?.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.lock().read(buffer)
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.lock().seek(to)
    }
}

impl MediaSource for Shared {
    fn is_seekable(&self) -> bool {
        self.is_seekable
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.lock().size())
    }
}
