//! The files of one request as a job: submitted and waited for.

use super::upload::Upload;
use crate::node::Node;
use crate::older::unique::unique;
use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use windlass_core::catalogue::OperationSpec;
use windlass_core::input::{Chunk, Input};
use windlass_core::ledger::{ChunkRef, JobSpec, JobState, PhaseSpec};
use windlass_core::limits::{CHUNK_INLINE_BYTES_MAX, CHUNK_TASK_COUNT_MAX, MANIFEST_BYTES_MAX};
use windlass_core::manifest::{Base, Manifest};
use windlass_core::media::Media;
use windlass_core::params::Params;
use windlass_core::view::{Notice, TaskView};
use windlass_core::{
    Failure, JobId, PhaseId, PhaseIndex, RequestId, TaskIndex, names, older, plan,
};

/// How often the job is looked at although nothing was heard of it.
const LOOK: Duration = Duration::from_secs(1);

/// The files of one request, and what is to become of them.
pub(crate) struct Processing {
    pub(crate) node: Node,
    pub(crate) spec: &'static OperationSpec,
    pub(crate) who: Who,
    pub(crate) uploads: Vec<Upload>,
}

/// Who works on them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    /// Workers of this system.
    Own,
    /// Slaves of the older service too.
    All,
    /// Slaves alone: one of them gets all files in one call.
    OneSlave,
}

/// What became of a file.
pub(crate) struct Outcome {
    /// Its name, as it was sent.
    pub(crate) name: String,
    /// Its result, or why there is none.
    pub(crate) result: Result<Made, Failure>,
}

/// A result.
pub(crate) struct Made {
    /// What it is named by.
    pub(crate) base: Base,
    pub(crate) manifest: Manifest,
}

impl Processing {
    /// Works on all of them; blocks until each has an outcome. In the order of the files.
    pub(crate) fn run(self) -> Result<Vec<Outcome>, String> {
        let fit: Vec<&Upload> =
            self.uploads.iter().filter(|upload| self.spec.accepts_media(upload.media)).collect();
        let names: Vec<&[u8]> = fit.iter().map(|upload| upload.name.as_bytes()).collect();
        let bases = names::assign(&names, &BTreeSet::new());
        let mut results = match fit.is_empty() {
            true => Vec::new(),
            false => self.results(&fit, &bases)?,
        }
        .into_iter();
        let outcomes = self.uploads.iter().map(|upload| {
            let result = match self.spec.accepts_media(upload.media) {
                true => results.next().unwrap_or_else(|| Err(cancelled())),
                false => Err(self.unfit(upload.media)),
            };
            Outcome { name: upload.name.clone(), result }
        });
        Ok(outcomes.collect())
    }

    /// The result of each of these files, in their order.
    fn results(
        &self,
        files: &[&Upload],
        bases: &[Vec<u8>],
    ) -> Result<Vec<Result<Made, Failure>>, String> {
        // Heard from before the job begins.
        let mut notices = self.node.handle.watch().map_err(|error| error.to_string())?;
        let last = self.submit(files, bases).map_err(|error| error.to_string())?;
        self.wait(last.job, &mut notices)?;
        let mut tasks = self.tasks(last)?.into_iter();
        let result = |base: &Vec<u8>| match tasks.next() {
            Some(task) => self.made(base, task),
            None => Ok(Err(self.first_failure(last)?)),
        };
        bases.iter().map(result).collect()
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
        let phases = self.phases()?;
        let request = RequestId(unique());
        let count = uploads.len();
        let name = format!("{} from an older client ({count} files)", self.spec.name);
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

    fn phases(&self) -> Result<Vec<PhaseSpec>, Box<dyn std::error::Error>> {
        let spec = self.spec;
        if self.who == Who::OneSlave {
            return Ok(vec![PhaseSpec::plain(&older::offered(spec.name), spec.version)]);
        }
        let mut params = Params::normalise(spec.name, spec.params, &Default::default())?;
        if self.who == Who::All {
            params.0.insert(older::WORKERS_PARAM.to_owned(), older::OLDER_TOO.to_owned());
        }
        Ok(plan::phases_of(spec, &params, PhaseIndex(0), false))
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

    /// What a task made, or why it made nothing.
    fn made(&self, base: &[u8], task: TaskView) -> Result<Result<Made, Failure>, String> {
        let Some(manifest) = task.manifest else {
            let failure = task.failure.map(|failed| failed.failure);
            return Ok(Err(failure.unwrap_or_else(cancelled)));
        };
        let manifest = self.node.blobs.read(manifest, MANIFEST_BYTES_MAX);
        let manifest = manifest.map_err(|error| error.to_string())?;
        let manifest = Manifest::decode(&manifest).map_err(|error| error.to_string())?;
        Ok(Ok(Made { base: Base::OfInput(base.to_vec()), manifest }))
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
