//! The primary's end of look-ups: events in, effects out.

use super::asking::bounds;
use super::error::LookupError;
use super::event::{LookupEffect, LookupEvent, LookupRequest, RecordSets};
use super::instances::{Instances, Member};
use super::latency::Latencies;
use super::plan::GroupKey;
use super::question::{Asking, PartIndex, PartState, Question};
use crate::calls::CallerId;
use crate::ids::{Epoch, LoadId, TicketId};
use crate::limits::{LEASE_MS, LOOKUP_OPEN_COUNT_MAX};
use crate::records::{GroupAnswer, LoadedSet, Rows, SetName};
use crate::scheduler::SessionId;
use crate::session::ToWorker;
use crate::time::Tick;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// So many look-ups, as a power of two, before their tickets may be those of the next reign.
const TICKET_BITS: u32 = 40;

/// The look-ups of a reign, and who serves which group.
#[derive(Debug)]
pub struct Lookups {
    /// The ledger's record sets, as it was told of them last.
    pub(super) sets: RecordSets,
    pub(super) instances: Instances,
    /// The last one that was given out.
    pub(super) ticket: TicketId,
    pub(super) questions: BTreeMap<CallerId, Question>,
    /// Whose each ticket in an instance's hands is.
    pub(super) tickets: BTreeMap<TicketId, (CallerId, PartIndex)>,
    /// Parts for which nobody is ready, or those who are have enough to do.
    pub(super) waiting: BTreeSet<(GroupKey, CallerId, PartIndex)>,
    deadlines: BTreeSet<(Tick, CallerId)>,
    /// When parts go to a second instance.
    pub(super) seconds: BTreeSet<(Tick, CallerId, PartIndex)>,
    pub(super) latencies: Latencies,
    /// Instances that were full and have room now.
    relieved: Vec<SessionId>,
    /// Until when the workers of the reign before may still be on their way.
    pub(super) settles_at: Option<Tick>,
}

impl Lookups {
    /// Nothing is open, nobody connected; the reign begins now.
    #[must_use]
    pub fn new(now: Tick, epoch: Epoch, sets: RecordSets) -> Lookups {
        Lookups {
            sets,
            instances: Instances::default(),
            // What a worker says late to the master after the one that asked it answers nothing.
            ticket: TicketId(u64::from(epoch.0) << TICKET_BITS),
            questions: BTreeMap::new(),
            tickets: BTreeMap::new(),
            waiting: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            seconds: BTreeSet::new(),
            latencies: Latencies::default(),
            relieved: Vec::new(),
            settles_at: Some(now.after_ms(LEASE_MS)),
        }
    }

    /// Takes an event; what is to be done is appended to `out`.
    pub fn on(&mut self, now: Tick, event: LookupEvent, out: &mut Vec<LookupEffect>) {
        match event {
            LookupEvent::Joined(session, member) => {
                self.on_joined(now, session, member, out);
            }
            LookupEvent::Lost(session) => self.on_lost(now, session, out),
            LookupEvent::Draining(session, is_draining) => {
                self.instances.drain(session, is_draining);
                self.replan(now, out);
            }
            LookupEvent::SetsChanged(sets) => {
                self.sets = sets;
                self.end_replaced(out);
                let is_there = |load| self.sets.values().any(|loaded| loaded.load == load);
                self.latencies.keep(|(load, _)| is_there(load));
                self.replan(now, out);
            }
            LookupEvent::Shelved(session, load, shard, ready) => {
                self.on_shelved(now, session, (load, shard), ready, out);
            }
            LookupEvent::Asked(caller, request) => self.on_asked(now, caller, request, out),
            LookupEvent::Found(session, ticket, answer) => {
                self.on_found(now, session, ticket, answer, out);
            }
            LookupEvent::Tick => {}
        }
        self.on_time(now, out);
        while let Some(session) = self.relieved.pop() {
            self.place_with(now, session, out);
        }
    }

    /// When it next wants a [`LookupEvent::Tick`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Tick> {
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        let second = self.seconds.first().map(|(at, ..)| *at);
        let settles = self.settles_at.filter(|_| !self.waiting.is_empty());
        deadline.into_iter().chain(second).chain(settles).chain(self.instances.next_retry()).min()
    }

    /// A record set, if there is one of this name.
    #[must_use]
    pub fn set(&self, name: &SetName) -> Option<&Arc<LoadedSet>> {
        self.sets.get(name)
    }

    /// Look-ups without a whole answer.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.questions.len()
    }

    fn on_joined(
        &mut self,
        now: Tick,
        session: SessionId,
        member: Member,
        out: &mut Vec<LookupEffect>,
    ) {
        self.on_lost(now, session, out);
        self.instances.join(session, member);
        let before = out.len();
        self.replan(now, out);
        // One that comes back may have what it is not to serve any more.
        let is_told = |effect: &LookupEffect| match effect {
            LookupEffect::Send(to, ToWorker::Shelves(_)) => *to == session,
            _ => false,
        };
        if !out[before..].iter().any(is_told) {
            out.push(LookupEffect::Send(session, ToWorker::Shelves(Vec::new())));
        }
    }

    fn on_lost(&mut self, now: Tick, session: SessionId, out: &mut Vec<LookupEffect>) {
        let Some(name) = self.instances.name(session).cloned() else { return };
        self.instances.leave(session);
        // Whoever takes over is known before anybody is told that there is nobody.
        self.replan(now, out);
        let of_session = |(caller, question): (&CallerId, &Question)| {
            let caller = *caller;
            let parts = question.parts.iter().enumerate();
            let its = parts.filter(|(_, part)| part.asked().iter().any(|it| it.session == session));
            its.map(move |(index, _)| (caller, PartIndex(index))).collect::<Vec<_>>()
        };
        let lost: Vec<_> = self.questions.iter().flat_map(of_session).collect();
        for (caller, part) in lost {
            let cause = format!("{name} was lost while it was asked");
            self.try_again(now, (caller, part), session, cause, out);
        }
    }

    fn on_shelved(
        &mut self,
        now: Tick,
        session: SessionId,
        key: GroupKey,
        ready: Result<(), String>,
        out: &mut Vec<LookupEffect>,
    ) {
        match ready {
            Ok(()) => {
                if self.instances.on_ready(session, key) {
                    self.replan(now, out);
                    self.place_waiting(now, |of| of == key, out);
                }
            }
            Err(cause) => {
                self.instances.on_failed(now, session, key, cause);
                self.replan(now, out);
            }
        }
    }

    fn on_asked(
        &mut self,
        now: Tick,
        caller: CallerId,
        request: LookupRequest,
        out: &mut Vec<LookupEffect>,
    ) {
        assert!(!self.questions.contains_key(&caller), "callers are numbered once");
        let is_full = self.questions.len() >= LOOKUP_OPEN_COUNT_MAX;
        let question =
            if is_full { Err(LookupError::Busy) } else { Question::new(now, &self.sets, request) };
        let mut question = match question {
            Ok(question) => question,
            Err(error) => return out.push(LookupEffect::Answer(caller, Err(error))),
        };
        let parts: Vec<PartIndex> = (0..question.parts.len()).map(PartIndex).collect();
        for part in &parts {
            self.place(now, caller, &mut question, *part, out);
        }
        if question.is_done() {
            return out.push(LookupEffect::Answer(caller, Ok(question.into_answer())));
        }
        self.deadlines.insert((question.deadline, caller));
        self.questions.insert(caller, question);
    }

    fn on_found(
        &mut self,
        now: Tick,
        session: SessionId,
        ticket: TicketId,
        answer: Result<Rows, String>,
        out: &mut Vec<LookupEffect>,
    ) {
        // What comes late, of a look-up that is over, is nothing.
        let Some((caller, index)) = self.tickets.get(&ticket).copied() else { return };
        let question = self.questions.get_mut(&caller).expect("a ticket belongs to a question");
        let answer = answer.and_then(|rows| within(rows, bounds(question.parts.len())));
        let part = &mut question.parts[index.0];
        let asking = part.asked().iter().find(|it| (it.session, it.ticket) == (session, ticket));
        let Some(asking) = asking.copied() else { return };
        let name = self.instances.name(session).expect("an instance that is asked is connected");
        match answer {
            Ok(rows) => {
                self.latencies.on_answer(part.key, now.0.saturating_sub(asking.since.0));
                // Whoever else has it comes too late.
                let asked = part.asked().to_vec();
                if let Some(at) = part.second_at.take() {
                    self.seconds.remove(&(at, caller, index));
                }
                part.state = PartState::Done(GroupAnswer::Rows(rows), Some(name.clone()));
                asked.into_iter().for_each(|it| self.release(it));
                self.answer_if_done(caller, out);
            }
            Err(cause) => {
                let (key, text) = (part.key, format!("{name}: {cause}"));
                self.instances.on_failed(now, session, key, cause);
                self.replan(now, out);
                self.try_again(now, (caller, index), session, text, out);
            }
        }
    }

    pub(super) fn answer_if_done(&mut self, caller: CallerId, out: &mut Vec<LookupEffect>) {
        if self.questions.get(&caller).is_some_and(Question::is_done)
            && let Some(question) = self.end(caller)
        {
            out.push(LookupEffect::Answer(caller, Ok(question.into_answer())));
        }
    }

    /// A question is in an instance's hands no more, as far as anybody here waits for it.
    pub(super) fn release(&mut self, asking: Asking) {
        if self.tickets.remove(&asking.ticket).is_some() && self.instances.release(asking.session) {
            self.relieved.push(asking.session);
        }
    }

    /// Forgets a look-up, and what is on its way for it.
    fn end(&mut self, caller: CallerId) -> Option<Question> {
        let question = self.questions.remove(&caller)?;
        self.deadlines.remove(&(question.deadline, caller));
        for (index, part) in question.parts.iter().enumerate() {
            let index = PartIndex(index);
            if let Some(at) = part.second_at {
                self.seconds.remove(&(at, caller, index));
            }
            match &part.state {
                PartState::Asked(asked) => {
                    asked.iter().for_each(|it| self.release(*it));
                }
                PartState::Waits => {
                    self.waiting.remove(&(part.key, caller, index));
                }
                PartState::Done(..) => {}
            }
        }
        Some(question)
    }

    /// What waits for a load that is there no more ends; what an instance has is answered by it,
    /// before it hears of the change.
    fn end_replaced(&mut self, out: &mut Vec<LookupEffect>) {
        let is_there = |load: LoadId| self.sets.values().any(|loaded| loaded.load == load);
        let gone = self.waiting.iter().filter(|((load, _), ..)| !is_there(*load));
        let callers: BTreeSet<CallerId> = gone.map(|(_, caller, _)| *caller).collect();
        for caller in callers {
            if let Some(question) = self.end(caller) {
                let error = LookupError::Replaced(question.loaded.set.name.clone());
                out.push(LookupEffect::Answer(caller, Err(error)));
            }
        }
    }

    fn replan(&mut self, now: Tick, out: &mut Vec<LookupEffect>) {
        for (session, shelves) in self.instances.replan(&self.sets) {
            out.push(LookupEffect::Send(session, ToWorker::Shelves(shelves)));
        }
        // Hope may have come, or gone.
        self.place_waiting(now, |_| true, out);
    }

    fn on_time(&mut self, now: Tick, out: &mut Vec<LookupEffect>) {
        if self.settles_at.is_some_and(|at| at <= now) {
            self.settles_at = None;
            self.place_waiting(now, |_| true, out);
        }
        if self.instances.next_retry().is_some_and(|at| at <= now) && self.instances.forgive(now) {
            self.replan(now, out);
        }
        self.ask_seconds(now, out);
        while let Some((at, caller)) = self.deadlines.first().copied()
            && at <= now
        {
            let Some(mut question) = self.end(caller) else { return };
            let seconds = question.limit_ms as f64 / 1_000.0;
            for part in &mut question.parts {
                let why = match &part.state {
                    PartState::Waits => {
                        format!("no worker had it ready within {seconds} s; ask again")
                    }
                    PartState::Asked(asked) => {
                        let names = asked.iter().filter_map(|it| self.instances.name(it.session));
                        let names: Vec<String> = names.map(ToString::to_string).collect();
                        let names = names.join(" and ");
                        format!("{names} did not answer within {seconds} s; ask again")
                    }
                    PartState::Done(..) => continue,
                };
                part.state = PartState::Done(GroupAnswer::Missing(why), None);
            }
            out.push(LookupEffect::Answer(caller, Ok(question.into_answer())));
        }
    }
}

/// These rows, unless they are more than was asked for.
fn within(rows: Rows, (row_count_max, bytes_max): (u32, u32)) -> Result<Rows, String> {
    let bytes: usize = rows.rows.iter().map(String::len).sum();
    let is_within = rows.rows.len() <= row_count_max as usize
        && (bytes <= bytes_max as usize || rows.rows.len() == 1);
    if is_within { Ok(rows) } else { Err("it answers with more than it was asked for".to_owned()) }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
