//! `windlass worker list`, `show`, `drain`, `resume` and `rm`: the workers of a running cluster.

mod json;
mod wait;

pub(crate) use json::{all_json, waiting_json};

use crate::arguments::{NamedWorker, PlaceArguments, WorkerCommand};
use crate::place::Place;
use crate::{CliError, print, say};
use json::{absent_json, list_json, worker_json};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;
use windlass_client::cluster::{Cluster, ClusterError};
use windlass_client::inputs::NamesAtWork;
use windlass_client::report::text::printable;
use windlass_core::limits::LEASE_MS;
use windlass_core::older::{self, OLDER_VERSION};
use windlass_core::session::{Usage, Withdrawal};
use windlass_core::steering::Act;
use windlass_core::view::{AbsentWorker, ClusterView, SlotWork, WaitingWorker, WorkerView};
use windlass_core::words::counted;
use windlass_core::{TaskId, WorkerName};
use windlass_wire::WireError;

/// How often a worker that is drained is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// A change that takes longer is looked after.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) fn workers(command: &WorkerCommand) -> Result<u8, CliError> {
    match command {
        WorkerCommand::List { place, json } => {
            let view = status(&cluster(place)?)?;
            print(&if *json { format!("{:#}\n", list_json(&view)) } else { list(&view) });
            Ok(0)
        }
        WorkerCommand::Show { who, json } => show(who, *json),
        WorkerCommand::Drain { who, wait: waits, timeout, json } => {
            let cluster = cluster(&who.place)?;
            let name = WorkerName(who.name.clone());
            steer_in_time(&cluster, &Act::DrainWorker(name.clone()))?;
            let (cluster, code) = match waits {
                true => wait::wait(&who.place, cluster, &name, *timeout)?,
                false => (cluster, 0),
            };
            tell_changed(&cluster, who, *json)?;
            Ok(code)
        }
        WorkerCommand::Resume { who, json } => act(who, *json, Act::ResumeWorker),
        WorkerCommand::Rm { who, json } => act(who, *json, Act::ForgetWorker),
    }
}

fn cluster(place: &PlaceArguments) -> Result<Cluster, CliError> {
    Place::of(place.master.as_deref(), &place.access, place.state.as_deref(), 0)?.running()
}

fn status(cluster: &Cluster) -> Result<ClusterView, CliError> {
    cluster.status().map_err(CliError::of_cluster)
}

fn act(who: &NamedWorker, as_json: bool, act: impl Fn(WorkerName) -> Act) -> Result<u8, CliError> {
    let cluster = cluster(&who.place)?;
    steer_in_time(&cluster, &act(WorkerName(who.name.clone())))?;
    tell_changed(&cluster, who, as_json)?;
    Ok(0)
}

/// Prints a worker as it is after a change, as `show` does; a null where it is known no more.
fn tell_changed(cluster: &Cluster, who: &NamedWorker, as_json: bool) -> Result<(), CliError> {
    if as_json {
        let view = status(cluster)?;
        let worker = find(&view, &who.name).map(|known| known.to_json());
        let told = json!({ "version": 1, "name": who.name, "worker": worker });
        print(&format!("{told:#}\n"));
    }
    Ok(())
}

/// A worker that is known.
enum Known<'a> {
    Here(&'a WorkerView),
    Absent(&'a AbsentWorker),
}

impl Known<'_> {
    fn to_json(&self) -> Value {
        match self {
            Known::Here(worker) => worker_json(worker),
            Known::Absent(worker) => absent_json(worker),
        }
    }
}

fn find<'a>(view: &'a ClusterView, name: &str) -> Option<Known<'a>> {
    let here = view.workers.iter().find(|worker| worker.name.0 == name).map(Known::Here);
    let absent = || view.absent_workers.iter().find(|worker| worker.name.0 == name);
    here.or_else(|| absent().map(Known::Absent))
}

/// The input of each task at work, for people; those without one are left out.
pub(crate) fn files_at_work(cluster: &Cluster, workers: &[WorkerView]) -> BTreeMap<TaskId, String> {
    let running = workers.iter().flat_map(|worker| &worker.running);
    let tasks: Vec<TaskId> = running.map(|work| work.running.task).collect();
    let files = NamesAtWork::default().of(cluster, &tasks).into_iter();
    files.map(|(task, path)| (task, printable(&path))).collect()
}

/// Makes a change; a refusal says by itself what was to be done.
pub(crate) fn steer(cluster: &Cluster, act: &Act) -> Result<(), CliError> {
    cluster.steer(act).map_err(|error| match error {
        ClusterError::Wire(WireError::Refused(why)) => CliError::failed(why),
        error => CliError::failed(error),
    })
}

/// The same, and says why where it takes long.
fn steer_in_time(cluster: &Cluster, act: &Act) -> Result<(), CliError> {
    let (tell, done) = sync_channel(1);
    let (asked, asking) = (act.clone(), cluster.clone());
    thread::spawn(move || tell.send(steer(&asking, &asked)));
    let mut room = Room::default();
    loop {
        match done.recv_timeout(PATIENCE) {
            Ok(done) => return done,
            Err(RecvTimeoutError::Timeout) => room.tell(&status(cluster)?, &act.to_string()),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(CliError::failed(format!("{act}: the call broke off")));
            }
        }
    }
}

/// Whether it was said that there is no room.
#[derive(Default)]
struct Room {
    is_told: bool,
}

impl Room {
    /// Says once that something waits for a full disk, where it does.
    fn tell(&mut self, view: &ClusterView, doing: &str) {
        if view.waits_for_room && !self.is_told {
            self.is_told = true;
            say(&format!(
                "The disk of the state is full: to {doing} waits until there is room; free space \
                 on it, it goes on by itself\n"
            ));
        }
    }
}

fn is_free(worker: &WorkerView) -> bool {
    worker.held_count == 0 && worker.held_call_count == 0 && worker.running.is_empty()
}

fn held(worker: &WorkerView) -> String {
    let tasks = worker.held_count.max(u32::try_from(worker.running.len()).unwrap_or(u32::MAX));
    let calls = worker.held_call_count;
    format!("{} and {}", counted(tasks.into(), "task"), counted(calls.into(), "call"))
}

fn show(who: &NamedWorker, json: bool) -> Result<u8, CliError> {
    let cluster = cluster(&who.place)?;
    let view = status(&cluster)?;
    let Some(known) = find(&view, &who.name) else {
        let name = &who.name;
        return Err(CliError::failed(format!(
            "find worker {name}: `windlass worker list` shows which there are"
        )));
    };
    let text = match known {
        _ if json => format!("{:#}\n", json!({ "version": 1, "worker": known.to_json() })),
        Known::Here(worker) => told(worker, &files_at_work(&cluster, std::slice::from_ref(worker))),
        Known::Absent(worker) => told_absent(worker),
    };
    print(&text);
    Ok(0)
}

/// Columns of the list, without the last one.
const HEADS: [&str; 8] =
    ["worker", "where", "slots", "at work", "cpu", "memory", "heard", "settled"];

fn list(view: &ClusterView) -> String {
    if view.workers.is_empty() && view.absent_workers.is_empty() {
        return "There is no worker: `windlass worker --join HOST:PORT` brings one.\n".to_owned();
    }
    let mut rows = vec![HEADS.map(str::to_owned)];
    let mut remarks = vec!["remarks".to_owned()];
    for worker in &view.workers {
        let (cpu, memory) = used(worker.usage);
        rows.push([
            worker.name.0.clone(),
            worker.place.clone(),
            worker.slots.to_string(),
            worker.running.len().to_string(),
            cpu,
            memory,
            ago(worker.heard_ms_ago),
            worker.task_count.to_string(),
        ]);
        remarks.push(remark(worker));
    }
    for worker in &view.absent_workers {
        let dash = || "-".to_owned();
        let name = worker.name.0.clone();
        let heard = worker.seen_ms_ago.map_or_else(dash, ago);
        let place = "not connected".to_owned();
        rows.push([name, place, dash(), dash(), dash(), dash(), heard, dash()]);
        remarks.push(if worker.draining { "drained".to_owned() } else { String::new() });
    }
    for WaitingWorker { name, place, .. } in &view.waiting_workers {
        let dash = || "-".to_owned();
        let name = name.0.clone();
        rows.push([name, place.clone(), dash(), dash(), dash(), dash(), dash(), dash()]);
        remarks.push("waits for its name, which another one has".to_owned());
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..HEADS.len()).map(|at| width(at).unwrap_or(0)).collect();
    let mut text = String::new();
    for (row, remark) in rows.iter().zip(remarks) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a string cannot fail.
            let _ = write!(line, "{cell:<width$}  ");
        }
        let _ = writeln!(text, "{}", (line + &remark).trim_end());
    }
    text
}

/// What is to be known of a worker beside its numbers.
fn remark(worker: &WorkerView) -> String {
    let mut remarks = Vec::new();
    if is_older(worker) {
        remarks.push("of an older system".to_owned());
    }
    if worker.draining {
        let rest =
            if is_free(worker) { String::new() } else { format!(", holds {}", held(worker)) };
        remarks.push(format!("drained{rest}"));
    }
    let mut doing: Vec<&str> =
        worker.running.iter().filter_map(|it| it.operation.as_deref()).collect();
    doing.sort_unstable();
    doing.dedup();
    if !doing.is_empty() {
        remarks.push(format!("does {}", doing.join(", ")));
    }
    let withdrawn = worker.withdrawn.iter();
    remarks.extend(withdrawn.map(|it| format!("offers {} no more", it.operation)));
    remarks.join("; ")
}

/// Whether it is a program of an older system.
pub(crate) fn is_older(worker: &WorkerView) -> bool {
    worker.offers.iter().any(|offer| older::meant(&offer.operation).is_some())
}

/// All that is known of a connected worker.
fn told(worker: &WorkerView, files: &BTreeMap<TaskId, String>) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<12}{value}");
    };
    line("worker", worker.name.to_string());
    line("where", worker.place.clone());
    line("heard", ago(worker.heard_ms_ago));
    let drained = if worker.draining { "no: drained (`windlass worker resume`)" } else { "yes" };
    line("takes work", drained.to_owned());
    let wanted = counted(worker.credit.into(), "task");
    line("holds", format!("{}, wants up to {wanted}", held(worker)));
    let (cpu, memory) = used(worker.usage);
    // A worker among others does not count the memory of the process that it shares with them.
    line("uses", format!("{cpu} of a core, {memory} of memory"));
    let (tasks, calls) = (worker.task_count, worker.call_count);
    line("served", format!("{}, {}", counted(tasks, "task"), counted(calls, "call")));
    for slot in 0..worker.slots {
        let name = format!("slot {slot}");
        let work = worker.running.iter().find(|work| work.running.slot == slot);
        line(&name, work.map_or_else(|| "idle".to_owned(), |work| slot_told(work, files)));
    }
    line("limits", format!("lost after {} s without a word", LEASE_MS / 1_000));
    for offer in &worker.offers {
        let mut limits = format!("at most {}", seconds(offer.attempt_ms_max));
        if let Some(quiet_ms) = offer.quiet_ms_max {
            let _ = write!(limits, ", {} without progress", seconds(quiet_ms));
        }
        let withdrawn = worker.withdrawn.iter().find(|it| it.operation == offer.operation);
        let cause = withdrawn.map(|it| format!("; no more: withdrawn after {}", it.cause));
        let cause = cause.unwrap_or_default();
        let what = match older::meant(&offer.operation) {
            Some(operation) => format!("{operation}, version {OLDER_VERSION}"),
            None => format!("{}, version {}", offer.operation, offer.version),
        };
        line("offers", format!("{what}: {limits}{cause}"));
    }
    let offered = |operation: &String| worker.offers.iter().any(|it| it.operation == *operation);
    for Withdrawal { operation, cause } in &worker.withdrawn {
        if !offered(operation) {
            line("offers", format!("{operation} no more: withdrawn after {cause}"));
        }
    }
    text
}

/// What a slot does, and for how long.
pub(crate) fn slot_told(work: &SlotWork, files: &BTreeMap<TaskId, String>) -> String {
    let SlotWork { running, operation } = work;
    let seconds = running.elapsed_ms as f64 / 1_000.0;
    let operation = operation.as_deref().unwrap_or("something");
    let task = running.task;
    let file = files.get(&task).map_or_else(String::new, |file| format!(", {file},"));
    format!("{operation} of task {task}{file} for {seconds:.1} s")
}

fn told_absent(worker: &AbsentWorker) -> String {
    let name = &worker.name;
    let seen = match worker.seen_ms_ago {
        Some(ms) => format!("last heard {}", ago(ms)),
        None => "not heard since this master began".to_owned(),
    };
    let drained =
        if worker.draining { "; drained: it gets nothing when it comes back" } else { "" };
    format!(
        "worker {name} is not connected, {seen}{drained}\n`windlass worker rm {name}` forgets it.\n"
    )
}

/// How many cores' worth of time it takes.
fn cores(usage: Usage) -> f64 {
    f64::from(usage.cpu_millicores) / 1_000.0
}

/// CPU and memory; `-` where a worker does not know.
pub(crate) fn used(usage: Option<Usage>) -> (String, String) {
    let dash = || "-".to_owned();
    let Some(usage) = usage else { return (dash(), dash()) };
    (format!("{:.0}%", cores(usage) * 100.0), memory(usage.resident_bytes))
}

/// Memory in few characters: `999K`, `1.5M`, `24M`, `3.2G`.
fn memory(bytes: u64) -> String {
    let mut amount = bytes as f64 / 1_024.0;
    for unit in ["K", "M", "G"] {
        if amount < 9.95 && unit != "K" {
            return format!("{amount:.1}{unit}");
        }
        if amount < 999.5 {
            return format!("{amount:.0}{unit}");
        }
        amount /= 1_024.0;
    }
    format!("{amount:.1}T")
}

fn ago(ms: u64) -> String {
    match ms {
        0..10_000 => format!("{:.1} s ago", ms as f64 / 1_000.0),
        10_000..120_000 => format!("{} s ago", ms / 1_000),
        120_000..7_200_000 => format!("{} min ago", ms / 60_000),
        _ => format!("{} h ago", ms / 3_600_000),
    }
}

fn seconds(ms: u64) -> String {
    format!("{} s", ms / 1_000)
}
