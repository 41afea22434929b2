//! `windlass job`: the jobs of a cluster, and of a state where none runs.

mod list;
mod logs;
mod show;
pub(crate) mod steer;
mod wait;

use crate::arguments::{JobArguments, JobCommand};
use crate::place::Place;
use crate::{CliError, print, say};
use serde_json::{Value, json};
use windlass_client::cluster::Cluster;
use windlass_core::ledger::{Counts, JobState, Outcome};
use windlass_core::plan::STEP_PARAM;
use windlass_core::view::{HistoryView, JobView, PhaseView, Stall, StallKind};
use windlass_core::{JobId, LogTime};

pub(crate) fn job(arguments: &JobArguments) -> Result<u8, CliError> {
    let place = &arguments.place;
    let place = Place::of(place.master.as_deref(), &place.access, place.state.as_deref(), 0)?;
    match &arguments.command {
        // These are of no use without workers.
        JobCommand::Wait { id, timeout, json } => {
            wait::wait(&place, place.running()?, JobId(*id), *timeout, *json)
        }
        JobCommand::Logs { id, follow: true, json } => {
            logs::logs(&place, place.running()?, JobId(*id), true, *json)
        }
        JobCommand::Retry { id, cause, json, failed: _ } => {
            steer::retry(&place.running()?, JobId(*id), cause.as_deref(), *json)
        }
        JobCommand::List { only, name, json } => {
            place.with_recorded(|cluster| list::list(cluster, only, name.as_deref(), *json))
        }
        JobCommand::Show { id, all, json } => {
            place.with_recorded(|cluster| show::show(cluster, JobId(*id), *all, *json))
        }
        JobCommand::Logs { id, follow: false, json } => place
            .with_recorded(|cluster| logs::logs(&place, cluster.clone(), JobId(*id), false, *json)),
        JobCommand::Cancel { id, json } => {
            place.with_recorded(|cluster| steer::cancel(cluster, JobId(*id), *json))
        }
        JobCommand::Pause { id, json } => {
            place.with_recorded(|cluster| steer::pause(cluster, JobId(*id), true, *json))
        }
        JobCommand::Resume { id, json } => {
            place.with_recorded(|cluster| steer::pause(cluster, JobId(*id), false, *json))
        }
        JobCommand::Rm { ids, json } => {
            place.with_recorded(|cluster| steer::rm(cluster, ids, *json))
        }
    }
}

/// A job, or an error that says where to look.
pub(crate) fn find(cluster: &Cluster, id: JobId) -> Result<JobView, CliError> {
    cluster.job(id).map_err(CliError::of_cluster)?.ok_or_else(|| unknown(id))
}

/// From which event on there is none.
const NO_EVENT: u64 = u64::MAX;

/// The same with what has happened to it from an event on.
pub(crate) fn history(cluster: &Cluster, id: JobId, from: u64) -> Result<HistoryView, CliError> {
    cluster.history(id, from).map_err(CliError::of_cluster)?.ok_or_else(|| unknown(id))
}

/// What holds a job back, and what can be done about it.
fn holding(history: &HistoryView) -> impl Iterator<Item = &Stall> {
    let HistoryView { job, stalls, .. } = history;
    let has_pending = job.file_counts().pending > 0 && job.paused.is_none();
    stalls.iter().filter(move |stall| match stall.kind {
        StallKind::Unsealed | StallKind::DiskFull => true,
        kind => has_pending && kind.holds_tasks(),
    })
}

fn unknown(id: JobId) -> CliError {
    CliError::failed(format!("find job {id}: `windlass job list` shows what there is"))
}

/// Where a job stands, in one word for JSON: a paused one is open.
fn state(job: &JobView) -> &'static str {
    match job.state {
        JobState::Open => "open",
        JobState::Ended(outcome) => outcome_label(outcome),
    }
}

/// The same for people.
fn state_told(job: &JobView) -> &'static str {
    if job.paused.is_some() { "paused" } else { state(job) }
}

fn outcome_label(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "failed",
        Outcome::Cancelled => "cancelled",
    }
}

/// A job as JSON, the same wherever one is told.
fn to_json(job: &JobView) -> Value {
    let phase = |(phase, counts, is_intermediate): (&PhaseView, Counts, bool)| {
        let Counts { pending, succeeded, failed } = counts;
        json!({
            "operation": phase.spec.operation,
            "step": phase.spec.params.text(STEP_PARAM),
            "intermediate": is_intermediate,
            "tasks": pending + succeeded + failed,
            "succeeded": succeeded,
            "failed": failed,
            "open": pending,
        })
    };
    let paused =
        job.paused.as_ref().map(|paused| json!({ "by": paused.by, "since_ms": paused.since.0 }));
    json!({
        "id": job.id.0,
        "name": job.name,
        "state": state(job),
        "paused": paused,
        "submitted_at_ms": job.submitted_at.0,
        "ended_at_ms": job.ended_at.map(|at| at.0),
        "phases": job.expected().into_iter().map(phase).collect::<Vec<_>>(),
    })
}

/// A time for people: `2026-11-26 05:03:12Z`.
fn when(at: LogTime) -> String {
    const DAY_SECONDS: u64 = 86_400;
    let seconds = at.0 / 1_000;
    let (year, month, day) = date(seconds / DAY_SECONDS);
    let second = seconds % DAY_SECONDS;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}Z")
}

/// The Gregorian date so many days after 1970-01-01: year, month, day. Years begin in March, so
/// that the leap day is their last; 400 of them have 146,097 days (after H. Hinnant, "chrono-
/// compatible low-level date algorithms").
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// "1 file", "2 files".
pub(crate) fn files(count: u64) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_utc() {
        let told = |seconds: u64| when(LogTime(seconds * 1_000));
        assert_eq!(told(0), "1970-01-01 00:00:00Z");
        assert_eq!(told(951_827_696), "2000-02-29 12:34:56Z");
        assert_eq!(told(1_709_251_199), "2024-02-29 23:59:59Z");
        assert_eq!(told(1_709_251_200), "2024-03-01 00:00:00Z");
        assert_eq!(told(4_107_542_399), "2100-02-28 23:59:59Z");
        assert_eq!(told(4_107_542_400), "2100-03-01 00:00:00Z");
    }
}
