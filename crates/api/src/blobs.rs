//! The blobs of a master, as its services give and take them.

use crate::node::{Node, Traffic, of_blobs};
use crate::{arrivals, inputs};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use windlass_core::{BlobId, TaskId};
use windlass_wire::{BlobHost, BlobSink, HostError, LocalFile, Source};

/// A source whose bytes are counted as sent.
struct Sent<R> {
    from: R,
    traffic: Arc<Traffic>,
}

impl<R: Read> Read for Sent<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.traffic.on_sent(count);
        Ok(count)
    }
}

impl Node {
    /// Counts what is read.
    fn sent(&self, from: impl Read + Send + 'static) -> Source {
        Box::new(Sent { from, traffic: Arc::clone(&self.traffic) })
    }
}

impl BlobHost for Node {
    fn missing(&self, ids: Vec<BlobId>) -> Result<Vec<BlobId>, HostError> {
        let mut missing = Vec::new();
        for id in ids {
            // Renewed, so that what is there stays until it is named.
            if self.blobs.renew(id).map_err(of_blobs)?.is_none() {
                missing.push(id);
            }
        }
        Ok(missing)
    }

    fn blob_sink(&self) -> Result<Box<dyn BlobSink>, HostError> {
        arrivals::begin(&self.blobs, &self.traffic)
    }

    fn begun(&self, ids: Vec<BlobId>) -> Result<Vec<u64>, HostError> {
        Ok(ids.into_iter().map(|id| self.blobs.partial_bytes(id)).collect())
    }

    fn resume_blob(&self, id: BlobId, offset: u64) -> Result<Box<dyn BlobSink>, HostError> {
        arrivals::go_on(&self.blobs, &self.traffic, id, offset)
    }

    fn sync(&self) -> Result<(), HostError> {
        self.blobs.sync().map_err(of_blobs)
    }

    fn read_blob(&self, id: BlobId, offset: u64) -> Result<Source, HostError> {
        let blob = self.blobs.open_blob(id).map_err(of_blobs)?;
        Ok(self.sent(blob.verifying(offset).map_err(of_blobs)?))
    }

    fn blob_folder(&self) -> PathBuf {
        let folder = self.blobs.dir();
        std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
    }

    fn unseen(&self, files: &[LocalFile]) -> Result<Vec<u32>, HostError> {
        let unseen = files.iter().zip(0..).filter(|(file, _)| !inputs::is_seen(file));
        Ok(unseen.map(|(_, position)| position).collect())
    }

    fn read_input(&self, task: TaskId) -> Result<Source, HostError> {
        let input = self.input(task)?;
        if self.blobs.renew(input.hash).map_err(of_blobs)?.is_some() {
            return self.read_blob(input.hash, 0);
        }
        Ok(self.sent(inputs::open(&input)?))
    }
}
