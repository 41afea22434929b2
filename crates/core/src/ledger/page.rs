//! Up to 1,024 tasks of a phase, packed: two bytes a task, 32 more once it settled with a result.
//!
//! Bits of a task's word, lowest first: state 2, failures of the round 3, workers lost in the round
//! 5, round 6.

use super::job::FailedTask;
use super::table::TaskState;
use crate::ids::{BlobId, Round};
use std::collections::BTreeMap;

/// Tasks of a page.
pub(super) const PAGE_TASK_COUNT: usize = 1_024;
/// Stands for "no artifacts": the hash of no known content.
const NO_MANIFEST: BlobId = BlobId([0; 32]);

const STATE_MASK: u16 = 0b11;
const FAILURES_SHIFT: u16 = 2;
const FAILURES_MAX: u16 = 0b111;
const LOST_SHIFT: u16 = 5;
const LOST_MAX: u16 = 0b1_1111;
const ROUND_SHIFT: u16 = 10;
pub(super) const ROUND_MAX: u16 = 0b11_1111;

/// Consecutive tasks of a phase.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Page {
    words: Vec<u16>,
    /// One a task, or empty until the first task has one.
    manifests: Vec<BlobId>,
    /// The last failure of each task that had one, pending or failed.
    failures: BTreeMap<u16, FailedTask>,
}

/// A position in a page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Slot(pub(super) u16);

impl Slot {
    fn at(self) -> usize {
        usize::from(self.0)
    }
}

impl Page {
    /// So many pending tasks.
    pub(super) fn blank(count: usize) -> Page {
        Page { words: vec![0; count], ..Page::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// Adds pending tasks.
    pub(super) fn grow(&mut self, count: usize) {
        self.words.resize(self.words.len() + count, 0);
        if !self.manifests.is_empty() {
            self.manifests.resize(self.words.len(), NO_MANIFEST);
        }
    }

    pub(super) fn state(&self, slot: Slot) -> Option<TaskState> {
        self.words.get(slot.at()).map(|word| match word & STATE_MASK {
            0 => TaskState::Pending,
            1 => TaskState::Succeeded,
            _ => TaskState::Failed,
        })
    }

    pub(super) fn round(&self, slot: Slot) -> Round {
        Round(self.word(slot) >> ROUND_SHIFT)
    }

    pub(super) fn failure_count(&self, slot: Slot) -> u8 {
        (self.word(slot) >> FAILURES_SHIFT & FAILURES_MAX) as u8
    }

    pub(super) fn lost_count(&self, slot: Slot) -> u8 {
        (self.word(slot) >> LOST_SHIFT & LOST_MAX) as u8
    }

    pub(super) fn manifest(&self, slot: Slot) -> Option<BlobId> {
        if self.state(slot) != Some(TaskState::Succeeded) {
            return None;
        }
        self.manifests.get(slot.at()).copied().filter(|id| *id != NO_MANIFEST)
    }

    pub(super) fn failure(&self, slot: Slot) -> Option<&FailedTask> {
        self.failures.get(&slot.0)
    }

    pub(super) fn keep_failure(&mut self, slot: Slot, failed: FailedTask) {
        self.failures.insert(slot.0, failed);
    }

    pub(super) fn succeed(&mut self, slot: Slot, manifest: Option<BlobId>) {
        self.set_state(slot, TaskState::Succeeded);
        if !self.failures.is_empty() {
            self.failures.remove(&slot.0);
        }
        if manifest.is_none() && self.manifests.is_empty() {
            return;
        }
        if self.manifests.is_empty() {
            self.manifests.resize(self.words.len(), NO_MANIFEST);
        }
        self.manifests[slot.at()] = manifest.unwrap_or(NO_MANIFEST);
    }

    pub(super) fn fail(&mut self, slot: Slot) {
        self.set_state(slot, TaskState::Failed);
    }

    pub(super) fn count_failure(&mut self, slot: Slot) -> u8 {
        self.raise(slot, FAILURES_SHIFT, FAILURES_MAX);
        self.failure_count(slot)
    }

    pub(super) fn count_lost(&mut self, slot: Slot) -> u8 {
        self.raise(slot, LOST_SHIFT, LOST_MAX);
        self.lost_count(slot)
    }

    /// Opens a task's next round, whatever came of this one; `false` where there is none.
    pub(super) fn reopen(&mut self, slot: Slot) -> bool {
        let round = self.round(slot);
        if self.state(slot).is_none() || round.0 == ROUND_MAX {
            return false;
        }
        self.words[slot.at()] = (round.0 + 1) << ROUND_SHIFT;
        self.failures.remove(&slot.0);
        if let Some(manifest) = self.manifests.get_mut(slot.at()) {
            *manifest = NO_MANIFEST;
        }
        true
    }

    /// Words and manifests as bytes (numbers little endian), for a snapshot.
    pub(super) fn to_bytes(&self) -> (Vec<u8>, Vec<u8>) {
        let words = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let manifests = self.manifests.iter().flat_map(|id| id.0).collect();
        (words, manifests)
    }

    pub(super) fn failures(&self) -> &BTreeMap<u16, FailedTask> {
        &self.failures
    }

    /// The reverse of [`Page::to_bytes`]; `None` unless this is a page that entries can build.
    pub(super) fn from_parts(
        words: &[u8],
        manifests: &[u8],
        failures: BTreeMap<u16, FailedTask>,
    ) -> Option<Page> {
        let (words, odd) = words.as_chunks::<2>();
        let (manifests, rest) = manifests.as_chunks::<32>();
        let fits = (1..=PAGE_TASK_COUNT).contains(&words.len()) && odd.is_empty();
        let whole = rest.is_empty() && (manifests.is_empty() || manifests.len() == words.len());
        if !fits || !whole {
            return None;
        }
        let words: Vec<u16> = words.iter().map(|word| u16::from_le_bytes(*word)).collect();
        let manifests: Vec<BlobId> = manifests.iter().map(|id| BlobId(*id)).collect();
        let page = Page { words, manifests, failures };
        page.is_sound().then_some(page)
    }

    fn is_sound(&self) -> bool {
        let known = self.words.iter().all(|word| word & STATE_MASK <= 2);
        let of_success = self
            .manifests
            .iter()
            .zip(&self.words)
            .all(|(manifest, word)| *manifest == NO_MANIFEST || word & STATE_MASK == 1);
        let of_unsuccess = self
            .failures
            .keys()
            .all(|slot| self.state(Slot(*slot)).is_some_and(|state| state != TaskState::Succeeded));
        known && of_success && of_unsuccess
    }

    fn word(&self, slot: Slot) -> u16 {
        self.words.get(slot.at()).copied().unwrap_or(0)
    }

    fn set_state(&mut self, slot: Slot, state: TaskState) {
        let bits = match state {
            TaskState::Pending => 0,
            TaskState::Succeeded => 1,
            TaskState::Failed => 2,
        };
        let word = &mut self.words[slot.at()];
        *word = *word & !STATE_MASK | bits;
    }

    fn raise(&mut self, slot: Slot, shift: u16, max: u16) {
        let word = &mut self.words[slot.at()];
        if *word >> shift & max < max {
            *word += 1 << shift;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_pages_are_refused() {
        let page = |words: &[u16], manifests: usize| {
            let words: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            Page::from_parts(&words, &vec![7; manifests], BTreeMap::new())
        };
        assert!(page(&[0, 1, 2], 0).is_some());
        assert!(page(&[1, 1], 64).is_some());
        assert!(page(&[], 0).is_none(), "no task");
        assert!(page(&[0; PAGE_TASK_COUNT + 1], 0).is_none(), "too many");
        assert!(page(&[3], 0).is_none(), "no such state");
        assert!(page(&[1, 1], 32).is_none(), "too few manifests");
        assert!(page(&[0], 32).is_none(), "a pending task has no manifest");
    }
}
