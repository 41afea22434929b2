//! What will go wrong, drawn beforehand from the seed.

use crate::executors::Defect;
use crate::task::OPERATIONS;
use crate::wire::{Happening, MasterIndex, WorkerIndex};
use windlass_core::Tick;
use windlass_core::random::SplitMix64;

/// Faults end by then; afterwards everything must end.
pub(crate) const HEALED_AT: Tick = Tick(12_000_000);
/// Effects of faults (leases, cuts not yet noticed, pauses) have worn off by then.
pub(crate) const QUIET_AT: Tick = Tick(20_000_000);
/// A run that has not ended by then never will.
pub(crate) const END_BY: Tick = Tick(300_000_000);

/// Who takes part, and what happens to them.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) master_count: usize,
    /// The only master, on a state of its own: it claims without asking for a tenure.
    pub(crate) solo: bool,
    /// The workers live inside its process, and end with it.
    pub(crate) within: bool,
    pub(crate) worker_count: usize,
    /// With their times.
    pub(crate) happenings: Vec<(u64, Happening)>,
}

impl Plan {
    pub(crate) fn draw(random: &mut SplitMix64) -> Plan {
        let master_count = 1 + random.below(3) as usize;
        let solo = master_count == 1 && random.below(2) == 0;
        let worker_count = 1 + random.below(4) as usize;
        let within = solo && random.below(3) == 0;
        let happenings = Vec::new();
        let mut plan = Plan { master_count, solo, within, worker_count, happenings };
        for index in 0..master_count {
            plan.push(random.below(200_000), Happening::MasterStarts(MasterIndex(index)));
        }
        for index in 0..worker_count {
            plan.push(random.below(200_000), Happening::WorkerStarts(WorkerIndex(index)));
        }
        // As often as can be: a run writes some ten KiB.
        plan.push(200_000, Happening::OperatorSets("snapshot_kb_min", 1));
        plan.push(HEALED_AT.0, Happening::OperatorTidies);
        for _ in 0..random.below(4) {
            let at = random.below(HEALED_AT.0);
            plan.push(at, Happening::OperatorLoads(1 + random.below(3) as u32));
            if random.below(4) == 0 {
                plan.push(at + length(random, at, 3_000_000), Happening::OperatorDrops);
            }
        }
        plan.push(HEALED_AT.0, Happening::OperatorKeepsRecords);
        plan.push(random.below(2_000_000), Happening::ReaderAsks);
        plan.push(random.below(2_000_000), Happening::OperatorTokens);
        plan.push(500_000, Happening::TokensShown);
        // A tenth of the runs are calm: what holds only by virtue of faults shows there.
        if random.below(10) > 0 {
            plan.disturb_masters(random);
            plan.disturb_engine(random);
            plan.disturb_workers(random);
            plan.break_machines(random);
            plan.pause_jobs(random);
        }
        plan
    }

    fn disturb_masters(&mut self, random: &mut SplitMix64) {
        for _ in 0..random.below(6) {
            let master = MasterIndex(random.below(self.master_count as u64) as usize);
            let at = random.below(HEALED_AT.0);
            let short_us = length(random, at, 3_000_000);
            match random.below(8) {
                0 | 1 => {
                    self.push(at, Happening::MasterDies(master));
                    self.push(at + short_us, Happening::MasterStarts(master));
                }
                2 | 3 => {
                    let us = length(random, at, 6_000_000);
                    self.push(at, Happening::MasterPauses(master, us));
                }
                4 => {
                    let us = length(random, at, 6_000_000);
                    self.push(at, Happening::LoopHangs(master, Some(us)));
                }
                5 => self.push(at, Happening::CutFromEngine(master, short_us)),
                6 => {
                    let minutes = random.below(40) as i64 - 20;
                    self.push(at, Happening::WallJumps(master, minutes * 60_000));
                }
                _ => {
                    let days = 2 + random.below(400) as i64;
                    let back = if random.below(3) == 0 { -1 } else { 1 };
                    self.push(at, Happening::WallJumps(master, back * days * 86_400_000));
                }
            }
        }
        if self.master_count > 1 && random.below(2) == 0 {
            let master = MasterIndex(random.below(self.master_count as u64) as usize);
            self.push(random.below(HEALED_AT.0), Happening::StateRots(master));
        }
        // One of several masters may be gone for good, or hang for ever.
        if self.master_count > 1 && random.below(3) == 0 {
            let master = MasterIndex(self.master_count - 1);
            let at = random.below(HEALED_AT.0);
            self.happenings.retain(|(_, happening)| match happening {
                Happening::MasterStarts(of) | Happening::MasterDies(of) => *of != master,
                _ => true,
            });
            self.push(0, Happening::MasterStarts(master));
            let hangs = random.below(2) == 0;
            self.push(
                at,
                if hangs {
                    Happening::LoopHangs(master, None)
                } else {
                    Happening::MasterDies(master)
                },
            );
        }
    }

    fn disturb_engine(&mut self, random: &mut SplitMix64) {
        for _ in 0..random.below(5) {
            let at = random.below(HEALED_AT.0);
            match random.below(7) {
                0 | 1 => {
                    let us = 700_000 + length(random, at, 3_000_000);
                    self.push(at.min(HEALED_AT.0 - 4_000_000), Happening::EngineAway(us));
                }
                2 => self.push(at, Happening::DiskFull(length(random, at, 4_000_000))),
                3 => self.push(at, Happening::EngineCrashes),
                4 => self.push(at, Happening::GhostWrites),
                5 => self.push(at, Happening::SnapshotRots),
                _ => self.push(at, Happening::DecisionRepeats),
            }
        }
    }

    fn disturb_workers(&mut self, random: &mut SplitMix64) {
        for _ in 0..random.below(8) {
            let worker = WorkerIndex(random.below(self.worker_count as u64) as usize);
            let at = random.below(HEALED_AT.0);
            let us = length(random, at, 6_000_000);
            match random.below(8) {
                // Inside a process nothing comes between it and its workers.
                0 | 1 | 3 | 5.. if self.within => {}
                0 | 1 => self.push(at, Happening::Cut(worker)),
                2 => self.push(at, Happening::WorkerPauses(worker, us)),
                3 => {
                    let to_worker = random.below(2) == 0;
                    self.push(at, Happening::OneWayCut { worker, to_worker, us });
                }
                4 => {
                    self.push(at, Happening::OperatorDrains(worker, true));
                    self.push(at + us, Happening::OperatorDrains(worker, false));
                }
                5 => {
                    let to_worker = random.below(2) == 0;
                    self.push(at, Happening::Garbles { worker, to_worker });
                }
                6 => self.push(at, Happening::HalfOpen(worker)),
                _ => {
                    self.push(at, Happening::WorkerDies(worker));
                    // The first worker always comes back.
                    if worker.0 == 0 || random.below(4) > 0 {
                        self.push(at + us, Happening::WorkerStarts(worker));
                    }
                }
            }
        }
        self.push(HEALED_AT.0, Happening::WorkerStarts(WorkerIndex(0)));
    }

    fn break_machines(&mut self, random: &mut SplitMix64) {
        for _ in 0..random.below(4) {
            let worker = WorkerIndex(random.below(self.worker_count as u64) as usize);
            // Withdrawing takes seconds.
            let at = random.below(HEALED_AT.0 / 2);
            let defect = match random.below(4) {
                0 => Defect::StartsNot,
                choice => Defect::Crashes(OPERATIONS[choice as usize % OPERATIONS.len()]),
            };
            self.push(at, Happening::MachineBreaks(worker, defect));
            let stays = worker.0 > 0 && !self.within && random.below(3) == 0;
            if !stays {
                let us = 1_000_000 + length(random, at, 8_000_000);
                self.push(at + us, Happening::MachineMended(worker));
            }
        }
    }

    fn pause_jobs(&mut self, random: &mut SplitMix64) {
        for _ in 0..random.below(4) {
            let at = random.below(HEALED_AT.0);
            self.push(at, Happening::OperatorPauses(true));
            self.push(at + length(random, at, 4_000_000), Happening::OperatorPauses(false));
        }
    }

    fn push(&mut self, at: u64, happening: Happening) {
        self.happenings.push((at, happening));
    }
}

/// How long a fault lasts that begins then: at most `us_max`, and over when everything heals.
fn length(random: &mut SplitMix64, at: u64, us_max: u64) -> u64 {
    random.below(us_max).min(HEALED_AT.0.saturating_sub(at))
}
