//! Workers as JSON, the same wherever one is told.

use super::cores;
use serde_json::{Map, Value, json};
use windlass_core::limits::LEASE_MS;
use windlass_core::view::{AbsentWorker, ClusterView, SlotWork, WaitingWorker, WorkerView};

pub(super) fn list_json(view: &ClusterView) -> Value {
    json!({ "version": 1, "workers": all_json(view), "waiting": waiting_json(view) })
}

/// All workers, connected or not.
pub(crate) fn all_json(view: &ClusterView) -> Vec<Value> {
    let here = view.workers.iter().map(worker_json);
    here.chain(view.absent_workers.iter().map(absent_json)).collect()
}

/// Workers that wait for a name that another one has.
pub(crate) fn waiting_json(view: &ClusterView) -> Vec<Value> {
    let told = |WaitingWorker { name, place, waits_ms }: &WaitingWorker| json!({ "name": name.0, "where": place, "waits_ms": waits_ms });
    view.waiting_workers.iter().map(told).collect()
}

pub(super) fn worker_json(worker: &WorkerView) -> Value {
    let running = worker.running.iter().map(|SlotWork { running, operation }| {
        json!({
            "slot": running.slot,
            "task": running.task.to_string(),
            "operation": operation,
            "elapsed_ms": running.elapsed_ms,
            "quiet_ms": running.quiet_ms,
        })
    });
    let withdrawn = worker.withdrawn.iter().map(|it| (it.operation.clone(), json!(it.cause)));
    let offers = worker.offers.iter().map(|offer| {
        let limits = json!({
            "version": offer.version,
            "attempt_ms_max": offer.attempt_ms_max,
            "quiet_ms_max": offer.quiet_ms_max,
        });
        (offer.operation.clone(), limits)
    });
    json!({
        "name": worker.name.0,
        "connected": true,
        "where": worker.place,
        "slots": worker.slots,
        "draining": worker.draining,
        "heard_ms_ago": worker.heard_ms_ago,
        "cpu_cores": worker.usage.map(cores),
        "resident_bytes": worker.usage.map(|usage| usage.resident_bytes),
        "held_tasks": worker.held_count,
        "held_calls": worker.held_call_count,
        "credit": worker.credit,
        "lease_ms": LEASE_MS,
        "settled_tasks": worker.task_count,
        "served_calls": worker.call_count,
        "running": running.collect::<Vec<_>>(),
        "offers": offers.collect::<Map<_, _>>(),
        "withdrawn": withdrawn.collect::<Map<_, _>>(),
    })
}

pub(super) fn absent_json(worker: &AbsentWorker) -> Value {
    json!({
        "name": worker.name.0,
        "connected": false,
        "draining": worker.draining,
        "heard_ms_ago": worker.seen_ms_ago,
    })
}
