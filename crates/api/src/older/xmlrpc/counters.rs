//! The workers of the older MapReduce: they come by XML-RPC and ask for text to count its words.
//!
//! Each is a worker whose tasks lie on a desk until it comes for them. It takes part in
//! `word_count` with `tokens=ws` where the user says so (`workers=older`); what it cannot take goes
//! to others.

mod counts;
mod desk;

use super::message::Value;
use crate::node::Node;
use crate::older::foreign::{self, Ended, Identity, Order, Piece, Program, shown, worker_name};
use desk::Desk;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::info;
use windlass_core::older::OLDER_VERSION;
use windlass_core::{Failure, FailureKind, WorkerName};
use windlass_wire::BlobHost;

/// Longest text that such a worker gets.
const TEXT_BYTES_MAX: u64 = 64 << 10;
/// How long a worker that asks for a task waits for one, before it hears that there is none.
const PATIENCE: Duration = Duration::from_secs(1);
/// One that has no task and does not ask for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Workers that may come.
const WORKER_COUNT_MAX: usize = 1_024;
const TASK: &str = "word_count";

/// All that have come.
pub(super) struct Counters {
    node: Node,
    /// How long one may take for a task.
    limit: Duration,
    known: Mutex<BTreeMap<String, Arc<Counter>>>,
    next_task: AtomicI32,
}

/// One of them.
struct Counter {
    node: Node,
    name: WorkerName,
    limit: Duration,
    desk: Desk,
    /// When it has called last.
    heard_at: Mutex<Instant>,
}

impl Counters {
    pub(super) fn new(node: Node, limit: Duration) -> Arc<Counters> {
        let (known, next_task) = (Mutex::default(), AtomicI32::new(1));
        Arc::new(Counters { node, limit, known, next_task })
    }

    /// One says that it is there.
    pub(super) fn register(self: &Arc<Counters>, address: &str) -> Result<Value, String> {
        self.counter(address)?;
        Ok(Value::Text(format!("Worker {address} registered.")))
    }

    /// One asks for a task: its number and its text, or two times nothing.
    pub(super) async fn request_task(self: &Arc<Counters>, address: &str) -> Result<Value, String> {
        let counter = self.counter(address)?;
        let until = Instant::now() + PATIENCE;
        loop {
            let arrived = counter.desk.arrived();
            let number =
                || self.next_task.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after);
            if let Some((task, text)) = counter.desk.take(|| number().unwrap_or(1)) {
                return Ok(Value::Array(vec![Value::Int(task.into()), Value::Text(text)]));
            }
            if timeout_at(until, arrived).await.is_err() {
                return Ok(Value::Array(vec![Value::Nil, Value::Nil]));
            }
        }
    }

    /// One has counted; answers whether that is still wanted.
    pub(super) fn complete_task(
        self: &Arc<Counters>,
        task: i64,
        address: &str,
        counted: &Value,
    ) -> Result<Value, String> {
        let counter = self.counter(address)?;
        let is_taken = i32::try_from(task).is_ok_and(|task| counter.desk.give(task, counted));
        Ok(Value::Bool(is_taken))
    }

    /// The worker of an address, also of one that has not registered here: it may have done so
    /// before this master began.
    fn counter(self: &Arc<Counters>, address: &str) -> Result<Arc<Counter>, String> {
        let mut known = self.known();
        if let Some(counter) = known.get(address) {
            counter.on_heard();
            return Ok(Arc::clone(counter));
        }
        if known.len() >= WORKER_COUNT_MAX {
            return Err(format!("there are {WORKER_COUNT_MAX} workers already"));
        }
        let counter = Arc::new(Counter {
            node: self.node.clone(),
            name: worker_name("counter", address),
            limit: self.limit,
            desk: Desk::default(),
            heard_at: Mutex::new(Instant::now()),
        });
        known.insert(address.to_owned(), Arc::clone(&counter));
        let identity = Identity {
            name: counter.name.clone(),
            place: format!("{}, a worker of the older MapReduce", shown(address)),
            operations: vec![TASK.to_owned()],
            slots: 1,
            limit: self.limit,
        };
        let (counters, kept) = (Arc::clone(self), Arc::clone(&counter));
        let address = address.to_owned();
        tokio::spawn(async move {
            let why = foreign::work(&counters.node, &identity, &kept).await;
            info!(worker = %kept.name, why, "it gets no work until it asks again");
            // Then it is as one that has never called.
            counters.known().remove(&address);
        });
        Ok(counter)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Counter>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counter {
    fn on_heard(&self) {
        *self.heard_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn heard_at(&self) -> Instant {
        *self.heard_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failure(&self, kind: FailureKind, what: &str) -> Ended {
        let next_step = "See what the worker's own log says; the file is tried elsewhere first.";
        let cause = format!("the worker {} {what}", self.name);
        Ended::Failed(Failure::new(kind, "older_worker_failed", cause, next_step))
    }
}

impl Program for Counter {
    async fn make(self: Arc<Self>, order: Order) -> Ended {
        let Some(text) = text(self.node.clone(), &order).await else { return Ended::NotForIt };
        let laid = self.desk.lay(text);
        let until = Instant::now() + self.limit;
        if timeout_at(until, laid.taken).await.is_err() {
            self.desk.clear();
            return Ended::Gone(format!("it has not come for {} s", self.limit.as_secs_f32()));
        }
        let until = Instant::now() + self.limit;
        let Ok(counted) = timeout_at(until, laid.counted).await else {
            self.desk.clear();
            let what = format!("has not answered within {} s", self.limit.as_secs_f32());
            return self.failure(FailureKind::TimedOut, &what);
        };
        let counts = match counted {
            Ok(Ok(counts)) => counts,
            Ok(Err(why)) => return self.failure(FailureKind::Crashed, &why),
            // Nobody else clears the desk while this waits.
            Err(_) => return self.failure(FailureKind::Crashed, "has lost the task"),
        };
        let mut notes = vec![format!(
            "made by {}, a worker of the older MapReduce, by version {OLDER_VERSION} of {TASK}",
            self.name
        )];
        if counts.is_empty() {
            notes.push("the file holds no word".to_owned());
        }
        let bytes = counts::as_json(&counts);
        let name = format!("{{base}}_{TASK}.json");
        Ended::Made(Piece { name, media_type: "application/json", bytes }, notes)
    }

    async fn end(self: Arc<Self>) -> String {
        loop {
            let until = self.heard_at() + SILENCE_MAX;
            if Instant::now() >= until && self.desk.is_clear() {
                return format!("it has not asked for {} s", SILENCE_MAX.as_secs());
            }
            sleep_until(until.max(Instant::now() + PATIENCE)).await;
        }
    }
}

/// The number of the next task: positive, in 32 bits.
fn after(number: i32) -> Option<i32> {
    Some(number.checked_add(1).unwrap_or(1))
}

/// The text of a task, if such a worker can take it.
async fn text(node: Node, order: &Order) -> Option<String> {
    if order.operation != TASK || order.input.size > TEXT_BYTES_MAX {
        return None;
    }
    let task = order.task;
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        let source = node.read_input(task).ok()?;
        source.take(TEXT_BYTES_MAX + 1).read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        // What marks the encoding is no part of the text.
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        text.chars().all(counts::is_allowed).then_some(text)
    });
    read.await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_tasks_stay_positive_and_in_32_bits() {
        assert_eq!(after(1), Some(2));
        assert_eq!(after(i32::MAX), Some(1));
    }
}
