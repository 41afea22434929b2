//! One open look-up: which groups were asked, who is at work on it, what has come.

use super::error::LookupError;
use super::event::{LookupAnswer, LookupRequest, RecordSets};
use super::plan::GroupKey;
use crate::ids::{ShardIndex, TicketId, WorkerName};
use crate::limits::{LOOKUP_MS_DEFAULT, LOOKUP_MS_MAX};
use crate::records::{GroupAnswer, GroupName, LoadedSet, Query, merge};
use crate::scheduler::SessionId;
use crate::time::Tick;
use std::sync::Arc;

/// Position of a group among those that a look-up asks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct PartIndex(pub(super) usize);

/// A look-up without its whole answer.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) loaded: Arc<LoadedSet>,
    pub(super) query: Query,
    pub(super) skip: u64,
    pub(super) limit_ms: u64,
    pub(super) deadline: Tick,
    pub(super) parts: Vec<Part>,
}

/// What is asked of one group.
#[derive(Debug)]
pub(super) struct Part {
    /// The group's position in the set.
    pub(super) position: usize,
    pub(super) key: GroupKey,
    pub(super) state: PartState,
    /// When a second instance is asked, unless the first has answered.
    pub(super) second_at: Option<Tick>,
    /// Who was asked and did not answer.
    pub(super) tried: Vec<SessionId>,
    /// What became of these, for people.
    pub(super) causes: Vec<String>,
}

/// A part in an instance's hands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Asking {
    pub(super) session: SessionId,
    pub(super) ticket: TicketId,
    pub(super) since: Tick,
}

#[derive(Debug)]
pub(super) enum PartState {
    /// No instance is ready that was not tried.
    Waits,
    /// An instance has it, or two: whoever answers first is heard.
    Asked(Vec<Asking>),
    /// It is settled, and who answered.
    Done(GroupAnswer, Option<WorkerName>),
}

impl Part {
    /// The instances that have it.
    pub(super) fn asked(&self) -> &[Asking] {
        match &self.state {
            PartState::Asked(asked) => asked,
            PartState::Waits | PartState::Done(..) => &[],
        }
    }
}

impl Question {
    /// What is to be asked of which groups; nobody is asked yet.
    pub(super) fn new(
        now: Tick,
        sets: &RecordSets,
        request: LookupRequest,
    ) -> Result<Question, LookupError> {
        let LookupRequest { set: name, query, load, group, skip, limit_ms } = request;
        let Some(loaded) = sets.get(&name) else {
            let known = sets.keys().cloned().collect();
            return Err(LookupError::UnknownSet { name, known });
        };
        loaded.set.check_query(&query)?;
        if load.is_some_and(|load| load != loaded.load) {
            return Err(LookupError::Replaced(name));
        }
        let mut positions = loaded.set.shards_of(&query);
        if let Some(group) = group {
            let position = loaded.set.shards.of_group(&group);
            let unknown = || LookupError::UnknownGroup { set: name.clone(), group };
            let only = position.ok_or_else(unknown)?;
            positions.retain(|position| *position == only);
        }
        let part = |position: usize| Part {
            position,
            key: (loaded.load, ShardIndex(u16::try_from(position).unwrap_or(u16::MAX))),
            state: PartState::Waits,
            second_at: None,
            tried: Vec::new(),
            causes: Vec::new(),
        };
        let limit_ms = limit_ms.unwrap_or(LOOKUP_MS_DEFAULT).min(LOOKUP_MS_MAX);
        Ok(Question {
            parts: positions.into_iter().map(part).collect(),
            loaded: Arc::clone(loaded),
            query,
            skip,
            limit_ms,
            deadline: now.after_ms(limit_ms),
        })
    }

    pub(super) fn is_done(&self) -> bool {
        self.parts.iter().all(|part| matches!(part.state, PartState::Done(..)))
    }

    pub(super) fn group(&self, part: PartIndex) -> &GroupName {
        &self.loaded.set.shards.as_slice()[self.parts[part.0].position].group
    }

    /// The answer, once every part is done.
    pub(super) fn into_answer(self) -> LookupAnswer {
        let shards = self.loaded.set.shards.as_slice();
        let mut asked = Vec::with_capacity(self.parts.len());
        let mut answers = Vec::with_capacity(self.parts.len());
        let mut answered = Vec::new();
        for part in self.parts {
            let group = shards[part.position].group.clone();
            asked.push(part.position);
            if let PartState::Done(answer, worker) = part.state {
                answered.extend(worker.map(|worker| (group.clone(), worker)));
                answers.push((group, answer));
            }
        }
        let answer = merge(&self.loaded.set, &asked, answers);
        LookupAnswer { load: self.loaded.load, answer, answered }
    }
}
