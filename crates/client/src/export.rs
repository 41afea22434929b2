//! Results on disk: a manifest's artifacts under their final names, each whole or not at all.
//!
//! They are made durable together, when the summaries are written.

mod error;
mod owners;

pub use error::ExportError;

use crate::cluster::{ClusterError, Origin};
use crate::fetch::{self, FetchError, STOPPED, Unless};
use owners::Owners;
use rustix::process::{Pid, test_kill_process};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use windlass_blobs::{maker_of, unfinished};
use windlass_core::manifest::{Artifact, Base, Bases, Content, Manifest, is_file_name};
use windlass_core::{BlobId, TaskIndex};
use windlass_wire::{Client, WireError};

/// Bytes compared at once.
const PIECE_BYTES: usize = 256 * 1_024;
/// From above this size on, blobs come over the wire one by one.
const LARGE_BYTES: u64 = 256 * 1_024;
/// How soon it is noticed that it is stopped while the connection is away.
const STOP_LOOK: Duration = Duration::from_millis(50);

/// The base name of a task without an input.
#[must_use]
pub fn base_of_task(index: TaskIndex) -> Vec<u8> {
    format!("task-{index}").into_bytes()
}

/// Writes results to a folder; several threads may at once.
pub struct Exporter<'a> {
    origin: Origin<'a>,
    out: PathBuf,
    /// Set where what is under way is to be left.
    stop: &'a AtomicBool,
    /// By operation: the bases of the inputs whose results lie in its folder.
    bases: BTreeMap<String, Arc<Bases>>,
    owners: Owners,
}

impl<'a> Exporter<'a> {
    /// Of results that lie there, to this folder, until it is stopped; named among these bases.
    #[must_use]
    pub fn new(
        origin: Origin<'a>,
        out: &Path,
        stop: &'a AtomicBool,
        bases: BTreeMap<String, Arc<Bases>>,
    ) -> Exporter<'a> {
        Exporter { bases, origin, out: out.to_owned(), stop, owners: Owners::default() }
    }

    /// Whether bytes of it come over the wire that are better fetched alone: several at once would
    /// all be slow, and where the connection breaks again and again none would get on.
    #[must_use]
    pub fn is_better_alone(&self, manifest: &Manifest) -> bool {
        let Origin::Wire(client) = self.origin else { return false };
        manifest.artifacts.iter().any(|artifact| match artifact.content {
            Content::Blob { id, size } => {
                size > LARGE_BYTES && fetch::lying_here(client, id).is_none()
            }
            Content::Inline(_) => false,
        })
    }

    /// Writes every artifact to `<out>/<operation>/`, named by the base; returns the paths, the
    /// main artifact's first. A file that is there with the same content is left alone; where one
    /// of its name is another result's, it gets a number.
    ///
    /// # Errors
    /// A name that is no file name, a blob that is missing or damaged, a folder that cannot be
    /// written.
    pub fn export(
        &self,
        operation: &str,
        base: &Base,
        manifest: &Manifest,
    ) -> Result<Vec<PathBuf>, ExportError> {
        let folder = self.out.join(operation);
        let export_one = |artifact: &Artifact| {
            let path = artifact_path(&folder, artifact, base, self.bases.get(operation))?;
            let path = self.owners.own(path, base, artifact);
            if !is_there(&path, &artifact.content) {
                match &artifact.content {
                    Content::Inline(bytes) => place(&path, |file| file.write_all(bytes))?,
                    Content::Blob { id, size } => self.bring((*id, *size), &path)?,
                }
            }
            Ok(path)
        };
        manifest.artifacts.iter().map(export_one).collect()
    }

    /// Puts a blob in place, from wherever it is.
    fn bring(&self, (id, size): (BlobId, u64), path: &Path) -> Result<(), ExportError> {
        let client = match self.origin {
            Origin::Wire(client) => client,
            Origin::Store(blobs) => {
                let copy = |file: &mut BufWriter<File>| {
                    let copied = blobs.copy_to(id, file).map(drop);
                    copied.map_err(|error| io::Error::other(ClusterError::from(error)))
                };
                return place(path, copy).map_err(ExportError::or_lost);
            }
        };
        if let Some(blob) = fetch::lying_here(client, id)
            && place(path, |file| blob.copy_to(file).map(drop).map_err(io::Error::other)).is_ok()
        {
            return Ok(());
        }
        self.fetch(client, (id, size), path)
    }

    /// Puts a blob in place that comes over the wire.
    fn fetch(
        &self,
        client: &Client,
        (id, size): (BlobId, u64),
        path: &Path,
    ) -> Result<(), ExportError> {
        let is_left = || self.stop.load(Ordering::Relaxed);
        let ask = |offset: u64, into: &mut dyn Write| {
            if is_left() {
                return Err(WireError::Unwritten(STOPPED.to_owned()));
            }
            let mut into = Unless::new(&is_left, into);
            client.copy_blob(id, offset, size.saturating_sub(offset), &mut into)
        };
        let wait = |pause: Duration| {
            let until = Instant::now() + pause;
            while Instant::now() < until && !is_left() {
                std::thread::sleep(STOP_LOOK.min(pause));
            }
        };
        let spare = unfinished(path.parent().unwrap_or(Path::new(".")));
        let fetched = fetch::fetch(&ask, (id, size), path, &spare, &wait);
        let path = || path.to_owned();
        fetched.map_err(|error| match error {
            FetchError::Io(source) => ExportError::Io { path: path(), source },
            FetchError::Refused(error) if error.is_lost() => {
                ExportError::Lost { path: path(), source: Box::new(error) }
            }
            FetchError::Refused(error) => {
                ExportError::Io { path: path(), source: io::Error::other(error) }
            }
            FetchError::Broken { came_bytes, error } => {
                let source = Box::new(error);
                ExportError::Broken { path: path(), came_bytes, size_bytes: size, source }
            }
            FetchError::Left => ExportError::Left { path: path() },
        })
    }
}

fn artifact_path(
    folder: &Path,
    artifact: &Artifact,
    base: &Base,
    others: Option<&Arc<Bases>>,
) -> Result<PathBuf, ExportError> {
    let name = match others {
        Some(others) => artifact.file_name_among(base, others),
        None => artifact.file_name(base),
    };
    let path = folder.join(OsStr::from_bytes(&name));
    if is_file_name(&name) { Ok(path) } else { Err(ExportError::Name { path }) }
}

/// Whether the file has this content already. Anything doubtful says no: it is written again.
fn is_there(path: &Path, content: &Content) -> bool {
    let is_same_size = path
        .symlink_metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.len() == content.size());
    is_same_size
        && match content {
            Content::Inline(bytes) => fs::read(path).is_ok_and(|there| there == *bytes),
            Content::Blob { id, .. } => hash_of(path).is_ok_and(|there| there == *id),
        }
}

fn hash_of(path: &Path) -> io::Result<BlobId> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(BlobId(*hasher.finalize().as_bytes())),
            count => hasher.update(&piece[..count]),
        };
    }
}

/// Puts a whole file in place at once.
pub(crate) fn place(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), ExportError> {
    let placed = windlass_blobs::place(path, write);
    placed.map_err(|source| ExportError::Io { path: path.to_owned(), source })
}

/// Removes from a folder of results what a killed process left half written.
pub fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let maker = name.to_str().and_then(maker_of).and_then(Pid::from_raw);
        if maker.is_some_and(|process| test_kill_process(process).is_err()) {
            // Left for the next time where it will not go.
            let _ = fs::remove_file(entry.path());
        }
        fetch::sweep_part(&entry.path());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_blobs::Blobs;

    static GOES_ON: AtomicBool = AtomicBool::new(false);

    fn inline(name: &str, bytes: &[u8]) -> Artifact {
        Artifact {
            name: name.to_owned(),
            media_type: "text/plain".to_owned(),
            content: Content::Inline(bytes.to_vec()),
        }
    }

    fn manifest(artifacts: Vec<Artifact>) -> Manifest {
        Manifest { artifacts, notes: Vec::new(), duration_us: 1, from_memo: false }
    }

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

        fn export(
            &self,
            base: &[u8],
            artifacts: Vec<Artifact>,
        ) -> Result<Vec<PathBuf>, ExportError> {
            let out = self.folder.path().join("out");
            let exporter =
                Exporter::new(Origin::Store(&self.blobs), &out, &GOES_ON, BTreeMap::new());
            exporter.export("text", &Base::OfTask(base.to_vec()), &manifest(artifacts))
        }
    }

    #[test]
    fn artifacts_get_their_names_main_one_first() {
        let place = Place::new();
        let paths = place
            .export(b"caf\xe9", vec![inline("{base}_z.json", b"{}"), inline("{base}.txt", b"hi")])
            .expect("written");
        let folder = place.folder.path().join("out/text");
        assert_eq!(paths[0], folder.join(OsStr::from_bytes(b"caf\xe9_z.json")));
        assert_eq!(fs::read(&paths[1]).expect("read"), b"hi");
        assert_eq!(fs::read_dir(folder).expect("a folder").count(), 2);
    }

    #[test]
    fn results_of_one_name_do_not_overwrite_each_other() {
        let place = Place::new();
        let out = place.folder.path().join("out");
        let exporter = Exporter::new(Origin::Store(&place.blobs), &out, &GOES_ON, BTreeMap::new());
        let export = |base: &str, artifacts| {
            let base = Base::OfInput(base.as_bytes().to_vec());
            let paths = exporter.export("text", &base, &manifest(artifacts)).expect("written");
            let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
            paths.iter().map(name).collect::<Vec<_>>()
        };
        let one = || vec![inline("{base}_b.json", b"one")];
        assert_eq!(export("a", one()), ["a_b.json"]);
        let twice = vec![inline("{base}.json", b"two"), inline("{base}.json", b"three")];
        assert_eq!(export("a_b", twice), ["a_b-2.json", "a_b-3.json"]);
        assert_eq!(export("a", one()), ["a_b.json"], "once more");
        let read = |name: &str| fs::read_to_string(out.join("text").join(name)).expect("read");
        assert_eq!(["a_b.json", "a_b-2.json", "a_b-3.json"].map(read), ["one", "two", "three"]);
    }

    #[test]
    fn blobs_are_copied_out() {
        let place = Place::new();
        let bytes = b"0123456789".repeat(100_000);
        let id = place.blobs.put(&bytes).expect("stored");
        let artifact = Artifact {
            content: Content::Blob { id, size: bytes.len() as u64 },
            ..inline("{base}.bin", b"")
        };
        let paths = place.export(b"a", vec![artifact.clone()]).expect("written");
        assert_eq!(fs::read(&paths[0]).expect("read"), bytes);
        let before = paths[0].metadata().expect("there").modified().expect("a time");
        place.export(b"a", vec![artifact]).expect("left alone");
        assert_eq!(paths[0].metadata().expect("there").modified().expect("a time"), before);
    }

    #[test]
    fn a_missing_blob_leaves_nothing_behind() {
        let place = Place::new();
        let artifact = Artifact {
            content: Content::Blob { id: BlobId::of(b"never stored"), size: 12 },
            ..inline("{base}.bin", b"")
        };
        let error = place.export(b"a", vec![artifact]).expect_err("it is missing");
        assert!(error.to_string().contains("--fresh"), "{error}");
        assert_eq!(fs::read_dir(place.folder.path().join("out/text")).expect("there").count(), 0);
    }

    #[test]
    fn what_is_there_is_replaced_only_where_it_differs() {
        use std::os::unix::fs::MetadataExt;
        let place = Place::new();
        let export = |bytes: &[u8]| {
            let paths = place.export(b"a", vec![inline("{base}.txt", bytes)]).expect("written");
            paths[0].symlink_metadata().expect("there").ino()
        };
        let first = export(b"one");
        assert_eq!(export(b"one"), first);
        assert_ne!(export(b"two"), first);
        // A link is replaced, not written through.
        let target = place.folder.path().join("precious");
        fs::write(&target, "keep").expect("a file");
        let path = place.folder.path().join("out/text/a.txt");
        fs::remove_file(&path).expect("removed");
        std::os::unix::fs::symlink(&target, &path).expect("a link");
        export(b"keep");
        assert!(path.symlink_metadata().expect("there").is_file());
        export(b"new!");
        assert_eq!(fs::read(&target).expect("read"), b"keep");
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let place = Place::new();
        for name in ["../{base}", "a/{base}", "", "..", "a\0"] {
            let error = place.export(b"x", vec![inline(name, b"")]).expect_err(name);
            assert!(matches!(error, ExportError::Name { .. }), "{name}: {error}");
        }
        let long = place.export(&[b'x'; 250], vec![inline("{base}.jsonl", b"")]);
        assert!(matches!(long, Err(ExportError::Name { .. })));
    }

    #[test]
    fn sweeping_takes_only_what_dead_processes_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = std::process::Command::new("true").spawn().expect("a child");
        child.wait().expect("ended");
        let dead = format!(".windlass-{}-0.tmp", child.id());
        let alive = format!(".windlass-{}-0.tmp", std::process::id());
        let kept = [alive.as_str(), ".windlass-x-0.tmp", ".windlass-1.tmp", "a.tmp"];
        for name in kept.iter().chain([&dead.as_str()]) {
            fs::write(folder.path().join(name), "half").expect("a file");
        }
        sweep(folder.path());
        assert!(!folder.path().join(&dead).exists());
        assert!(kept.iter().all(|name| folder.path().join(name).exists()));
    }

    #[test]
    fn a_task_without_input_is_named_by_its_index() {
        assert_eq!(base_of_task(TaskIndex(12)), b"task-12");
    }
}
