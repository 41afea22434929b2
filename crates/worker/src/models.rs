//! The models that a worker's executors work with: each fetched and verified once, then handed over
//! as an open file with every request.

use crate::attempt::unstartable;
use crate::store::Store;
use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use windlass_core::model::ModelRef;
use windlass_core::{BlobId, Failure};

/// Models kept open; work with more of them at once has some fetched again.
const OPEN_COUNT_MAX: usize = 4;

/// Shared by the slots of a worker.
#[derive(Debug, Default)]
pub(crate) struct Models {
    /// The one used last at the end.
    open: Mutex<Vec<(BlobId, File)>>,
}

impl Models {
    /// A descriptor of the model's file, to be read by position: all that are handed out share one
    /// offset. One that another slot is fetching is waited for.
    ///
    /// # Errors
    /// `store_unavailable` where the master's store does not have it, or not in one piece.
    pub(crate) fn file(
        &self,
        model: &ModelRef,
        store: &Store,
        scratch: &Path,
    ) -> Result<File, Failure> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let known = open.iter().position(|(id, _)| *id == model.id);
        let entry = match known {
            Some(position) => open.remove(position),
            None => (model.id, fetched(model, store, scratch)?),
        };
        if open.len() == OPEN_COUNT_MAX {
            open.remove(0);
        }
        let handed = entry.1.try_clone().map_err(unstartable);
        open.push(entry);
        handed
    }
}

fn fetched(model: &ModelRef, store: &Store, scratch: &Path) -> Result<File, Failure> {
    if let Store::Shared(blobs) = store {
        return blobs.open_verified(model.id).map_err(|error| {
            let cause = format!("the model {} cannot be read: {error}", model.name);
            Failure::unavailable("model_unreadable", cause, "Submit the job again with its model.")
        });
    }
    let mut file = windlass_sandbox::output_file(scratch).map_err(unstartable)?;
    store.copy_to(model.id, model.size, &mut file)?;
    windlass_sandbox::read_only(&file).map_err(unstartable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;
    use windlass_blobs::Blobs;

    fn text(file: &File) -> String {
        let mut bytes = [0; 8];
        let length = file.read_at(&mut bytes, 0).expect("read");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    #[test]
    fn a_model_is_read_from_the_store_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::open(folder.path().join("blobs")).expect("a store");
        let store = Store::Shared(blobs.clone());
        let models = Models::default();
        let names = ["a", "b", "c", "d", "e"];
        let refs = names.map(|name| {
            let id = blobs.put(name.as_bytes()).expect("put");
            ModelRef { name: name.to_owned(), id, size: 1 }
        });
        let file = |at: usize| models.file(&refs[at], &store, folder.path());
        for (at, name) in names.iter().enumerate().take(OPEN_COUNT_MAX) {
            assert_eq!(text(&file(at).expect("there")), *name);
        }
        for model in &refs[..OPEN_COUNT_MAX] {
            std::fs::remove_file(blobs.path(model.id)).expect("removed");
        }
        assert_eq!(text(&file(0).expect("still open")), "a");
        assert_eq!(text(&file(4).expect("there")), "e");
        assert_eq!(file(1).expect_err("it went to make room").code, "model_unreadable");
        assert_eq!(text(&file(0).expect("used since")), "a");
    }
}
