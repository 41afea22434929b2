//! The files of one request as a job: submitted, waited for, and saved.

use super::upload::Upload;
use crate::node::Node;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use windlass_core::catalogue::OperationSpec;
use windlass_core::input::{Chunk, Input};
use windlass_core::ledger::{ChunkRef, JobSpec, JobState};
use windlass_core::limits::{CHUNK_INLINE_BYTES_MAX, CHUNK_TASK_COUNT_MAX, MANIFEST_BYTES_MAX};
use windlass_core::manifest::{Artifact, Content, Manifest, is_file_name};
use windlass_core::media::Media;
use windlass_core::params::Params;
use windlass_core::view::{Notice, TaskView};
use windlass_core::{Failure, JobId, PhaseId, PhaseIndex, RequestId, TaskIndex, names, plan};

/// How often the job is looked at although nothing was heard of it.
const LOOK: Duration = Duration::from_secs(1);

/// The files of one request, and what is to become of them.
pub(super) struct Processing {
    pub(super) node: Node,
    pub(super) spec: &'static OperationSpec,
    /// Where results go.
    pub(super) folder: PathBuf,
    pub(super) uploads: Vec<Upload>,
}

/// What became of the files.
#[derive(Default)]
pub(super) struct Done {
    /// The main result of each file that has one.
    pub(super) saved: Vec<PathBuf>,
    /// The other files, by name.
    pub(super) failed: Vec<(String, Failure)>,
}

impl Processing {
    /// Works on all of them; blocks until each has an outcome.
    pub(super) fn run(self) -> Result<Done, String> {
        let mut done = Done::default();
        let (fit, unfit): (Vec<&Upload>, Vec<&Upload>) =
            self.uploads.iter().partition(|upload| self.spec.accepts_media(upload.media));
        done.failed.extend(unfit.into_iter().map(|it| (it.name.clone(), self.unfit(it.media))));
        if fit.is_empty() {
            return Ok(done);
        }
        let names: Vec<&[u8]> = fit.iter().map(|upload| upload.name.as_bytes()).collect();
        let bases = names::assign(&names, &BTreeSet::new());
        // Heard from before the job begins.
        let mut notices = self.node.handle.watch().map_err(|error| error.to_string())?;
        let last = self.submit(&fit, &bases).map_err(|error| error.to_string())?;
        self.wait(last.job, &mut notices)?;
        let mut tasks = self.tasks(last)?.into_iter();
        for (upload, base) in fit.iter().zip(&bases) {
            let outcome = match tasks.next() {
                Some(task) => self.save(base, task)?,
                None => Err(self.first_failure(last)?),
            };
            match outcome {
                Ok(path) => done.saved.push(path),
                Err(failure) => done.failed.push((upload.name.clone(), failure)),
            }
        }
        Ok(done)
    }

    /// Why a job never came to its last phase.
    fn first_failure(&self, last: PhaseId) -> Result<Failure, String> {
        for phase in (0..last.phase.0).map(PhaseIndex) {
            let tasks = self.tasks(PhaseId { job: last.job, phase })?;
            if let Some(failed) = tasks.into_iter().find_map(|task| task.failure) {
                return Ok(failed.failure);
            }
        }
        Ok(cancelled())
    }

    /// Why a file of this kind is not taken.
    fn unfit(&self, media: Media) -> Failure {
        if media == Media::Empty {
            return Failure::rejected("empty_file", "the file is empty", "Send it again.");
        }
        let (name, kind) = (self.spec.name, media.label());
        Failure::rejected(
            "not_accepted",
            format!("{name} does not take {kind}"),
            format!("`windlass ops show {name}` says what it takes."),
        )
    }

    /// Makes a job of the files; answers the phase whose tasks have the results.
    fn submit(
        &self,
        uploads: &[&Upload],
        bases: &[Vec<u8>],
    ) -> Result<PhaseId, Box<dyn std::error::Error>> {
        let spec = self.spec;
        let params = Params::normalise(spec.name, spec.params, &Default::default())?;
        let phases = plan::phases_of(spec, &params, PhaseIndex(0), false);
        let request = request_id();
        let name = format!("{} from an older client ({} files)", spec.name, uploads.len());
        let job =
            JobSpec { name, fingerprint: request.0, phases: phases.clone(), memorandum: None };
        self.node.blobs.sync()?;
        let (job, _) = self.node.handle.submit(request, job)?;
        let phase = |position: usize| PhaseId { job, phase: PhaseIndex(position as u16) };
        let first = phase(0);
        let mut index = 0;
        for (uploads, bases) in
            uploads.chunks(CHUNK_TASK_COUNT_MAX).zip(bases.chunks(CHUNK_TASK_COUNT_MAX))
        {
            let inputs = uploads.iter().zip(bases).map(|(upload, base)| input(upload, base));
            let chunk = Chunk { inputs: inputs.collect() };
            let count = uploads.len() as u32;
            let chunk = self.store(&chunk)?;
            self.node.handle.add_tasks(first, TaskIndex(index), count, chunk)?;
            index += count;
        }
        self.node.handle.seal(first)?;
        Ok(phase(phases.len() - 1))
    }

    fn store(&self, chunk: &Chunk) -> Result<ChunkRef, Box<dyn std::error::Error>> {
        let bytes = chunk.encode();
        if bytes.len() <= CHUNK_INLINE_BYTES_MAX {
            return Ok(ChunkRef::Inline(bytes));
        }
        let id = self.node.blobs.put(&bytes)?;
        self.node.blobs.sync()?;
        Ok(ChunkRef::Blob(id))
    }

    /// Until the job has ended.
    fn wait(&self, job: JobId, notices: &mut Receiver<Vec<Notice>>) -> Result<(), String> {
        loop {
            let view = self.node.handle.job(job).map_err(|error| error.to_string())?;
            match view.map(|view| view.state) {
                Some(JobState::Ended(_)) => return Ok(()),
                Some(JobState::Open) => {}
                None => return Err("somebody has removed the job".to_owned()),
            }
            loop {
                match notices.recv_timeout(LOOK) {
                    Ok(news) if !news.contains(&Notice::JobEnded(job)) => {}
                    Ok(_) | Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => {
                        // Fell behind, or the master has ended, which the next question tells.
                        let again = self.node.handle.watch();
                        *notices = again.map_err(|error| error.to_string())?;
                        break;
                    }
                }
            }
        }
    }

    fn tasks(&self, phase: PhaseId) -> Result<Vec<TaskView>, String> {
        let mut tasks: Vec<TaskView> = Vec::new();
        loop {
            let from = TaskIndex(tasks.last().map_or(0, |task| task.index.0 + 1));
            let more = self.node.handle.tasks(phase, from).map_err(|error| error.to_string())?;
            if more.is_empty() {
                return Ok(tasks);
            }
            tasks.extend(more);
        }
    }

    /// Saves what a task made; answers where its main result is, or why there is none.
    fn save(&self, base: &[u8], task: TaskView) -> Result<Result<PathBuf, Failure>, String> {
        let Some(manifest) = task.manifest else {
            let failure = task.failure.map(|failed| failed.failure);
            return Ok(Err(failure.unwrap_or_else(cancelled)));
        };
        let manifest = self.node.blobs.read(manifest, MANIFEST_BYTES_MAX);
        let manifest = manifest.map_err(|error| error.to_string())?;
        let manifest = Manifest::decode(&manifest).map_err(|error| error.to_string())?;
        let mut main = None;
        for artifact in &manifest.artifacts {
            let path = self.put(artifact, base)?;
            main.get_or_insert(path);
        }
        main.map(Ok).ok_or_else(|| "a task has made nothing".to_owned())
    }

    fn put(&self, artifact: &Artifact, base: &[u8]) -> Result<PathBuf, String> {
        let name = artifact.file_name(base);
        let path = self.folder.join(OsStr::from_bytes(&name));
        if !is_file_name(&name) {
            return Err(format!("{} is not usable as a file name", path.display()));
        }
        let placed = windlass_blobs::place(&path, |file| match &artifact.content {
            Content::Inline(bytes) => file.write_all(bytes),
            Content::Blob { id, .. } => {
                self.node.blobs.copy_to(*id, file).map(drop).map_err(io::Error::other)
            }
        });
        placed.map_err(|error| format!("write {}: {error}", path.display()))?;
        Ok(path)
    }
}

/// Of a file whose turn never came.
fn cancelled() -> Failure {
    Failure::rejected("cancelled", "the job was cancelled", "Send it again.")
}

/// A file of a form as a task's input. Its path says where it came from and is nowhere on a disk.
fn input(upload: &Upload, base: &[u8]) -> Input {
    Input {
        path: format!("/assign_task/{}", upload.name).into_bytes(),
        size: upload.size,
        hash: upload.blob,
        media: upload.media,
        base: base.to_vec(),
    }
}

/// A number that no other request has.
fn request_id() -> RequestId {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&now.to_le_bytes());
    hasher.update(&std::process::id().to_le_bytes());
    hasher.update(&COUNT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    let hash = hasher.finalize();
    let (half, _) = hash.as_bytes().split_first_chunk::<16>().expect("a hash has 32 bytes");
    RequestId(u128::from_le_bytes(*half))
}
