//! Earlier results: what makes two tasks the same, and when what is known counts.
//!
//! The memo only ever saves work: whatever goes wrong with it, the work is done.

use crate::earlier::Listed;
use crate::keeper::Stored;
use crate::orders::Order;
use crate::parcel::Parcel;
use windlass_blobs::{BlobError, Blobs};
use windlass_core::catalogue::{Home, OperationSpec};
use windlass_core::limits::MANIFEST_BYTES_MAX;
use windlass_core::manifest::Manifest;
use windlass_core::media::Media;
use windlass_core::memo::{MemoFacts, MemoKey};
use windlass_core::{BlobId, TaskIndex};

/// The key of a task's result; `None`: it is to be made each time.
pub(crate) fn key(
    spec: &OperationSpec,
    order: &Order,
    index: TaskIndex,
    earlier: &Listed,
) -> Option<MemoKey> {
    if !spec.uses_memo(&order.params) {
        return None;
    }
    let input = order.input.as_ref();
    let inputs: Vec<(Media, BlobId)> = match input {
        Some(input) => vec![(input.media, input.hash)],
        None => earlier.contents().map(|id| (Media::Unknown, id)).collect(),
    };
    if inputs.is_empty() {
        return None;
    }
    // An operation gets a descriptor and no name; a command is told its file's names. Tasks that
    // build on the same differ by their number alone.
    let number = format!("task {index}");
    let names = match input {
        Some(input) if spec.home == Home::Command => {
            vec![input.path.as_slice(), input.base.as_slice()]
        }
        Some(_) => Vec::new(),
        None => vec![number.as_bytes()],
    };
    let facts = MemoFacts {
        operation: spec.name,
        version: spec.version,
        // Parsers and tables are compiled in: another release may have others.
        basis: &[("windlass".to_owned(), env!("CARGO_PKG_VERSION").to_owned())],
        params: &order.params,
        inputs: &inputs,
        names: &names,
    };
    Some(facts.key())
}

/// An earlier result that is all there.
pub(crate) enum Recalled {
    Durable(BlobId),
    /// With a new manifest that is to be synced first.
    Stored(Stored),
}

/// The earlier result, if all of it is there. What it names is renewed before it is looked at, so
/// that no sweep takes it before the ledger names it.
pub(crate) fn recall(blobs: &Blobs, key: MemoKey) -> Option<Recalled> {
    let id = blobs.recall(key)?;
    find(blobs, key, id).ok().flatten()
}

fn find(blobs: &Blobs, key: MemoKey, id: BlobId) -> Result<Option<Recalled>, BlobError> {
    if blobs.renew(id)?.is_none() {
        return Ok(None);
    }
    let bytes = blobs.read(id, MANIFEST_BYTES_MAX)?;
    let Ok(manifest) = Manifest::decode(&bytes) else { return Ok(None) };
    for (blob, size) in manifest.blobs() {
        if blobs.renew(blob)? != Some(size) {
            return Ok(None);
        }
        // Bytes that rotted on the disk are made again, and mended by that.
        if blobs.copy_to(blob, &mut std::io::sink()).is_err() {
            return Ok(None);
        }
    }
    if manifest.from_memo {
        return Ok(Some(Recalled::Durable(id)));
    }
    // The first time: from then on the memo has the manifest that says where it comes from.
    let manifest = manifest.from_memo();
    let id = blobs.put(&manifest.encode())?;
    let note = Some((key, manifest.size()));
    Ok(Some(Recalled::Stored(Stored { manifest: id, parcel: Parcel::default(), note })))
}

/// Notes a result that is durable, by its key and bytes.
pub(crate) fn remember(blobs: &Blobs, (key, result_bytes): (MemoKey, u64), manifest: BlobId) {
    // A note that cannot be written costs the next run the work, no more.
    let _ = blobs.remember(key, manifest, result_bytes);
}
