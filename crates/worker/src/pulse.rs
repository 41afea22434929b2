//! Signs of life of operations that run in a slot's own thread: its CPU time grows. Executors are
//! watched by the sandbox; what waits for them takes no time to speak of and is not looked at.

use crate::usage::thread_ticks;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};
use windlass_core::session::SlotIndex;

/// How often it is looked.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Which thread is at work in a slot by itself; 0: none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pulse(Arc<AtomicI32>);

/// As long as it is there, the thread that made it is at work.
pub(crate) struct Working<'a>(&'a Pulse);

impl Pulse {
    /// The calling thread begins an operation of its own.
    pub(crate) fn begin(&self) -> Working<'_> {
        self.0.store(rustix::thread::gettid().as_raw_nonzero().get(), Ordering::Relaxed);
        Working(self)
    }

    fn thread(&self) -> Option<i32> {
        Some(self.0.load(Ordering::Relaxed)).filter(|thread| *thread != 0)
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.0.store(0, Ordering::Relaxed);
    }
}

/// Looks at the slots of a worker now and then.
#[derive(Debug)]
pub(crate) struct Pulses {
    slots: Vec<(Pulse, Option<u64>)>,
    due_at: Instant,
}

impl Pulses {
    pub(crate) fn new(slots: impl Iterator<Item = Pulse>) -> Pulses {
        Pulses { slots: slots.map(|pulse| (pulse, None)).collect(), due_at: Instant::now() }
    }

    /// The slots whose thread has worked since the last look; none before it is time for one.
    pub(crate) fn moved(&mut self, now: Instant) -> Vec<SlotIndex> {
        if now < self.due_at {
            return Vec::new();
        }
        self.due_at = now + LOOK_INTERVAL;
        let mut moved = Vec::new();
        for (slot, (pulse, last)) in (0..).map(SlotIndex).zip(&mut self.slots) {
            let ticks = pulse.thread().and_then(thread_ticks);
            if ticks.is_some() && last.is_some() && ticks > *last {
                moved.push(slot);
            }
            *last = ticks;
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;
    use std::thread;

    /// Takes more than one of the steps in which CPU time is counted.
    fn compute() {
        let before = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        let spent = || {
            let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            (now.tv_sec - before.tv_sec) * 1_000_000_000 + now.tv_nsec - before.tv_nsec
        };
        while spent() < 50_000_000 {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn a_thread_that_computes_moves_and_one_that_waits_does_not() {
        let (busy, idle) = (Pulse::default(), Pulse::default());
        let mut pulses = Pulses::new([busy.clone(), idle.clone()].into_iter());
        let mut now = Instant::now();
        let mut look = || {
            now += LOOK_INTERVAL;
            pulses.moved(now)
        };
        assert_eq!(look(), []);
        let (go, gone) = sync_channel::<()>(0);
        let waiting = thread::spawn(move || {
            let _working = idle.begin();
            let _ = gone.recv();
        });
        let working = busy.begin();
        compute();
        assert_eq!(look(), [], "the first reading tells nothing");
        compute();
        assert_eq!(look(), [SlotIndex(0)]);
        assert_eq!(pulses.moved(now), [], "it is not time yet");
        drop(working);
        compute();
        let mut look = || {
            now += LOOK_INTERVAL;
            pulses.moved(now)
        };
        assert_eq!(look(), [], "it is at work no more");
        drop(go);
        waiting.join().expect("it ended");
    }
}
