//! The slaves of that service: who has registered, and whether it is there.
//!
//! A slave registers before it listens, perhaps twice, and never again. So whoever has said once
//! where it will be is asked for a sign of life from then on, also after it was silent, and after
//! a new start of this master.

use super::kinds::Kind;
use super::slave::Slave;
use super::together::Together;
use crate::node::Node;
use crate::older::foreign::{self, Identity};
use crate::older::http::Target;
use crate::older::signs;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tracing::{info, warn};
use windlass_core::WorkerName;

/// What the names of slaves begin with.
const NAME: &str = "older-slave-";
/// Each is asked for signs of life for as long as the master runs.
const SLAVE_COUNT_MAX: usize = 1_024;
/// Files that a slave gets at once, each in a request of its own.
const SLOT_COUNT: u32 = 2;

/// All that have registered.
pub(super) struct Slaves {
    node: Node,
    /// How long one may take for a request.
    limit: Duration,
    /// Each with what makes it be asked at once.
    known: Mutex<BTreeMap<Target, Arc<Notify>>>,
    together: Arc<Together>,
}

impl Slaves {
    pub(super) fn new(node: Node, limit: Duration) -> Arc<Slaves> {
        Arc::new(Slaves { node, limit, known: Mutex::default(), together: Arc::default() })
    }

    /// One says where it will be. `false`: there are too many of them.
    pub(super) fn register(self: &Arc<Slaves>, target: Target) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wake) = known.get(&target) {
            // Its next start, perhaps.
            wake.notify_one();
            return true;
        }
        if known.len() >= SLAVE_COUNT_MAX {
            return false;
        }
        info!(slave = %target, "a slave of the older file service has registered");
        let wake = Arc::new(Notify::new());
        known.insert(target.clone(), Arc::clone(&wake));
        drop(known);
        let slaves = Arc::clone(self);
        tokio::spawn(async move { slaves.keep(target, &wake).await });
        true
    }

    /// Looks for those that have worked for this cluster before.
    pub(super) fn find_known(self: &Arc<Slaves>) {
        let slaves = Arc::clone(self);
        let handle = self.node.handle.clone();
        tokio::spawn(async move {
            let status = tokio::task::spawn_blocking(move || handle.status()).await;
            let Ok(Ok(status)) = status else { return };
            for worker in status.absent_workers {
                let target = worker.name.0.strip_prefix(NAME).and_then(Target::of_name);
                if target.is_some_and(|target| !slaves.register(target)) {
                    return;
                }
            }
        });
    }

    /// Has a slave work whenever it is there.
    async fn keep(&self, target: Target, wake: &Notify) {
        let name = WorkerName(format!("{NAME}{}", target.as_name()));
        let identity = Identity {
            name: name.clone(),
            place: format!("{target}, a slave of the older file service"),
            operations: Kind::operations(),
            slots: SLOT_COUNT,
            limit: self.limit,
        };
        let (node, together) = (self.node.clone(), Arc::clone(&self.together));
        let slave = Arc::new(Slave::new(node, target, name.clone(), self.limit, together));
        let mut is_new = true;
        loop {
            signs::wait(&name.0, is_new, wake, || slave.gives_a_sign()).await;
            let why = foreign::work(&self.node, &identity, &slave).await;
            warn!(worker = %name, why, "the slave gets no work until it gives a sign of life");
            is_new = false;
        }
    }
}
