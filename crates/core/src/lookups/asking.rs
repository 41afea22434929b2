//! Who is asked for a part of a look-up: the first instance, a second one, the next one, or nobody.

use super::event::LookupEffect;
use super::machine::Lookups;
use super::plan::GroupKey;
use super::question::{Asking, PartIndex, PartState, Question};
use crate::calls::CallerId;
use crate::limits::{LOOKUP_BYTES_MAX, LOOKUP_ROW_COUNT_MAX};
use crate::records::{GroupAnswer, Pin};
use crate::scheduler::SessionId;
use crate::session::ToWorker;
use crate::time::Tick;

impl Lookups {
    /// An instance did not answer: the question goes to another one, unless one has it already.
    pub(super) fn try_again(
        &mut self,
        now: Tick,
        (caller, index): (CallerId, PartIndex),
        session: SessionId,
        cause: String,
        out: &mut Vec<LookupEffect>,
    ) {
        let Some(mut question) = self.questions.remove(&caller) else { return };
        let part = &mut question.parts[index.0];
        if let PartState::Asked(asked) = &mut part.state
            && let Some(at) = asked.iter().position(|it| it.session == session)
        {
            let asking = asked.remove(at);
            let is_unasked = asked.is_empty();
            part.tried.push(session);
            part.causes.push(cause);
            self.release(asking);
            if is_unasked {
                part.state = PartState::Waits;
                if let Some(at) = part.second_at.take() {
                    self.seconds.remove(&(at, caller, index));
                }
                self.place(now, caller, &mut question, index, out);
            }
        }
        self.questions.insert(caller, question);
        self.answer_if_done(caller, out);
    }

    /// Asks an instance of the part's group; where none is ready, the part waits as long as there
    /// is hope of one.
    pub(super) fn place(
        &mut self,
        now: Tick,
        caller: CallerId,
        question: &mut Question,
        index: PartIndex,
        out: &mut Vec<LookupEffect>,
    ) {
        let key = question.parts[index.0].key;
        self.waiting.remove(&(key, caller, index));
        if self.ask(now, caller, question, index, out) {
            let at = now.after_ms(self.latencies.second_ms(key));
            question.parts[index.0].second_at = Some(at);
            self.seconds.insert((at, caller, index));
            return;
        }
        let is_hoped_for = self.settles_at.is_some()
            || self.instances.is_loading(key)
            || self.instances.has_full(key, &question.parts[index.0].tried);
        if is_hoped_for {
            self.waiting.insert((key, caller, index));
            return;
        }
        let why = self.why_missing(question, index);
        question.parts[index.0].state = PartState::Done(GroupAnswer::Missing(why), None);
    }

    /// Asks an instance of the part's group that has not been asked; `false`: none is ready.
    fn ask(
        &mut self,
        now: Tick,
        caller: CallerId,
        question: &mut Question,
        index: PartIndex,
        out: &mut Vec<LookupEffect>,
    ) -> bool {
        let (group_count, part) = (question.parts.len(), &mut question.parts[index.0]);
        let (load, shard) = part.key;
        let having = part.asked().iter().map(|it| it.session);
        let passed_over: Vec<SessionId> = part.tried.iter().copied().chain(having).collect();
        let Some(session) = self.instances.choose(part.key, &passed_over) else { return false };
        self.ticket.0 += 1;
        let ticket = self.ticket;
        self.tickets.insert(ticket, (caller, index));
        let asking = Asking { session, ticket, since: now };
        match &mut part.state {
            PartState::Asked(asked) => asked.push(asking),
            state => *state = PartState::Asked(vec![asking]),
        }
        let (query, skip) = (question.query.clone(), question.skip);
        let (row_count_max, bytes_max) = bounds(group_count);
        let asked = ToWorker::Query { ticket, load, shard, query, skip, row_count_max, bytes_max };
        out.push(LookupEffect::Send(session, asked));
        true
    }

    /// Asks a second instance where the first takes long: it may hang, and is lost only after a
    /// lease.
    pub(super) fn ask_seconds(&mut self, now: Tick, out: &mut Vec<LookupEffect>) {
        while let Some((at, caller, index)) = self.seconds.first().copied()
            && at <= now
        {
            self.seconds.pop_first();
            let Some(mut question) = self.questions.remove(&caller) else { continue };
            question.parts[index.0].second_at = None;
            self.ask(now, caller, &mut question, index, out);
            self.questions.insert(caller, question);
        }
    }

    /// What is wrong with a group that nobody answers for, and what to do.
    fn why_missing(&self, question: &Question, index: PartIndex) -> String {
        let part = &question.parts[index.0];
        let mut causes = part.causes.clone();
        causes.extend(self.instances.failures(part.key).filter_map(|(session, failed)| {
            let name = self.instances.name(session)?;
            (!part.tried.contains(&session)).then(|| format!("{name}: {}", failed.cause))
        }));
        let set = question.loaded.set.name.clone();
        let pin = Pin { set, group: question.group(index).clone() };
        causes.push(format!("no worker serves {pin}"));
        causes.push(self.instances.remedy(std::slice::from_ref(&pin)));
        causes.join("; ")
    }

    /// Gives an instance that has room again what waits for its groups, of each in turn, oldest
    /// first.
    pub(super) fn place_with(
        &mut self,
        now: Tick,
        session: SessionId,
        out: &mut Vec<LookupEffect>,
    ) {
        if self.waiting.is_empty() {
            return;
        }
        let first = |key| (key, CallerId(0), PartIndex(0));
        let mut places: Vec<_> = self.instances.keys_of(session).into_iter().map(first).collect();
        while !places.is_empty() {
            places.retain_mut(|from| {
                if self.instances.is_full(session) {
                    return false;
                }
                let next = self.waiting.range(*from..).next().copied();
                let Some((key, caller, index)) = next.filter(|next| next.0 == from.0) else {
                    return false;
                };
                *from = (key, caller, PartIndex(index.0 + 1));
                self.place_again(now, caller, index, out);
                true
            });
        }
    }

    /// Looks anew for instances for the parts that wait for these groups.
    pub(super) fn place_waiting(
        &mut self,
        now: Tick,
        is_meant: impl Fn(GroupKey) -> bool,
        out: &mut Vec<LookupEffect>,
    ) {
        let meant = self.waiting.iter().filter(|(key, ..)| is_meant(*key));
        let waiting: Vec<_> = meant.copied().collect();
        for (_, caller, index) in waiting {
            self.place_again(now, caller, index, out);
        }
    }

    fn place_again(
        &mut self,
        now: Tick,
        caller: CallerId,
        index: PartIndex,
        out: &mut Vec<LookupEffect>,
    ) {
        let Some(mut question) = self.questions.remove(&caller) else { return };
        self.place(now, caller, &mut question, index, out);
        self.questions.insert(caller, question);
        self.answer_if_done(caller, out);
    }
}

/// Rows of one group, and bytes of them; but one row always fits.
pub(super) fn bounds(group_count: usize) -> (u32, u32) {
    let share = |most: usize| u32::try_from((most / group_count).max(1)).unwrap_or(u32::MAX);
    (share(LOOKUP_ROW_COUNT_MAX), share(LOOKUP_BYTES_MAX))
}
