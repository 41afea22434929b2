//! Whether an attempt moves: its answers, the bytes of its output, the CPU time of its group.

use rustix::process::Pid;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

/// Looks per progress limit: an attempt is found still at most an eighth late.
const LOOKS_PER_LIMIT: u32 = 8;
/// Least time between looks; CPU time moves in steps of 10 ms.
const LOOK_MIN: Duration = Duration::from_millis(20);
/// Most time between looks.
const LOOK_MAX: Duration = Duration::from_secs(1);

/// What is measured at a look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) output_bytes: u64,
    pub(crate) cpu_ticks: u64,
}

/// Decides when to look and whether an attempt stands still. Pure: time and readings come in.
#[derive(Debug)]
pub(crate) struct Watch {
    limit: Duration,
    moved_at: Instant,
    look_at: Instant,
    last: Option<Reading>,
}

impl Watch {
    pub(crate) fn new(now: Instant, limit: Duration) -> Watch {
        let mut watch = Watch { limit, moved_at: now, look_at: now, last: None };
        watch.look_at = now + watch.period();
        watch
    }

    fn period(&self) -> Duration {
        (self.limit / LOOKS_PER_LIMIT).clamp(LOOK_MIN, LOOK_MAX)
    }

    /// When the next reading is due.
    pub(crate) fn look_at(&self) -> Instant {
        self.look_at
    }

    /// The attempt spoke.
    pub(crate) fn on_sign(&mut self, now: Instant) {
        self.moved_at = now;
    }

    /// A reading: tells whether it shows that the attempt moves. A sum that shrank moved as well: a
    /// member of the group ended.
    pub(crate) fn on_reading(&mut self, now: Instant, reading: Reading) -> bool {
        self.look_at = now + self.period();
        let has_moved = self.last != Some(reading);
        self.last = Some(reading);
        if has_moved {
            self.moved_at = now;
        }
        has_moved
    }

    /// Whether the limit has passed without a sign.
    pub(crate) fn is_still(&self, now: Instant) -> bool {
        now.duration_since(self.moved_at) >= self.limit
    }
}

/// Measures an executor's output and the CPU time of its process group.
pub(crate) fn read(group: Pid, output: Option<&File>) -> Reading {
    let metadata = output.and_then(|file| file.metadata().ok());
    // Blocks grow where a file was given its size beforehand.
    let output_bytes = metadata.map_or(0, |data| data.len() + data.blocks());
    Reading { output_bytes, cpu_ticks: group_ticks(group) }
}

/// CPU time of all members of a group and of the children they waited for, in clock ticks.
fn group_ticks(group: Pid) -> u64 {
    let Ok(processes) = std::fs::read_dir("/proc") else { return 0 };
    let stats = processes.filter_map(|entry| {
        let entry = entry.ok()?;
        let is_process = entry.file_name().to_str()?.bytes().all(|byte| byte.is_ascii_digit());
        is_process.then(|| std::fs::read(entry.path().join("stat")).ok())?
    });
    stats.filter_map(|stat| ticks(&stat, group.as_raw_nonzero().get())).sum()
}

/// The times in a line of `/proc/<pid>/stat` (proc(5)) if it belongs to this group.
fn ticks(stat: &[u8], group: i32) -> Option<u64> {
    // The program's name, in parentheses, may hold blanks and parentheses itself.
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let fields = std::str::from_utf8(&stat[end + 1..]).ok()?;
    let mut fields = fields.split_ascii_whitespace();
    // Field 3, the state, comes first here: 5 is the group, 14 to 17 utime, stime, cutime, cstime.
    if fields.nth(2)?.parse() != Ok(group) {
        return None;
    }
    fields.skip(8).take(4).map(|field| field.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_stat_is_read_past_any_name() {
        let line = b"12 (a) b (c) R 1 77 77 0 -1 4194304 1 2 3 4 100 20 3 4 20 0 1 0 5 6 7";
        assert_eq!(ticks(line, 77), Some(127));
        assert_eq!(ticks(line, 78), None);
        assert_eq!(ticks(b"", 77), None);
    }

    #[test]
    fn any_change_of_a_reading_is_movement() {
        let start = Instant::now();
        let mut watch = Watch::new(start, Duration::from_secs(8));
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(watch.look_at(), at(1));
        let reading = Reading { output_bytes: 1, cpu_ticks: 5 };
        assert!(watch.on_reading(at(1), reading));
        assert!(!watch.on_reading(at(2), reading));
        assert!(!watch.is_still(at(8)));
        assert!(watch.is_still(at(9)));
        assert!(watch.on_reading(at(9), Reading { cpu_ticks: 4, ..reading }));
        assert!(!watch.is_still(at(16)));
        watch.on_sign(at(16));
        assert!(!watch.is_still(at(23)));
    }
}
