//! `windlass job list`.

use super::{print, state_told, to_json};
use crate::CliError;
use crate::arguments::StateFilter;
use serde_json::{Value, json};
use std::fmt::Write as _;
use windlass_client::cluster::Cluster;
use windlass_client::report::text::{cut_end, printable};
use windlass_core::ledger::{JobState, Outcome};
use windlass_core::view::JobView;

pub(super) fn list(
    cluster: &Cluster,
    only: &[StateFilter],
    name: Option<&str>,
    json: bool,
) -> Result<u8, CliError> {
    let name = name.map(str::to_lowercase);
    let mut jobs = cluster.jobs().map_err(CliError::of_cluster)?;
    let known_count = jobs.len();
    jobs.retain(|job| {
        let is_in = only.is_empty() || only.iter().any(|filter| is(job, *filter));
        is_in && name.as_ref().is_none_or(|name| job.name.to_lowercase().contains(name))
    });
    if json {
        let jobs: Vec<Value> = jobs.iter().map(to_json).collect();
        print(&format!("{:#}\n", json!({ "version": 1, "jobs": jobs })));
    } else {
        print(&table(&jobs, known_count, columns()));
    }
    Ok(0)
}

fn is(job: &JobView, filter: StateFilter) -> bool {
    let wanted = match filter {
        StateFilter::Open => JobState::Open,
        StateFilter::Paused => return job.paused.is_some(),
        StateFilter::Succeeded => JobState::Ended(Outcome::Succeeded),
        StateFilter::Failed => JobState::Ended(Outcome::Failed),
        StateFilter::Cancelled => JobState::Ended(Outcome::Cancelled),
    };
    job.state == wanted
}

/// Columns of the terminal; whoever reads a pipe gets whole names.
fn columns() -> usize {
    terminal_size::terminal_size_of(std::io::stdout())
        .map_or(usize::MAX, |(width, _)| usize::from(width.0))
}

fn table(jobs: &[JobView], known_count: usize, columns: usize) -> String {
    /// Columns before the name.
    const BEFORE_NAME: usize = 6 + 2 + 9 + 2 + 15 + 2 + 7 + 2;
    if jobs.is_empty() && known_count > 0 {
        return format!("None of the {known_count} jobs is so.\n");
    }
    if jobs.is_empty() {
        return "There is no job.\n".to_owned();
    }
    let mut text = format!("{:>6}  {:9}  {:>15}  {:>7}  name\n", "job", "state", "done", "failed");
    for job in jobs {
        let counts = job.file_counts();
        let done = counts.succeeded + counts.failed;
        let all = done + counts.pending;
        let name = cut_end(&printable(job.name.as_bytes()), columns.saturating_sub(BEFORE_NAME));
        let done = format!("{done}/{all}");
        let (id, state, failed) = (job.id, state_told(job), counts.failed);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{id:>6}  {state:9}  {done:>15}  {failed:>7}  {name}");
    }
    text
}
