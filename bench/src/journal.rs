//! `journal-loop`: events written to a journal and replayed, and a large state opened, measured.
//!
//! An event is an entry that settles one task: the smallest thing that is recorded of work.

mod meter;

use clap::Parser;
use meter::Meter;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use windlass_core::ledger::{
    Batch, ChunkRef, Counts, Entry, JobSpec, Ledger, PhaseSpec, Results, SettledRun,
};
use windlass_core::{
    AttemptId, BlobId, Epoch, JobId, LogTime, PhaseId, PhaseIndex, RequestId, Round, TaskIndex,
};
use windlass_journal::{Engine, FileLog, FileSnapshots, Head, Snapshot, Snapshots, StateLock};
use windlass_master::recovery::{Restored, restore};

/// Writes events to a journal in DIR and replays them; opens a state of many tasks; prints a JSON
/// line.
#[derive(Debug, Parser)]
#[command(name = "journal-loop", version)]
struct Arguments {
    /// Events to be written and replayed
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    events: u32,
    /// Events of a record
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    batch: u32,
    /// Tasks of the state that is opened, each with a result
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    tasks: u32,
    /// An empty folder
    dir: PathBuf,
}

/// What was done, and what the system or the journal said.
type Failed = Box<dyn std::error::Error>;

const PHASE: PhaseId = PhaseId { job: JobId(1), phase: PhaseIndex(0) };

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "journal-loop: failed to {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failed> {
    let events = arguments.dir.join("events");
    let bodies = bodies(arguments.events, arguments.batch);
    let body_bytes: usize = bodies.iter().map(Vec::len).sum();
    let meter = Meter::start();
    write(&events, &bodies)?;
    let written = meter.stop();
    drop(bodies);
    let meter = Meter::start();
    let (counts, _) = open(&events)?;
    let replayed = meter.stop();
    assert_eq!(counts.succeeded, arguments.events, "every event is in the state");

    let tasks = arguments.dir.join("tasks");
    let bodies = task_bodies(arguments.tasks);
    write(&tasks, &bodies)?;
    let meter = Meter::start();
    let (counts, state) = open(&tasks)?;
    let from_log = meter.stop();
    assert_eq!(counts.succeeded, arguments.tasks, "every task is in the state");
    keep(&tasks, &state)?;
    let meter = Meter::start();
    let (counts, _) = open(&tasks)?;
    let from_snapshot = meter.stop();
    assert_eq!(counts.succeeded, arguments.tasks, "every task is in the snapshot");

    let line = json!({
        "events": arguments.events,
        "records": arguments.events.div_ceil(arguments.batch),
        "event_bytes": body_bytes / arguments.events as usize,
        "write_s": written.wall_s,
        "write_cpu_s": written.cpu_s,
        "replay_s": replayed.wall_s,
        "replay_cpu_s": replayed.cpu_s,
        "tasks": arguments.tasks,
        "open_from_log_s": from_log.wall_s,
        "open_from_snapshot_s": from_snapshot.wall_s,
        "peak_rss_mb": meter::peak_rss_mb(),
    });
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// A job of so many tasks, without inputs.
fn beginning(task_count: u32) -> Vec<u8> {
    let phase = PhaseSpec::plain("noop", 1);
    let spec =
        JobSpec { name: "bench".to_owned(), fingerprint: 1, phases: vec![phase], memorandum: None };
    let chunk = ChunkRef::Count;
    let added = Entry::TasksAdded { phase: PHASE, first: TaskIndex(0), count: task_count, chunk };
    body(&[Entry::JobSubmitted { request: RequestId(1), spec }, added])
}

fn body(entries: &[Entry]) -> Vec<u8> {
    let mut body = Vec::new();
    Batch::begin(LogTime(1), &mut body);
    entries.iter().for_each(|entry| entry.encode(&mut body));
    body
}

fn settled(first: u32, results: Results) -> Entry {
    let attempt = AttemptId { epoch: Epoch(1), counter: u64::from(first) };
    let first = TaskIndex(first);
    Entry::TasksSettled {
        runs: vec![SettledRun { phase: PHASE, round: Round(0), first, attempt, results }],
    }
}

/// One entry an event.
fn bodies(event_count: u32, batch: u32) -> Vec<Vec<u8>> {
    let mut bodies = vec![beginning(event_count)];
    for first in (0..event_count).step_by(batch as usize) {
        let last = event_count.min(first + batch);
        let entries: Vec<Entry> =
            (first..last).map(|index| settled(index, Results::Empty(1))).collect();
        bodies.push(body(&entries));
    }
    bodies
}

/// Runs of 500 tasks, as a busy master records them, each task with a result of its own.
fn task_bodies(task_count: u32) -> Vec<Vec<u8>> {
    const RUN: u32 = 500;
    let mut bodies = vec![beginning(task_count)];
    for first in (0..task_count).step_by(RUN as usize) {
        let indexes = first..task_count.min(first + RUN);
        let manifests = indexes.map(|index| BlobId::of(&index.to_le_bytes())).collect();
        bodies.push(body(&[settled(first, Results::Manifests(manifests))]));
    }
    bodies
}

fn write(state: &Path, bodies: &[Vec<u8>]) -> Result<(), Failed> {
    let mut log = Engine::File(FileLog::open(&StateLock::acquire(state)?)?);
    let mut head = Head::default();
    for body in bodies {
        let record = head.record(Epoch(0), u128::from(head.seq.0), body.clone());
        log.append(&record)?;
        head = Head::of(&record);
    }
    Ok(())
}

/// Opens a state as a master does at its start.
fn open(state: &Path) -> Result<(Counts, (Head, Ledger)), Failed> {
    let lock = StateLock::acquire(state)?;
    let mut log = Engine::File(FileLog::open(&lock)?);
    let Restored { replay, .. } = restore(&mut log, &Snapshots::File(FileSnapshots::open(&lock)?))?;
    let counts = replay.ledger.jobs.values().map(|job| job.counts()).next().unwrap_or_default();
    Ok((counts, (replay.head, replay.ledger)))
}

/// Stores a snapshot of the state.
fn keep(state: &Path, (head, ledger): &(Head, Ledger)) -> Result<(), Failed> {
    let store = Snapshots::File(FileSnapshots::open(&StateLock::acquire(state)?)?);
    store.put(&Snapshot { head: *head, body: ledger.encode_snapshot() })?;
    Ok(())
}
