//! What a stretch of work costs this process: CPU time, wall time, memory.

use rustix::time::{ClockId, clock_gettime};
use std::time::Instant;

/// A running measurement.
pub(crate) struct Meter {
    cpu_s: f64,
    wall: Instant,
}

/// A finished one.
pub(crate) struct Used {
    /// User and system time of all threads, in seconds.
    pub(crate) cpu_s: f64,
    /// Time on the wall, in seconds.
    pub(crate) wall_s: f64,
}

impl Meter {
    pub(crate) fn start() -> Meter {
        Meter { cpu_s: process_cpu_s(), wall: Instant::now() }
    }

    pub(crate) fn stop(&self) -> Used {
        Used { cpu_s: process_cpu_s() - self.cpu_s, wall_s: self.wall.elapsed().as_secs_f64() }
    }
}

fn process_cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    // Exact for 104 days of CPU time: 2^53 nanoseconds.
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The most memory that this process ever held, in MiB; `None` where the system does not tell.
pub(crate) fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_costs_cpu_time() {
        let meter = Meter::start();
        let sum = (0..20_000_000_u64).fold(0, |sum, n| std::hint::black_box(sum ^ n));
        std::hint::black_box(sum);
        let used = meter.stop();
        assert!(used.cpu_s > 0.0 && used.wall_s > 0.0);
    }
}
