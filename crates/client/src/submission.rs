//! From gathered inputs to jobs: a new one, an open one that goes on, or one whose failures reopen.
//!
//! Everything is durable before the next step: chunk blobs before the tasks that name them. Killed
//! at any point, the same call finds what stands and adds what is missing.

use crate::cluster::Cluster;
use crate::failed;
use crate::gather::{Choice, Outcome};
use crate::inputs::inputs_of;
use crate::memorandum::{Asked, Memorandum};
use crate::report::Row;
use crate::run::{Prepare, RunError};
use crate::submitted::{Submission, SubmittedPhase, phase_id, phase_index};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use windlass_core::catalogue::OperationSpec;
use windlass_core::input::{Chunk, Input};
use windlass_core::ledger::{ChunkRef, JobSpec, JobState, PhaseSpec, TaskState};
use windlass_core::limits::{CHUNK_INLINE_BYTES_MAX, CHUNK_TASK_COUNT_MAX};
use windlass_core::names;
use windlass_core::params::Params;
use windlass_core::plan;
use windlass_core::view::JobView;
use windlass_core::{BlobId, JobId, PhaseId, RequestId, TaskIndex};

/// Submits, or goes on with, what was asked.
pub(crate) struct Submitter {
    pub(crate) cluster: Cluster,
    pub(crate) operations: Vec<&'static OperationSpec>,
    pub(crate) asked: Asked,
    /// Whether failed tasks are tried again.
    pub(crate) failed_too: bool,
    pub(crate) prepare: Prepare,
    pub(crate) begun: Begun,
}

/// How far the submission of one run has come, over all its tries. Clones share it.
#[derive(Clone, Default, Debug)]
pub struct Begun(Arc<Mutex<Beginnings>>);

#[derive(Debug)]
struct Beginnings {
    /// When the first try began.
    at: Instant,
    /// They are the run's jobs also when they have ended.
    jobs: BTreeSet<JobId>,
    /// Whether one of them was there before.
    resumed: bool,
    /// How many failed tasks were opened again, once that was done: those that fail once more are
    /// not opened by the next try.
    reopened_count: Option<u64>,
}

impl Default for Beginnings {
    fn default() -> Beginnings {
        let (at, jobs) = (Instant::now(), BTreeSet::new());
        Beginnings { at, jobs, resumed: false, reopened_count: None }
    }
}

impl Begun {
    /// How long ago the first try began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.lock().at.elapsed()
    }

    /// The jobs that were gone on with or made.
    #[must_use]
    pub fn jobs(&self) -> BTreeSet<JobId> {
        self.lock().jobs.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Beginnings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Submitter {
    /// Brings the jobs of this run to the point where nothing of it is missing.
    pub(crate) fn submit(&self, outcomes: &[Outcome]) -> Result<Submission, RunError> {
        (self.prepare)(&self.cluster, &self.asked)?;
        let fingerprint = self.asked.fingerprint();
        let mut same: Vec<JobView> = self.cluster.jobs()?;
        same.retain(|job| job.fingerprint == fingerprint);
        let begun = self.begun.jobs();
        let is_own = |job: &&JobView| job.state == JobState::Open || begun.contains(&job.id);
        let mut jobs: Vec<&JobView> = same.iter().filter(is_own).collect();
        if self.failed_too && jobs.is_empty() {
            jobs.push(same.last().ok_or(RunError::NothingToRetry)?);
        }
        let resumed = {
            let mut beginnings = self.begun.lock();
            let is_found = |job: &&JobView| beginnings.jobs.insert(job.id);
            beginnings.resumed |= jobs.iter().copied().filter(is_found).count() > 0;
            beginnings.resumed
        };
        let mut submission = Submission { resumed, ..Submission::default() };
        for job in &jobs {
            read_job(&self.cluster, job, &mut submission)?;
        }
        let mut missing = self.missing(outcomes, &submission);
        for job in &jobs {
            self.complete(job, &mut missing, &mut submission)?;
        }
        if self.failed_too {
            submission.reopened_count = self.reopen_once(outcomes, &submission)?;
        }
        let count = self.task_count_asked();
        let needs_job = jobs.is_empty() && count.is_some();
        if needs_job || missing.values().any(|inputs| !inputs.is_empty()) {
            let request = request_id(fingerprint, same.last().map_or(JobId(0), |job| job.id));
            self.create(request, outcomes, missing, count, &mut submission)?;
        }
        submission.count_derived();
        Ok(submission)
    }

    /// How many tasks without inputs were asked for.
    fn task_count_asked(&self) -> Option<u32> {
        let Choice::One(name) = &self.asked.choice else { return None };
        let spec = self.operations.iter().find(|spec| spec.name == name)?;
        if !spec.runs_without_files() || !self.asked.paths.is_empty() {
            return None;
        }
        let count = self.asked.params.get("count").and_then(|count| count.parse().ok());
        Some(count.unwrap_or(1))
    }

    /// Accepted inputs that no job of this run has, by operation, with their names.
    fn missing(
        &self,
        outcomes: &[Outcome],
        submission: &Submission,
    ) -> BTreeMap<String, Vec<Input>> {
        let mut missing: BTreeMap<String, Vec<Input>> = BTreeMap::new();
        for outcome in outcomes {
            let Outcome::Accepted { operation, input, .. } = outcome else { continue };
            missing.entry(operation.clone()).or_default().push(input.clone());
        }
        for (operation, inputs) in &mut missing {
            let of_operation = submission.phases.values().filter(|p| p.operation == *operation);
            let known: Vec<&Input> = of_operation.flat_map(|phase| &phase.inputs).collect();
            let held: BTreeSet<(&[u8], BlobId)> =
                known.iter().map(|input| (input.path.as_slice(), input.hash)).collect();
            inputs.retain(|input| !held.contains(&(input.path.as_slice(), input.hash)));
            // A changed file takes its name over from what it was.
            let before: BTreeMap<&[u8], &[u8]> =
                known.iter().map(|input| (input.path.as_slice(), input.base.as_slice())).collect();
            let taken = known.iter().map(|input| input.base.clone()).collect();
            let fresh: Vec<Vec<u8>> = inputs
                .iter()
                .filter(|input| !before.contains_key(input.path.as_slice()))
                .map(|input| input.path.clone())
                .collect();
            let mut bases = names::assign(&fresh, &taken).into_iter();
            for input in inputs.iter_mut() {
                input.base = match before.get(input.path.as_slice()) {
                    Some(base) => base.to_vec(),
                    None => bases.next().expect("a name for every fresh input"),
                };
            }
        }
        missing
    }

    /// Adds what is missing to the phases of a job whose submission was cut short.
    fn complete(
        &self,
        job: &JobView,
        missing: &mut BTreeMap<String, Vec<Input>>,
        submission: &mut Submission,
    ) -> Result<(), RunError> {
        for (position, phase) in job.phases.iter().enumerate() {
            if phase.sealed || phase.spec.derived.is_some() || job.state != JobState::Open {
                continue;
            }
            let id = phase_id(job.id, position);
            let inputs = missing.remove(&phase.spec.operation).unwrap_or_default();
            let count = self.task_count_asked().filter(|_| phase.task_count == 0);
            let submitted = submission.phases.get_mut(&id).expect("read before");
            self.add(id, submitted, inputs, count)?;
        }
        Ok(())
    }

    fn reopen_once(&self, outcomes: &[Outcome], submission: &Submission) -> Result<u64, RunError> {
        let before = self.begun.lock().reopened_count;
        let count = before.map_or_else(|| self.reopen(outcomes, submission), Ok)?;
        self.begun.lock().reopened_count = Some(count);
        Ok(count)
    }

    /// Opens the failed tasks again, but not those whose file is another one by now: that one is a
    /// new input. How many they were.
    fn reopen(&self, outcomes: &[Outcome], submission: &Submission) -> Result<u64, RunError> {
        let mut now: BTreeMap<&[u8], BlobId> = BTreeMap::new();
        for outcome in outcomes {
            if let Outcome::Accepted { input, .. } = outcome {
                now.insert(&input.path, input.hash);
            }
        }
        let mut reopened_count = 0;
        for (id, phase) in &submission.phases {
            let mut failed: Vec<TaskIndex> = Vec::new();
            let mut from = TaskIndex(0);
            loop {
                let tasks = self.cluster.tasks(*id, from)?;
                let Some(last) = tasks.last() else { break };
                from = TaskIndex(last.index.0 + 1);
                for task in tasks.iter().filter(|task| task.state == TaskState::Failed) {
                    let input = phase.inputs.get(task.index.0 as usize);
                    let changed = input.is_some_and(|input| {
                        now.get(input.path.as_slice()).is_some_and(|hash| *hash != input.hash)
                    });
                    if !changed {
                        failed.push(task.index);
                    }
                }
            }
            let why = "retried with --failed";
            reopened_count += failed::reopen(&self.cluster, *id, failed, why)?;
        }
        Ok(reopened_count)
    }

    /// Makes a job of what is missing: a phase for each operation.
    fn create(
        &self,
        request: RequestId,
        outcomes: &[Outcome],
        missing: BTreeMap<String, Vec<Input>>,
        count: Option<u32>,
        submission: &mut Submission,
    ) -> Result<(), RunError> {
        let mut missing: Vec<(String, Vec<Input>)> =
            missing.into_iter().filter(|(_, inputs)| !inputs.is_empty()).collect();
        if let (Choice::One(operation), Some(_)) = (&self.asked.choice, count) {
            missing = vec![(operation.clone(), Vec::new())];
        }
        let left_out = outcomes.iter().filter_map(Row::of_gathered);
        let memorandum = Memorandum::new(self.asked.clone(), left_out);
        let memorandum = self.cluster.put_blob(&memorandum.encode())?;
        let mut phases: Vec<PhaseSpec> = Vec::new();
        // What is to be added to each phase; nothing to those whose tasks follow from others.
        let mut added: BTreeMap<usize, Vec<Input>> = BTreeMap::new();
        for (operation, inputs) in missing {
            added.insert(phases.len(), inputs);
            phases.extend(self.phase_specs(&operation, phases.len())?);
        }
        let spec = JobSpec {
            name: self.asked.job_name(),
            fingerprint: self.asked.fingerprint(),
            phases: phases.clone(),
            memorandum: Some(memorandum),
        };
        let (job, _) = self.cluster.submit(request, spec)?;
        self.begun.lock().jobs.insert(job);
        let specs: Vec<&PhaseSpec> = phases.iter().collect();
        for position in 0..specs.len() {
            let id = phase_id(job, position);
            let mut phase = SubmittedPhase::of(&specs, position);
            if phase.derived.is_none() {
                let inputs = added.remove(&position).unwrap_or_default();
                self.add(id, &mut phase, inputs, count)?;
            }
            submission.phases.insert(id, phase);
        }
        Ok(())
    }

    /// The phases of an operation, the first of them at a position of its job: one, or the steps
    /// into which its work is divided.
    fn phase_specs(&self, operation: &str, first: usize) -> Result<Vec<PhaseSpec>, RunError> {
        let spec = self
            .operations
            .iter()
            .find(|spec| spec.name == operation)
            .ok_or_else(|| RunError::UnknownOperation(operation.to_owned()))?;
        let params = Params::normalise(spec.name, spec.params, &self.asked.params)?;
        Ok(plan::phases_of(spec, &params, phase_index(first), self.asked.fresh))
    }

    /// Adds tasks to a phase and seals it.
    fn add(
        &self,
        id: PhaseId,
        phase: &mut SubmittedPhase,
        inputs: Vec<Input>,
        count: Option<u32>,
    ) -> Result<(), RunError> {
        let mut chunks = Vec::new();
        for inputs in inputs.chunks(CHUNK_TASK_COUNT_MAX) {
            self.cluster.offer_inputs(inputs)?;
            chunks.push((inputs.len(), self.store(inputs)?));
        }
        for (length, chunk) in chunks {
            let count = u32::try_from(length).expect("a chunk has at most 4,096 inputs");
            self.cluster.add_tasks(id, TaskIndex(phase.task_count), count, chunk)?;
            phase.task_count += count;
        }
        phase.inputs.extend(inputs);
        if let Some(count) = count {
            self.cluster.add_tasks(id, TaskIndex(phase.task_count), count, ChunkRef::Count)?;
            phase.task_count += count;
        }
        Ok(self.cluster.seal(id)?)
    }

    fn store(&self, inputs: &[Input]) -> Result<ChunkRef, RunError> {
        let bytes = Chunk { inputs: inputs.to_vec() }.encode();
        if bytes.len() <= CHUNK_INLINE_BYTES_MAX {
            return Ok(ChunkRef::Inline(bytes));
        }
        Ok(ChunkRef::Blob(self.cluster.put_blob(&bytes)?))
    }
}

/// What a job holds.
pub(crate) fn read_job(
    cluster: &Cluster,
    job: &JobView,
    submission: &mut Submission,
) -> Result<(), RunError> {
    let specs: Vec<&PhaseSpec> = job.phases.iter().map(|phase| &phase.spec).collect();
    for (position, phase) in job.phases.iter().enumerate() {
        let id = phase_id(job.id, position);
        let inputs = inputs_of(cluster, id)?;
        let (known, task_count) = (SubmittedPhase::of(&specs, position), phase.task_count);
        submission.phases.insert(id, SubmittedPhase { inputs, task_count, ..known });
    }
    submission.count_derived();
    Ok(())
}

impl Asked {
    fn job_name(&self) -> String {
        let operation = match &self.choice {
            Choice::Auto { .. } => "auto",
            Choice::One(operation) => operation,
        };
        match self.paths.as_slice() {
            [] => operation.to_owned(),
            [path] => format!("{operation} {}", path.display()),
            [path, rest @ ..] => format!("{operation} {} and {} more", path.display(), rest.len()),
        }
    }
}

/// A run's name for its next job: the same for the same command after the same job. Not by the
/// number of its jobs: that becomes less when old ones are forgotten.
fn request_id(fingerprint: u128, newest: JobId) -> RequestId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&fingerprint.to_le_bytes());
    hasher.update(&newest.0.to_le_bytes());
    let hash = hasher.finalize();
    let (half, _) = hash.as_bytes().split_first_chunk::<16>().expect("a hash has 32 bytes");
    RequestId(u128::from_le_bytes(*half))
}
