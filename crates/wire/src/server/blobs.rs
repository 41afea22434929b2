//! Blobs in and out, piece by piece.

use super::pieces::{Pieces, receive, send};
use super::service::Server;
use crate::blob_host::LocalFile;
use crate::convert::{blob_id, blob_ids, ids_of, manifest};
use crate::generated as pb;
use crate::host::{Host, HostError};
use crate::limits::{ASKED_BLOB_COUNT_MAX, ASKED_FILE_COUNT_MAX};
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;
use tonic::{Request, Response, Status, Streaming};
use windlass_core::BlobId;
use windlass_core::input::Chunk;
use windlass_core::limits::CHUNK_BYTES_MAX;

/// Whether a request's path says that bytes of blobs, or long lists of them or of files, come or go
/// by it.
#[must_use]
pub fn carries_blobs(path: &str) -> bool {
    let method = path.strip_prefix("/windlass.v1.Blobs/");
    method.is_some_and(|method| method != "Folder")
}

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
        let place = self.blob_places.take().await?;
        let stored = receive(place, Arc::clone(&self.host), request.into_inner()).await?;
        Ok(Response::new(pb::BlobIds { ids: ids_of(&stored) }))
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
        let place = self.blob_places.take().await?;
        let source = self.call(move |host| host.read_blob(id, offset)).await?;
        Ok(Response::new(send(place, source, Some(id))))
    }

    async fn folder(
        &self,
        _: Request<pb::BlobFolderRequest>,
    ) -> Result<Response<pb::BlobFolder>, Status> {
        let folder = self.call(|host| Ok(host.blob_folder())).await?;
        Ok(Response::new(pb::BlobFolder { path: folder.into_os_string().into_vec().into() }))
    }

    async fn unseen(
        &self,
        request: Request<pb::LocalFiles>,
    ) -> Result<Response<pb::UnseenFiles>, Status> {
        let files = request.into_inner().files;
        if files.len() > ASKED_FILE_COUNT_MAX {
            return Err(Status::invalid_argument("more than 4096 files at once"));
        }
        let local = |file: pb::LocalFile| LocalFile {
            path: OsString::from_vec(file.path.into()).into(),
            device: file.device,
            inode: file.inode,
        };
        let files: Vec<LocalFile> = files.into_iter().map(local).collect();
        let positions = self.call(move |host| host.unseen(&files)).await?;
        Ok(Response::new(pb::UnseenFiles { positions }))
    }

    async fn read_input(&self, request: Request<pb::TaskId>) -> Result<Response<Pieces>, Status> {
        let task = request.into_inner().try_into()?;
        let place = self.blob_places.take().await?;
        let source = self.call(move |host| host.read_input(task)).await?;
        Ok(Response::new(send(place, source, None)))
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
