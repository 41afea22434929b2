//! Earlier results, over a connection.

use super::connection::{Client, Line, WireError};
use crate::convert::blob_id;
use crate::generated as pb;
use crate::limits::MEMO_NOTE_COUNT_MAX;
use prost::bytes::Bytes;
use windlass_core::BlobId;
use windlass_core::memo::MemoKey;

impl Client {
    fn memo(&self) -> pb::memo_client::MemoClient<Line> {
        pb::memo_client::MemoClient::new(self.line.clone())
    }

    /// The manifest of an earlier result with this key; it and all that it names are durable.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn recall(&self, key: MemoKey) -> Result<Option<BlobId>, WireError> {
        let asked = pb::RecallRequest { key: Bytes::copy_from_slice(&key.0) };
        let known = self.ask(self.memo().recall(asked))?.into_inner().manifest;
        Ok(if known.is_empty() { None } else { Some(blob_id(&known)?) })
    }

    /// Notes results that the master has stored, by their keys.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn remember(&self, notes: &[(MemoKey, BlobId)]) -> Result<(), WireError> {
        for some in notes.chunks(MEMO_NOTE_COUNT_MAX) {
            let notes = some.iter().map(|(key, manifest)| pb::MemoNote {
                key: Bytes::copy_from_slice(&key.0),
                manifest: Bytes::copy_from_slice(&manifest.0),
            });
            let asked = pb::RememberRequest { notes: notes.collect() };
            self.ask(self.memo().remember(asked))?;
        }
        Ok(())
    }
}
