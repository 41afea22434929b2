//! How soon a task runs elsewhere, once its worker is killed or says nothing any more.

use crate::{Drip, LoopError};
use clap::ValueEnum;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::thread;
use std::time::{Duration, Instant};
use windlass_core::TaskId;
use windlass_core::view::{ClusterView, WorkerView};
use windlass_wire::Client;

/// How long a task may take until a worker tells that it is at it: some signs of life.
const PATIENCE: Duration = Duration::from_secs(10);

/// What happens to a worker.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum End {
    /// It dies, and its connection closes.
    Kill,
    /// It stands still, and its connection stays open.
    Stop,
}

/// A cluster, and a task that sleeps there.
pub(crate) struct Held {
    pub(crate) client: Client,
    pub(crate) sleep_ms: u64,
}

impl Held {
    /// Gives the cluster a task, and ends the worker that has it; the task then begins anew on
    /// another one. What it takes from the signal to its end, less its sleep, is the takeover.
    pub(crate) fn measure(
        &self,
        processes: &[(String, i32)],
        end: End,
    ) -> Result<Value, LoopError> {
        let mut drip = Drip::new(self.client.clone(), self.sleep_ms)?;
        let task = drip.add()?;
        let (worker, heard_ms_ago) = self.holder(task)?;
        let process = processes.iter().find(|(name, _)| *name == worker).map(|(_, id)| *id);
        let process = process.and_then(Pid::from_raw);
        let process = process.ok_or_else(|| LoopError::NoProcess(worker.clone()))?;
        let signal = match end {
            End::Kill => Signal::KILL,
            End::Stop => Signal::STOP,
        };
        kill_process(process, signal)?;
        let began = Instant::now();
        drip.settled(task)?;
        let took_ms = began.elapsed().as_secs_f64() * 1e3 - self.sleep_ms as f64;
        drip.close()?;
        Ok(json!({"worker": worker, "after_ms": took_ms, "heard_ms_ago": heard_ms_ago}))
    }

    /// Who is at work on the task, and how long ago it was heard.
    fn holder(&self, task: TaskId) -> Result<(String, u64), LoopError> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let status: ClusterView = self.client.status()?;
            let is_at_it =
                |worker: &&WorkerView| worker.running.iter().any(|work| work.running.task == task);
            if let Some(worker) = status.workers.iter().find(is_at_it) {
                return Ok((worker.name.0.clone(), worker.heard_ms_ago));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(LoopError::NotHeld(PATIENCE))
    }
}

/// `NAME=ID`
pub(crate) fn process(text: &str) -> Result<(String, i32), String> {
    let (name, id) = text.split_once('=').ok_or("it is no NAME=ID")?;
    let id = id.parse().map_err(|error| format!("{id} is no process: {error}"))?;
    Ok((name.to_owned(), id))
}
