//! The two clocks of the host.

use std::time::{SystemTime, UNIX_EPOCH};
use windlass_core::{LogTime, Tick};

/// Now, on the clock that leases use.
pub(crate) fn tick() -> Tick {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(now.tv_nsec).unwrap_or(0);
    Tick(seconds * 1_000_000 + nanoseconds / 1_000)
}

/// Now, on the wall.
pub(crate) fn wall() -> LogTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    LogTime(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
