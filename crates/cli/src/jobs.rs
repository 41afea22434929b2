//! `windlass job`: the jobs of a running cluster.

use crate::arguments::{JobArguments, JobCommand};
use crate::place::Place;
use crate::{CliError, EXIT_FAILED_FILES, EXIT_INTERRUPTED, EXIT_TIMED_OUT, signals};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};
use windlass_client::cluster::{Cluster, ClusterError};
use windlass_client::report::text::printable;
use windlass_core::JobId;
use windlass_core::ledger::{Counts, JobState, Outcome};
use windlass_core::view::{JobView, Notice};

/// How soon a signal, or a notice that was missed, is noticed.
const LOOK: Duration = Duration::from_millis(500);

pub(crate) fn job(arguments: &JobArguments) -> Result<u8, CliError> {
    let place = &arguments.place;
    let cluster =
        Place::of(place.master.as_deref(), &place.access, place.state.as_deref(), 0)?.running()?;
    match arguments.command {
        JobCommand::List { json } => {
            let jobs = cluster.jobs().map_err(CliError::failed)?;
            print(&if json { json_list(&jobs) } else { table(&jobs) });
            Ok(0)
        }
        JobCommand::Wait { id, timeout } => wait(&cluster, JobId(id), timeout),
        JobCommand::Cancel { id } => {
            find(&cluster, JobId(id))?;
            let why = "cancelled by `windlass job cancel`";
            cluster.cancel(JobId(id), why).map_err(|error| {
                CliError::failed(format!("cancel job {id}: {}", refusal(&error)))
            })?;
            Ok(0)
        }
    }
}

fn find(cluster: &Cluster, id: JobId) -> Result<JobView, CliError> {
    let jobs = cluster.jobs().map_err(CliError::failed)?;
    jobs.into_iter().find(|job| job.id == id).ok_or_else(|| {
        CliError::failed(format!("find job {id}: `windlass job list` shows what there is"))
    })
}

/// What was refused, without who refused it.
fn refusal(error: &ClusterError) -> String {
    let text = error.to_string();
    text.rsplit(": ").next().unwrap_or(&text).to_owned()
}

/// Waits until the job has ended; its outcome is the exit code.
fn wait(cluster: &Cluster, id: JobId, seconds_max: Option<u64>) -> Result<u8, CliError> {
    let interrupted = signals::interrupts()?;
    let until = seconds_max.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut happening = cluster.watch().map_err(CliError::failed)?;
    loop {
        let job = find(cluster, id)?;
        if let JobState::Ended(outcome) = job.state {
            return Ok(if outcome == Outcome::Succeeded { 0 } else { EXIT_FAILED_FILES });
        }
        let ends = |notices: &[Notice]| notices.contains(&Notice::JobEnded(id));
        loop {
            if interrupted.load(Ordering::Relaxed) {
                return Ok(EXIT_INTERRUPTED);
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                let counts = counts(&job);
                let text = format!("job {id} is still open: {} files to do", counts.pending);
                return Err(CliError { text, code: EXIT_TIMED_OUT });
            }
            match happening.recv_timeout(left.unwrap_or(LOOK).min(LOOK)) {
                Ok(notices) if !ends(&notices) => {}
                Ok(_) => break,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    happening = cluster.watch().map_err(CliError::failed)?;
                    break;
                }
            }
        }
    }
}

fn counts(job: &JobView) -> Counts {
    job.phases.iter().fold(Counts::default(), |sum, phase| Counts {
        pending: sum.pending + phase.counts.pending,
        succeeded: sum.succeeded + phase.counts.succeeded,
        failed: sum.failed + phase.counts.failed,
    })
}

fn state(job: &JobView) -> &'static str {
    match job.state {
        JobState::Open => "open",
        JobState::Ended(Outcome::Succeeded) => "succeeded",
        JobState::Ended(Outcome::Failed) => "failed",
        JobState::Ended(Outcome::Cancelled) => "cancelled",
    }
}

fn table(jobs: &[JobView]) -> String {
    if jobs.is_empty() {
        return "There is no job.\n".to_owned();
    }
    let mut text = format!("{:>6}  {:9}  {:>9}  {:>7}  name\n", "job", "state", "done", "failed");
    for job in jobs {
        let Counts { pending, succeeded, failed } = counts(job);
        let (done, total) = (succeeded + failed, succeeded + failed + pending);
        let done = format!("{done}/{total}");
        let name = printable(job.name.as_bytes());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:>6}  {:9}  {done:>9}  {failed:>7}  {name}", job.id.0, state(job));
    }
    text
}

fn json_list(jobs: &[JobView]) -> String {
    let jobs: Vec<Value> = jobs
        .iter()
        .map(|job| {
            let phases: Vec<Value> = job
                .phases
                .iter()
                .map(|phase| {
                    json!({
                        "operation": phase.spec.operation,
                        "tasks": phase.task_count,
                        "succeeded": phase.counts.succeeded,
                        "failed": phase.counts.failed,
                        "open": phase.counts.pending,
                    })
                })
                .collect();
            json!({
                "id": job.id.0,
                "name": job.name,
                "state": state(job),
                "submitted_at_ms": job.submitted_at.0,
                "phases": phases,
            })
        })
        .collect();
    format!("{:#}\n", json!({ "version": 1, "jobs": jobs }))
}

fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
