//! Where results go and where inputs come from: a store on a disk that is shared with the master,
//! or the master's own at the other end of a connection.

use crate::attempt::{open, unstartable};
use crate::outcome::{of_blob_error, of_wire_error};
use crate::parcel::{self, Packed, Parcel, Section};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};
use windlass_blobs::{Blobs, Doorstep, Left, OpenBlob};
use windlass_core::input::Input;
use windlass_core::memo::MemoKey;
use windlass_core::{BlobId, Failure, TaskId};
use windlass_wire::{Client, WireError};

/// How long a slot waits for a connection to come back before its attempt fails: longer than a
/// master takes to start again.
const PATIENCE: Duration = Duration::from_secs(15);
/// Pause before a connection is tried again.
const PAUSE: Duration = Duration::from_millis(200);
/// Results that may wait to be synced here.
const WAITING_COUNT_MAX: usize = 1_024;
/// Results that may wait to be sent.
const WAITING_ELSEWHERE_COUNT_MAX: usize = 64;
/// A blob so long is left in the store of a master on this machine; a shorter one is sent sooner.
const LEFT_BYTES_MIN: u64 = 64 << 10;
/// What is left at once at most, each with a descriptor; the rest is sent.
const LEFT_COUNT_MAX: usize = 64;
/// How long a master is asked for what was left with it, before it is sent.
const PATIENCE_LEAVING: Duration = Duration::from_secs(1);
/// After so many times in vain, one after the other, nothing is left by this connection any more:
/// it is not that master's store.
const IN_VAIN_COUNT_MAX: u32 = 3;
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
    /// How often, one time after the other, what was left with this master had to be sent.
    in_vain_count: Arc<AtomicU32>,
}

impl Store {
    /// Stores bytes, or packs them; durable after [`Store::keep`] of the parcel.
    pub(crate) fn put(&self, bytes: Vec<u8>, parcel: &mut Parcel) -> Result<BlobId, Failure> {
        match self {
            Store::Shared(blobs) => blobs.put(&bytes).map_err(|error| of_blob_error(&error)),
            Store::Remote(_) => {
                let id = BlobId::of(&bytes);
                parcel.pack(id, bytes);
                Ok(id)
            }
        }
    }

    /// Stores a section of a file, or packs it; durable after [`Store::keep`] of the parcel. What
    /// stands there may not change until then.
    pub(crate) fn put_from(
        &self,
        file: &File,
        offset: u64,
        size: u64,
        parcel: &mut Parcel,
    ) -> Result<BlobId, Failure> {
        match self {
            Store::Shared(blobs) => {
                blobs.put_from(file, offset, size).map_err(|error| of_blob_error(&error))
            }
            Store::Remote(_) => {
                let id = hash(Section::new(file, offset, size)).map_err(unstartable)?;
                parcel.pack_from(id, file, offset, size).map_err(unstartable)?;
                Ok(id)
            }
        }
    }

    /// Makes all that was put durable: what lies in these parcels, each or none of it.
    pub(crate) fn keep(&self, parcels: &[&Parcel]) -> Vec<Result<(), Failure>> {
        match self {
            Store::Shared(blobs) => {
                let synced = blobs.sync().map_err(|error| of_blob_error(&error));
                vec![synced; parcels.len()]
            }
            Store::Remote(remote) => {
                let sent = parcel::send(parcels, |some| remote.put(some));
                sent.into_iter().map(|sent| sent.map_err(|error| of_wire_error(&error))).collect()
            }
        }
    }

    /// How many results may wait to be kept, more and their slots wait: those for elsewhere take
    /// memory and files until then.
    pub(crate) fn waiting_count_max(&self) -> usize {
        match self {
            Store::Shared(_) => WAITING_COUNT_MAX,
            Store::Remote(_) => WAITING_ELSEWHERE_COUNT_MAX,
        }
    }

    /// The bytes of a blob, verified; asked for once.
    pub(crate) fn read(&self, id: BlobId, bytes_max: u64) -> Result<Vec<u8>, Failure> {
        match self {
            Store::Shared(blobs) => {
                blobs.read(id, bytes_max).map_err(|error| of_blob_error(&error))
            }
            Store::Remote(remote) => {
                let lying = remote.lying_here(id).and_then(|blob| blob.read(bytes_max).ok());
                if let Some(bytes) = lying {
                    return Ok(bytes);
                }
                let read = remote.ask(Duration::ZERO, |client| client.read_blob(id, bytes_max));
                read.map_err(|error| of_wire_error(&error))
            }
        }
    }

    /// Writes a blob of this size behind what a file has, verified; asked for again while the
    /// connection is away.
    pub(crate) fn copy_to(&self, id: BlobId, size: u64, file: &mut File) -> Result<(), Failure> {
        match self {
            Store::Shared(blobs) => {
                blobs.copy_to(id, file).map(drop).map_err(|error| of_blob_error(&error))
            }
            Store::Remote(remote) => {
                let began = file.stream_position().map_err(unstartable)?;
                if remote.lying_here(id).is_some_and(|blob| blob.copy_to(file).is_ok()) {
                    return Ok(());
                }
                let copied = remote.ask(PATIENCE, |client| {
                    let emptied =
                        file.set_len(began).and_then(|()| file.seek(SeekFrom::Start(began)));
                    emptied.map_err(|error| WireError::Unwritten(error.to_string()))?;
                    let mut hashed = Hashed { file, hasher: blake3::Hasher::new() };
                    client.copy_blob(id, 0, size, &mut hashed)?;
                    match BlobId(*hashed.hasher.finalize().as_bytes()) == id {
                        true => Ok(()),
                        false => Err(WireError::Failed(format!("blob {id} arrived damaged"))),
                    }
                });
                copied.map_err(|error| of_wire_error(&error))
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
            // What somebody elsewhere has sent lies in the store, whatever is at its path here.
            Store::Shared(blobs) => sent(blobs, input).map_or_else(|| open(input), Ok),
            Store::Remote(remote) => {
                let sent = remote.lying_here(input.hash).and_then(|blob| blob.verified().ok());
                match sent.or_else(|| in_place(input, remote.is_this_machine())) {
                    Some(file) => Ok(file),
                    None => remote.fetch_input(task, input.size, scratch),
                }
            }
        }
    }
}

/// An input's content, if it was sent; verified, as nothing else is to be taken for it.
fn sent(blobs: &Blobs, input: &Input) -> Option<File> {
    let is_there = blobs.path(input.hash).exists();
    is_there.then(|| blobs.open_verified(input.hash).ok()).flatten()
}

/// The file at an input's path, if it is that input: another machine may have another file there.
fn in_place(input: &Input, is_this_machine: bool) -> Option<File> {
    let mut file = open(input).ok()?;
    let is_same_size = file.metadata().is_ok_and(|facts| facts.len() == input.size);
    if is_this_machine {
        // Of one that is not, the master knows whether it was sent or has changed.
        return is_same_size.then_some(file);
    }
    let is_it = is_same_size && hash(&file).is_ok_and(|id| id == input.hash);
    (is_it && file.rewind().is_ok()).then_some(file)
}

impl Remote {
    /// From now on this connection is used.
    pub fn set(&self, client: Client) {
        self.in_vain_count.store(0, Ordering::Relaxed);
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = Some(client);
    }

    fn client(&self) -> Option<Client> {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_this_machine(&self) -> bool {
        self.client().is_some_and(|client| client.address().is_this_machine())
    }

    /// A blob where it lies, if the master is on this machine and its folder may be read.
    fn lying_here(&self, id: BlobId) -> Option<OpenBlob> {
        let client = self.client()?;
        client.blob_folder().and_then(|folder| OpenBlob::find(folder, id))
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

    /// Hands over what the master lacks of these; durable when this returns. What can be left with
    /// a master on this machine is not sent.
    fn put(&self, parcels: &[&Parcel]) -> Result<(), WireError> {
        if self.in_vain_count.load(Ordering::Relaxed) >= IN_VAIN_COUNT_MAX {
            return self.send(parcels);
        }
        let (mut left, mut has_left) = (Vec::new(), false);
        let put = self.ask(PATIENCE_LEAVING, |client| {
            let folder = client.blob_folder();
            let doorstep = folder.and_then(|folder| Doorstep::of(folder).ok());
            put_all(client, parcels, |id, packed| {
                let bytes = packed.len();
                let doorstep = doorstep.as_ref()?;
                if bytes < LEFT_BYTES_MIN || left.len() >= LEFT_COUNT_MAX {
                    return None;
                }
                let write = |file: &mut File| packed.write_to(file);
                left.extend(doorstep.leave(id, bytes, write).ok()?);
                has_left = true;
                *packed = Packed::Bytes(&[]);
                Some(bytes)
            })
        });
        // Of what the master has taken nothing is there.
        left.into_iter().for_each(Left::take_back);
        match put {
            Ok(()) if has_left => {
                self.in_vain_count.store(0, Ordering::Relaxed);
                Ok(())
            }
            Err(error) if has_left || error.is_lost() => {
                let sent = self.send(parcels);
                if has_left && sent.is_ok() {
                    self.in_vain_count.fetch_add(1, Ordering::Relaxed);
                }
                sent
            }
            put => put,
        }
    }

    /// The same by sending all of it.
    fn send(&self, parcels: &[&Parcel]) -> Result<(), WireError> {
        self.ask(PATIENCE, |client| put_all(client, parcels, |_, _| None))
    }

    /// The manifest of an earlier result that the master knows. Not waited for: making it anew is
    /// always right.
    pub(crate) fn recall(&self, key: MemoKey) -> Option<BlobId> {
        self.ask(Duration::ZERO, |client| client.recall(key)).ok().flatten()
    }

    /// Has the master note results that it has; where it does not, they are made again some day.
    pub(crate) fn remember(&self, notes: &[(MemoKey, BlobId)]) {
        if !notes.is_empty() {
            let _ = self.ask(Duration::ZERO, |client| client.remember(notes));
        }
    }

    fn fetch_input(&self, task: TaskId, size: u64, scratch: &Path) -> Result<File, Failure> {
        let mut file = windlass_sandbox::output_file(scratch).map_err(unstartable)?;
        let fetched = self.ask(PATIENCE, |client| {
            let emptied = file.set_len(0).and_then(|()| file.rewind());
            emptied.map_err(|error| WireError::Unwritten(error.to_string()))?;
            client.read_input(task, size, &mut file)
        });
        match fetched {
            // Of a file that grew since a part is there: whoever reads it tells that it changed.
            Ok(()) | Err(WireError::TooLong { .. }) => {
                windlass_sandbox::read_only(&file).map_err(unstartable)
            }
            Err(WireError::Refused(_)) => Err(windlass_ops::input_changed()),
            Err(WireError::NotFound(_)) => Err(Failure::rejected(
                "input_gone",
                "the file is no longer there, neither on this worker's machine nor on the master's",
                "Put it back, then run again with --failed.",
            )),
            Err(error) => Err(of_wire_error(&error)),
        }
    }
}

/// Puts what the master lacks of these, in one stream: of each blob what lies behind so many bytes
/// as `begin` says.
fn put_all(
    client: &Client,
    parcels: &[&Parcel],
    mut begin: impl FnMut(BlobId, &mut Packed<'_>) -> Option<u64>,
) -> Result<(), WireError> {
    let large: Vec<BlobId> = parcels.iter().flat_map(|parcel| parcel.large()).collect();
    let missing = match large.is_empty() {
        true => Vec::new(),
        false => client.missing(&large)?,
    };
    let has = |id| large.contains(&id) && !missing.contains(&id);
    let mut put_before = BTreeSet::new();
    let unsent = parcels.iter().flat_map(|parcel| parcel.unsent(has));
    let unsent = unsent.filter(|(id, _)| put_before.insert(*id));
    client.put_behind(unsent.map(|(id, it)| (id, Ok(it))), |id, packed| Ok(begin(id, packed)))
}

/// Hashes what goes into a file.
struct Hashed<'a> {
    file: &'a mut File,
    hasher: blake3::Hasher,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
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
