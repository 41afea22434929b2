//! Earlier results: what makes two tasks the same, and when what is known counts.
//!
//! The memo only ever saves work: whatever goes wrong with it, the work is done.

use crate::earlier::Listed;
use crate::keeper::Stored;
use crate::orders::Order;
use crate::parcel::Parcel;
use crate::store::Store;
use windlass_core::catalogue::{Cacheable, Home};
use windlass_core::media::Media;
use windlass_core::memo::{MemoFacts, MemoKey};
use windlass_core::older;
use windlass_core::{BlobId, TaskIndex};
use windlass_ops::Operation;

/// The key of a task's result; `None`: it is to be made each time.
pub(crate) fn key(
    operation: &Operation,
    order: &Order,
    index: TaskIndex,
    earlier: &Listed,
) -> Option<MemoKey> {
    let spec = operation.spec;
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
    // An operation gets a descriptor and no name, but for those whose results hold it; a command is
    // told its file's names. Tasks that build on the same differ by their number alone.
    let number = format!("task {index}");
    let names = match input {
        Some(input) if spec.home == Home::Command => {
            vec![input.path.as_slice(), input.base.as_slice()]
        }
        Some(input) if matches!(spec.cacheable, Cacheable::With(_)) => vec![input.base.as_slice()],
        Some(_) => Vec::new(),
        None => vec![number.as_bytes()],
    };
    let params = older::of_the_work(&order.params);
    // Parsers and tables are compiled in: another release may have others.
    let mut basis = vec![("windlass".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    let media = input.map_or(Media::Unknown, |input| input.media);
    basis.extend(operation.basis(&order.params, media));
    let facts = MemoFacts {
        operation: spec.name,
        version: spec.version,
        basis: &basis,
        params: &params,
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

/// The earlier result, if all of it is there.
pub(crate) fn recall(store: &Store, key: MemoKey) -> Option<Recalled> {
    let blobs = match store {
        Store::Shared(blobs) => blobs,
        // The master looks it through, and syncs what is new.
        Store::Remote(remote) => return remote.recall(key).map(Recalled::Durable),
    };
    let known = blobs.known(key)?;
    let manifest = known.manifest;
    Some(match known.new_bytes {
        None => Recalled::Durable(manifest),
        Some(bytes) => {
            let note = Some((key, bytes));
            Recalled::Stored(Stored { manifest, parcel: Parcel::default(), note })
        }
    })
}

/// Notes results that are durable: each with its key, the manifest and the result's bytes. A note
/// that cannot be written costs the next run the work, no more.
pub(crate) fn remember(store: &Store, notes: &[(MemoKey, BlobId, u64)]) {
    match store {
        Store::Shared(blobs) => {
            for (key, manifest, result_bytes) in notes {
                let _ = blobs.remember(*key, *manifest, *result_bytes);
            }
        }
        Store::Remote(remote) => {
            let notes: Vec<_> = notes.iter().map(|(key, manifest, _)| (*key, *manifest)).collect();
            remote.remember(&notes);
        }
    }
}
