//! `windlass job show`: one job, with what runs, what failed and what to do about it.

use super::{NO_EVENT, files, history, holding, print, state_told, to_json, when};
use crate::CliError;
use serde_json::{Value, json};
use std::fmt::Write as _;
use windlass_client::cluster::Cluster;
use windlass_client::failed::{class, each_failed};
use windlass_client::inputs::TaskNames;
use windlass_client::report::text::{printable, reversible, wrap};
use windlass_client::report::took;
use windlass_core::ledger::{Counts, FailedTask, TaskState};
use windlass_core::plan;
use windlass_core::session::Running;
use windlass_core::view::{ClusterView, HistoryView, JobView, Stall, TaskView};
use windlass_core::{JobId, TaskId, WorkerName};

/// Failed files that are listed, unless all are asked for.
const FAILED_COUNT_MAX: usize = 10;
/// Attempts at work that are listed.
const RUNNING_COUNT_MAX: usize = 64;
/// Columns where no terminal tells.
const WIDTH_DEFAULT: usize = 100;
/// An attempt without progress for longer is told so.
const QUIET_MS_MIN: u64 = 3_000;

/// All that is shown.
struct Shown {
    history: HistoryView,
    running: Vec<(WorkerName, Running, Vec<u8>)>,
    /// Failed files with their names, as many as are listed.
    failed: Vec<(TaskId, FailedTask, Vec<u8>)>,
    /// Why tasks wait.
    waits: Vec<String>,
}

pub(super) fn show(cluster: &Cluster, id: JobId, all: bool, as_json: bool) -> Result<u8, CliError> {
    let shown = look(cluster, id, if all { usize::MAX } else { FAILED_COUNT_MAX })?;
    print(&if as_json { to_json_of(&shown) } else { to_text(&shown) });
    Ok(0)
}

fn look(cluster: &Cluster, id: JobId, failed_count_max: usize) -> Result<Shown, CliError> {
    let history = history(cluster, id, NO_EVENT)?;
    let status = cluster.status().map_err(CliError::of_cluster)?;
    let mut names = TaskNames::default();
    let mut running = Vec::new();
    for (worker, it) in at_work(cluster, id, &status)? {
        let name = names.name(cluster, &history.job, it.task).map_err(CliError::of_run)?;
        running.push((worker, it, name));
    }
    let mut tasks = Vec::new();
    each_failed(cluster, &history.job, &mut |task, failed| {
        tasks.push((task, failed));
        tasks.len() < failed_count_max
    })
    .map_err(CliError::of_cluster)?;
    let mut failed = Vec::new();
    for (task, why) in tasks {
        let name = names.name(cluster, &history.job, task).map_err(CliError::of_run)?;
        failed.push((task, why, name));
    }
    let waits = holding(&history).map(Stall::line).collect();
    Ok(Shown { history, running, failed, waits })
}

/// What the workers said last of the job's tasks, but for those that have an outcome since.
fn at_work(
    cluster: &Cluster,
    id: JobId,
    status: &ClusterView,
) -> Result<Vec<(WorkerName, Running)>, CliError> {
    let mut said = Vec::new();
    for worker in &status.workers {
        let running = worker.running.iter().map(|slot| slot.running);
        let of_job = running.filter(|it| it.task.job == id);
        said.extend(of_job.map(|it| (worker.name.clone(), it)));
    }
    let tasks = said.iter().map(|(_, it)| it.task).collect();
    let views = cluster.task_views(tasks).map_err(CliError::of_cluster)?;
    let is_open = |view: &Option<TaskView>| {
        view.as_ref().is_some_and(|view| view.state == TaskState::Pending)
    };
    let said = said.into_iter().zip(&views).filter(|(_, view)| is_open(view));
    Ok(said.map(|(said, _)| said).collect())
}

fn to_text(shown: &Shown) -> String {
    let HistoryView { job, told_at, .. } = &shown.history;
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "job {}: {}", job.id, printable(job.name.as_bytes()));
    let _ = writeln!(text, "{:<11}{}", "state", state_line(&shown.history));
    let _ = writeln!(text, "{:<11}{}", "submitted", when(job.submitted_at));
    if let Some(at) = job.ended_at {
        let _ = writeln!(text, "{:<11}{}", "ended", when(at));
    }
    let ms = job.ended_at.unwrap_or(*told_at).0.saturating_sub(job.submitted_at.0);
    if let Some(pace) = pace(job.file_counts(), ms as f64 / 1_000.0) {
        let _ = writeln!(text, "{:<11}{pace}", "pace");
    }
    phases(job, &mut text);
    running(shown, &mut text);
    for line in &shown.waits {
        let _ = writeln!(text, "\n{line}");
    }
    failed(shown, &mut text);
    text
}

/// A line for each phase; those on which others build are steps on the way, of tasks and not of
/// files.
fn phases(job: &JobView, text: &mut String) {
    /// Columns of an operation's name at least.
    const LABEL_COLUMNS_MIN: usize = 16;
    let phases = job.expected();
    let labels: Vec<String> = phases.iter().map(|(phase, ..)| plan::label(&phase.spec)).collect();
    let widest = labels.iter().map(|label| label.len() + 2).max().unwrap_or(0);
    let columns = widest.max(LABEL_COLUMNS_MIN);
    let has_steps = phases.iter().any(|(_, _, is_intermediate)| *is_intermediate);
    let what = if has_steps { "tasks" } else { "files" };
    let left = if job.ended_at.is_none() { "to do" } else { "undone" };
    let _ = writeln!(
        text,
        "\n  {:<columns$}{what:>9}  {:>9}  {:>9}  {:>9}",
        "operation", "succeeded", "failed", left
    );
    for ((_, counts, _), label) in phases.iter().zip(labels) {
        let Counts { pending, succeeded, failed } = counts;
        let count = pending + succeeded + failed;
        let _ = writeln!(
            text,
            "  {label:<columns$}{count:>9}  {succeeded:>9}  {failed:>9}  {pending:>9}"
        );
    }
}

fn state_line(history: &HistoryView) -> String {
    let HistoryView { job, told_at, .. } = history;
    match &job.paused {
        Some(paused) => {
            let by = printable(paused.by.as_bytes());
            let seconds = told_at.0.saturating_sub(paused.since.0) as f64 / 1_000.0;
            format!("paused by {by} since {} ({})", when(paused.since), took(seconds))
        }
        None => state_told(job).to_owned(),
    }
}

/// How fast it goes, or went: over all of its time, pauses included.
fn pace(counts: Counts, seconds: f64) -> Option<String> {
    let done = u64::from(counts.succeeded) + u64::from(counts.failed);
    let rate = Some(done as f64 / seconds).filter(|rate| done > 0 && rate.is_finite())?;
    let (files, took) = (files(done), took(seconds));
    Some(format!("{files} in {took}: {rate:.1} a second"))
}

fn running(shown: &Shown, text: &mut String) {
    if shown.running.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nat work");
    for (worker, it, name) in shown.running.iter().take(RUNNING_COUNT_MAX) {
        let name = printable(name);
        let elapsed = took(it.elapsed_ms as f64 / 1_000.0);
        let quiet = if it.quiet_ms >= QUIET_MS_MIN {
            format!(", without progress for {}", took(it.quiet_ms as f64 / 1_000.0))
        } else {
            String::new()
        };
        let _ = writeln!(text, "  {worker}: {name} for {elapsed}{quiet}");
    }
    if let Some(more) = shown.running.len().checked_sub(RUNNING_COUNT_MAX).filter(|it| *it > 0) {
        let _ = writeln!(text, "  and {more} more");
    }
}

fn failed(shown: &Shown, text: &mut String) {
    let job = &shown.history.job;
    let failed_count = failed_count(job);
    if failed_count == 0 {
        return;
    }
    let _ = writeln!(text, "\nfailed");
    for (why, names) in by_cause(&shown.failed) {
        let Why { class, attempt_count, cause, next_step } = why;
        let attempts = match attempt_count {
            0 | 1 => String::new(),
            count => format!(" after {count} attempts"),
        };
        indented(text, 2, &format!("{class}{attempts}: {}", printable(cause.as_bytes())));
        indented(text, 4, &printable(next_step.as_bytes()));
        names.iter().for_each(|name| {
            let _ = writeln!(text, "      {}", printable(name));
        });
    }
    let id = job.id;
    let more = failed_count.saturating_sub(shown.failed.len() as u64);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more: `windlass job show {id} --all`");
    }
    let _ = writeln!(
        text,
        "\n`windlass job retry {id}` tries them again, with --cause only those of one cause."
    );
}

/// Tasks that failed, steps on the way among them: these are what is tried again.
fn failed_count(job: &JobView) -> u64 {
    job.phases.iter().map(|phase| u64::from(phase.counts.failed)).sum()
}

/// What failed files have in common that are told together.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Why<'a> {
    class: &'a str,
    attempt_count: u8,
    cause: &'a str,
    next_step: &'a str,
}

/// Failed files by why, in the order in which each first occurs.
fn by_cause(failed: &[(TaskId, FailedTask, Vec<u8>)]) -> Vec<(Why<'_>, Vec<&[u8]>)> {
    let mut groups: Vec<(Why<'_>, Vec<&[u8]>)> = Vec::new();
    for (_, FailedTask { failure, attempt_count, .. }, name) in failed {
        let why = Why {
            class: class(failure),
            attempt_count: *attempt_count,
            cause: &failure.cause,
            next_step: &failure.next_step,
        };
        match groups.iter_mut().find(|(known, _)| *known == why) {
            Some((_, names)) => names.push(name),
            None => groups.push((why, vec![name])),
        }
    }
    groups
}

/// A text within the terminal, every line moved in by so many columns.
fn indented(text: &mut String, columns: usize, sentence: &str) {
    if sentence.is_empty() {
        return;
    }
    let width = terminal_size::terminal_size_of(std::io::stdout())
        .map_or(WIDTH_DEFAULT, |(width, _)| usize::from(width.0));
    for line in wrap(sentence, width.saturating_sub(columns)) {
        let _ = writeln!(text, "{:columns$}{line}", "");
    }
}

fn to_json_of(shown: &Shown) -> String {
    let HistoryView { job, told_at, .. } = &shown.history;
    let running = shown.running.iter().map(|(worker, it, name)| {
        json!({
            "worker": worker.0,
            "slot": it.slot,
            "file": reversible(name),
            "since_ms": told_at.0.saturating_sub(it.elapsed_ms),
            "elapsed_ms": it.elapsed_ms,
            "quiet_ms": it.quiet_ms,
        })
    });
    let operation = |task: &TaskId| &job.phases[usize::from(task.phase.0)].spec.operation;
    let failed = shown.failed.iter().map(|(task, failed, name)| {
        json!({
            "file": reversible(name),
            "operation": operation(task),
            "kind": class(&failed.failure),
            "code": failed.failure.code,
            "cause": failed.failure.cause,
            "next_step": failed.failure.next_step,
            "attempts": failed.attempt_count,
            "since_ms": failed.since.0,
        })
    });
    let mut told = to_json(job);
    told["version"] = json!(1);
    told["told_at_ms"] = json!(told_at.0);
    told["running"] = running.collect::<Vec<Value>>().into();
    told["waits"] = json!(shown.waits);
    told["failed_count"] = json!(failed_count(job));
    told["failed"] = failed.collect::<Vec<Value>>().into();
    format!("{told:#}\n")
}
