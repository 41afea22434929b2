//! Connections that have shown nothing yet: how many may wait, and who goes when there are more.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;

/// Connections that have shown nothing yet. A good one has within milliseconds. Half of the
/// descriptors that a process commonly has: the rest is for those who work, and for the journal.
const STRANGER_COUNT_MAX: usize = 512;

/// Who waits, by when he came.
#[derive(Default)]
pub(crate) struct Lobby {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    strangers: BTreeMap<u64, AbortHandle>,
}

/// A connection's place; it leaves once it has shown what it wants, or when it is dropped.
pub(crate) struct Place {
    lobby: Arc<Lobby>,
    number: u64,
    has_left: AtomicBool,
}

impl Lobby {
    /// Lets in a connection that this task serves. Where there is no room, the one that has waited
    /// longest is ended: whoever means well is no stranger for so long.
    pub(crate) fn enter(self: &Arc<Lobby>, task: AbortHandle) -> Place {
        let mut waiting = self.waiting();
        if waiting.strangers.len() >= STRANGER_COUNT_MAX
            && let Some((_, oldest)) = waiting.strangers.pop_first()
        {
            oldest.abort();
        }
        let number = waiting.next;
        waiting.next += 1;
        waiting.strangers.insert(number, task);
        Place { lobby: Arc::clone(self), number, has_left: AtomicBool::new(false) }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The connection is no stranger any more.
    pub(crate) fn leave(&self) {
        // Each request comes by here, and only the first one has something to do.
        if !self.has_left.swap(true, Ordering::Relaxed) {
            self.lobby.waiting().strangers.remove(&self.number);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::runtime::Builder;

    #[test]
    fn the_oldest_stranger_makes_room_and_who_has_left_stays() {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let lobby = Arc::new(Lobby::default());
        let enter = || {
            let task = runtime.spawn(std::future::pending::<()>());
            (lobby.enter(task.abort_handle()), task)
        };
        let mut tasks: Vec<_> = (0..STRANGER_COUNT_MAX).map(|_| enter()).collect();
        tasks[0].0.leave();
        tasks[0].0.leave();
        // One has left and one has ended: there is room for two.
        drop(tasks.pop());
        tasks.extend([enter(), enter()]);
        // The one behind it has waited longest now.
        let (_place, oldest) = tasks.remove(1);
        tasks.push(enter());
        assert!(runtime.block_on(oldest).expect_err("it makes room").is_cancelled());
        assert!(tasks.iter().all(|(_, task)| !task.is_finished()));
    }
}
