//! What workers say: they come and go, end what they hold and give it back.

use super::flights::Flight;
use super::machine::{Effect, Scheduler, SessionId};
use super::worker::Worker;
use crate::ids::AttemptId;
use crate::ledger::{Entry, Ledger, SettledRun, in_entries};
use crate::session::{EndedRun, EndedWith, Held, Hello, ToMaster, ToWorker};
use crate::time::Tick;

impl Scheduler {
    pub(super) fn on_heard(
        &mut self,
        now: Tick,
        ledger: &Ledger,
        session: SessionId,
        message: ToMaster,
        out: &mut Vec<Effect>,
    ) {
        if let ToMaster::Hello(hello) = message {
            return self.on_hello(now, ledger, session, hello, out);
        }
        let Some(worker) = self.workers.get_mut(&session) else {
            // What a worker says before it is welcome means nothing, unless it goes.
            if !self.newcomers.has(session) || message == ToMaster::Goodbye {
                self.newcomers.forget(session);
                out.push(Effect::Close(session));
            }
            return;
        };
        // An answer shows that a thread lives; whether the seat does it says by itself.
        if !matches!(message, ToMaster::CallAnswer { .. } | ToMaster::Found { .. }) {
            worker.heard_at = now;
        }
        match message {
            ToMaster::Hello(_) => unreachable!("handled above"),
            ToMaster::Credit(credit) => worker.set_credit(credit),
            ToMaster::Progress { running, usage } => {
                worker.running = running;
                // A slot has one attempt at work.
                worker.running.truncate(worker.slots as usize);
                worker.usage = usage;
            }
            ToMaster::Ended(runs) => self.on_ended(ledger, session, runs, out),
            ToMaster::Withdrawn(withdrawal) => worker.withdraw(withdrawal),
            ToMaster::Returned(attempts) => self.on_returned(ledger, session, &attempts),
            // `Calls` and `Lookups` take these.
            ToMaster::CallAnswer { .. } | ToMaster::Shelved { .. } | ToMaster::Found { .. } => {}
            ToMaster::Goodbye => self.on_goodbye(session, out),
        }
    }

    fn on_hello(
        &mut self,
        now: Tick,
        ledger: &Ledger,
        session: SessionId,
        hello: Hello,
        out: &mut Vec<Effect>,
    ) {
        // A session introduces itself once.
        if self.workers.contains_key(&session) || self.newcomers.has(session) {
            self.newcomers.forget(session);
            self.lose(session, out);
            out.push(Effect::Close(session));
            return;
        }
        let holder = self.workers.iter().find(|(_, worker)| worker.name == hello.name);
        if let Some((older, worker)) = holder.map(|(id, worker)| (*id, worker)) {
            if worker.incarnation != hello.incarnation {
                return self.newcomers.wait(now, session, hello, out);
            }
            // The same start over a new connection: the old one is broken.
            self.lose(older, out);
            out.push(Effect::Close(older));
        }
        self.welcome(now, ledger, session, &hello, out);
    }

    pub(super) fn welcome(
        &mut self,
        now: Tick,
        ledger: &Ledger,
        session: SessionId,
        hello: &Hello,
        out: &mut Vec<Effect>,
    ) {
        let mut worker = Worker::new(hello, now);
        worker.draining = ledger.workers.get(&hello.name).is_some_and(|known| known.draining);
        let mut keep = Vec::new();
        for held in &hello.held {
            // One that is named twice is one attempt, of one task.
            if worker.flights.get(held.attempt).is_none() && self.adopts(ledger, held) {
                let Held { attempt, task, round } = *held;
                worker.flights.insert(Flight { attempt, task, round, answered: false });
                keep.push(attempt);
            }
        }
        self.workers.insert(session, worker);
        self.awaited.remove(&hello.name);
        self.absent.remove(&hello.name);
        let cluster = ledger.cluster.unwrap_or_default();
        let welcome = ToWorker::Welcome { cluster, epoch: self.epoch, keep };
        out.push(Effect::Send(session, welcome));
        self.hold_back_at(session, ledger, out);
        out.push(Effect::Propose(Entry::WorkerJoined {
            name: hello.name.clone(),
            incarnation: hello.incarnation,
            in_process: hello.in_process,
        }));
    }

    /// Whether a worker may go on with an attempt of an earlier reign: its task is open, was so
    /// when this reign began, and nothing has come of it since. What was lost in this reign is
    /// recorded as lost.
    fn adopts(&mut self, ledger: &Ledger, held: &Held) -> bool {
        held.attempt.epoch < self.epoch
            && ledger.is_open(held.task, held.round)
            && self.queues.get_mut(&held.task.phase_id()).is_some_and(|q| q.adopt(held.task.index))
    }

    fn on_goodbye(&mut self, session: SessionId, out: &mut Vec<Effect>) {
        if let Some(worker) = self.workers.get(&session) {
            let name = worker.name.clone();
            let incarnation = worker.incarnation;
            self.awaited.remove(&name);
            self.lose(session, out);
            out.push(Effect::Propose(Entry::WorkerLeft { name, incarnation }));
        }
        out.push(Effect::Close(session));
    }

    /// A worker is gone: whatever it held and had not answered is recorded as lost.
    pub(super) fn lose(&mut self, session: SessionId, out: &mut Vec<Effect>) {
        let Some(worker) = self.workers.remove(&session) else { return };
        self.absent.add(&worker.name, worker.heard_at, worker.incarnation, out);
        for flight in worker.flights.iter().filter(|flight| !flight.answered) {
            out.push(Effect::Propose(Entry::WorkerLost {
                task: flight.task,
                round: flight.round,
                attempt: flight.attempt,
                worker: worker.name.clone(),
            }));
        }
    }

    fn on_ended(
        &mut self,
        ledger: &Ledger,
        session: SessionId,
        runs: Vec<EndedRun>,
        out: &mut Vec<Effect>,
    ) {
        let Some(worker) = self.workers.get_mut(&session) else { return };
        let mut settled = Vec::new();
        let mut stranded = Vec::new();
        for run in runs {
            let held = |offset| {
                let flight = worker.flights.get(run.attempt.plus(offset));
                flight.map(|flight| (flight.task, flight.round, flight.answered))
            };
            let expected = |offset| {
                let index = crate::TaskIndex(run.first.0.wrapping_add(offset));
                (run.phase.task(index), run.round, false)
            };
            let valid = (0..run.count()).all(|offset| held(offset) == Some(expected(offset)));
            if !valid || !ledger.is_open(run.phase.task(run.first), run.round) {
                // Answers on their way are acknowledged when applied; all others are worth nothing.
                if held(0).is_none_or(|(_, _, answered)| !answered) {
                    // What it held of a round that is over, it holds no more; what was answered
                    // in one run with that is made again.
                    let count = if valid { run.count() } else { 0 };
                    for attempt in (0..count).map(|offset| run.attempt.plus(offset)) {
                        let Some(flight) = worker.flights.get(attempt).copied() else { continue };
                        worker.flights.remove(attempt);
                        worker.recalled.remove(&attempt);
                        if ledger.is_open(flight.task, flight.round) {
                            stranded.push(flight.task);
                        }
                    }
                    let acknowledged = vec![(run.attempt, run.count())];
                    out.push(Effect::Send(session, ToWorker::EndedAck(acknowledged)));
                }
                continue;
            }
            (0..run.count()).for_each(|offset| worker.flights.answer(run.attempt.plus(offset)));
            match run.with {
                EndedWith::Results(results) => settled.push(SettledRun {
                    phase: run.phase,
                    round: run.round,
                    first: run.first,
                    attempt: run.attempt,
                    results,
                }),
                EndedWith::Failure(failure) => {
                    let task = run.phase.task(run.first);
                    let (round, attempt) = (run.round, run.attempt);
                    let worker = Some(worker.name.clone());
                    let failed = Entry::AttemptFailed { task, round, attempt, failure, worker };
                    out.push(Effect::Propose(failed));
                }
            }
        }
        stranded.into_iter().for_each(|task| self.put_back(task));
        out.extend(in_entries(settled).into_iter().map(Effect::Propose));
    }

    fn on_returned(&mut self, ledger: &Ledger, session: SessionId, attempts: &[AttemptId]) {
        for attempt in attempts {
            let Some(worker) = self.workers.get_mut(&session) else { return };
            let is_recalled = worker.recalled.remove(attempt);
            let Some(flight) = worker.flights.remove(*attempt) else { continue };
            let phase = ledger.phase(flight.task.phase_id());
            if !is_recalled && phase.is_some_and(|phase| worker.offers_as_older(&phase.spec)) {
                self.elsewhere.on_given_back(flight.task, &worker.name);
            }
            if ledger.is_open(flight.task, flight.round) {
                self.put_back(flight.task);
            }
        }
    }
}
