//! Blobs in and out of a cluster.

use super::{Cluster, ClusterError};
use crate::fetch::{copy_from, lying_here};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use windlass_blobs::{BlobError, Blobs, OpenBlob};
use windlass_core::BlobId;
use windlass_core::input::Input;
use windlass_wire::Client;

/// Where the bytes of results are.
#[derive(Clone, Copy)]
pub enum Origin<'a> {
    /// On a disk of this machine.
    Store(&'a Blobs),
    /// With a master elsewhere.
    Wire(&'a Client),
}

impl Cluster {
    /// Stores bytes; durable when this returns.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn put_blob(&self, bytes: &[u8]) -> Result<BlobId, ClusterError> {
        match self {
            Cluster::Here { blobs, .. } => {
                let id = blobs.put(bytes)?;
                blobs.sync()?;
                Ok(id)
            }
            Cluster::There(client) => {
                let id = BlobId::of(bytes);
                client.put([(id, Ok(bytes))])?;
                Ok(id)
            }
        }
    }

    /// Whether the store has a blob, which then stays for the time that a job takes to name it.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn has_blob(&self, id: BlobId) -> Result<bool, ClusterError> {
        Ok(match self {
            Cluster::Here { blobs, .. } => blobs.renew(id)?.is_some(),
            Cluster::There(client) => client.missing(&[id])?.is_empty(),
        })
    }

    /// The bytes of a blob, verified.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn read_blob(&self, id: BlobId, bytes_max: u64) -> Result<Vec<u8>, ClusterError> {
        match self {
            Cluster::Here { blobs, .. } => Ok(blobs.read(id, bytes_max)?),
            Cluster::There(client) => {
                let lying = lying_here(client, id).and_then(|blob| blob.read(bytes_max).ok());
                if let Some(bytes) = lying {
                    return Ok(bytes);
                }
                let mut bytes = Vec::new();
                copy_from(client, id, bytes_max, &mut bytes)?;
                Ok(bytes)
            }
        }
    }

    /// Writes the bytes of a blob; what was written is worth nothing when this fails.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn copy_blob(&self, id: BlobId, into: &mut impl Write) -> Result<(), ClusterError> {
        match self {
            Cluster::Here { blobs, .. } => {
                blobs.copy_to(id, into).map(drop).map_err(|error| match error {
                    BlobError::Receiver { source, .. } => {
                        ClusterError::Take(io::Error::new(source.kind(), source))
                    }
                    error => ClusterError::Blob(error),
                })
            }
            // What was written cannot be taken back to ask the master: it is looked through before.
            Cluster::There(client) => match lying_here(client, id).map(OpenBlob::verified) {
                Some(Ok(mut file)) => {
                    io::copy(&mut file, into).map(drop).map_err(ClusterError::Take)
                }
                Some(Err(_)) | None => copy_from(client, id, u64::MAX, into),
            },
        }
    }

    /// Where the bytes of results are.
    #[must_use]
    pub fn origin(&self) -> Origin<'_> {
        match self {
            Cluster::Here { blobs, .. } => Origin::Store(blobs),
            Cluster::There(client) => Origin::Wire(client),
        }
    }

    /// Makes sure that workers elsewhere can have these inputs: a master on another machine gets
    /// those of which it has no copy.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn offer_inputs(&self, inputs: &[Input]) -> Result<(), ClusterError> {
        let Cluster::There(client) = self else { return Ok(()) };
        if client.address().is_this_machine() {
            return Ok(());
        }
        let hashes: Vec<BlobId> = inputs.iter().map(|input| input.hash).collect();
        let missing = client.missing(&hashes)?;
        let wanted = inputs.iter().filter(|input| missing.contains(&input.hash));
        let open = |input: &Input| {
            let path = Path::new(std::ffi::OsStr::from_bytes(&input.path));
            (input.hash, File::open(path))
        };
        Ok(client.put_files(wanted.map(open))?)
    }
}
