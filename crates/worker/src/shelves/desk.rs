//! Where questions to record sets arrive: those by key, which are nearly all, are answered there
//! and then, as handing one over to another thread takes longer than its answer.

use super::Key;
use crate::host::Send;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use windlass_core::session::{ToMaster, ToWorker};
use windlass_records::Index;

/// The shards that are ready, for whoever brings a question.
#[derive(Default)]
pub(crate) struct Desk(RwLock<Ready>);

pub(super) type Ready = BTreeMap<Key, Arc<Index>>;

impl Desk {
    /// These are ready from now on, and no others.
    pub(super) fn show(&self, ready: Ready) {
        let mut shown = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *shown, ready);
        // Freeing an index takes a while.
        drop(shown);
        drop(before);
    }

    /// Takes a question that has come over the connection, without ever waiting, and answers it by
    /// the line to whom this worker is welcome; gives back what is for the seat to see.
    pub(crate) fn take(
        &self,
        message: ToWorker,
        line: impl FnOnce() -> Option<Send>,
    ) -> Option<ToWorker> {
        let ToWorker::Query { ticket, load, shard, query, skip, row_count_max, bytes_max } =
            &message
        else {
            return Some(message);
        };
        let ready = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let index = ready.get(&(*load, *shard)).cloned();
        drop(ready);
        let (row_count_max, bytes_max) = (*row_count_max as usize, *bytes_max as usize);
        let answer =
            index.and_then(|index| index.answer_short(query, *skip, row_count_max, bytes_max));
        let (Some(answer), Some(line)) = (answer, line()) else { return Some(message) };
        let answer = answer.map_err(|error| error.to_string());
        let is_heard = line(ToMaster::Found { ticket: *ticket, answer }).is_ok();
        (!is_heard).then_some(message)
    }
}
