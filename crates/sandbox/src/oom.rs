//! Whether the kernel has killed somebody for memory lately: then a SIGKILL that nobody here sent
//! is most likely its work.

use std::time::{Duration, Instant};

/// The count is read again for an attempt that begins later than this: reading it takes about as
/// long as a small attempt.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// How often the kernel had killed for memory, in the whole machine, at some moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OomKills {
    read_at: Instant,
    /// `None`: this kernel does not tell (before 4.13).
    count: Option<u64>,
}

impl OomKills {
    pub(crate) fn now() -> OomKills {
        OomKills { read_at: Instant::now(), count: count() }
    }

    /// An attempt begins.
    pub(crate) fn refresh(&mut self) {
        if self.read_at.elapsed() > FRESH_FOR {
            *self = OomKills::now();
        }
    }

    /// Whether there was one since.
    pub(crate) fn has_grown(&self) -> bool {
        count().zip(self.count).is_some_and(|(now, before)| now > before)
    }
}

fn count() -> Option<u64> {
    count_in(&std::fs::read_to_string("/proc/vmstat").ok()?)
}

fn count_in(vmstat: &str) -> Option<u64> {
    vmstat.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_among_others() {
        assert_eq!(count_in("pgfault 7\noom_kill 12\noom_kill_x 3\n"), Some(12));
        assert_eq!(count_in("pgfault 7\n"), None);
    }

    #[test]
    fn nothing_has_been_killed_since_now() {
        let before = OomKills { read_at: Instant::now(), count: Some(0) };
        assert_eq!(before.has_grown(), count().is_some_and(|now| now > 0));
        assert!(!OomKills { count: None, ..before }.has_grown());
    }
}
