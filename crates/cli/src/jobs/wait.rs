//! `windlass job wait`.

use super::{NO_EVENT, files, find, history, holding, print, say, to_json};
use crate::place::Place;
use crate::{
    CliError, EXIT_FAILED_FILES, EXIT_INTERRUPTED, EXIT_TIMED_OUT, EXIT_UNREACHABLE, signals,
};
use serde_json::json;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use windlass_client::cluster::Cluster;
use windlass_client::follow::paused_told;
use windlass_core::JobId;
use windlass_core::ledger::{JobState, Outcome};
use windlass_core::view::{JobView, Notice, Stall};

/// How soon a signal, or a notice that was missed, is noticed.
const LOOK: Duration = Duration::from_millis(500);
/// How often it is asked what holds the job.
const HELD_LOOK: Duration = Duration::from_secs(2);

/// Waits until the job has ended; its outcome is the exit code. A master that is away is waited
/// for as well.
pub(super) fn wait(
    place: &Place,
    mut cluster: Cluster,
    id: JobId,
    seconds_max: Option<u64>,
    json: bool,
) -> Result<u8, CliError> {
    let interrupted = signals::interrupts()?;
    let until = seconds_max.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    // An unknown job is an error at once, not after the cluster has gone and come.
    let mut job = find(&cluster, id)?;
    let mut held = Held::default();
    loop {
        let seen = watch(&cluster, id, &mut job);
        if let JobState::Ended(outcome) = job.state {
            if json {
                let mut told = to_json(&job);
                told["version"] = json!(1);
                print(&format!("{told:#}\n"));
            } else if outcome != Outcome::Succeeded {
                say(&ended_badly(&job, outcome));
            }
            return Ok(if outcome == Outcome::Succeeded { 0 } else { EXIT_FAILED_FILES });
        }
        let happening = match seen {
            Ok(happening) => Some(happening),
            Err(error) if error.code == EXIT_UNREACHABLE => {
                say(&format!("windlass: {}; looking for it again\n", error.text));
                None
            }
            Err(error) => return Err(error),
        };
        loop {
            if interrupted.load(Ordering::Relaxed) {
                return Ok(EXIT_INTERRUPTED);
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Err(out_of_time(&cluster, &job));
            }
            let at_most = left.unwrap_or(LOOK).min(LOOK);
            let Some(happening) = &happening else {
                std::thread::sleep(at_most);
                match place.running() {
                    Ok(found) => cluster = found,
                    Err(error) if error.code == EXIT_UNREACHABLE => continue,
                    Err(error) => return Err(error),
                }
                break;
            };
            match happening.recv_timeout(at_most) {
                Ok(notices) if notices.contains(&Notice::JobEnded(id)) => break,
                Err(RecvTimeoutError::Disconnected) => break,
                // Others' jobs may never leave a pause between their notices.
                Ok(_) | Err(RecvTimeoutError::Timeout) => held.tell(&cluster, id),
            }
        }
    }
}

/// What holds the job, told once for as long as it does.
#[derive(Default)]
struct Held {
    looked: Option<Instant>,
    told: Vec<String>,
}

impl Held {
    fn tell(&mut self, cluster: &Cluster, id: JobId) {
        let looked = *self.looked.get_or_insert_with(Instant::now);
        if looked.elapsed() < HELD_LOOK {
            return;
        }
        self.looked = Some(Instant::now());
        // A cluster that does not answer tells nothing.
        let Ok(history) = history(cluster, id, NO_EVENT) else { return };
        let pause = paused_told(&history.job).map(|line| (line.clone(), line));
        let name = |stall: &Stall| format!("{} {}", stall.kind.label(), stall.about);
        let stalls = holding(&history).map(|stall| (name(stall), stall.line()));
        let now: Vec<(String, String)> = pause.into_iter().chain(stalls).collect();
        for (_, line) in now.iter().filter(|(name, _)| !self.told.contains(name)) {
            say(&format!("{line}\n"));
        }
        self.told = now.into_iter().map(|(name, _)| name).collect();
    }
}

/// Watches from now on, and looks at the job once nothing can be missed.
fn watch(
    cluster: &Cluster,
    id: JobId,
    job: &mut JobView,
) -> Result<Receiver<Vec<Notice>>, CliError> {
    let happening = cluster.watch().map_err(CliError::of_cluster)?;
    *job = find(cluster, id)?;
    Ok(happening)
}

fn ended_badly(job: &JobView, outcome: Outcome) -> String {
    let (id, counts) = (job.id, job.file_counts());
    match outcome {
        Outcome::Cancelled => {
            let undone = files(counts.pending.into());
            format!("job {id} was cancelled, {undone} undone\n")
        }
        _ => {
            let failed = files(counts.failed.into());
            format!("job {id}: {failed} failed; `windlass job show {id}` tells why\n")
        }
    }
}

fn out_of_time(cluster: &Cluster, job: &JobView) -> CliError {
    // It was looked at when the waiting began; a cluster that does not answer tells no more.
    let history = history(cluster, job.id, NO_EVENT).ok();
    let job = history.as_ref().map_or(job, |history| &history.job);
    let to_do = files(job.file_counts().pending.into());
    let paused = if job.paused.is_some() { " and paused" } else { "" };
    let mut text = format!("job {} is still open{paused}: {to_do} to do", job.id);
    for stall in history.iter().flat_map(holding) {
        text.push_str(&format!("; {}", stall.line()));
    }
    CliError { text, code: EXIT_TIMED_OUT }
}
