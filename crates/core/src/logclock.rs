//! The time that goes into the log: the wall's, never before an earlier record's, and not the one
//! of a wall clock that has jumped ahead.
//!
//! Jobs are forgotten and retries given up by this time, and it never goes back: one record from
//! the year 2090 would spoil the log for good.

use crate::limits::CLOCK_JUMP_MS_MAX;
use crate::time::{LogTime, Tick};

/// The clock of one master process, from its start on.
#[derive(Clone, Copy, Debug)]
pub struct LogClock {
    last: LogTime,
    /// The wall when it was last believed, and the tick of that moment.
    believed: (Tick, LogTime),
    refused: Option<LogTime>,
}

impl LogClock {
    /// A clock that believes the wall as it is now: how long the process did not run, nobody can
    /// say.
    #[must_use]
    pub fn new(now: Tick, wall: LogTime) -> LogClock {
        LogClock { last: LogTime(0), believed: (now, wall), refused: None }
    }

    /// A record of this time was applied.
    pub fn on_applied(&mut self, at: LogTime) {
        self.last = self.last.max(at);
    }

    /// The time of a record made now. A wall that is further ahead than the time that has passed
    /// and [`CLOCK_JUMP_MS_MAX`] is refused: the time then goes on by the ticks alone.
    pub fn read(&mut self, now: Tick, wall: LogTime) -> LogTime {
        let expected = self.expected(now);
        if wall.0 > expected.0.saturating_add(CLOCK_JUMP_MS_MAX) {
            self.refused = Some(wall);
            self.last = self.last.max(expected);
        } else {
            self.refused = None;
            // A wall that went back is not believed: it would make its return look like a jump.
            if wall >= expected {
                self.believed = (now, wall);
            }
            self.last = self.last.max(wall);
        }
        self.last
    }

    /// What the wall shows although it is not believed.
    #[must_use]
    pub fn refused(&self) -> Option<LogTime> {
        self.refused
    }

    /// Somebody has looked: the wall is right.
    pub fn confirm(&mut self, now: Tick, wall: LogTime) {
        self.believed = (now, wall);
        self.refused = None;
    }

    fn expected(&self, now: Tick) -> LogTime {
        LogTime(self.believed.1.0.saturating_add(now.ms_since(self.believed.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    fn ms(ms: u64) -> Tick {
        Tick(0).after_ms(ms)
    }

    fn clock() -> LogClock {
        LogClock::new(ms(0), LogTime(1_000_000))
    }

    #[test]
    fn the_time_never_goes_back() {
        let mut clock = clock();
        clock.on_applied(LogTime(1_500_000));
        assert_eq!(clock.read(ms(10), LogTime(1_000_010)), LogTime(1_500_000));
        assert_eq!(clock.read(ms(20), LogTime(1_600_000)), LogTime(1_600_000));
        assert_eq!(clock.read(ms(30), LogTime(5)), LogTime(1_600_000));
    }

    #[test]
    fn a_wall_far_ahead_is_refused_until_it_is_confirmed() {
        let mut clock = clock();
        let year_later = LogTime(1_000_000 + 8_760 * HOUR);
        assert_eq!(clock.read(ms(500), year_later), LogTime(1_000_500));
        assert_eq!(clock.read(ms(900), year_later), LogTime(1_000_900));
        assert_eq!(clock.refused(), Some(year_later));
        clock.confirm(ms(900), year_later);
        assert_eq!(clock.read(ms(900), year_later), year_later);
        assert_eq!(clock.refused(), None);
    }

    #[test]
    fn a_jump_is_measured_against_the_time_that_has_passed() {
        let mut clock = clock();
        let now = LogTime(1_000_000 + HOUR);
        assert_eq!(clock.read(ms(0), now), now);
        assert_eq!(clock.read(ms(0), LogTime(now.0 + HOUR + 1)), now);
        let late = LogTime(now.0 + 3 * HOUR);
        assert_eq!(clock.read(ms(2 * HOUR), late), late);
    }

    #[test]
    fn a_wall_that_comes_back_after_it_went_back_is_believed() {
        let mut clock = clock();
        clock.read(ms(1_000), LogTime(1_001_000));
        assert_eq!(clock.read(ms(5 * HOUR), LogTime(5)), LogTime(1_001_000));
        let right = LogTime(1_000_000 + 9 * HOUR);
        assert_eq!(clock.read(ms(9 * HOUR), right), right);
    }
}
