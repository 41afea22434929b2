//! `windlass job cancel`, `pause`, `resume`, `retry` and `rm`.

use super::{files, find, print, say, to_json};
use crate::CliError;
use serde_json::{Value, json};
use std::os::unix::fs::MetadataExt;
use windlass_client::cluster::{Cluster, ClusterError};
use windlass_client::failed;
use windlass_client::report::text::printable;
use windlass_core::JobId;
use windlass_core::ledger::{JobState, Outcome};
use windlass_master::MasterError;
use windlass_wire::WireError;

/// Prints the job as it is after a change, with what else there is to tell.
fn tell(cluster: &Cluster, id: JobId, more: &[(&str, Value)]) -> Result<(), CliError> {
    let mut told = to_json(&find(cluster, id)?);
    told["version"] = json!(1);
    more.iter().for_each(|(name, value)| told[*name] = value.clone());
    print(&format!("{told:#}\n"));
    Ok(())
}

pub(super) fn cancel(cluster: &Cluster, id: JobId, as_json: bool) -> Result<u8, CliError> {
    find(cluster, id)?;
    let why = format!("cancelled by {}", who());
    cluster.cancel(id, &why).map_err(|error| refused(&format!("cancel job {id}"), error))?;
    say(&format!("Job {id} is cancelled; the results that it has stay.\n"));
    if as_json {
        tell(cluster, id, &[])?;
    }
    Ok(0)
}

pub(super) fn pause(cluster: &Cluster, id: JobId, on: bool, as_json: bool) -> Result<u8, CliError> {
    let before = find(cluster, id)?.paused;
    let doing = if on { "pause" } else { "resume" };
    let done = cluster.pause(id, on, &who());
    done.map_err(|error| refused(&format!("{doing} job {id}"), error))?;
    let has_changed = on != before.is_some();
    say(&match (on, before) {
        (true, None) => format!(
            "Job {id} is paused; what runs of it goes on to its end. `windlass job resume {id}` \
             lets it go on.\n"
        ),
        (true, Some(paused)) => {
            format!("Job {id} was paused already, by {}.\n", printable(paused.by.as_bytes()))
        }
        (false, Some(_)) => format!("Job {id} goes on.\n"),
        (false, None) => format!("Job {id} was not paused.\n"),
    });
    if as_json {
        tell(cluster, id, &[("changed", json!(has_changed))])?;
    }
    Ok(0)
}

pub(super) fn retry(
    cluster: &Cluster,
    id: JobId,
    cause: Option<&str>,
    as_json: bool,
) -> Result<u8, CliError> {
    let job = find(cluster, id)?;
    if job.state == JobState::Ended(Outcome::Cancelled) {
        return Err(CliError::failed(format!(
            "retry job {id}: it was cancelled, and stays so; submit its files again"
        )));
    }
    let why = format!("retried by {}", who());
    let retried = failed::retry(cluster, &job, cause, &why)
        .map_err(|error| refused(&format!("retry job {id}"), error))?;
    match (retried.reopened_count, retried.failed_count, cause) {
        (0, 0, _) => Err(CliError::failed(format!("retry job {id}: no file of it has failed"))),
        (0, failed_count, Some(cause)) => Err(CliError::failed(format!(
            "retry job {id}: none of its {failed_count} failed files has the cause {cause:?}; \
             `windlass job show {id}` lists them"
        ))),
        (count, _, _) => {
            let held = if job.paused.is_some() { " once it is resumed" } else { "" };
            say(&format!("Job {id}: {} tried again{held}.\n", are(count)));
            if as_json {
                tell(cluster, id, &[("retried", json!(count))])?;
            }
            Ok(0)
        }
    }
}

fn are(count: u64) -> String {
    if count == 1 { "1 file is".to_owned() } else { format!("{} are", files(count)) }
}

/// Forgets each of the jobs that can be forgotten; what cannot is told at the end.
pub(super) fn rm(cluster: &Cluster, ids: &[u64], as_json: bool) -> Result<u8, CliError> {
    let mut first_error = None;
    let (mut forgotten, mut kept) = (Vec::new(), Vec::new());
    for id in ids.iter().copied().map(JobId) {
        match forget(cluster, id) {
            Ok(()) => {
                forgotten.push(id.0);
                say(&format!("Job {id} is forgotten.\n"));
            }
            Err(error) => {
                kept.push(json!({ "id": id.0, "cause": error.text }));
                if let Some(earlier) = first_error.replace(error) {
                    say(&format!("windlass: {}\n", earlier.text));
                }
            }
        }
    }
    if as_json {
        let told = json!({ "version": 1, "forgotten": forgotten, "kept": kept });
        print(&format!("{told:#}\n"));
    }
    first_error.map_or(Ok(0), Err)
}

fn forget(cluster: &Cluster, id: JobId) -> Result<(), CliError> {
    if find(cluster, id)?.state == JobState::Open {
        return Err(CliError::failed(format!(
            "forget job {id}: it is open; wait for it with `windlass job wait {id}`, or end it \
             with `windlass job cancel {id}`"
        )));
    }
    cluster.forget(id).map_err(|error| refused(&format!("forget job {id}"), error))
}

/// What the ledger refused, without who refused it.
fn refused(doing: &str, error: ClusterError) -> CliError {
    match error {
        ClusterError::Master(MasterError::Refused(refusal)) => {
            CliError::failed(format!("{doing}: {refusal}"))
        }
        ClusterError::Wire(WireError::Refused(text)) => {
            CliError::failed(format!("{doing}: {text}"))
        }
        error => CliError::of_cluster(error),
    }
}

/// Who does this, for those who read it: the user and the machine.
pub(crate) fn who() -> String {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let user = user.filter(|user| !user.is_empty());
    let uid = || std::fs::metadata("/proc/self").map(|it| format!("uid {}", it.uid()));
    let user = user.or_else(|| uid().ok()).unwrap_or_else(|| "somebody".to_owned());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match host.trim() {
        "" => user,
        host => format!("{user} on {host}"),
    }
}
