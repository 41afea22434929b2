//! When collections run: on a thread of their own while a master lives, and in a short turn of
//! their own before a process that has done its work ends.

use super::{Clocks, CollectError, Collected, collect};
use crate::error::MasterError;
use crate::handle::Handle;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use windlass_blobs::{BlobError, Blobs};
use windlass_core::limits::{COLLECTION_TURN_MS, KEEPING_CHECK_MS};

/// A run that is over sooner is not disturbed: its collection has its turn afterwards.
const FIRST_LOOK: Duration = Duration::from_secs(30);

/// The thread that collects.
pub struct Collector {
    handle: Handle,
    shared: Arc<Shared>,
    collecting: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    cancelled: AtomicBool,
    state: Mutex<State>,
    turned: Condvar,
}

#[derive(Default)]
struct State {
    /// Whether it is to look now.
    is_called: bool,
    /// Whether its last look is over, after which it ends.
    has_ended: bool,
    /// Why the last collection did not come to its end.
    failure: Option<CollectError>,
}

impl Collector {
    /// Starts it.
    #[must_use]
    pub fn start(handle: Handle, blobs: Blobs) -> Collector {
        let shared = Arc::new(Shared::default());
        let (its_handle, its_shared) = (handle.clone(), Arc::clone(&shared));
        let collecting = thread::spawn(move || its_shared.serve(&its_handle, &blobs));
        Collector { handle, shared, collecting }
    }

    /// Gives a collection that is due its turn, tells `waits` when that takes longer than anybody
    /// should wonder about, and tells the thread to end. `goes_on` is asked often.
    pub fn end(&self, waits: &mut dyn FnMut(), goes_on: &dyn Fn() -> bool) {
        let now = Clocks::now();
        let turn_ms = self.handle.collection(now.wall).map_or(0, |view| view.turn_ms);
        let began = Instant::now();
        let turn = Duration::from_millis(turn_ms);
        let unnoticed = Duration::from_millis(COLLECTION_TURN_MS);
        let mut state = self.shared.state();
        state.is_called = true;
        self.shared.turned.notify_all();
        let mut told = false;
        while turn_ms > 0 && !state.has_ended && began.elapsed() < turn && goes_on() {
            if !told && began.elapsed() >= unnoticed {
                told = true;
                waits();
            }
            let piece = Duration::from_millis(50);
            let waited = self.shared.turned.wait_timeout(state, piece);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(state);
        self.shared.cancelled.store(true, Ordering::Relaxed);
    }

    /// Returns once the thread has ended, which it does once the master has, and answers why the
    /// last collection did not come to its end; one that was stopped is not told.
    pub fn join(self) -> Option<CollectError> {
        let _ = self.collecting.join();
        self.shared.state().failure.clone()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, handle: &Handle, blobs: &Blobs) {
        let clocks = Clocks::now();
        let mut wait = FIRST_LOOK;
        let mut is_last = false;
        while !is_last {
            is_last = self.wait(wait);
            wait = Duration::from_millis(KEEPING_CHECK_MS);
            let looked = look(handle, blobs, clocks, &self.cancelled);
            // Called for while it was collecting: that was its turn.
            is_last |= self.state().is_called;
            match looked {
                Ok(None) | Err(CollectError::Blob(BlobError::Cancelled)) => {}
                // It was stopped while its decision waited, or says itself why it ended.
                Err(CollectError::Master(MasterError::Ended(_))) => {}
                Ok(Some(_)) => self.state().failure = None,
                Err(error) => self.state().failure = Some(error),
            }
        }
        self.state().has_ended = true;
        self.turned.notify_all();
    }

    /// Returns when it is time to look; `true`: for the last time.
    fn wait(&self, wait: Duration) -> bool {
        let state = self.state();
        let waited = self.turned.wait_timeout_while(state, wait, |state| !state.is_called);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_called
    }
}

fn look(
    handle: &Handle,
    blobs: &Blobs,
    clocks: Clocks,
    cancelled: &AtomicBool,
) -> Result<Option<Collected>, CollectError> {
    let wall = Clocks::now().wall;
    if cancelled.load(Ordering::Relaxed) || !handle.collection(wall)?.is_due {
        return Ok(None);
    }
    collect(handle, blobs, clocks, false, cancelled).map(Some)
}
