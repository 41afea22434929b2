//! What a task builds on: from the names of earlier results to their bytes in a file of its own.
//!
//! Every byte is verified on its way into that file. An executor gets it as its input, open for
//! reading alone, with the sizes of what lies in it at its end.

use crate::attempt::{cancelled, unstartable};
use crate::store::Store;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use windlass_core::limits::MANIFEST_BYTES_MAX;
use windlass_core::manifest::{Artifact, Content, Manifest};
use windlass_core::plan::Output;
use windlass_core::{BlobId, Failure};
use windlass_ops::Earlier;
use windlass_sandbox::Cancel;

/// The artifacts that a task builds on.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// Each with the number of its result.
    artifacts: Vec<(u32, Artifact)>,
}

impl Listed {
    /// Reads what the results list.
    pub(crate) fn of(store: &Store, outputs: &[Output]) -> Result<Listed, Failure> {
        let mut artifacts = Vec::new();
        for (number, output) in (0..).zip(outputs) {
            let bytes = store.read(output.manifest, MANIFEST_BYTES_MAX)?;
            let manifest = Manifest::decode(&bytes).map_err(|error| {
                let cause = format!("the result of an earlier phase cannot be read: {error}");
                let next_step = "Run the same version of windlass everywhere.";
                Failure::unavailable("result_unreadable", cause, next_step)
            })?;
            let positions = 0..manifest.artifacts.len();
            let wanted = positions.zip(manifest.artifacts);
            let meant = |position: usize| {
                output.part.is_none_or(|part| usize::try_from(part) == Ok(position))
            };
            let wanted = wanted.filter(|(position, _)| meant(*position));
            artifacts.extend(wanted.map(|(_, artifact)| (number, artifact)));
        }
        Ok(Listed { artifacts })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.artifacts.is_empty()
    }

    /// A name for each artifact by what it is: equal names, types and bytes have the same one,
    /// whoever made them and however long that took.
    pub(crate) fn contents(&self) -> impl Iterator<Item = BlobId> {
        self.artifacts.iter().map(|(number, artifact)| {
            let content = match &artifact.content {
                Content::Inline(bytes) => BlobId::of(bytes),
                Content::Blob { id, .. } => *id,
            };
            let facts = (number, &artifact.name, &artifact.media_type, content);
            BlobId::of(&postcard::to_allocvec(&facts).expect("writing to memory cannot fail"))
        })
    }

    /// The artifacts in a file that nobody else has; none where there are none.
    pub(crate) fn bring(
        &self,
        store: &Store,
        scratch: &Path,
        cancel: &Cancel,
    ) -> Result<Earlier<'static>, Failure> {
        if self.is_empty() {
            return Ok(Earlier::default());
        }
        Ok(Earlier::new(self.file(store, scratch, cancel)?, self.sizes()))
    }

    /// The same for an executor: the file, and where in it the sizes begin.
    pub(crate) fn bring_with_sizes(
        &self,
        store: &Store,
        scratch: &Path,
        cancel: &Cancel,
    ) -> Result<(File, u64), Failure> {
        let mut file = self.file(store, scratch, cancel)?;
        let at = file.stream_position().map_err(unstartable)?;
        let sizes = postcard::to_allocvec(&self.sizes()).expect("writing to memory cannot fail");
        file.write_all(&sizes).map_err(unstartable)?;
        Ok((windlass_sandbox::read_only(&file).map_err(unstartable)?, at))
    }

    fn sizes(&self) -> Vec<u64> {
        self.artifacts.iter().map(|(_, artifact)| artifact.content.size()).collect()
    }

    fn file(&self, store: &Store, scratch: &Path, cancel: &Cancel) -> Result<File, Failure> {
        let mut file = windlass_sandbox::output_file(scratch).map_err(unstartable)?;
        for (_, artifact) in &self.artifacts {
            if cancel.is_cancelled() {
                return Err(cancelled());
            }
            match &artifact.content {
                Content::Inline(bytes) => file.write_all(bytes).map_err(unstartable)?,
                Content::Blob { id, size } => store.copy_to(*id, *size, &mut file)?,
            }
        }
        Ok(file)
    }
}

/// Reads the sizes that [`Listed::bring_with_sizes`] wrote.
pub(crate) fn read_sizes(file: &File, at: u64) -> io::Result<Vec<u64>> {
    let length = file.metadata()?.len().saturating_sub(at);
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, at)?;
    postcard::from_bytes(&bytes).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_blobs::Blobs;

    struct Place {
        folder: tempfile::TempDir,
        blobs: Blobs,
    }

    impl Place {
        fn new() -> Place {
            let folder = tempfile::tempdir().expect("a folder");
            let blobs = Blobs::open(folder.path().join("blobs")).expect("a store");
            Place { folder, blobs }
        }

        /// A result of these artifacts, every second one a blob of its own.
        fn result(&self, artifacts: &[&[u8]], duration_us: u64) -> BlobId {
            let artifact = |(position, bytes): (usize, &&[u8])| Artifact {
                name: format!("part-{position}"),
                media_type: "text/plain".to_owned(),
                content: match position % 2 {
                    0 => Content::Inline(bytes.to_vec()),
                    _ => {
                        let id = self.blobs.put(bytes).expect("stored");
                        Content::Blob { id, size: bytes.len() as u64 }
                    }
                },
            };
            let artifacts = artifacts.iter().enumerate().map(artifact).collect();
            let manifest = Manifest { artifacts, notes: Vec::new(), duration_us, from_memo: false };
            self.blobs.put(&manifest.encode()).expect("stored")
        }

        fn store(&self) -> Store {
            Store::Shared(self.blobs.clone())
        }

        fn listed(&self, outputs: &[Output]) -> Listed {
            Listed::of(&self.store(), outputs).expect("read")
        }

        /// What an executor makes of the sizes and the file.
        fn brought(&self, listed: &Listed) -> Vec<Vec<u8>> {
            let cancel = Cancel::new();
            let brought = listed.bring_with_sizes(&self.store(), self.folder.path(), &cancel);
            let (file, at) = brought.expect("brought");
            assert!((&file).write_all(b"x").is_err(), "it is open for reading alone");
            let sizes = read_sizes(&file, at).expect("sizes");
            let earlier = Earlier::new(file, sizes);
            let read = |at| earlier.read(at, 100).expect("read").into_owned();
            (0..earlier.len()).map(read).collect()
        }
    }

    fn whole(manifest: BlobId) -> Output {
        Output { manifest, part: None }
    }

    #[test]
    fn artifacts_come_in_the_order_of_their_results() {
        let place = Place::new();
        let (one, two) = (place.result(&[b"a", b"b"], 1), place.result(&[b"c"], 1));
        let listed = place.listed(&[whole(two), whole(one)]);
        assert_eq!(place.brought(&listed), [b"c", b"a", b"b"]);
    }

    #[test]
    fn a_part_is_one_artifact_of_each_result_that_has_it() {
        let place = Place::new();
        let results = [place.result(&[b"a", b"b"], 1), place.result(&[b"c"], 1)];
        let listed = place.listed(&results.map(|manifest| Output { manifest, part: Some(1) }));
        assert_eq!(place.brought(&listed), [b"b"]);
    }

    #[test]
    fn what_rotted_in_the_store_is_not_handed_on() {
        let place = Place::new();
        let listed = place.listed(&[whole(place.result(&[b"a", b"good"], 1))]);
        let path = place.blobs.path(BlobId::of(b"good"));
        std::fs::remove_file(&path).expect("removed");
        std::fs::write(&path, b"evil").expect("written");
        let brought = listed.bring(&place.store(), place.folder.path(), &Cancel::new());
        assert_eq!(brought.expect_err("refused").code, "store_unavailable");
    }

    #[test]
    fn what_a_result_is_does_not_depend_on_how_long_it_took() {
        let place = Place::new();
        let contents = |results: &[BlobId]| -> Vec<BlobId> {
            let outputs: Vec<Output> = results.iter().map(|id| whole(*id)).collect();
            place.listed(&outputs).contents().collect()
        };
        let (quick, slow) = (place.result(&[b"a"], 1), place.result(&[b"a"], 9));
        assert_ne!(quick, slow);
        assert_eq!(contents(&[quick]), contents(&[slow]));
        assert_ne!(contents(&[quick]), contents(&[place.result(&[b"b"], 1)]));
        assert_ne!(contents(&[quick, quick])[0], contents(&[quick, quick])[1]);
    }
}
