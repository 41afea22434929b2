//! The lists of the frame: workers, what runs where, operations, jobs.

use super::Ink;
use crate::top::model::{List, Model};
use crate::top::table::{Column, Fit, table};
use crate::workers::used;
use std::collections::BTreeMap;
use windlass_client::report::text::printable;
use windlass_core::limits::WORKER_SILENT_MS;
use windlass_core::overview::{Flow, OpenJob, Overview};
use windlass_core::view::WorkerView;

/// An attempt without progress for longer is told so.
const QUIET_MS_MIN: u64 = 3_000;

/// A list as text.
#[derive(Debug)]
pub(super) struct Drawn {
    /// Where something can be chosen.
    pub(super) list: Option<List>,
    /// The head, then a line a row.
    pub(super) lines: Vec<String>,
    /// Of each row.
    pub(super) inks: Vec<Ink>,
    /// Whether its row only says that there is none.
    pub(super) is_empty: bool,
}

impl Drawn {
    fn of(
        list: Option<List>,
        columns: &[Column],
        (rows, inks): (Vec<Vec<String>>, Vec<Ink>),
        columns_max: usize,
        empty: &str,
    ) -> Drawn {
        let mut lines = table(columns, &rows, columns_max);
        if rows.is_empty() {
            lines.push(empty.to_owned());
            return Drawn { list, lines, inks: vec![Ink::Dim], is_empty: true };
        }
        Drawn { list, lines, inks, is_empty: false }
    }
}

const fn column(head: &'static str, fit: Fit, rank: u8) -> Column {
    Column { head, fit, rank }
}

const WORKERS: [Column; 9] = [
    column("WORKER", Fit::Name(8), 0),
    column("STATE", Fit::Word, 1),
    column("SLOTS", Fit::Number, 0),
    column("CPU", Fit::Number, 2),
    column("MEM", Fit::Number, 3),
    column("HEARD", Fit::Number, 4),
    column("TASKS", Fit::Number, 5),
    column("CALLS", Fit::Number, 6),
    column("WHERE", Fit::Text(9), 7),
];

/// Those that are connected, wait for their name, or are gone.
pub(super) fn workers(overview: &Overview, columns_max: usize) -> Drawn {
    let dash = || "-".to_owned();
    let mut rows = Vec::new();
    let mut inks = Vec::new();
    for worker in &overview.cluster.workers {
        let (cpu, memory) = used(worker.usage);
        rows.push(vec![
            worker.name.0.clone(),
            state(worker).to_owned(),
            format!("{}/{}", worker.running.len(), worker.slots),
            cpu,
            memory,
            seconds(worker.heard_ms_ago),
            number(worker.task_count),
            number(worker.call_count),
            printable(worker.place.as_bytes()),
        ]);
        let is_silent = worker.heard_ms_ago >= WORKER_SILENT_MS;
        inks.push(if worker.draining || is_silent { Ink::Warn } else { Ink::Plain });
    }
    for worker in &overview.cluster.waiting_workers {
        let (name, place) = (worker.name.0.clone(), printable(worker.place.as_bytes()));
        let state = "waiting".to_owned();
        rows.push(vec![name, state, dash(), dash(), dash(), dash(), dash(), dash(), place]);
        inks.push(Ink::Warn);
    }
    for worker in &overview.cluster.absent_workers {
        let place = if worker.draining { "drained".to_owned() } else { dash() };
        let heard = worker.seen_ms_ago.map_or_else(dash, seconds);
        let name = worker.name.0.clone();
        let state = "absent".to_owned();
        rows.push(vec![name, state, dash(), dash(), dash(), heard, dash(), dash(), place]);
        inks.push(Ink::Dim);
    }
    let empty = "no worker: `windlass worker --join HOST:PORT` brings one";
    Drawn::of(Some(List::Workers), &WORKERS, (rows, inks), columns_max, empty)
}

fn state(worker: &WorkerView) -> &'static str {
    let holds = worker.held_count > 0 || worker.held_call_count > 0 || !worker.running.is_empty();
    match (worker.draining, holds) {
        (false, _) => "joined",
        (true, true) => "draining",
        (true, false) => "drained",
    }
}

const WORK: [Column; 6] = [
    column("AT WORK", Fit::Name(8), 0),
    column("SLOT", Fit::Number, 4),
    column("OPERATION", Fit::Text(6), 1),
    column("FOR", Fit::Number, 2),
    column("QUIET", Fit::Number, 3),
    column("INPUT", Fit::Name(20), 0),
];

/// What runs where, on what, and since when.
pub(super) fn work(model: &Model, overview: &Overview, columns_max: usize) -> Drawn {
    let mut rows = Vec::new();
    let mut inks = Vec::new();
    for worker in &overview.cluster.workers {
        for work in &worker.running {
            let it = work.running;
            let is_quiet = it.quiet_ms >= QUIET_MS_MIN;
            let name = model.names.get(&it.task).cloned();
            rows.push(vec![
                worker.name.0.clone(),
                it.slot.to_string(),
                work.operation.as_ref().map_or("-".to_owned(), |it| printable(it.as_bytes())),
                seconds(it.elapsed_ms),
                if is_quiet { seconds(it.quiet_ms) } else { "-".to_owned() },
                name.unwrap_or_else(|| format!("task {}", it.task)),
            ]);
            inks.push(if is_quiet { Ink::Warn } else { Ink::Plain });
        }
    }
    Drawn::of(Some(List::Work), &WORK, (rows, inks), columns_max, "nothing")
}

const OPERATIONS: [Column; 8] = [
    column("OPERATION", Fit::Text(9), 0),
    column("WAITING", Fit::Number, 2),
    column("RUNNING", Fit::Number, 4),
    column("TO DO", Fit::Number, 1),
    column("DONE", Fit::Number, 3),
    column("FAILED", Fit::Number, 5),
    column("RETRIED", Fit::Number, 6),
    column("TASKS/S", Fit::Number, 0),
];

/// The queue of each operation, and how fast it goes; nothing where none was ever asked for.
pub(super) fn operations(model: &Model, overview: &Overview, columns_max: usize) -> Option<Drawn> {
    let mut at_work = BTreeMap::<&str, u64>::new();
    for work in overview.cluster.workers.iter().flat_map(|worker| &worker.running) {
        if let Some(operation) = &work.operation {
            *at_work.entry(operation).or_default() += 1;
        }
    }
    // Those that have something to do come first.
    let mut flows: Vec<(&String, &Flow)> = overview.operations.iter().collect();
    flows.sort_by_key(|(_, flow)| flow.pending_count == 0);
    let mut rows = Vec::new();
    let mut inks = Vec::new();
    for (name, flow) in flows {
        rows.push(vec![
            printable(name.as_bytes()),
            number(flow.waiting_count),
            number(at_work.get(name.as_str()).copied().unwrap_or(0)),
            number(flow.pending_count),
            number(flow.succeeded_count),
            number(flow.failed_count),
            number(flow.retried_count),
            model.rates.of(name).map_or_else(|| "-".to_owned(), rate),
        ]);
        inks.push(if flow.pending_count == 0 { Ink::Dim } else { Ink::Plain });
    }
    let is_any = !rows.is_empty();
    is_any.then(|| Drawn::of(None, &OPERATIONS, (rows, inks), columns_max, ""))
}

const JOBS: [Column; 6] = [
    column("JOB", Fit::Number, 0),
    column("STATE", Fit::Word, 3),
    column("DONE", Fit::Number, 1),
    column("FAILED", Fit::Number, 2),
    column("AGE", Fit::Number, 4),
    column("NAME", Fit::Text(10), 0),
];

/// Jobs that are open, the oldest first.
pub(super) fn jobs(overview: &Overview, columns_max: usize) -> Drawn {
    let mut rows = Vec::new();
    let mut inks = Vec::new();
    for OpenJob { id, name, age_ms, is_paused, counts } in &overview.jobs {
        let done = u64::from(counts.succeeded) + u64::from(counts.failed);
        let all = done + u64::from(counts.pending);
        let state = if *is_paused { "paused" } else { "open" };
        rows.push(vec![
            id.to_string(),
            state.to_owned(),
            format!("{}/{}", number(done), number(all)),
            number(counts.failed.into()),
            seconds(*age_ms),
            printable(name.as_bytes()),
        ]);
        inks.push(if *is_paused { Ink::Warn } else { Ink::Plain });
    }
    let mut jobs = Drawn::of(Some(List::Jobs), &JOBS, (rows, inks), columns_max, "no open job");
    let untold = overview.open_job_count.saturating_sub(overview.jobs.len() as u64);
    if untold > 0 {
        jobs.lines.push(format!("and {untold} younger ones: `windlass job list --only open`"));
        jobs.inks.push(Ink::Dim);
    }
    jobs
}

/// Time in few characters: `0.4s`, `59s`, `12m`, `5h`, `3d`.
fn seconds(ms: u64) -> String {
    let whole = ms / 1_000;
    match whole {
        0..10 => format!("{:.1}s", ms as f64 / 1_000.0),
        10..100 => format!("{whole}s"),
        100..6_000 => format!("{}m", whole / 60),
        6_000..172_800 => format!("{}h", whole / 3_600),
        _ => format!("{}d", whole / 86_400),
    }
}

/// A count in at most six characters: `99999`, `1234k`, `56M`.
fn number(count: u64) -> String {
    match count {
        0..100_000 => count.to_string(),
        100_000..10_000_000 => format!("{}k", count / 1_000),
        _ => format!("{}M", count / 1_000_000),
    }
}

/// Things a second.
pub(super) fn rate(per_second: f64) -> String {
    if per_second < 99.95 { format!("{per_second:.1}") } else { number(per_second.round() as u64) }
}
