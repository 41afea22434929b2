//! Programs of older systems that say once where they will be: each is asked for a sign of life
//! from then on, gets work while it is there, and is asked again when it was silent.

use super::foreign::{self, Identity, Program};
use super::signs::{self, Sign};
use crate::node::Node;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tracing::{info, warn};

/// Each is asked for as long as the master runs.
pub(super) const COUNT_MAX: usize = 1_024;
/// One that was silent for so long gives way where there is no room for another.
const SILENCE_MIN: Duration = Duration::from_secs(600);

/// A program that is asked.
pub(super) trait Registered: Program {
    fn presence(&self) -> &Presence;

    /// Whether it answers.
    fn gives_a_sign(&self) -> impl Future<Output = Sign> + Send;
}

/// Whether a program is there.
#[derive(Debug)]
pub(super) struct Presence {
    wake: Notify,
    /// `None`: it is there.
    silent_since: Mutex<Option<Instant>>,
}

impl Presence {
    /// Of one that has not answered yet.
    pub(super) fn new() -> Presence {
        Presence { wake: Notify::new(), silent_since: Mutex::new(Some(Instant::now())) }
    }

    pub(super) fn is_there(&self) -> bool {
        self.silent_since().is_none()
    }

    /// Has it asked at once: it may have begun anew.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    fn silent_since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.silent_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that have said where they will be.
pub(super) struct Known<K, P> {
    node: Node,
    programs: Mutex<BTreeMap<K, Entry<P>>>,
}

struct Entry<P> {
    program: Arc<P>,
    keeping: AbortHandle,
}

impl<K: Ord + Clone, P: Registered> Known<K, P> {
    pub(super) fn new(node: Node) -> Known<K, P> {
        Known { node, programs: Mutex::default() }
    }

    /// The program of this key, from now on asked and given work; `None`: there are too many.
    pub(super) fn enter(&self, key: K, make: impl FnOnce() -> (Identity, P)) -> Option<Arc<P>> {
        let mut programs = self.programs();
        if let Some(entry) = programs.get(&key) {
            return Some(Arc::clone(&entry.program));
        }
        if programs.len() >= COUNT_MAX && !let_one_go(&mut programs) {
            return None;
        }
        let (identity, program) = make();
        let program = Arc::new(program);
        info!(worker = %identity.name, place = identity.place, "it has registered");
        let keeping = tokio::spawn(keep(self.node.clone(), identity, Arc::clone(&program)));
        let keeping = keeping.abort_handle();
        programs.insert(key, Entry { program: Arc::clone(&program), keeping });
        Some(program)
    }

    pub(super) fn all(&self) -> Vec<(K, Arc<P>)> {
        let programs = self.programs();
        programs.iter().map(|(key, it)| (key.clone(), Arc::clone(&it.program))).collect()
    }

    fn programs(&self) -> MutexGuard<'_, BTreeMap<K, Entry<P>>> {
        self.programs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets one that gives way to others; whether there was one.
fn let_one_go<K: Ord + Clone, P: Registered>(programs: &mut BTreeMap<K, Entry<P>>) -> bool {
    let since = |it: &Entry<P>| *it.program.presence().silent_since();
    let Some(key) = giving_way(programs.iter().map(|(key, it)| (key, since(it)))).cloned() else {
        return false;
    };
    programs.remove(&key).iter().for_each(|entry| entry.keeping.abort());
    true
}

/// The one that is silent for longest, if that is long.
fn giving_way<K>(silent_since: impl Iterator<Item = (K, Option<Instant>)>) -> Option<K> {
    let silent = silent_since.filter_map(|(key, since)| Some((key, since?)));
    let (key, since) = silent.min_by_key(|(_, since)| *since)?;
    (since.elapsed() >= SILENCE_MIN).then_some(key)
}

/// Has a program work whenever it is there.
async fn keep<P: Registered>(node: Node, identity: Identity, program: Arc<P>) {
    let presence = program.presence();
    let mut is_new = true;
    loop {
        let ask = || program.gives_a_sign();
        signs::wait(&identity.name.0, is_new, &presence.wake, ask).await;
        *presence.silent_since() = None;
        let why = foreign::work(&node, &identity, &program).await;
        *presence.silent_since() = Some(Instant::now());
        warn!(worker = %identity.name, why, "it gets no work until it gives a sign of life");
        is_new = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::runtime::Builder;
    use tokio::time::advance;

    #[test]
    fn who_was_silent_for_longest_gives_way_after_a_while() {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let first = Instant::now();
            advance(Duration::from_secs(1)).await;
            let second = Instant::now();
            let all = [("there", None), ("second", Some(second)), ("first", Some(first))];
            let giving_way = || giving_way(all.into_iter());
            assert_eq!(giving_way(), None);
            advance(SILENCE_MIN).await;
            assert_eq!(giving_way(), Some("first"));
        });
    }
}
