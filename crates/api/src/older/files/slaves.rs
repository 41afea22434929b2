//! The slaves of that service: who has registered, and whether it is there.
//!
//! A slave registers before it listens, perhaps twice, and never again. So whoever has said once
//! where it will be is asked for a sign of life from then on, also after it was silent, and after
//! a new start of this master.

use super::kinds::Kind;
use super::slave::Slave;
use super::together::Together;
use crate::node::Node;
use crate::older::foreign::Identity;
use crate::older::http::Target;
use crate::older::known::{Known, Registered};
use std::sync::Arc;
use std::time::Duration;
use windlass_core::WorkerName;

/// What the names of slaves begin with.
const NAME: &str = "older-slave-";
/// Files that a slave gets at once, each in a request of its own.
const SLOT_COUNT: u32 = 2;

/// All that have registered.
pub(super) struct Slaves {
    node: Node,
    /// How long one may take for a request.
    limit: Duration,
    known: Known<Target, Slave>,
    together: Arc<Together>,
}

impl Slaves {
    pub(super) fn new(node: Node, limit: Duration) -> Arc<Slaves> {
        let known = Known::new(node.clone());
        Arc::new(Slaves { node, limit, known, together: Arc::default() })
    }

    /// One says where it will be. `false`: there are too many of them.
    pub(super) fn register(&self, target: Target) -> bool {
        let known = self.known.enter(target.clone(), || self.slave(target));
        // Its next start, perhaps.
        known.as_ref().inspect(|slave| slave.presence().wake()).is_some()
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

    fn slave(&self, target: Target) -> (Identity, Slave) {
        let name = WorkerName(format!("{NAME}{}", target.as_name()));
        let identity = Identity {
            name: name.clone(),
            place: format!("{target}, a slave of the older file service"),
            operations: Kind::operations(),
            slots: SLOT_COUNT,
            limit: self.limit,
        };
        let together = Arc::clone(&self.together);
        (identity, Slave::new(self.node.clone(), target, name, self.limit, together))
    }
}
