//! Earlier results, for workers that do not share the state's disk.

use super::service::Server;
use crate::convert::{Malformed, blob_id};
use crate::generated as pb;
use crate::host::Host;
use crate::limits::MEMO_NOTE_COUNT_MAX;
use tonic::{Request, Response, Status};
use windlass_core::BlobId;
use windlass_core::memo::MemoKey;

#[tonic::async_trait]
impl<H: Host> pb::memo_server::Memo for Server<H> {
    async fn recall(
        &self,
        request: Request<pb::RecallRequest>,
    ) -> Result<Response<pb::Recalled>, Status> {
        let key = memo_key(&request.into_inner().key)?;
        let known = self.call(move |host| host.recall(key)).await?;
        let manifest = known.map(|id| id.0.to_vec()).unwrap_or_default().into();
        Ok(Response::new(pb::Recalled { manifest }))
    }

    async fn remember(
        &self,
        request: Request<pb::RememberRequest>,
    ) -> Result<Response<pb::Remembered>, Status> {
        let notes = request.into_inner().notes;
        if notes.len() > MEMO_NOTE_COUNT_MAX {
            return Err(Status::invalid_argument("more than 1024 notes at once"));
        }
        let note = |note: pb::MemoNote| Ok((memo_key(&note.key)?, blob_id(&note.manifest)?));
        let notes: Vec<(MemoKey, BlobId)> =
            notes.into_iter().map(note).collect::<Result<_, Malformed>>()?;
        self.call(move |host| host.remember(&notes)).await?;
        Ok(Response::new(pb::Remembered {}))
    }
}

fn memo_key(bytes: &[u8]) -> Result<MemoKey, Malformed> {
    let key = bytes.try_into().map_err(|_| Malformed("a memo key that has not 32 bytes"))?;
    Ok(MemoKey(key))
}
