//! The same work on many things, by several threads.

use std::panic::resume_unwind;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Threads at most. They mostly wait, for a disk or for a master elsewhere.
const THREAD_COUNT_MAX: usize = 8;

/// What `work` makes of every item, in order.
///
/// # Errors
/// The first one that `work` failed with: what fails after it may do so for its reason. What no
/// thread had begun by then is not begun.
pub(crate) fn try_map<T: Sync, R: Send, E: Send + Sync>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    try_map_until(&|| false, items, work)
}

/// As [`try_map`], of the first items only: once `is_over`, no more are begun, though always one.
pub(crate) fn try_map_until<T: Sync, R: Send, E: Send + Sync>(
    is_over: &(dyn Fn() -> bool + Sync),
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let (next, ends) = (AtomicUsize::new(0), AtomicBool::new(false));
    let failed = OnceLock::new();
    // What is begun is done, so that no item before a done one is left out.
    let some = || {
        let mut done = Vec::new();
        while !ends.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { break };
            match work(item) {
                Ok(made) => done.push((at, made)),
                Err(error) => {
                    // Another one may have been first.
                    let _ = failed.set(error);
                    ends.store(true, Ordering::Relaxed);
                }
            }
            if is_over() {
                ends.store(true, Ordering::Relaxed);
            }
        }
        done
    };
    let mut done = thread::scope(|scope| {
        let others = 1..THREAD_COUNT_MAX.min(items.len());
        let others: Vec<_> = others.map(|_| scope.spawn(some)).collect();
        let mut done = some();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    if let Some(error) = failed.into_inner() {
        return Err(error);
    }
    done.sort_unstable_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, made)| made).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn all_is_done_in_order_by_several() {
        let together = Barrier::new(THREAD_COUNT_MAX);
        let items: Vec<usize> = (0..THREAD_COUNT_MAX).collect();
        let made = try_map(&items, |item| {
            // Each waits for the others: one thread alone would never get on.
            together.wait();
            Ok::<usize, ()>(item * 2)
        });
        assert_eq!(made, Ok(items.iter().map(|item| item * 2).collect()));
        assert_eq!(try_map(&[0; 0], |_| Err::<(), ()>(())), Ok(Vec::new()));
    }

    #[test]
    fn an_error_ends_it_before_what_was_not_begun() {
        let items: Vec<usize> = (0..100_000).collect();
        let begun = AtomicUsize::new(0);
        let made = try_map(&items, |item| {
            begun.fetch_add(1, Ordering::Relaxed);
            if *item == 3 { Err("three") } else { Ok(()) }
        });
        assert_eq!(made, Err("three"));
        assert!(begun.into_inner() < items.len());
    }

    #[test]
    fn the_error_that_came_first_is_told_whoever_had_it() {
        let (begun, kept, is_first) = (Barrier::new(2), Barrier::new(2), AtomicBool::new(true));
        // It is asked once an error is kept.
        let is_over = || {
            if is_first.swap(false, Ordering::Relaxed) {
                kept.wait();
            }
            true
        };
        let made = try_map_until(&is_over, &[0, 1], |_| {
            begun.wait();
            let is_caller = thread::current().name().is_some();
            if is_caller {
                kept.wait();
            }
            Err::<(), _>(if is_caller { "later" } else { "first" })
        });
        assert_eq!(made, Err("first"));
    }

    #[test]
    fn what_is_over_leaves_the_rest_and_has_done_the_first() {
        let items: Vec<usize> = (0..1_000).collect();
        let made = try_map_until(&|| true, &items, |item| Ok::<usize, ()>(*item)).unwrap();
        assert!((1..=THREAD_COUNT_MAX).contains(&made.len()), "{}", made.len());
        assert_eq!(made, items[..made.len()]);
    }
}
