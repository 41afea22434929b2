//! `windlass result`: what a job has made, fetched from wherever its cluster is.

use crate::arguments::{ResultArguments, ResultCommand};
use crate::jobs::{files, find, history};
use crate::place::Place;
use crate::{CliError, EXIT_FAILED_FILES, print, print_bytes, run, say, settings};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use windlass_client::cluster::{Cluster, ClusterError};
use windlass_client::report::text::{printable, reversible};
use windlass_client::results::{JobResults, TaskResult, export_all};
use windlass_core::JobId;
use windlass_core::ledger::{JobState, Outcome, TaskState};
use windlass_core::manifest::Artifact;
use windlass_core::view::JobView;

/// In place of a folder: standard output.
const STDOUT: &str = "-";

pub(crate) fn result(arguments: &ResultArguments) -> Result<u8, CliError> {
    let place = &arguments.place;
    let place = Place::of(place.master.as_deref(), &place.access, place.state.as_deref(), 0)?;
    place.with_recorded(|cluster| match &arguments.command {
        ResultCommand::Ls { id, json } => list(cluster, JobId(*id), *json),
        ResultCommand::Get { id, files, out } if out.as_os_str() == STDOUT => {
            to_stdout(cluster, JobId(*id), files)
        }
        ResultCommand::Get { id, files, out } => get(cluster, JobId(*id), files, out),
        ResultCommand::Export { id, out, json } => export(cluster, JobId(*id), out, *json),
    })
}

fn list(cluster: &Cluster, id: JobId, as_json: bool) -> Result<u8, CliError> {
    let job = find(cluster, id)?;
    let results = JobResults::of(cluster, &job).map_err(CliError::of_run)?;
    let mut rows: Vec<Value> = Vec::new();
    let mut each = |result: TaskResult| {
        if as_json {
            rows.push(row(&result));
            return Ok(());
        }
        for artifact in &result.artifacts {
            let (size, name) = (artifact.content.size(), printable(&result.name(artifact)));
            print(&format!("{size:>12}  {}/{name}\n", result.operation));
        }
        Ok(())
    };
    results.each(&mut each).map_err(CliError::of_run)?;
    if as_json {
        print(&format!("{:#}\n", json!({ "version": 1, "job": id.0, "results": rows })));
    }
    tell_unfinished(&job);
    Ok(0)
}

fn row(result: &TaskResult) -> Value {
    let state = match result.state {
        TaskState::Pending => "open",
        TaskState::Succeeded => "succeeded",
        TaskState::Failed => "failed",
    };
    let artifacts = result.artifacts.iter().map(|artifact| {
        json!({
            "name": format!("{}/{}", result.operation, reversible(&result.name(artifact))),
            "media_type": artifact.media_type,
            "bytes": artifact.content.size(),
        })
    });
    json!({
        "input": reversible(&result.input),
        "operation": result.operation,
        "state": state,
        "cause": result.failed.as_ref().map(|failed| &failed.failure.cause),
        "artifacts": artifacts.collect::<Vec<_>>(),
    })
}

/// Says of an open job that there will be more.
fn tell_unfinished(job: &JobView) {
    let to_do = files(job.file_counts().pending.into());
    match job.state {
        JobState::Open => {
            let held = if job.paused.is_some() { " and paused" } else { "" };
            say(&format!("Job {} is still open{held}: {to_do} to do.\n", job.id));
        }
        JobState::Ended(Outcome::Cancelled) => {
            say(&format!("Job {} was cancelled with {to_do} to do.\n", job.id));
        }
        JobState::Ended(_) => {}
    }
}

fn get(cluster: &Cluster, id: JobId, wanted: &[OsString], out: &Path) -> Result<u8, CliError> {
    let job = find(cluster, id)?;
    let results = JobResults::of(cluster, &job).map_err(CliError::of_run)?;
    let mut show = |path: &Path| {
        let mut line = path.as_os_str().as_bytes().to_vec();
        line.push(b'\n');
        print_bytes(&line);
    };
    if wanted.is_empty() {
        results.write_all(out, &mut show).map_err(CliError::of_run)?;
        tell_unfinished(&job);
        return Ok(0);
    }
    // Nothing is written where a word means nothing.
    let mut meant = Vec::new();
    for said in wanted {
        meant.extend(find_meant(&results, &job, said)?);
    }
    results.write(&meant, out, &mut show).map_err(CliError::of_run)?;
    Ok(0)
}

/// The results that are meant by a word, each of them there.
fn find_meant(
    results: &JobResults<'_>,
    job: &JobView,
    said: &OsString,
) -> Result<Vec<TaskResult>, CliError> {
    let id = job.id;
    let shown = printable(said.as_bytes());
    let meant = results.meant(said.as_bytes()).map_err(CliError::of_run)?;
    if meant.is_empty() {
        return Err(CliError::failed(format!(
            "find {shown} in job {id}: it has no such result or input; `windlass result ls {id}` \
             lists the results"
        )));
    }
    if let Some(failed) = meant.iter().find_map(|result| result.failed.as_ref()) {
        let (cause, next) = (&failed.failure.cause, &failed.failure.next_step);
        let text = format!("failed to get {shown}: it has no result: {cause}. {next}");
        return Err(CliError { text: text.trim_end().to_owned(), code: EXIT_FAILED_FILES });
    }
    let is_open = meant.iter().any(|result| result.state == TaskState::Pending);
    if is_open && job.state != JobState::Open {
        return Err(CliError::failed(format!(
            "get {shown}: it was not done before job {id} ended; submit it again"
        )));
    }
    if is_open {
        return Err(CliError::failed(format!(
            "get {shown}: it is not done yet; `windlass job wait {id}` waits for the job"
        )));
    }
    Ok(meant)
}

fn to_stdout(cluster: &Cluster, id: JobId, wanted: &[OsString]) -> Result<u8, CliError> {
    let [said] = wanted else {
        return Err(CliError::usage("--out - takes one FILE: name the result that goes to stdout"));
    };
    let job = find(cluster, id)?;
    let results = JobResults::of(cluster, &job).map_err(CliError::of_run)?;
    let meant = find_meant(&results, &job, said)?;
    let artifacts: Vec<&Artifact> = meant.iter().flat_map(|result| &result.artifacts).collect();
    let artifact = match artifacts.as_slice() {
        [artifact] => artifact,
        [] => {
            let said = printable(said.as_bytes());
            return Err(CliError::failed(format!("get {said}: it succeeded without any result")));
        }
        _ => {
            let names: Vec<String> = meant.iter().flat_map(names).collect();
            let names = names.join(", ");
            return Err(CliError::usage(format!("--out - takes one result: choose of {names}")));
        }
    };
    let mut stdout = std::io::stdout().lock();
    let copied = results.copy(artifact, &mut stdout);
    match copied.and_then(|()| stdout.flush().map_err(ClusterError::Take)) {
        Err(ClusterError::Take(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(0),
        copied => copied.map(|()| 0).map_err(CliError::of_cluster),
    }
}

fn names(result: &TaskResult) -> Vec<String> {
    let name = |artifact| format!("{}/{}", result.operation, printable(&result.name(artifact)));
    result.artifacts.iter().map(name).collect()
}

fn export(cluster: &Cluster, id: JobId, out: &Path, as_json: bool) -> Result<u8, CliError> {
    let history = history(cluster, id, u64::MAX)?;
    let current_folder = std::env::current_dir().unwrap_or_default();
    let out = settings::absolute(out, "--out")?;
    settings::check_out(&out)?;
    let report = export_all(cluster, &history, &out, current_folder).map_err(CliError::of_run)?;
    report.write().map_err(CliError::failed)?;
    say(&report.render(run::style()));
    if as_json {
        run::print_json(&report)?;
    }
    let job = &history.job;
    if report.unnamed_count > 0 {
        say(&format!(
            "{} more were left out when job {id} was submitted, too many to be named; the command \
             that submits them names them\n",
            files(report.unnamed_count)
        ));
    }
    tell_unfinished(job);
    if job.state == JobState::Open {
        say("What is there is exported; the same command again fetches the rest.\n");
    }
    Ok(report.exit_code())
}
