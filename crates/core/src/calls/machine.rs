//! The primary's end of calls: events in, effects out.

use super::error::{CallError, ConnectedWorker, FailedTry};
use super::event::{CallEffect, CallEvent, CallRequest, CallerId, TooManyStrategies};
use super::open::{OpenCall, Passed, Passing, Try};
use super::roster::{Roster, Seated, ServedCount};
use crate::balance::{Balancer, Candidate, Strategy};
use crate::failure::{Failure, FailureKind};
use crate::ids::{CallId, Epoch, WorkerName};
use crate::limits::{
    CALL_MS_MAX, CALL_OPEN_COUNT_MAX, CALL_STRATEGY_COUNT_MAX, CALL_TRY_COUNT_MAX,
};
use crate::random::SplitMix64;
use crate::scheduler::SessionId;
use crate::session::{AnswerPiece, ToWorker};
use crate::time::Tick;
use std::collections::{BTreeMap, BTreeSet};

/// Where a call is after looking for a worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Placed {
    Sent,
    /// All that may take it are full.
    Waits,
    /// Nobody offers it.
    Nowhere,
}

/// The open calls of a reign.
#[derive(Debug)]
pub struct Calls {
    epoch: Epoch,
    try_count: u64,
    roster: Roster,
    calls: BTreeMap<CallerId, OpenCall>,
    /// Whose each try in a worker's hands is.
    tries: BTreeMap<CallId, CallerId>,
    /// By operation; oldest first.
    waiting: BTreeMap<String, BTreeSet<CallerId>>,
    deadlines: BTreeSet<(Tick, CallerId)>,
    strategies: BTreeMap<String, Strategy>,
    /// Of operations that were called and found a worker.
    balancers: BTreeMap<String, Balancer>,
    random: SplitMix64,
}

impl Calls {
    /// Nothing is open, nobody connected.
    #[must_use]
    pub fn new(epoch: Epoch, seed: u64) -> Calls {
        Calls {
            epoch,
            try_count: 0,
            roster: Roster::default(),
            calls: BTreeMap::new(),
            tries: BTreeMap::new(),
            waiting: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            strategies: BTreeMap::new(),
            balancers: BTreeMap::new(),
            random: SplitMix64::new(seed),
        }
    }

    /// Takes an event; what is to be done is appended to `out`.
    pub fn on(&mut self, now: Tick, event: CallEvent, out: &mut Vec<CallEffect>) {
        match event {
            CallEvent::Joined(session, instance) => {
                self.lose(session, out);
                self.roster.join(session, instance);
                self.serve(session, out);
            }
            CallEvent::Lost(session) => self.lose(session, out),
            CallEvent::Draining(session, is_draining) => {
                self.on_draining(session, is_draining, out);
            }
            CallEvent::Busy(session, task_count) => {
                if let Some(seated) = self.roster.get_mut(session) {
                    seated.task_count = task_count;
                }
            }
            CallEvent::Asked(caller, request) => self.on_asked(now, caller, request, out),
            CallEvent::Abandoned(caller) => {
                self.end(caller, true, out);
            }
            CallEvent::Taken(caller, bytes) => self.on_taken(caller, bytes, out),
            CallEvent::Answered(session, call, answer) => {
                self.on_answered(session, call, answer, out);
            }
            CallEvent::Tick => {}
        }
        self.on_time(now, out);
    }

    /// When it next wants a [`CallEvent::Tick`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Tick> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// How the workers for an operation are chosen from now on.
    ///
    /// # Errors
    /// [`CALL_STRATEGY_COUNT_MAX`] other operations have one of their own already.
    pub fn set_strategy(
        &mut self,
        operation: &str,
        strategy: Strategy,
    ) -> Result<(), TooManyStrategies> {
        let is_new = !self.strategies.contains_key(operation);
        if is_new && self.strategies.len() == CALL_STRATEGY_COUNT_MAX {
            return Err(TooManyStrategies);
        }
        self.strategies.insert(operation.to_owned(), strategy);
        Ok(())
    }

    /// How the workers for an operation are chosen.
    #[must_use]
    pub fn strategy(&self, operation: &str) -> Strategy {
        self.strategies.get(operation).copied().unwrap_or_default()
    }

    /// How often each connected worker was given each of its operations, by operation and name.
    #[must_use]
    pub fn served(&self) -> Vec<ServedCount> {
        self.roster.served()
    }

    /// Calls in a worker's hands.
    #[must_use]
    pub fn held_count(&self, session: SessionId) -> usize {
        self.roster.get(session).map_or(0, |seated| seated.calls.len())
    }

    /// Calls without a whole answer.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.calls.len()
    }

    /// Calls that wait because every worker that offers their operation is full.
    pub fn waiting(&self) -> impl Iterator<Item = (&str, usize)> {
        self.waiting.iter().map(|(operation, callers)| (operation.as_str(), callers.len()))
    }

    fn on_asked(
        &mut self,
        now: Tick,
        caller: CallerId,
        request: CallRequest,
        out: &mut Vec<CallEffect>,
    ) {
        assert!(!self.calls.contains_key(&caller), "callers are numbered once");
        if self.calls.len() == CALL_OPEN_COUNT_MAX {
            return out.push(CallEffect::Fail(caller, CallError::Busy));
        }
        if request.is_too_large() {
            return out.push(CallEffect::Fail(caller, CallError::TooLarge));
        }
        let limit_ms = request.limit_ms.unwrap_or(CALL_MS_MAX).min(CALL_MS_MAX);
        let deadline = now.after_ms(limit_ms);
        let CallRequest { operation, params, .. } = request;
        let open = OpenCall {
            operation,
            params,
            limit_ms,
            deadline,
            at: None,
            failed: Vec::new(),
            passing: Passing::default(),
        };
        self.calls.insert(caller, open);
        self.deadlines.insert((deadline, caller));
        self.place_or_wait(caller, out);
    }

    fn on_draining(&mut self, session: SessionId, is_draining: bool, out: &mut Vec<CallEffect>) {
        let Some(seated) = self.roster.get_mut(session) else { return };
        seated.instance.is_draining = is_draining;
        let operations = seated.instance.operations.clone();
        if is_draining {
            self.on_fewer(&operations, out);
        } else {
            self.serve(session, out);
        }
    }

    fn on_taken(&mut self, caller: CallerId, bytes: u64, out: &mut Vec<CallEffect>) {
        let Some(open) = self.calls.get_mut(&caller) else { return };
        if open.passing.on_taken(bytes)
            && let Some(Try { call, session }) = open.at
        {
            let taken_bytes = open.passing.taken_bytes();
            out.push(CallEffect::Send(session, ToWorker::CallMore { call, taken_bytes }));
        }
    }

    fn on_answered(
        &mut self,
        session: SessionId,
        call: CallId,
        answer: Result<AnswerPiece, Failure>,
        out: &mut Vec<CallEffect>,
    ) {
        // What comes late, of a try that was ended or handed to another worker, is nothing.
        let Some(caller) = self.tries.get(&call).copied() else { return };
        let open = self.calls.get_mut(&caller).expect("a try belongs to an open call");
        if open.at != Some(Try { call, session }) {
            return;
        }
        match answer.map(|piece| open.passing.on_piece(piece)) {
            Ok(Passed::On { bytes, is_last }) => {
                out.push(CallEffect::Pass { caller, bytes, is_last });
                if is_last {
                    self.end(caller, false, out);
                }
            }
            Ok(Passed::Known) => {}
            Ok(Passed::Differs) => {
                let operation = open.operation.clone();
                let worker = self.name_of(session);
                self.fail(caller, CallError::AnswerDiffers { operation, worker }, true, out);
            }
            Ok(Passed::Breach) => {
                out.push(CallEffect::Close(session));
                self.lose(session, out);
            }
            Err(failure) if failure.kind == FailureKind::Rejected => {
                let operation = open.operation.clone();
                self.fail(caller, CallError::Rejected { operation, failure }, false, out);
            }
            Err(failure) => {
                let cause = format!("{}: {}", failure.kind.label(), failure.cause);
                self.take_back(caller);
                self.try_again(caller, self.name_of(session), cause, out);
                self.serve(session, out);
            }
        }
    }

    fn on_time(&mut self, now: Tick, out: &mut Vec<CallEffect>) {
        while let Some((at, caller)) = self.deadlines.first().copied()
            && at <= now
        {
            let open = self.calls.get(&caller).expect("a deadline belongs to an open call");
            let (operation, limit_ms) = (open.operation.clone(), open.limit_ms);
            let worker = open.at.map(|at| self.name_of(at.session));
            self.fail(caller, CallError::TimedOut { operation, limit_ms, worker }, true, out);
        }
    }

    /// A worker is gone: its calls go to others.
    fn lose(&mut self, session: SessionId, out: &mut Vec<CallEffect>) {
        let Some(lost) = self.roster.leave(session) else { return };
        for call in &lost.calls {
            let caller = self.tries.remove(call).expect("a worker's call has a caller");
            let open = self.calls.get_mut(&caller).expect("a try belongs to an open call");
            open.at = None;
            self.try_again(caller, lost.name().clone(), "connection lost".to_owned(), out);
        }
        self.on_fewer(&lost.instance.operations, out);
    }

    /// A try has failed; the call is in nobody's hands now.
    fn try_again(
        &mut self,
        caller: CallerId,
        worker: WorkerName,
        cause: String,
        out: &mut Vec<CallEffect>,
    ) {
        let open = self.calls.get_mut(&caller).expect("the call is open");
        open.failed.push(FailedTry { worker, cause });
        if open.failed.len() >= CALL_TRY_COUNT_MAX {
            let error = self.without_worker(caller);
            self.fail(caller, error, false, out);
        } else {
            self.place_or_wait(caller, out);
        }
    }

    fn place_or_wait(&mut self, caller: CallerId, out: &mut Vec<CallEffect>) {
        match self.place(caller, out) {
            Placed::Sent => {}
            Placed::Waits => {
                let operation = self.calls[&caller].operation.clone();
                self.waiting.entry(operation).or_default().insert(caller);
            }
            Placed::Nowhere => {
                let error = self.without_worker(caller);
                self.fail(caller, error, false, out);
            }
        }
    }

    /// Hands a call to a worker that has not failed at it, or to any if all have.
    fn place(&mut self, caller: CallerId, out: &mut Vec<CallEffect>) -> Placed {
        let open = self.calls.get_mut(&caller).expect("the call is open");
        let operation = open.operation.as_str();
        if self.roster.offering(operation).next().is_none() {
            return Placed::Nowhere;
        }
        let (sessions, candidates): (Vec<SessionId>, Vec<Candidate<'_>>) =
            takers(&self.roster, open)
                .filter(|(_, seated)| seated.has_room())
                .map(|(session, seated)| (session, seated.candidate(operation)))
                .unzip();
        if candidates.is_empty() {
            return Placed::Waits;
        }
        let strategy = self.strategies.get(operation).copied().unwrap_or_default();
        let balancer = match self.balancers.get_mut(operation) {
            Some(balancer) => balancer,
            None => {
                let made = Balancer::new(self.random.next_u64());
                self.balancers.entry(operation.to_owned()).or_insert(made)
            }
        };
        let chosen = balancer.choose(strategy, &candidates).expect("there are candidates");
        let session = sessions[chosen];
        self.try_count += 1;
        let call = CallId { epoch: self.epoch, counter: self.try_count };
        self.tries.insert(call, caller);
        let seated = self.roster.get_mut(session).expect("a candidate is connected");
        seated.give(operation, call);
        open.at = Some(Try { call, session });
        open.passing.on_try();
        let (operation, params) = (open.operation.clone(), open.params.clone());
        out.push(CallEffect::Send(session, ToWorker::Call { call, operation, params }));
        let taken_bytes = open.passing.taken_bytes();
        if taken_bytes > 0 {
            out.push(CallEffect::Send(session, ToWorker::CallMore { call, taken_bytes }));
        }
        Placed::Sent
    }

    /// Gives a worker that has room what waits for it, oldest first.
    fn serve(&mut self, session: SessionId, out: &mut Vec<CallEffect>) {
        while let Some(caller) = self.next_for(session) {
            self.stop_waiting(caller);
            let placed = self.place(caller, out);
            assert_eq!(placed, Placed::Sent, "a worker with room was found for it");
        }
    }

    /// The oldest call that waits and that this worker may take now.
    fn next_for(&self, session: SessionId) -> Option<CallerId> {
        let seated = self.roster.get(session).filter(|seated| seated.has_room())?;
        let of_operations = self.waiting.iter().filter(|(name, _)| seated.offers(name));
        let oldest = of_operations.filter_map(|(_, callers)| {
            callers.iter().copied().find(|caller| {
                let open = &self.calls[caller];
                takers(&self.roster, open).any(|(taker, _)| taker == session)
            })
        });
        oldest.min()
    }

    /// One worker fewer takes these operations: what nobody offers any more fails, and what waited
    /// for that worker alone may go to those that have failed at it.
    fn on_fewer(&mut self, operations: &BTreeSet<String>, out: &mut Vec<CallEffect>) {
        for operation in operations {
            if self.roster.offering(operation).next().is_some() {
                continue;
            }
            let unserved = self.waiting.get(operation).cloned().unwrap_or_default();
            for caller in unserved {
                let error = self.without_worker(caller);
                self.fail(caller, error, false, out);
            }
        }
        let sessions: Vec<SessionId> = self.roster.iter().map(|(session, _)| session).collect();
        sessions.into_iter().for_each(|session| self.serve(session, out));
    }

    /// Why a call that nobody takes, or takes again, has no answer.
    fn without_worker(&self, caller: CallerId) -> CallError {
        let open = &self.calls[&caller];
        let operation = open.operation.clone();
        if !open.failed.is_empty() {
            return CallError::TriesUsedUp { operation, tries: open.failed.clone() };
        }
        let mut connected: Vec<ConnectedWorker> = self
            .roster
            .iter()
            .map(|(_, seated)| ConnectedWorker {
                name: seated.name().clone(),
                is_draining: seated.instance.is_draining,
                operations: seated.instance.operations.clone(),
            })
            .collect();
        connected.sort_by(|a, b| a.name.cmp(&b.name));
        CallError::NoWorker { operation, connected }
    }

    fn fail(
        &mut self,
        caller: CallerId,
        error: CallError,
        is_cancelled: bool,
        out: &mut Vec<CallEffect>,
    ) {
        out.push(CallEffect::Fail(caller, error));
        self.end(caller, is_cancelled, out);
    }

    /// Forgets a call; its worker is told where `is_cancelled` says that it is still at work.
    fn end(&mut self, caller: CallerId, is_cancelled: bool, out: &mut Vec<CallEffect>) {
        if !self.calls.contains_key(&caller) {
            return;
        }
        self.stop_waiting(caller);
        let at = self.take_back(caller);
        let open = self.calls.remove(&caller).expect("looked up above");
        self.deadlines.remove(&(open.deadline, caller));
        if let Some(Try { call, session }) = at {
            if is_cancelled {
                out.push(CallEffect::Send(session, ToWorker::CallCancelled(call)));
            }
            self.serve(session, out);
        }
    }

    /// Takes a call out of its worker's hands.
    fn take_back(&mut self, caller: CallerId) -> Option<Try> {
        let at = self.calls.get_mut(&caller)?.at.take()?;
        self.tries.remove(&at.call);
        if let Some(seated) = self.roster.get_mut(at.session) {
            seated.calls.remove(&at.call);
        }
        Some(at)
    }

    fn stop_waiting(&mut self, caller: CallerId) {
        let operation = &self.calls[&caller].operation;
        if let Some(callers) = self.waiting.get_mut(operation) {
            callers.remove(&caller);
            if callers.is_empty() {
                self.waiting.remove(operation);
            }
        }
    }

    fn name_of(&self, session: SessionId) -> WorkerName {
        let seated = self.roster.get(session).expect("a call's worker is connected");
        seated.name().clone()
    }
}

/// Who may take a call, busy or not: those that have not failed at it, or all if all have.
fn takers<'a>(
    roster: &'a Roster,
    open: &'a OpenCall,
) -> impl Iterator<Item = (SessionId, &'a Seated)> {
    let is_new = |seated: &Seated| !open.was_tried_on(seated.name());
    let has_new = roster.offering(&open.operation).any(|(_, seated)| is_new(seated));
    roster.offering(&open.operation).filter(move |(_, seated)| !has_new || is_new(seated))
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
