//! `windlass cluster`: what a running cluster does, and how its calls are shared out.

use crate::CliError;
use crate::arguments::{ClusterArguments, ClusterCommand};
use crate::place::Place;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write;
use windlass_core::balance::Strategy;
use windlass_core::session::Withdrawal;
use windlass_wire::ClusterView;

pub(crate) fn cluster(arguments: &ClusterArguments) -> Result<u8, CliError> {
    let place = &arguments.place;
    let place = Place::of(place.master.as_deref(), &place.access, place.state.as_deref(), 0)?;
    match &arguments.command {
        ClusterCommand::Status { json } => {
            let view = place.running()?.status().map_err(CliError::failed)?;
            let text = if *json { format!("{:#}\n", to_json(&view)) } else { to_text(&view) };
            let _ = std::io::stdout().write_all(text.as_bytes());
        }
        ClusterCommand::Set { setting: (key, value) } => {
            let Some(operation) = key.strip_prefix("strategy.") else {
                return Err(CliError::usage(format!(
                    "there is no setting {key}: write strategy.OPERATION=NAME"
                )));
            };
            let operation = crate::settings::operation(operation)?.spec.name;
            let strategy: Strategy =
                value.parse().map_err(|error| CliError::usage(format!("{key}: {error}")))?;
            place.running()?.set_strategy(operation, strategy).map_err(CliError::failed)?;
        }
    }
    Ok(0)
}

fn to_text(view: &ClusterView) -> String {
    let mut text = format!("cluster {:032x}, epoch {}\n", view.cluster, view.epoch);
    if view.waits_for_room {
        text.push_str("The disk of its state is full: nothing is recorded until there is room.\n");
    }
    if view.workers.is_empty() {
        text.push_str("No worker is connected: `windlass worker --join` brings one.\n");
    }
    for worker in &view.workers {
        // Writing to a string cannot fail.
        let (busy, slots) = (worker.running.len(), worker.slots);
        let _ = writeln!(text, "worker {}: {busy} of {slots} slots at work", worker.name);
        for running in &worker.running {
            let seconds = running.elapsed_ms as f64 / 1_000.0;
            let _ = writeln!(text, "  task {} for {seconds:.1} s", running.task);
        }
        for Withdrawal { operation, cause } in &worker.withdrawn {
            let _ = writeln!(text, "  offers {operation} no more: withdrawn after {cause}");
        }
    }
    for (operation, unserved) in &view.unserved {
        let _ = writeln!(text, "{}", unserved.told(operation));
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

fn to_json(view: &ClusterView) -> Value {
    let workers: Vec<Value> = view
        .workers
        .iter()
        .map(|worker| {
            let running: Vec<Value> = worker
                .running
                .iter()
                .map(|running| {
                    json!({
                        "slot": running.slot,
                        "task": running.task.to_string(),
                        "elapsed_ms": running.elapsed_ms,
                        "quiet_ms": running.quiet_ms,
                    })
                })
                .collect();
            let withdrawn =
                worker.withdrawn.iter().map(|it| (it.operation.clone(), json!(it.cause)));
            json!({
                "name": worker.name.0,
                "slots": worker.slots,
                "running": running,
                "withdrawn": withdrawn.collect::<serde_json::Map<_, _>>(),
            })
        })
        .collect();
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
    let unserved = view.unserved.iter().map(|(name, it)| (name.clone(), json!(it.task_count)));
    json!({
        "version": 1,
        "cluster": format!("{:032x}", view.cluster),
        "epoch": view.epoch.0,
        "workers": workers,
        "unserved": unserved.collect::<serde_json::Map<_, _>>(),
        "waits_for_room": view.waits_for_room,
        "open_calls": view.calls.open_count,
        "calls": calls,
    })
}
