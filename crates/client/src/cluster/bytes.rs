//! Blobs in and out of a cluster.

use super::{Cluster, ClusterError};
use crate::fetch::{copy_from, lying_here};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use windlass_blobs::{BlobError, Blobs, OpenBlob};
use windlass_core::BlobId;
use windlass_core::input::Input;
use windlass_wire::{Client, LocalFile};

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

    /// Makes sure that workers elsewhere can have these inputs: a master that does not see them
    /// gets those of which it has no copy.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn offer_inputs(&self, inputs: &[Input]) -> Result<(), ClusterError> {
        let Cluster::There(client) = self else { return Ok(()) };
        let mut wanted: Vec<&Input> = inputs.iter().collect();
        if client.address().is_this_machine() {
            wanted = unseen(client, inputs)?;
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let hashes: Vec<BlobId> = wanted.iter().map(|input| input.hash).collect();
        let missing = client.missing(&hashes)?;
        let wanted = wanted.into_iter().filter(|input| missing.contains(&input.hash));
        Ok(client.put_files(wanted.map(|input| (input.hash, File::open(path(input)))))?)
    }
}

fn path(input: &Input) -> &Path {
    Path::new(OsStr::from_bytes(&input.path))
}

/// Those of these inputs that the master does not see, though its address is of this machine.
fn unseen<'a>(client: &Client, inputs: &'a [Input]) -> Result<Vec<&'a Input>, ClusterError> {
    // One that is gone is nobody's to see.
    let asked = inputs.iter().filter_map(|input| {
        let facts = path(input).metadata().ok()?;
        let (device, inode) = (facts.dev(), facts.ino());
        Some((input, LocalFile { path: path(input).into(), device, inode }))
    });
    let (asked, files): (Vec<_>, Vec<_>) = asked.unzip();
    Ok(client.unseen(&files)?.into_iter().filter_map(|at| asked.get(at).copied()).collect())
}
