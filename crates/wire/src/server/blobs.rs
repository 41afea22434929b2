//! Blobs in and out, piece by piece.

use super::service::{Server, blocking};
use crate::blob_host::{BlobSink, Source};
use crate::convert::{blob_id, blob_ids, ids_of, manifest};
use crate::generated as pb;
use crate::host::{Host, HostError};
use crate::limits::{ASKED_BLOB_COUNT_MAX, PIECE_BYTES, PIECE_COUNT_MAX};
use prost::bytes::Bytes;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use windlass_core::BlobId;
use windlass_core::input::Chunk;
use windlass_core::limits::CHUNK_BYTES_MAX;

type Pieces = ReceiverStream<Result<pb::BlobPiece, Status>>;

#[tonic::async_trait]
impl<H: Host> pb::blobs_server::Blobs for Server<H> {
    type ReadStream = Pieces;
    type ReadInputStream = Pieces;

    async fn missing(
        &self,
        request: Request<pb::BlobIds>,
    ) -> Result<Response<pb::BlobIds>, Status> {
        let ids = blob_ids(&request.into_inner().ids)?;
        if ids.len() > ASKED_BLOB_COUNT_MAX {
            return Err(Status::invalid_argument("more than 65536 blobs at once"));
        }
        let missing = self.call(move |host| host.missing(ids)).await?;
        Ok(Response::new(pb::BlobIds { ids: ids_of(&missing) }))
    }

    async fn put(
        &self,
        request: Request<Streaming<pb::BlobPiece>>,
    ) -> Result<Response<pb::BlobIds>, Status> {
        let mut pieces = request.into_inner();
        let (to_disk, arrived) = mpsc::channel(PIECE_COUNT_MAX);
        let host = self.clone();
        let writing = tokio::spawn(async move { host.call(|host| store(host, arrived)).await });
        let mut broken = None;
        loop {
            match pieces.message().await {
                Ok(None) => break,
                Ok(Some(piece)) => {
                    if to_disk.send(piece).await.is_err() {
                        break;
                    }
                }
                Err(status) => {
                    broken = Some(status);
                    break;
                }
            }
        }
        drop(to_disk);
        let stored = writing.await.map_err(|error| Status::internal(error.to_string()))?;
        match broken {
            Some(status) => Err(status),
            None => Ok(Response::new(pb::BlobIds { ids: ids_of(&stored?) })),
        }
    }

    async fn begun(
        &self,
        request: Request<pb::BlobIds>,
    ) -> Result<Response<pb::BegunBlobs>, Status> {
        let ids = blob_ids(&request.into_inner().ids)?;
        if ids.len() > ASKED_BLOB_COUNT_MAX {
            return Err(Status::invalid_argument("more than 65536 blobs at once"));
        }
        let bytes = self.call(move |host| host.begun(ids)).await?;
        Ok(Response::new(pb::BegunBlobs { bytes }))
    }

    async fn read(&self, request: Request<pb::ReadBlob>) -> Result<Response<Pieces>, Status> {
        let pb::ReadBlob { id, offset } = request.into_inner();
        let id = blob_id(&id)?;
        let source = self.call(move |host| host.read_blob(id, offset)).await?;
        Ok(Response::new(send(source, Some(id))))
    }

    async fn folder(
        &self,
        _: Request<pb::BlobFolderRequest>,
    ) -> Result<Response<pb::BlobFolder>, Status> {
        let folder = self.call(|host| Ok(host.blob_folder())).await?;
        Ok(Response::new(pb::BlobFolder { path: folder.into_os_string().into_vec().into() }))
    }

    async fn read_input(&self, request: Request<pb::TaskId>) -> Result<Response<Pieces>, Status> {
        let task = request.into_inner().try_into()?;
        let source = self.call(move |host| host.read_input(task)).await?;
        Ok(Response::new(send(source, None)))
    }

    async fn read_chunk(
        &self,
        request: Request<pb::ReadBlob>,
    ) -> Result<Response<pb::Inputs>, Status> {
        let id = blob_id(&request.into_inner().id)?;
        let bytes = self
            .call(move |host| {
                let mut bytes = Vec::new();
                let source = host.read_blob(id, 0)?;
                let read = source.take(CHUNK_BYTES_MAX + 1).read_to_end(&mut bytes);
                read.map_err(|error| HostError::Failed(error.to_string()))?;
                Ok(bytes)
            })
            .await?;
        let chunk = Chunk::decode(&bytes).map_err(|e| Status::data_loss(e.to_string()))?;
        Ok(Response::new(chunk.into()))
    }

    async fn put_chunk(
        &self,
        request: Request<pb::Inputs>,
    ) -> Result<Response<pb::BlobIds>, Status> {
        let chunk = Chunk::try_from(request.into_inner())?;
        self.put_bytes(chunk.encode()).await
    }

    async fn put_manifest(
        &self,
        request: Request<pb::Manifest>,
    ) -> Result<Response<pb::BlobIds>, Status> {
        let manifest = manifest(request.into_inner())?;
        let named: Vec<BlobId> = manifest.blobs().map(|(id, _)| id).collect();
        let missing = self.call(move |host| host.missing(named)).await?;
        if let Some(id) = missing.first() {
            let text = format!("the manifest names blob {id}, which is not there; put it first");
            return Err(Status::failed_precondition(text));
        }
        self.put_bytes(manifest.encode()).await
    }
}

impl<H: Host> Server<H> {
    async fn put_bytes(&self, bytes: Vec<u8>) -> Result<Response<pb::BlobIds>, Status> {
        let stored = self.call(move |host| {
            let mut sink = host.blob_sink()?;
            sink.write(&bytes)?;
            let id = sink.finish()?;
            host.sync()?;
            Ok(id)
        });
        Ok(Response::new(pb::BlobIds { ids: ids_of(&[stored.await?]) }))
    }
}

/// Writes the pieces of one blob after the other, and makes them durable together.
fn store<H: Host>(
    host: &H,
    mut pieces: mpsc::Receiver<pb::BlobPiece>,
) -> Result<Vec<BlobId>, HostError> {
    let mut stored = Vec::new();
    let mut open: Option<Box<dyn BlobSink>> = None;
    while let Some(piece) = pieces.blocking_recv() {
        let mut sink = match open.take() {
            Some(sink) => sink,
            None if piece.begin.is_empty() => host.blob_sink()?,
            None => {
                let id = blob_id(&piece.begin).map_err(|e| HostError::Refused(e.to_string()))?;
                host.resume_blob(id, piece.offset)?
            }
        };
        sink.write(&piece.bytes)?;
        if piece.end.is_empty() {
            open = Some(sink);
            continue;
        }
        let id = sink.finish()?;
        if piece.end != id.0.as_slice() {
            return Err(HostError::Refused(format!("the bytes that came are blob {id}")));
        }
        stored.push(id);
    }
    host.sync()?;
    Ok(stored)
}

/// Sends what a source has; the last piece bears the blob's name, where it is known.
fn send(mut source: Source, id: Option<BlobId>) -> Pieces {
    let (outgoing, pieces) = mpsc::channel(PIECE_COUNT_MAX);
    tokio::spawn(blocking(move || {
        loop {
            let mut bytes = Vec::with_capacity(PIECE_BYTES);
            let read = source.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut bytes);
            let ended = read.as_ref().is_ok_and(|count| *count < PIECE_BYTES);
            let end = id.filter(|_| ended).map(|id| Bytes::copy_from_slice(&id.0));
            let (bytes, end) = (bytes.into(), end.unwrap_or_default());
            let piece = pb::BlobPiece { bytes, end, ..pb::BlobPiece::default() };
            let piece = read.map(|_| piece).map_err(|error| Status::data_loss(error.to_string()));
            let goes_on = piece.is_ok() && !ended;
            if outgoing.blocking_send(piece).is_err() || !goes_on {
                return Ok(());
            }
        }
    }));
    ReceiverStream::new(pieces)
}
