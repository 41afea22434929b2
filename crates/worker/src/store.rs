//! Where results go and where inputs come from: a store on a disk that is shared with the master,
//! or the master's own at the other end of a connection.

use crate::attempt::{open, unstartable};
use crate::outcome::{of_blob_error, of_wire_error};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};
use windlass_blobs::Blobs;
use windlass_core::input::Input;
use windlass_core::{BlobId, Failure, TaskId};
use windlass_wire::{Client, WireError};

/// How long a slot waits for a connection to come back before its attempt fails: longer than a
/// master takes to start again.
const PATIENCE: Duration = Duration::from_secs(15);
/// Pause before a connection is tried again.
const PAUSE: Duration = Duration::from_millis(200);
/// Bytes hashed at once.
const PIECE_BYTES: usize = 256 << 10;

/// Where results go and inputs come from.
#[derive(Clone, Debug)]
pub enum Store {
    /// The master's store, on a disk that this worker shares.
    Shared(Blobs),
    /// The master's store, by way of the connection to it.
    Remote(Remote),
}

/// The connection to the master's store, once there is one. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Remote {
    client: Arc<RwLock<Option<Client>>>,
}

impl Store {
    /// Stores bytes; durable after the next [`Store::sync`].
    pub(crate) fn put(&self, bytes: &[u8]) -> Result<BlobId, Failure> {
        match self {
            Store::Shared(blobs) => blobs.put(bytes).map_err(|error| of_blob_error(&error)),
            Store::Remote(remote) => {
                let id = BlobId::of(bytes);
                let put = |client: &Client| client.put([(id, Ok(bytes))]);
                remote.ask(PATIENCE, put).map_err(|error| of_wire_error(&error))?;
                Ok(id)
            }
        }
    }

    /// Stores a section of a file; durable after the next [`Store::sync`].
    pub(crate) fn put_from(&self, file: &File, offset: u64, size: u64) -> Result<BlobId, Failure> {
        match self {
            Store::Shared(blobs) => {
                blobs.put_from(file, offset, size).map_err(|error| of_blob_error(&error))
            }
            Store::Remote(remote) => {
                let section = || Section { file, offset, left: size };
                let id = hash(section()).map_err(unstartable)?;
                let put = |client: &Client| match client.missing(&[id])?.is_empty() {
                    true => Ok(()),
                    false => client.put([(id, Ok(section()))]),
                };
                remote.ask(PATIENCE, put).map_err(|error| of_wire_error(&error))?;
                Ok(id)
            }
        }
    }

    /// Makes all that was put durable. A store elsewhere has done so before it answered.
    pub(crate) fn sync(&self) -> Result<(), Failure> {
        match self {
            Store::Shared(blobs) => blobs.sync().map_err(|error| of_blob_error(&error)),
            Store::Remote(_) => Ok(()),
        }
    }

    /// The bytes of a blob, verified; asked for once.
    pub(crate) fn read(&self, id: BlobId, bytes_max: u64) -> Result<Vec<u8>, Failure> {
        match self {
            Store::Shared(blobs) => {
                blobs.read(id, bytes_max).map_err(|error| of_blob_error(&error))
            }
            Store::Remote(remote) => {
                let read = remote.ask(Duration::ZERO, |client| client.read_blob(id, bytes_max));
                read.map_err(|error| of_wire_error(&error))
            }
        }
    }

    /// An input's file: read in place where this machine has it, else fetched into a nameless file
    /// in `scratch`. Whoever reads it verifies the content.
    pub(crate) fn open_input(
        &self,
        task: TaskId,
        input: &Input,
        scratch: &Path,
    ) -> Result<File, Failure> {
        match self {
            Store::Shared(_) => open(input),
            Store::Remote(remote) => match in_place(input, remote.is_this_machine()) {
                Some(file) => Ok(file),
                None => remote.fetch_input(task, input.size, scratch),
            },
        }
    }

    /// The store whose memo this worker may use.
    pub(crate) fn shared(&self) -> Option<&Blobs> {
        match self {
            Store::Shared(blobs) => Some(blobs),
            Store::Remote(_) => None,
        }
    }
}

/// The file at an input's path, if it is that input: another machine may have another file there.
fn in_place(input: &Input, is_this_machine: bool) -> Option<File> {
    let mut file = open(input).ok()?;
    if is_this_machine {
        return Some(file);
    }
    let is_same_size = file.metadata().is_ok_and(|facts| facts.len() == input.size);
    let is_it = is_same_size && hash(&file).is_ok_and(|id| id == input.hash);
    (is_it && file.rewind().is_ok()).then_some(file)
}

impl Remote {
    /// From now on this connection is used.
    pub fn set(&self, client: Client) {
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = Some(client);
    }

    fn client(&self) -> Option<Client> {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_this_machine(&self) -> bool {
        self.client().is_some_and(|client| client.address().is_this_machine())
    }

    /// Asks, and asks again while the connection is away and patience lasts.
    fn ask<T>(
        &self,
        patience: Duration,
        mut call: impl FnMut(&Client) -> Result<T, WireError>,
    ) -> Result<T, WireError> {
        let until = Instant::now() + patience;
        loop {
            let answer = match self.client() {
                Some(client) => call(&client),
                None => Err(WireError::Failed("there was no connection yet".to_owned())),
            };
            let is_away = answer.as_ref().is_err_and(WireError::is_lost);
            if !is_away || Instant::now() >= until {
                return answer;
            }
            thread::sleep(PAUSE);
        }
    }

    fn fetch_input(&self, task: TaskId, size: u64, scratch: &Path) -> Result<File, Failure> {
        let mut file = windlass_sandbox::output_file(scratch).map_err(unstartable)?;
        let fetched = self.ask(PATIENCE, |client| {
            let emptied = file.set_len(0).and_then(|()| file.rewind());
            emptied.map_err(|error| WireError::Failed(error.to_string()))?;
            client.read_input(task, size, &mut file)
        });
        match fetched {
            // Of a file that grew since a part is there: whoever reads it tells that it changed.
            Ok(()) | Err(WireError::TooLong { .. }) => {
                windlass_sandbox::read_only(&file).map_err(unstartable)
            }
            Err(WireError::NotFound(_)) => Err(Failure::rejected(
                "input_gone",
                "the file is no longer there, neither on this worker's machine nor on the master's",
                "Put it back, then run again with --failed.",
            )),
            Err(error) => Err(of_wire_error(&error)),
        }
    }
}

/// A part of a file, read without moving its position.
struct Section<'a> {
    file: &'a File,
    offset: u64,
    left: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let count = self.file.read_at(&mut into[..wanted], self.offset)?;
        if count == 0 && wanted > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.offset += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

fn hash(mut source: impl Read) -> io::Result<BlobId> {
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match source.read(&mut piece)? {
            0 => return Ok(BlobId(*hasher.finalize().as_bytes())),
            count => hasher.update(&piece[..count]),
        };
    }
}
