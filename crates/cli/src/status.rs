//! `windlass cluster`: what a running cluster does, and how its calls are shared out.

use crate::arguments::{ClusterArguments, ClusterCommand};
use crate::place::Place;
use crate::{CliError, jobs, settings, workers};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use windlass_client::report::text::printable;
use windlass_core::TaskId;
use windlass_core::balance::Strategy;
use windlass_core::session::Withdrawal;
use windlass_core::steering::Act;
use windlass_core::view::{ClusterView, JobView, Stall, WaitingWorker};
use windlass_core::words::counted;

pub(crate) fn cluster(arguments: &ClusterArguments) -> Result<u8, CliError> {
    let place = &arguments.place;
    let place = Place::of(place.master.as_deref(), &place.access, place.state.as_deref(), 0)?;
    match &arguments.command {
        ClusterCommand::Status { json } => {
            let cluster = place.running()?;
            let view = cluster.status().map_err(CliError::of_cluster)?;
            let mut paused = cluster.jobs().map_err(CliError::of_cluster)?;
            paused.retain(|job| job.paused.is_some());
            let text = if *json {
                let mut told = to_json(&view);
                told["paused_jobs"] = paused.iter().map(|job| job.id.0).collect();
                format!("{told:#}\n")
            } else {
                let files = workers::files_at_work(&cluster, &view.workers);
                to_text(&view, &files) + &paused_jobs(&paused)
            };
            crate::print(&text);
        }
        ClusterCommand::Set { setting: (key, value) } => {
            let Some(operation) = key.strip_prefix("strategy.") else {
                return Err(CliError::usage(format!(
                    "there is no setting {key}: write strategy.OPERATION=NAME"
                )));
            };
            let operation = callable(operation)?;
            let strategy: Strategy =
                value.parse().map_err(|error| CliError::usage(format!("{key}: {error}")))?;
            place.running()?.set_strategy(operation, strategy).map_err(CliError::of_cluster)?;
        }
        ClusterCommand::ConfirmClock => workers::steer(&place.running()?, &Act::ConfirmClock)?,
    }
    Ok(0)
}

/// The full name of an operation for which workers are chosen.
fn callable(name: &str) -> Result<&'static str, CliError> {
    let spec = settings::operation(name)?.spec;
    if spec.is_callable() {
        return Ok(spec.name);
    }
    let callable = settings::operations().into_iter().filter(|spec| spec.is_callable());
    let callable: Vec<&str> = callable.map(|spec| spec.name).collect();
    Err(CliError::usage(format!(
        "strategy.{}: a strategy chooses who answers a call, and {} cannot be called; these can: {}",
        spec.name,
        spec.name,
        callable.join(", ")
    )))
}

fn to_text(view: &ClusterView, files: &BTreeMap<TaskId, String>) -> String {
    let mut text = format!("cluster {:032x}, epoch {}\n", view.cluster, view.epoch);
    if view.workers.is_empty() {
        text.push_str("No worker is connected: `windlass worker --join HOST:PORT` brings one.\n");
    }
    for worker in &view.workers {
        // Writing to a string cannot fail.
        let (name, busy, slots) = (&worker.name, worker.running.len(), worker.slots);
        let drained = if worker.draining { ", drained" } else { "" };
        // They have no slots.
        let calls = match worker.held_call_count {
            0 => String::new(),
            count => format!(", {}", counted(count.into(), "call")),
        };
        let _ = writeln!(text, "worker {name}: {busy} of {slots} slots at work{calls}{drained}");
        for work in &worker.running {
            let _ = writeln!(text, "  {}", workers::slot_told(work, files));
        }
        for Withdrawal { operation, cause } in &worker.withdrawn {
            let _ = writeln!(text, "  offers {operation} no more: withdrawn after {cause}");
        }
    }
    let absent = view.absent_workers.iter().map(|worker| worker.name.0.as_str());
    let absent: Vec<&str> = absent.collect();
    if !absent.is_empty() {
        let _ = writeln!(text, "not connected: {}", absent.join(", "));
    }
    for WaitingWorker { name, place, waits_ms } in &view.waiting_workers {
        let seconds = *waits_ms as f64 / 1_000.0;
        let _ = writeln!(
            text,
            "worker {name} at {place} waits for {seconds:.1} s for its name, which another one has"
        );
    }
    for Stall { told, next_step, .. } in &view.stalls {
        let _ = writeln!(text, "! {told}\n  → {next_step}");
    }
    for (operation, calls) in &view.calls.operations {
        // Most operations are never called.
        let is_called = calls.waiting_count > 0 || calls.served.values().any(|count| *count > 0);
        if !is_called && calls.strategy == Strategy::default() {
            continue;
        }
        let _ = write!(text, "calls of {operation}: {}", calls.strategy);
        for (worker, count) in &calls.served {
            let _ = write!(text, ", {worker} {count}");
        }
        if calls.waiting_count > 0 {
            let _ = write!(text, "; {} wait", calls.waiting_count);
        }
        text.push('\n');
    }
    text
}

/// Jobs that somebody holds back, a line each.
fn paused_jobs(jobs: &[JobView]) -> String {
    let line = |job: &JobView| {
        let id = job.id;
        let to_do = jobs::files(job.file_counts().pending.into());
        let by = job.paused.as_ref().map(|paused| printable(paused.by.as_bytes()));
        let by = by.unwrap_or_default();
        format!("job {id} is paused by {by}: {to_do} to do; `windlass job resume {id}`\n")
    };
    jobs.iter().map(line).collect()
}

fn to_json(view: &ClusterView) -> Value {
    let calls: serde_json::Map<String, Value> = view
        .calls
        .operations
        .iter()
        .map(|(operation, calls)| {
            let served: serde_json::Map<String, Value> =
                calls.served.iter().map(|(name, count)| (name.0.clone(), json!(count))).collect();
            let value = json!({
                "strategy": calls.strategy.name(),
                "waiting": calls.waiting_count,
                "served": served,
            });
            (operation.clone(), value)
        })
        .collect();
    let stalls = view.stalls.iter().map(|stall| {
        json!({
            "kind": stall.kind.label(),
            "about": stall.about,
            "tasks": stall.task_count,
            "told": stall.told,
            "next_step": stall.next_step,
        })
    });
    json!({
        "version": 1,
        "cluster": format!("{:032x}", view.cluster),
        "epoch": view.epoch.0,
        "workers": workers::all_json(view),
        "waiting_workers": workers::waiting_json(view),
        "stalls": stalls.collect::<Vec<_>>(),
        "waits_for_room": view.waits_for_room,
        "open_calls": view.calls.open_count,
        "calls": calls,
    })
}
