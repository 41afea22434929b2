//! The oracle of look-ups: an answer is right and whole, or names the groups that are missing; once
//! nothing disturbs the cluster none is missing, and nobody waits for ever.

use crate::lookups::{Enquiry, rows, set_name};
use crate::plan::QUIET_AT;
use crate::wire::MasterLife;
use std::collections::BTreeMap;
use std::sync::Arc;
use windlass_core::calls::CallerId;
use windlass_core::ledger::Ledger;
use windlass_core::lookups::{LookupAnswer, LookupError, LookupRequest};
use windlass_core::records::{GroupAnswer, LoadedSet};
use windlass_core::{LoadId, Tick};

/// What a look-up may take beyond its limit: clocks run at 95 to 105 %, and answers are given at
/// turns of the loop.
const SLACK_US: u64 = 1_000_000;

/// Who asks, and what was loaded.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    caller_count: u64,
    asked: BTreeMap<CallerId, Asked>,
    /// Every load that there ever was.
    loads: BTreeMap<LoadId, Arc<LoadedSet>>,
    /// Whole answers to what was asked once nothing disturbed the cluster any more.
    pub(crate) quiet_count: u64,
}

#[derive(Debug)]
struct Asked {
    request: LookupRequest,
    at: Tick,
    of: MasterLife,
}

impl Reader {
    /// Somebody asks a master.
    pub(crate) fn ask(&mut self, now: Tick, of: MasterLife, request: LookupRequest) -> Enquiry {
        self.caller_count += 1;
        let caller = CallerId(self.caller_count);
        self.asked.insert(caller, Asked { request: request.clone(), at: now, of });
        Enquiry { caller, request }
    }

    /// What is in the log by now.
    pub(crate) fn on_read(&mut self, ledger: &Ledger) {
        for loaded in ledger.records.values() {
            self.loads.entry(loaded.load).or_insert_with(|| Arc::clone(loaded));
        }
    }

    /// A master answers; returns how whole the answer is.
    pub(crate) fn on_answer(
        &mut self,
        by: MasterLife,
        caller: CallerId,
        answer: &Result<LookupAnswer, LookupError>,
        ledger: &Ledger,
    ) -> Result<&'static str, String> {
        let asked =
            self.asked.remove(&caller).ok_or_else(|| format!("{caller:?} asked nothing"))?;
        if asked.of != by {
            return Err(format!("{by:?} answers what {:?} was asked", asked.of));
        }
        let is_quiet = asked.at > QUIET_AT;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if is_quiet => return Err(format!("a look-up failed: {error}")),
            Err(LookupError::UnknownSet { .. } | LookupError::Replaced(_)) => {
                return Ok("look-up: its record set is not there");
            }
            Err(error) => return Err(format!("a look-up failed: {error}")),
        };
        let loaded = self.loads.get(&answer.load);
        let loaded = loaded.ok_or_else(|| format!("load {} never was", answer.load))?;
        let current = ledger.records.get(&set_name()).map(|current| current.load);
        if is_quiet && current != Some(answer.load) {
            return Err(format!("load {} is asked, {current:?} is there", answer.load));
        }
        let missing_count = check(&asked.request, loaded, answer)?;
        match (missing_count, is_quiet) {
            (0, true) => {
                self.quiet_count += 1;
                Ok("look-up: whole")
            }
            (0, false) => Ok("look-up: whole"),
            (_, true) => Err(format!("a group is missing: {:?}", answer.answer)),
            (_, false) => Ok("look-up: a group is missing"),
        }
    }

    /// Nobody waits for ever for a master that reigns.
    pub(crate) fn check_waiting(&self, now: Tick, reigning: MasterLife) -> Result<(), String> {
        let is_late = |asked: &&Asked| {
            let limit_us = asked.request.limit_ms.unwrap_or(0) * 1_100;
            asked.of == reigning && asked.at > QUIET_AT && asked.at.0 + limit_us + SLACK_US < now.0
        };
        match self.asked.values().find(is_late) {
            Some(asked) => Err(format!("nobody answers {asked:?}")),
            None => Ok(()),
        }
    }
}

/// Checks what an answer says of each group; returns how many groups are missing.
fn check(
    request: &LookupRequest,
    loaded: &LoadedSet,
    answer: &LookupAnswer,
) -> Result<usize, String> {
    let wanted = loaded.set.shards_of(&request.query);
    let groups = wanted.iter().map(|shard| &loaded.set.shards.as_slice()[*shard].group);
    if !groups.eq(answer.answer.parts.iter().map(|(group, _)| group)) {
        return Err(format!("other groups answer than were asked: {answer:?}"));
    }
    let mut missing_count = 0;
    for (shard, (group, part)) in wanted.iter().zip(&answer.answer.parts) {
        match part {
            GroupAnswer::Rows(found) if *found == rows(&loaded.stored[*shard], &request.query) => {}
            GroupAnswer::Rows(found) => return Err(format!("{group} has wrong rows: {found:?}")),
            GroupAnswer::Missing(_) => missing_count += 1,
        }
    }
    Ok(missing_count)
}
