//! The clocks of one machine: they run a little fast or slow, began at some moment, and the wall
//! may jump.

use windlass_core::random::SplitMix64;
use windlass_core::{LogTime, Tick};

/// What right walls show at the beginning of a run.
pub(crate) const WALL_START_MS: u64 = 1_700_000_000_000;

/// The clocks of one machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MachineClock {
    /// Its ticks per million of the world's.
    rate: u64,
    boot: u64,
    wall_error_ms: i64,
}

impl MachineClock {
    pub(crate) fn new(random: &mut SplitMix64) -> MachineClock {
        let rate = 950_000 + random.below(100_001);
        MachineClock { rate, boot: random.below(1 << 40), wall_error_ms: 0 }
    }

    pub(crate) fn tick(&self, now: Tick) -> Tick {
        Tick(self.boot + now.0 * self.rate / 1_000_000)
    }

    /// When this machine's clock shows that tick.
    pub(crate) fn when(&self, tick: Tick) -> Tick {
        Tick((tick.0.saturating_sub(self.boot) * 1_000_000).div_ceil(self.rate))
    }

    pub(crate) fn wall(&self, now: Tick) -> LogTime {
        let right = WALL_START_MS + now.0 * self.rate / 1_000_000_000;
        LogTime(right.saturating_add_signed(self.wall_error_ms))
    }

    pub(crate) fn jump_wall(&mut self, ms: i64) {
        self.wall_error_ms += ms;
    }

    /// As a machine does when it starts, from the network.
    pub(crate) fn set_wall(&mut self) {
        self.wall_error_ms = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_is_shown_when_it_is_said_to_be() {
        let mut random = SplitMix64::new(1);
        for _ in 0..1_000 {
            let clock = MachineClock::new(&mut random);
            let tick = clock.tick(Tick(random.below(1 << 30)));
            let when = clock.when(tick);
            assert_eq!(clock.tick(when), tick);
            assert!(when == Tick(0) || clock.tick(Tick(when.0 - 1)) <= tick);
        }
    }
}
