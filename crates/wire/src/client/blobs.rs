//! Blobs in and out.

use super::connection::{Client, Line, WireError};
use super::presence::while_there;
use crate::blob_host::LocalFile;
use crate::convert::{Malformed, blob_ids, ids_of};
use crate::generated as pb;
use crate::limits::{
    ASKED_FILE_COUNT_MAX, MESSAGE_BYTES_MAX, PIECE_BYTES, PIECE_COUNT_MAX, RESUMED_BYTES_MIN,
};
use prost::bytes::Bytes;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use windlass_core::{BlobId, TaskId};

impl Client {
    fn blobs(&self) -> pb::blobs_client::BlobsClient<Line> {
        let _entered = self.runtime.enter();
        pb::blobs_client::BlobsClient::new(self.blob_line.get())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Asks by the connection for blobs.
    fn ask_blobs<T>(&self, call: impl Future<Output = Result<T, Status>>) -> Result<T, WireError> {
        let answer = self.runtime.block_on(while_there(self.line.clone(), call));
        answer.map_err(|status| self.blob_error(&status))
    }

    fn blob_error(&self, status: &Status) -> WireError {
        let error = self.error(status);
        if error.is_lost() {
            self.blob_line.on_lost();
        }
        error
    }

    /// Which of these blobs the master does not have.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn missing(&self, ids: &[BlobId]) -> Result<Vec<BlobId>, WireError> {
        let asked = pb::BlobIds { ids: ids_of(ids) };
        let missing = self.ask_blobs(self.blobs().missing(asked))?.into_inner();
        Ok(blob_ids(&missing.ids)?)
    }

    /// Stores blobs, each with the name that its bytes have; durable when this returns.
    ///
    /// # Errors
    /// See [`WireError`]; `Refused` also where bytes do not have the name or cannot be read.
    pub fn put<R: Read>(
        &self,
        blobs: impl IntoIterator<Item = (BlobId, io::Result<R>)>,
    ) -> Result<(), WireError> {
        self.put_behind(blobs, |_, _| Ok(None))
    }

    /// As [`Client::put`]; of a large file, what came before a connection broke is not sent again.
    ///
    /// # Errors
    /// As [`Client::put`].
    pub fn put_files(
        &self,
        files: impl IntoIterator<Item = (BlobId, io::Result<File>)>,
    ) -> Result<(), WireError> {
        self.put_behind(files, |id, file| {
            let file_bytes = file.metadata()?.len();
            if file_bytes < RESUMED_BYTES_MIN {
                return Ok(None);
            }
            // Where this fails, the put itself will tell why.
            let begun = self.begun(id).unwrap_or(0);
            let offset = if begun <= file_bytes { begun } else { 0 };
            file.seek(SeekFrom::Start(offset))?;
            Ok(Some(offset))
        })
    }

    /// How many bytes of a blob have come before.
    fn begun(&self, id: BlobId) -> Result<u64, WireError> {
        let asked = pb::BlobIds { ids: ids_of(&[id]) };
        let begun = self.ask_blobs(self.blobs().begun(asked))?.into_inner();
        Ok(begun.bytes.first().copied().unwrap_or(0))
    }

    /// As [`Client::put`], from where `begin` says that each source stands: what lies before has
    /// come otherwise. `None`: it is sent whole, and nothing of it is kept where the connection
    /// breaks.
    ///
    /// # Errors
    /// As [`Client::put`]; `Lost` where less has come than `begin` says.
    pub fn put_behind<R: Read>(
        &self,
        blobs: impl IntoIterator<Item = (BlobId, io::Result<R>)>,
        mut begin: impl FnMut(BlobId, &mut R) -> io::Result<Option<u64>>,
    ) -> Result<(), WireError> {
        let (outgoing, pieces) = mpsc::channel(PIECE_COUNT_MAX);
        let mut service = self.blobs();
        let calls = self.line.clone();
        let answer = self.runtime.spawn(async move {
            while_there(calls, service.put(ReceiverStream::new(pieces))).await
        });
        let mut unreadable = None;
        for (id, source) in blobs {
            let sent = source.and_then(|mut source| {
                let offset = begin(id, &mut source)?;
                send(id, offset, source, &outgoing)
            });
            match sent {
                Ok(true) => {}
                // Nobody takes more; the answer says why.
                Ok(false) => break,
                Err(error) => {
                    unreadable = Some(WireError::Refused(format!("blob {id}: {error}")));
                    break;
                }
            }
        }
        drop(outgoing);
        let answer = self.runtime.block_on(answer);
        if let Some(error) = unreadable {
            return Err(error);
        }
        let answer = answer.unwrap_or_else(|error| Err(Status::internal(error.to_string())));
        answer.map(drop).map_err(|status| self.blob_error(&status))
    }

    /// The bytes of a blob of at most `bytes_max` bytes, verified.
    ///
    /// # Errors
    /// See [`WireError`]; `TooLong` for a longer one, `Failed` for bytes that do not have its name.
    pub fn read_blob(&self, id: BlobId, bytes_max: u64) -> Result<Vec<u8>, WireError> {
        let mut bytes = Vec::new();
        self.copy_blob(id, 0, bytes_max, &mut bytes)?;
        if BlobId::of(&bytes) != id {
            return Err(WireError::Failed(format!("blob {id} arrived damaged")));
        }
        Ok(bytes)
    }

    /// Writes a blob's bytes from an offset on, at most so many; the caller verifies them.
    ///
    /// # Errors
    /// See [`WireError`]; `TooLong` for a longer one, `Unwritten` where `into` takes no more,
    /// `Lost` where the rest did not come.
    pub fn copy_blob(
        &self,
        id: BlobId,
        offset: u64,
        bytes_max: u64,
        into: &mut dyn Write,
    ) -> Result<(), WireError> {
        let asked = pb::ReadBlob { id: Bytes::copy_from_slice(&id.0), offset };
        let pieces = self.ask_blobs(self.blobs().read(asked))?.into_inner();
        match self.receive(pieces, bytes_max, into)? {
            // The last piece bears the name: without it a stream that was cut looks like an end.
            true => Ok(()),
            false => {
                let cause = format!("blob {id} ended before its last piece");
                Err(WireError::Lost { address: self.address.clone(), cause })
            }
        }
    }

    /// Where the master's blobs lie, if it is on this machine; asked once. They are files of the
    /// store's own form, and whoever reads them verifies them.
    #[must_use]
    pub fn blob_folder(&self) -> Option<&Path> {
        if !self.address.is_this_machine() {
            return None;
        }
        if self.blob_folder.get().is_none() {
            // Two words: where they are enough, there is no connection for blobs.
            let mut service = pb::blobs_client::BlobsClient::new(self.line.clone());
            let known = match self.ask(service.folder(pb::BlobFolderRequest {})) {
                Ok(folder) => {
                    let path = PathBuf::from(OsString::from_vec(folder.into_inner().path.into()));
                    Some(path).filter(|path| path.is_absolute())
                }
                // Asked again once there is a connection.
                Err(error) if error.is_lost() => return None,
                // A master of a release that does not tell.
                Err(_) => None,
            };
            // Another thread may have been quicker, and was told the same.
            let _ = self.blob_folder.set(known);
        }
        self.blob_folder.get()?.as_deref()
    }

    /// Which of these files the master cannot read, or has others in place of.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn unseen(&self, files: &[LocalFile]) -> Result<Vec<usize>, WireError> {
        let mut unseen = Vec::new();
        for (part, some) in files.chunks(ASKED_FILE_COUNT_MAX).enumerate() {
            let local = |file: &LocalFile| pb::LocalFile {
                path: file.path.as_os_str().as_bytes().to_vec().into(),
                device: file.device,
                inode: file.inode,
            };
            let asked = pb::LocalFiles { files: some.iter().map(local).collect() };
            let told = self.ask_blobs(self.blobs().unseen(asked))?.into_inner().positions;
            let position = |position: u32| part * ASKED_FILE_COUNT_MAX + position as usize;
            unseen.extend(told.into_iter().map(position));
        }
        Ok(unseen)
    }

    /// Writes the bytes of a task's input, at most so many; the caller verifies them.
    ///
    /// # Errors
    /// See [`WireError`]; `NotFound` where neither the store nor the master's machine has it,
    /// `Refused` where its file is no longer what was submitted, `Unwritten` where `into` takes no
    /// more.
    pub fn read_input(
        &self,
        task: TaskId,
        bytes_max: u64,
        into: &mut dyn Write,
    ) -> Result<(), WireError> {
        let pieces = self.ask_blobs(self.blobs().read_input(pb::TaskId::from(task)))?.into_inner();
        self.receive(pieces, bytes_max, into).map(drop)
    }

    /// Writes what comes, and answers whether it ended with a blob's name.
    fn receive(
        &self,
        mut pieces: Streaming<pb::BlobPiece>,
        bytes_max: u64,
        into: &mut dyn Write,
    ) -> Result<bool, WireError> {
        let mut left = bytes_max;
        let mut is_whole = false;
        while let Some(piece) = self.ask_blobs(pieces.message())? {
            left = left
                .checked_sub(piece.bytes.len() as u64)
                .ok_or(WireError::TooLong { bytes_max })?;
            let written = into.write_all(&piece.bytes);
            written.map_err(|error| WireError::Unwritten(error.to_string()))?;
            is_whole = !piece.end.is_empty();
        }
        Ok(is_whole)
    }
}

/// Hands over a blob piece by piece, named and from an offset on where one is given; `false`:
/// nobody takes more.
fn send(
    id: BlobId,
    mut offset: Option<u64>,
    mut source: impl Read,
    outgoing: &mpsc::Sender<pb::BlobPiece>,
) -> io::Result<bool> {
    loop {
        let mut bytes = Vec::with_capacity(PIECE_BYTES);
        source.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut bytes)?;
        let ended = bytes.len() < PIECE_BYTES;
        let name = || Bytes::copy_from_slice(&id.0);
        let mut piece = pb::BlobPiece { bytes: bytes.into(), ..pb::BlobPiece::default() };
        if let Some(offset) = offset.take() {
            (piece.begin, piece.offset) = (name(), offset);
        }
        if ended {
            piece.end = name();
        }
        if outgoing.blocking_send(piece).is_err() {
            return Ok(false);
        }
        if ended {
            return Ok(true);
        }
    }
}

impl From<Malformed> for io::Error {
    fn from(error: Malformed) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}
