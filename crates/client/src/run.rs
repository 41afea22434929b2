//! A run from the user's words to the report: gather, submit, follow, export.

use crate::cluster::{Cluster, ClusterError};
use crate::export::{self, ExportError};
use crate::follow::{Follower, Standing};
use crate::gather::{self, Choice, Found, Outcome};
use crate::memorandum::Asked;
use crate::report::{self, Report, Row};
pub use crate::submission::Begun;
use crate::submission::Submitter;
use crate::submitted::Submission;
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};
use thiserror::Error;
use windlass_core::JobId;
use windlass_core::catalogue::OperationSpec;
use windlass_core::input::ChunkError;
use windlass_core::manifest::ManifestError;
use windlass_core::params::ParamError;
use windlass_master::MasterError;

/// What a run needs.
pub struct Run<'a> {
    /// The master and its blobs.
    pub cluster: &'a Cluster,
    /// The operations there are.
    pub operations: Vec<&'static OperationSpec>,
    /// Those of them that nobody offers, as far as this process knows: files go to them only where
    /// the user names them.
    pub lacking: Vec<&'static str>,
    /// What the user asked for.
    pub asked: Asked,
    /// Whether failed tasks are tried again.
    pub failed_too: bool,
    /// Done before anything is submitted: what the cluster must have for it.
    pub prepare: Prepare,
    /// How far it came before its cluster was lost; nothing at first. Filled also where it fails.
    pub begun: Begun,
    /// Folders that are never walked, beside the output folder.
    pub excluded: Vec<PathBuf>,
    /// Paths below it are shown relative to it.
    pub current_folder: PathBuf,
    /// Threads that read and hash.
    pub reader_count: usize,
    /// Set from outside to stop in good order.
    pub interrupted: &'a AtomicBool,
}

/// Brings a cluster what the jobs of a run will name.
pub type Prepare = Arc<dyn Fn(&Cluster, &Asked) -> Result<(), RunError> + Send + Sync>;

/// How far a run is.
#[derive(Debug)]
pub enum Stage<'a> {
    /// Files are being found and looked at.
    Looking(Found),
    /// The run is being recorded, and the disk of the state is full.
    WaitingForRoom,
    /// Tasks are being done.
    Working(&'a Standing),
}

/// How a run ended.
#[derive(Debug)]
pub struct Finished {
    /// What became of every input.
    pub report: Report,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
    /// Files that are done in the cluster, and whose outcome is not in the report.
    pub untaken_count: u64,
    /// Whether the report has all that had settled when the run began.
    pub has_caught_up: bool,
    /// Whether it went on with an unfinished run.
    pub resumed: bool,
}

/// What was submitted to be done without anybody who waits for it.
#[derive(Clone, PartialEq, Debug)]
pub struct Detached {
    /// The jobs, oldest first, each with its files; none where there was nothing to do.
    pub jobs: BTreeMap<JobId, u64>,
    /// Whether an open job, or a retried one, goes on.
    pub resumed: bool,
    /// Failed tasks that are tried again.
    pub reopened_count: u64,
    /// Files that are in no job, with the reasons.
    pub left_out: Vec<Row>,
}

/// Why a run cannot go on. Nothing is lost: the same command goes on where this one stopped.
#[derive(Debug, Error)]
pub enum RunError {
    /// The cluster cannot do it.
    #[error("{0}")]
    Cluster(#[from] ClusterError),
    /// The list of a result's artifacts is lost.
    #[error("{0}; run it again with --fresh, which makes the results anew")]
    Lost(ClusterError),
    /// A result cannot be written.
    #[error("{0}")]
    Export(#[from] ExportError),
    /// A stored list of inputs cannot be read.
    #[error("read the run's inputs: {0}")]
    Chunk(#[from] ChunkError),
    /// A stored result cannot be read.
    #[error("read a result: {0}")]
    Manifest(#[from] ManifestError),
    /// A parameter is refused.
    #[error("{0}")]
    Param(#[from] ParamError),
    /// What a parameter names cannot be used; the whole text.
    #[error("{0}")]
    Unusable(String),
    /// No such operation.
    #[error("find operation {0}; `windlass ops` lists them")]
    UnknownOperation(String),
    /// A job went before its results had been fetched.
    #[error(
        "follow job {0}: it was forgotten, because more files have settled since than are kept; \
         raise settled_task_count_max and run it again"
    )]
    Forgotten(JobId),
    /// Stopped while it was still looking at files, or waited for room to be recorded.
    #[error("record the run: it was stopped")]
    Interrupted,
    /// `--failed` without an earlier run.
    #[error("find an earlier run of these arguments to retry; run it without --failed first")]
    NothingToRetry,
}

impl RunError {
    /// Why a result cannot be read.
    pub(crate) fn of_result(error: ClusterError) -> RunError {
        if error.is_lost() { RunError::Lost(error) } else { RunError::Cluster(error) }
    }

    /// Whether the master of this process was stopped.
    fn is_master_ended(&self) -> bool {
        matches!(self, RunError::Cluster(ClusterError::Master(MasterError::Ended(_))))
    }
}

/// How often the state of the slots is asked for; more seldom where the master is far, so that a
/// fifth of the time goes to it.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
const LOOK_INTERVAL_MAX: Duration = Duration::from_secs(1);
/// How long a full store is left alone.
const ROOM_PAUSE: Duration = Duration::from_secs(1);

impl RunError {
    /// Whether the master was lost, not the run: the same run on another one goes on. One that lets
    /// this client in no more says so to the next who connects.
    #[must_use]
    pub fn is_cluster_lost(&self) -> bool {
        let error = match self {
            RunError::Cluster(error) => error,
            RunError::Export(ExportError::Broken { source, .. }) => source,
            _ => return false,
        };
        matches!(error, ClusterError::Wire(error) if error.is_lost() || error.is_denied())
    }
}

impl Run<'_> {
    /// Does it all; `observe` is told how far it is.
    ///
    /// # Errors
    /// See [`RunError`]; failed inputs are no error, the report names them.
    pub fn run(&self, observe: &mut dyn FnMut(Stage<'_>)) -> Result<Finished, RunError> {
        let outcomes = self.gather(observe)?;
        self.sweep();
        let submission = self.submit(&outcomes, observe)?;
        let resumed = submission.resumed;
        let jobs = submission.jobs();
        let mut follower =
            Follower::new(self.cluster, &self.asked.out, submission, self.interrupted)?;
        let mut interval = LOOK_INTERVAL;
        while !follower.is_done() && !self.interrupted.load(Ordering::Relaxed) {
            follower.wait(interval)?;
            let look = Instant::now();
            observe(Stage::Working(&follower.standing()?));
            interval = (look.elapsed() * 4).clamp(LOOK_INTERVAL, LOOK_INTERVAL_MAX);
        }
        let interrupted = !follower.is_done();
        // What was withdrawn since the last look.
        follower.standing()?;
        let withdrawn = follower.withdrawn();
        // Whoever stops it does not wait for what is only told.
        let (untaken_count, step_seconds) = match interrupted {
            true => (follower.untaken_count()?, BTreeMap::new()),
            false => (0, follower.step_seconds()?),
        };
        let has_caught_up = follower.has_caught_up();
        let mut rows = follower.into_rows();
        tell_choices(&mut rows, &outcomes);
        rows.extend(outcomes.iter().filter_map(Row::of_gathered));
        rows.sort_by(|a, b| (&a.input, &a.operation).cmp(&(&b.input, &b.operation)));
        let report = Report {
            rows,
            step_seconds,
            unnamed_count: 0,
            withdrawn,
            job_ids: jobs.into_iter().map(|job| job.0).collect(),
            wall_seconds: self.begun.elapsed().as_secs_f64(),
            out: self.asked.out.clone(),
            current_folder: self.current_folder.clone(),
        };
        Ok(Finished { report, interrupted, untaken_count, has_caught_up, resumed })
    }

    /// Gathers and submits, and leaves the rest to the cluster. The same call again finds the jobs
    /// while they are open.
    ///
    /// # Errors
    /// See [`RunError`].
    pub fn submit_only(&self, observe: &mut dyn FnMut(Stage<'_>)) -> Result<Detached, RunError> {
        let outcomes = self.gather(observe)?;
        let submission = self.submit(&outcomes, observe)?;
        let mut jobs = BTreeMap::new();
        for (id, phase) in submission.shown() {
            *jobs.entry(id.job).or_insert(0) += u64::from(phase.task_count);
        }
        let left_out = outcomes.iter().filter_map(Row::of_gathered).collect();
        let Submission { resumed, reopened_count, .. } = submission;
        Ok(Detached { jobs, resumed, reopened_count, left_out })
    }

    /// Records the run; on a full disk that takes until there is room, or until it is stopped.
    fn submit(
        &self,
        outcomes: &Arc<Vec<Outcome>>,
        observe: &mut dyn FnMut(Stage<'_>),
    ) -> Result<Submission, RunError> {
        loop {
            match self.try_to_submit(outcomes, observe) {
                Err(RunError::Cluster(error)) if error.is_disk_full() => {}
                submission => return submission,
            }
            let again = Instant::now() + ROOM_PAUSE;
            while Instant::now() < again {
                if self.interrupted.load(Ordering::Relaxed) {
                    return Err(RunError::Interrupted);
                }
                observe(Stage::WaitingForRoom);
                std::thread::sleep(LOOK_INTERVAL);
            }
        }
    }

    /// The same once: where the store takes no bytes, it fails; where the journal takes none, it
    /// waits. Stopped, it leaves a master elsewhere at once, in the middle of an upload too: what
    /// that was asked for by then, it does.
    fn try_to_submit(
        &self,
        outcomes: &Arc<Vec<Outcome>>,
        observe: &mut dyn FnMut(Stage<'_>),
    ) -> Result<Submission, RunError> {
        let submitter = Submitter {
            cluster: self.cluster.clone(),
            operations: self.operations.clone(),
            asked: self.asked.clone(),
            failed_too: self.failed_too,
            prepare: Arc::clone(&self.prepare),
            begun: self.begun.clone(),
        };
        let (done, submitted) = sync_channel(1);
        let outcomes = Arc::clone(outcomes);
        // Not one that is waited for: a connection that nothing comes by would hold it.
        let thread = std::thread::spawn(move || done.send(submitter.submit(&outcomes)));
        let mut is_given_up = false;
        loop {
            match submitted.recv_timeout(LOOK_INTERVAL) {
                Ok(Err(error)) if is_given_up && !error.is_master_ended() => return Err(error),
                Ok(_) if is_given_up => return Err(RunError::Interrupted),
                Ok(submission) => return submission,
                Err(RecvTimeoutError::Timeout) => {
                    let stops = self.interrupted.load(Ordering::Relaxed);
                    if stops && matches!(self.cluster, Cluster::There(_)) {
                        return Err(RunError::Interrupted);
                    }
                    if self.waits_for_room() {
                        if stops {
                            // Nobody else ends the waiting; what is recorded so far stays.
                            self.cluster.give_up();
                            is_given_up = true;
                        }
                        observe(Stage::WaitingForRoom);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => match thread.join() {
                    Err(panic) => resume_unwind(panic),
                    Ok(_) => unreachable!("it sends what it ends with"),
                },
            }
        }
    }

    /// Whether the cluster's disk is full; one that does not answer is asked by somebody else.
    fn waits_for_room(&self) -> bool {
        self.cluster.status().is_ok_and(|cluster| cluster.waits_for_room)
    }

    fn gather(&self, observe: &mut dyn FnMut(Stage<'_>)) -> Result<Arc<Vec<Outcome>>, RunError> {
        let mut excluded = self.excluded.clone();
        excluded.push(self.asked.out.clone());
        let mut operations = self.operations.clone();
        if matches!(self.asked.choice, Choice::Auto { .. }) {
            operations.retain(|operation| !self.lacking.contains(&operation.name));
        }
        let request = gather::Request {
            paths: self.asked.paths.clone(),
            choice: self.asked.choice.clone(),
            operations,
            excluded,
            reader_count: self.reader_count,
        };
        let mut seen = Instant::now();
        let gathered = gather::gather_unless(&request, self.interrupted, &mut |found| {
            if seen.elapsed() >= LOOK_INTERVAL {
                seen = Instant::now();
                observe(Stage::Looking(found));
            }
        });
        gathered.map(|gathered| Arc::new(gathered.outcomes)).ok_or(RunError::Interrupted)
    }

    /// Removes what an earlier run left half written in the folders of the results.
    fn sweep(&self) {
        export::sweep(&self.asked.out);
        for spec in &self.operations {
            export::sweep(&self.asked.out.join(spec.name));
        }
    }
}

/// Notes beside the rows of succeeded files what their users should know of the chosen operation.
fn tell_choices(rows: &mut [Row], outcomes: &[Outcome]) {
    let why = |outcome| match outcome {
        &Outcome::Accepted { ref input, why: Some(why), .. } => Some((input.path.as_slice(), why)),
        _ => None,
    };
    let chosen: BTreeMap<&[u8], &str> = outcomes.iter().filter_map(why).collect();
    for row in rows.iter_mut().filter(|row| row.outcome == report::Outcome::Succeeded) {
        row.notes.extend(chosen.get(row.input.as_slice()).map(|why| (*why).to_owned()));
    }
}
