//! Signs of life of programs that nobody tells of: who is silent is asked on, for ever.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tracing::warn;

/// How long a sign may take.
pub(super) const SIGN_TIME_MAX: Duration = Duration::from_secs(2);
/// How long one that has just told of itself may take to listen before that is told.
const FIRST_SIGN: Duration = Duration::from_secs(10);
/// Between two questions until then.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Between two questions to one that is silent; doubled each time.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How often one that has nothing to do is asked.
const LOOK: Duration = Duration::from_secs(2);

/// Whether a program answers; an error says why not.
pub(super) type Sign = Result<(), String>;

/// Until it answers. `is_new`: it has just told of itself, and may not listen yet. `wake` has it
/// asked at once.
pub(super) async fn wait<F>(who: &str, is_new: bool, wake: &Notify, ask: impl Fn() -> F)
where
    F: Future<Output = Sign>,
{
    let began = Instant::now();
    let (mut pause, mut is_told) = if is_new { (FIRST_PAUSE, false) } else { (PAUSE_MIN, true) };
    while let Err(why) = ask().await {
        if !is_told && began.elapsed() >= FIRST_SIGN {
            (pause, is_told) = (PAUSE_MIN, true);
            warn!(worker = who, why, "it has registered and does not answer; it is asked on");
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = wake.notified() => pause = FIRST_PAUSE,
        }
        if is_told {
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

/// A program is at work for as long as this lives, also where its request is given up.
pub(super) struct AtWork<'a>(&'a AtomicU32);

impl AtWork<'_> {
    pub(super) fn new(busy: &AtomicU32) -> AtWork<'_> {
        busy.fetch_add(1, Ordering::Relaxed);
        AtWork(busy)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Until it is silent two times, while it is not busy: then it may have nobody to answer beside.
pub(super) async fn lack<F>(is_busy: impl Fn() -> bool, ask: impl Fn() -> F) -> String
where
    F: Future<Output = Sign>,
{
    let mut was_silent = false;
    loop {
        sleep(LOOK).await;
        if is_busy() {
            continue;
        }
        match ask().await {
            Ok(()) => was_silent = false,
            // It may have become busy meanwhile.
            Err(_) if !was_silent || is_busy() => was_silent = true,
            Err(why) => return why,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use tokio::runtime::Builder;

    fn with_time_that_jumps<T>(test: impl Future<Output = T>) -> T {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(test)
    }

    /// When such a program is asked, in milliseconds, until the time is over.
    fn asked_at(is_new: bool, for_ms: u64) -> Vec<u64> {
        with_time_that_jumps(async {
            let (began, asked) = (Instant::now(), Cell::new(Vec::new()));
            let ask = || {
                let mut times = asked.take();
                times.push(u64::try_from(began.elapsed().as_millis()).expect("it is short"));
                asked.set(times);
                std::future::ready(Err("silent".to_owned()))
            };
            let wake = Notify::new();
            let waiting = wait("w", is_new, &wake, ask);
            let over = tokio::time::timeout(Duration::from_millis(for_ms), waiting).await;
            assert!(over.is_err(), "it is asked for ever");
            asked.take()
        })
    }

    #[test]
    fn one_that_has_registered_is_asked_often_and_later_ever_more_seldom() {
        let times = asked_at(true, 40_000);
        assert_eq!(times[..4], [0, 200, 400, 600]);
        assert_eq!(times.iter().filter(|at| **at < 10_000).count(), 50);
        let later: Vec<u64> = times.into_iter().filter(|at| *at >= 10_000).collect();
        assert_eq!(later, [10_000, 11_000, 13_000, 17_000, 25_000, 35_000]);
        assert_eq!(asked_at(false, 20_000), [0, 1_000, 3_000, 7_000, 15_000]);
    }

    #[test]
    fn who_gives_up_a_request_leaves_nobody_at_work() {
        let busy = AtomicU32::new(0);
        let at_work = AtWork::new(&busy);
        let request = async move {
            std::future::pending::<()>().await;
            drop(at_work);
        };
        assert_eq!(busy.load(Ordering::Relaxed), 1);
        drop(request);
        assert_eq!(busy.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn one_silence_is_forgiven_and_who_is_busy_is_not_asked() {
        let silences = Cell::new(0);
        let why = with_time_that_jumps(async {
            let asked = Cell::new(0);
            let ask = || {
                asked.set(asked.get() + 1);
                let is_there = asked.get() == 2;
                if !is_there {
                    silences.set(silences.get() + 1);
                }
                std::future::ready(if is_there { Ok(()) } else { Err("gone".to_owned()) })
            };
            let began = Instant::now();
            let why = lack(|| began.elapsed() < Duration::from_secs(60), ask).await;
            assert!(began.elapsed() >= Duration::from_secs(60));
            why
        });
        assert_eq!((why.as_str(), silences.get()), ("gone", 3));
    }
}
