//! One connected worker as the scheduler sees it.

use super::flights::Flights;
use crate::ids::{Incarnation, PhaseId, TaskIndex, WorkerName};
use crate::ledger::PhaseSpec;
use crate::limits::{SLOT_CREDIT_MAX, SLOT_CREDIT_MIN, WORKER_OFFER_COUNT_MAX};
use crate::older;
use crate::session::{Hello, Offer, Running, Usage, Withdrawal};
use crate::time::Tick;
use std::collections::{BTreeMap, BTreeSet};

/// One connected worker.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) name: WorkerName,
    pub(super) incarnation: Incarnation,
    /// Whether it lives in the master's process.
    pub(super) in_process: bool,
    pub(super) slots: u32,
    /// What it can do, as it said when it came.
    pub(super) offers: Vec<Offer>,
    /// What of it is not withdrawn.
    pub(super) operations: BTreeSet<String>,
    /// What it can do as a worker of an older system, see [`older`].
    older_operations: BTreeSet<String>,
    /// Operations that it offers no more, with the cause.
    pub(super) withdrawn: BTreeMap<String, String>,
    /// Attempts that it wants to hold at once.
    pub(super) credit: u32,
    pub(super) flights: Flights,
    pub(super) heard_at: Tick,
    pub(super) told_phases: BTreeSet<PhaseId>,
    /// Chunks told, by their first task.
    pub(super) told_chunks: BTreeSet<(PhaseId, TaskIndex)>,
    pub(super) running: Vec<Running>,
    pub(super) usage: Option<Usage>,
    /// Attempts asked back and not yet answered.
    pub(super) recalled: BTreeSet<crate::AttemptId>,
    /// Takes no new attempts.
    pub(super) draining: bool,
    /// Tasks that it has settled.
    pub(super) task_count: u64,
}

impl Worker {
    pub(super) fn new(hello: &Hello, now: Tick) -> Worker {
        Worker {
            name: hello.name.clone(),
            incarnation: hello.incarnation,
            in_process: hello.in_process,
            slots: hello.slots,
            offers: hello.offers.clone(),
            operations: hello.offers.iter().map(|offer| offer.operation.clone()).collect(),
            older_operations: hello
                .offers
                .iter()
                .filter_map(|offer| older::meant(&offer.operation).map(str::to_owned))
                .collect(),
            withdrawn: BTreeMap::new(),
            credit: hello.slots.saturating_mul(SLOT_CREDIT_MIN),
            flights: Flights::default(),
            heard_at: now,
            told_phases: BTreeSet::new(),
            told_chunks: BTreeSet::new(),
            running: Vec::new(),
            usage: None,
            recalled: BTreeSet::new(),
            draining: false,
            task_count: 0,
        }
    }

    /// It offers an operation no more. Of more operations than a worker can have, the cause is not
    /// kept.
    pub(super) fn withdraw(&mut self, Withdrawal { operation, cause }: Withdrawal) {
        self.operations.remove(&operation);
        if self.withdrawn.len() < WORKER_OFFER_COUNT_MAX {
            self.withdrawn.insert(operation, cause);
        }
    }

    /// What the worker asks for, held within what a slot can sensibly want.
    pub(super) fn set_credit(&mut self, credit: u32) {
        self.credit = credit.min(self.slots.saturating_mul(SLOT_CREDIT_MAX));
    }

    /// Whether it can make the tasks of a phase, and may.
    pub(super) fn offers(&self, spec: &PhaseSpec) -> bool {
        self.operations.contains(&spec.operation) || self.offers_as_older(spec)
    }

    /// Whether it is a program of an older system.
    pub(super) fn is_older(&self) -> bool {
        !self.older_operations.is_empty()
    }

    /// Whether it can do an operation, `is_shared` with workers of older systems or not.
    pub(super) fn can(&self, operation: &str, is_shared: bool) -> bool {
        self.operations.contains(operation)
            || (is_shared && self.older_operations.contains(operation))
    }

    /// Whether it can, as a worker of an older system alone.
    pub(super) fn offers_as_older(&self, spec: &PhaseSpec) -> bool {
        self.older_operations.contains(&spec.operation) && older::may_take(spec)
    }

    /// Whether it gets attempts of a phase once it has credit.
    pub(super) fn takes(&self, spec: &PhaseSpec) -> bool {
        !self.draining && self.offers(spec)
    }

    /// How many more attempts it takes.
    pub(super) fn free(&self) -> u32 {
        if self.draining {
            return 0;
        }
        self.credit.saturating_sub(self.flights.open_count())
    }

    /// Things kept about attempts, phases and chunks.
    pub(super) fn held_count(&self) -> usize {
        let told_count = self.told_phases.len() + self.told_chunks.len();
        self.flights.iter().count() + self.recalled.len() + told_count
    }

    /// Load for comparison: attempts a slot, in thousandths.
    pub(super) fn load(&self) -> u32 {
        self.flights.open_count().saturating_mul(1_000) / self.slots.max(1)
    }

    /// Slots without an attempt, that may get one.
    pub(super) fn idle_slots(&self) -> u32 {
        if self.draining {
            return 0;
        }
        self.slots.saturating_sub(self.flights.open_count())
    }
}
