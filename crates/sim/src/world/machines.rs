//! Workers' machines in the world: what breaks and mends them, and that what is withdrawn shows.

use super::run::World;
use crate::executors::Defect;
use crate::master::{Moment, Process};
use crate::wire::{Connection, MasterIndex, WorkerIndex};
use windlass_core::session::{ToMaster, Withdrawal};

impl World {
    pub(super) fn break_machine(&mut self, index: WorkerIndex, defect: Defect) {
        self.tally.bite("machine: a worker's is broken");
        self.workers[index.0].executors.break_down(defect);
    }

    /// A machine is sound again. What was withdrawn is offered again by a new start alone.
    pub(super) fn mend_machine(&mut self, index: WorkerIndex) -> Result<(), String> {
        let worker = &mut self.workers[index.0];
        worker.executors.defect = None;
        if worker.executors.withdrawn().next().is_none() {
            return Ok(());
        }
        self.tally.bite("operation: offered again");
        if self.within {
            self.kill_master(MasterIndex(0))?;
            self.start_master(MasterIndex(0));
            return Ok(());
        }
        self.kill_worker(index)?;
        self.start_worker(index);
        Ok(())
    }

    /// A worker that has withdrawn something and does not show it; that it does may be on its way.
    pub(super) fn hidden_withdrawal(&self) -> Option<String> {
        let (index, process) = self.reigning()?;
        let moment = self.masters[index.0].moment(self.now);
        for worker in &self.workers {
            let Some(scheduler) = process.scheduler().filter(|_| worker.seat.is_some()) else {
                continue;
            };
            let views = scheduler.workers(moment.tick, &process.replay.ledger);
            let Some((_, view)) = views.iter().find(|(_, view)| view.name == worker.name) else {
                continue;
            };
            let shown = view.withdrawn.iter().map(|gone| gone.operation.as_str());
            if !shown.eq(worker.executors.withdrawn()) {
                return Some(format!("{} shows {:?} as withdrawn", worker.name, view.withdrawn));
            }
        }
        None
    }
}

/// What a worker says that it withdraws.
pub(super) fn withdrawn_of(
    connection: Connection,
    message: &ToMaster,
) -> Option<(Connection, Withdrawal)> {
    match message {
        ToMaster::Withdrawn(withdrawal) => Some((connection, withdrawal.clone())),
        _ => None,
    }
}

/// What a reigning master has just heard to be withdrawn shows, with its cause.
pub(super) fn check_shown(
    process: &Process,
    moment: Moment,
    connection: Connection,
    withdrawal: &Withdrawal,
) -> Result<(), String> {
    let views = process.scheduler().map(|it| it.workers(moment.tick, &process.replay.ledger));
    let mut views = views.into_iter().flatten();
    match views.find(|(session, _)| *session == connection.id) {
        Some((_, view)) if !view.withdrawn.contains(withdrawal) => {
            Err(format!("{withdrawal:?} does not show at {}", view.name))
        }
        _ => Ok(()),
    }
}
