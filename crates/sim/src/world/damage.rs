//! What is wrong with a master's machine: its clock, its memory; what finds the latter, and what
//! such a master may not do.

use super::run::World;
use crate::master::Turn;
use crate::plan::HEALED_AT;
use crate::wire::{Happening, MasterIndex};

/// How long it is looked for a moment in which a master follows another.
const NEXT_TRY_US: u64 = 500_000;
/// Whoever runs the masters starts one again within this time.
const RESTART_US: u64 = 2_000_000;

impl World {
    pub(super) fn damage_state(&mut self, index: MasterIndex) {
        let process = self.masters[index.0].process.as_mut();
        if process.is_some_and(|process| process.damage()) {
            self.tally.bite("master: a standby's state is damaged");
        } else if self.now < HEALED_AT {
            self.queue_in(NEXT_TRY_US, Happening::StateRots(index));
        }
    }

    pub(super) fn jump_wall(&mut self, index: MasterIndex, ms: i64) {
        self.masters[index.0].clock.jump_wall(ms);
        self.tally.bite("clock: a wall jumps");
        self.oracle.clocks_jumped = true;
    }

    /// Whether a master ends with this turn: it found that its state is not the announced one. One
    /// that wins the tenure before the next announcement cannot know; it is gone in time here
    /// (0056).
    pub(super) fn ends(&mut self, index: MasterIndex, turn: &Turn) -> Result<bool, String> {
        let Some(process) = &self.masters[index.0].process else { return Ok(true) };
        let Some(damaged_at) = process.damaged_at else {
            return match turn.halts {
                true => Err(format!("{index:?} says that it has diverged, and is sound")),
                false => Ok(false),
            };
        };
        if turn.halts {
            self.tally.bite("master: it has diverged and ends");
        } else if turn.claims {
            self.tally.bite("master: a damaged one is gone before it claims");
        } else {
            let announced = process.replay.ledger.snapshots.last().map(|newest| newest.seq);
            return match announced.filter(|seq| *seq > damaged_at) {
                Some(seq) => Err(format!("{index:?} goes on although it differs at record {seq}")),
                None => Ok(false),
            };
        }
        self.kill_master(index)?;
        let pause_us = self.random.below(RESTART_US);
        self.queue_in(pause_us, Happening::MasterStarts(index));
        Ok(true)
    }
}
