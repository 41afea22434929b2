//! A form with files, each of which goes into the blob store as it comes: nothing is held in
//! memory.

use super::kinds::Kind;
use axum::body::Bytes;
use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError, MultipartRejection};
use axum::http::StatusCode;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use thiserror::Error;
use tokio::sync::mpsc;
use windlass_blobs::Blobs;
use windlass_core::BlobId;
use windlass_core::media::{Media, SAMPLE_HEAD_BYTES_MAX, Sample, sniff};

/// Longest `task_type`.
const TASK_TYPE_BYTES_MAX: usize = 256;
/// Pieces of a file on their way to the disk.
const PIECE_COUNT_MAX: usize = 8;

/// A form as it came.
#[derive(Default)]
pub(crate) struct Form {
    /// What is to be done.
    pub(crate) task_type: Option<String>,
    /// Its files, in order.
    pub(crate) uploads: Vec<Upload>,
}

/// A file, in the blob store.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    /// The form's field.
    pub(crate) field: String,
    /// Its name, without folders.
    pub(crate) name: String,
    pub(crate) blob: BlobId,
    pub(crate) size: u64,
    pub(crate) media: Media,
}

/// A form that did not come whole.
#[derive(Debug, Error)]
pub(crate) enum UploadError {
    #[error("the form did not come whole: {0}")]
    Broken(#[from] MultipartError),
    #[error("a file could not be stored: {0}")]
    Store(String),
}

impl UploadError {
    /// Whose fault it is.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            UploadError::Broken(_) => StatusCode::BAD_REQUEST,
            UploadError::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl Form {
    /// Reads all of it. The type may come behind the files. What is no form is one without anything
    /// in it.
    pub(crate) async fn read(
        form: Result<Multipart, MultipartRejection>,
        blobs: &Blobs,
    ) -> Result<Form, UploadError> {
        let mut read = Form::default();
        let Ok(mut form) = form else { return Ok(read) };
        while let Some(mut field) = form.next_field().await? {
            let name = field.name().unwrap_or_default().to_owned();
            match &*name {
                "task_type" => read.task_type = Some(short_text(&mut field).await?),
                name if Kind::has_field(name) => {
                    // A page sends an empty field where no file was chosen.
                    let file = field.file_name().map(own_name).filter(|name| !name.is_empty());
                    if let Some(file) = file {
                        read.uploads.push(store(name.to_owned(), file, &mut field, blobs).await?);
                    }
                }
                _ => {}
            }
        }
        Ok(read)
    }
}

/// The name of a file without the folders that it had where it came from, be they written as on
/// Windows.
fn own_name(sent: &str) -> String {
    sent.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
}

async fn short_text(field: &mut Field<'_>) -> Result<String, UploadError> {
    let mut text = Vec::new();
    while let Some(piece) = field.chunk().await? {
        let room = TASK_TYPE_BYTES_MAX - text.len();
        text.extend_from_slice(&piece[..piece.len().min(room)]);
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

async fn store(
    field_name: String,
    name: String,
    field: &mut Field<'_>,
    blobs: &Blobs,
) -> Result<Upload, UploadError> {
    let failed = |error: &dyn std::fmt::Display| UploadError::Store(format!("{name}: {error}"));
    let (pieces, taken) = mpsc::channel(PIECE_COUNT_MAX);
    let store = blobs.clone();
    // The disk may take its time: it has a thread of its own.
    let writing = tokio::task::spawn_blocking(move || write(&store, taken));
    let sent = send(field, &pieces).await;
    drop(pieces);
    let written = writing.await.map_err(|error| failed(&error))?;
    sent?;
    let (blob, size, media) = written.map_err(|error| failed(&error))?;
    Ok(Upload { field: field_name, name, blob, size, media })
}

async fn send(field: &mut Field<'_>, to: &mpsc::Sender<Bytes>) -> Result<(), UploadError> {
    while let Some(piece) = field.chunk().await? {
        // Nobody takes it where the disk has failed, which is told by who wrote.
        if to.send(piece).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Writes what comes; answers where it is, its size, and what it is.
fn write(blobs: &Blobs, mut pieces: mpsc::Receiver<Bytes>) -> io::Result<(BlobId, u64, Media)> {
    let mut writer = blobs.writer().map_err(io::Error::other)?;
    while let Some(piece) = pieces.blocking_recv() {
        writer.write_all(&piece)?;
    }
    let (id, size) = writer.finish().map_err(io::Error::other)?;
    Ok((id, size, look(&blobs.path(id), size)?))
}

/// What a file is, by its first and its last bytes.
fn look(path: &Path, size: u64) -> io::Result<Media> {
    let mut file = File::open(path)?;
    let limit = SAMPLE_HEAD_BYTES_MAX as u64;
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    (&file).take(limit).read_to_end(&mut head)?;
    if size > limit {
        file.seek(SeekFrom::Start(size - limit))?;
        file.take(limit).read_to_end(&mut tail)?;
    }
    Ok(sniff(&Sample { head: &head, tail: &tail, size }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_folders() {
        for (sent, name) in [
            ("a.png", "a.png"),
            ("C:\\Users\\x\\a.png", "a.png"),
            ("../../etc/passwd", "passwd"),
            ("folder/", ""),
            ("", ""),
        ] {
            assert_eq!(own_name(sent), name, "{sent}");
        }
    }
}
