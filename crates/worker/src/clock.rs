//! The clock of the host.

use windlass_core::Tick;

/// Now, on the clock that leases use.
pub(crate) fn tick() -> Tick {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(now.tv_nsec).unwrap_or(0);
    Tick(seconds * 1_000_000 + nanoseconds / 1_000)
}
