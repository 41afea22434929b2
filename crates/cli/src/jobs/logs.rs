//! `windlass job logs`: what has happened to a job, in order.

use super::{files, history, outcome_label, print, say, state, when};
use crate::place::Place;
use crate::{CliError, EXIT_INTERRUPTED, EXIT_UNREACHABLE, signals};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use windlass_client::cluster::Cluster;
use windlass_client::failed::class;
use windlass_client::inputs::TaskNames;
use windlass_client::report::text::{printable, reversible};
use windlass_core::ledger::{Counts, Happened, JobEvent, JobState, Outcome, PhaseSpec};
use windlass_core::plan;
use windlass_core::view::{HistoryView, JobView, PhaseView};
use windlass_core::{JobId, PhaseId, PhaseIndex};

/// How often a followed job is looked at, and a lost cluster looked for.
const LOOK: Duration = Duration::from_millis(500);

pub(super) fn logs(
    place: &Place,
    cluster: Cluster,
    id: JobId,
    follow: bool,
    json: bool,
) -> Result<u8, CliError> {
    let interrupted = signals::interrupts()?;
    let mut log = Log { cluster, names: TaskNames::default(), next: 0, json };
    let first = history(&log.cluster, id, 0)?;
    log.begin(&first);
    log.tell(&first)?;
    let mut newest = first;
    while follow && newest.job.state == JobState::Open {
        if interrupted.load(Ordering::Relaxed) {
            return Ok(EXIT_INTERRUPTED);
        }
        std::thread::sleep(LOOK);
        match history(&log.cluster, id, log.next).and_then(|now| log.tell(&now).map(|()| now)) {
            Ok(now) => newest = now,
            Err(error) if error.code == EXIT_UNREACHABLE => {
                say(&format!("windlass: {}; looking for it again\n", error.text));
                match found(place, &interrupted)? {
                    Some(cluster) => log.cluster = cluster,
                    None => return Ok(EXIT_INTERRUPTED),
                }
            }
            Err(error) => return Err(error),
        }
    }
    if newest.job.state == JobState::Open {
        log.stand(&newest);
    }
    Ok(0)
}

/// The cluster, once it is back; `None`: stopped meanwhile.
fn found(place: &Place, interrupted: &AtomicBool) -> Result<Option<Cluster>, CliError> {
    while !interrupted.load(Ordering::Relaxed) {
        match place.running() {
            Ok(cluster) => return Ok(Some(cluster)),
            Err(error) if error.code == EXIT_UNREACHABLE => std::thread::sleep(LOOK),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

struct Log {
    cluster: Cluster,
    names: TaskNames,
    /// Number of the next event.
    next: u64,
    json: bool,
}

impl Log {
    /// The submission, which is no event, and how much is missing between it and the oldest one.
    fn begin(&mut self, history: &HistoryView) {
        let HistoryView { job, events, .. } = history;
        let mut shown = job.expected();
        shown.retain(|(_, _, is_intermediate)| !is_intermediate);
        let of_phase = |(phase, counts, _): &(&PhaseView, Counts, bool)| {
            let count = counts.pending + counts.succeeded + counts.failed;
            let count = files(count.into());
            // One operation stands in the job's name.
            if shown.len() == 1 { count } else { format!("{} {count}", phase.spec.operation) }
        };
        let phases: Vec<String> = shown.iter().map(of_phase).collect();
        if self.json {
            self.line_of(json!({ "at_ms": job.submitted_at.0, "happened": "submitted" }));
        } else {
            let name = printable(job.name.as_bytes());
            let at = when(job.submitted_at);
            print(&format!("{at}  submitted: {name} ({})\n", phases.join(", ")));
        }
        let dropped_count = events.first().map_or(0, |(number, _)| *number);
        if dropped_count > 0 {
            say(&format!("windlass: the {dropped_count} oldest events are kept no more\n"));
        }
    }

    fn tell(&mut self, history: &HistoryView) -> Result<(), CliError> {
        for (number, event) in &history.events {
            if self.json {
                self.tell_json(&history.job, *number, event)?;
            } else {
                let told = self.told(&history.job, event)?;
                print(&format!("{}  {told}\n", when(event.at)));
            }
            self.next = number + 1;
        }
        Ok(())
    }

    /// Where an open job stands, at the end of what has happened.
    fn stand(&self, history: &HistoryView) {
        let counts = history.job.file_counts();
        let (succeeded, failed, open) = (counts.succeeded, counts.failed, counts.pending);
        if self.json {
            return self.line_of(json!({
                "at_ms": history.told_at.0,
                "happened": "stands",
                "state": state(&history.job),
                "succeeded": succeeded,
                "failed": failed,
                "open": open,
            }));
        }
        let now = when(history.told_at);
        let state = super::state_told(&history.job);
        print(&format!("{now}  {state}: {succeeded} succeeded, {failed} failed, {open} to do\n"));
    }

    fn name(
        &mut self,
        job: &JobView,
        phase: PhaseIndex,
        index: windlass_core::TaskIndex,
    ) -> Result<Vec<u8>, CliError> {
        let task = PhaseId { job: job.id, phase }.task(index);
        self.names.name(&self.cluster, job, task).map_err(CliError::of_run)
    }

    fn told(&mut self, job: &JobView, event: &JobEvent) -> Result<String, CliError> {
        Ok(match &event.happened {
            Happened::AttemptFailed { phase, index, worker, failure, attempt_count, is_last } => {
                let name = printable(&self.name(job, *phase, *index)?);
                let on = worker.as_ref().map(|worker| format!(" on {worker}"));
                let on = on.unwrap_or_default();
                let (class, cause) = (class(failure), printable(failure.cause.as_bytes()));
                let then = if *is_last { "given up" } else { "tried again" };
                format!("{name}: attempt {attempt_count} {class}{on}: {cause}; {then}")
            }
            Happened::Reopened { phase, count, why } => {
                let count = match is_intermediate(job, *phase) {
                    true => format!("{count} of {}", label(job, *phase)),
                    false => files((*count).into()),
                };
                format!("{count} opened again: {}", printable(why.as_bytes()))
            }
            Happened::PhaseEnded { phase, succeeded, failed } => {
                let label = label(job, *phase);
                format!("{label} ended: {succeeded} succeeded, {failed} failed")
            }
            Happened::Paused { by } => format!("paused by {}", printable(by.as_bytes())),
            Happened::Resumed { by } => format!("resumed by {}", printable(by.as_bytes())),
            Happened::Ended { outcome, succeeded, failed, why } => {
                let how = match outcome {
                    // It says by whom, and begins with the word.
                    Outcome::Cancelled if !why.is_empty() => printable(why.as_bytes()),
                    outcome => outcome_label(*outcome).to_owned(),
                };
                format!("{how}: {succeeded} succeeded, {failed} failed")
            }
        })
    }

    fn tell_json(&mut self, job: &JobView, number: u64, event: &JobEvent) -> Result<(), CliError> {
        let mut told = match &event.happened {
            Happened::AttemptFailed { phase, index, worker, failure, attempt_count, is_last } => {
                json!({
                    "happened": "attempt_failed",
                    "file": reversible(&self.name(job, *phase, *index)?),
                    "operation": operation(job, *phase),
                    "worker": worker.as_ref().map(|worker| &worker.0),
                    "kind": class(failure),
                    "code": failure.code,
                    "cause": failure.cause,
                    "attempt": attempt_count,
                    "given_up": is_last,
                })
            }
            Happened::Reopened { phase, count, why } => json!({
                "happened": "reopened",
                "operation": operation(job, *phase),
                "files": count,
                "why": why,
            }),
            Happened::PhaseEnded { phase, succeeded, failed } => json!({
                "happened": "phase_ended",
                "operation": operation(job, *phase),
                "succeeded": succeeded,
                "failed": failed,
            }),
            Happened::Paused { by } => json!({ "happened": "paused", "by": by }),
            Happened::Resumed { by } => json!({ "happened": "resumed", "by": by }),
            Happened::Ended { outcome, succeeded, failed, why } => json!({
                "happened": "ended",
                "outcome": outcome_label(*outcome),
                "succeeded": succeeded,
                "failed": failed,
                "why": why,
            }),
        };
        told["at_ms"] = json!(event.at.0);
        told["number"] = json!(number);
        self.line_of(told);
        Ok(())
    }

    fn line_of(&self, mut told: Value) {
        told["version"] = json!(1);
        print(&format!("{told}\n"));
    }
}

fn operation(job: &JobView, phase: PhaseIndex) -> &str {
    let phase = job.phases.get(usize::from(phase.0));
    phase.map_or("a phase", |phase| phase.spec.operation.as_str())
}

/// The operation, and which step of it.
fn label(job: &JobView, phase: PhaseIndex) -> String {
    let phase = job.phases.get(usize::from(phase.0));
    phase.map_or_else(|| "a phase".to_owned(), |phase| plan::label(&phase.spec))
}

fn is_intermediate(job: &JobView, phase: PhaseIndex) -> bool {
    let specs: Vec<&PhaseSpec> = job.phases.iter().map(|phase| &phase.spec).collect();
    plan::is_intermediate(&specs, usize::from(phase.0))
}
