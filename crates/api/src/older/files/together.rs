//! Answers to requests whose files go to one slave in one call: every task of such a request finds
//! its part here.

use super::slave::Returned;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use windlass_core::{PhaseId, TaskIndex, WorkerName};

/// The answers by request.
#[derive(Default)]
pub(super) struct Together(Mutex<BTreeMap<PhaseId, Arc<tokio::sync::Mutex<Share>>>>);

/// What a slave made of the files of one request; held while one is asked.
#[derive(Debug, Default)]
pub(super) struct Share {
    by: Option<WorkerName>,
    made: Returned,
    /// Files of which it was told that they are missing.
    told: BTreeSet<TaskIndex>,
}

impl Together {
    pub(super) fn share(&self, phase: PhaseId) -> Arc<tokio::sync::Mutex<Share>> {
        let mut shares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(shares.entry(phase).or_default())
    }

    /// Nothing of this request comes any more.
    pub(super) fn close(&self, phase: PhaseId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&phase);
    }
}

impl Share {
    pub(super) fn new(by: WorkerName, made: Returned) -> Share {
        Share { by: Some(by), made, told: BTreeSet::new() }
    }

    /// What was made of a file.
    pub(super) fn made(&self, file: TaskIndex) -> Option<Vec<u8>> {
        self.made.get(&file).cloned()
    }

    /// Whether this slave's answer has nothing of a file, of which it is told once: then the slave
    /// has failed with it, and the next time it is asked anew.
    pub(super) fn tell_missing(&mut self, file: TaskIndex, slave: &WorkerName) -> bool {
        self.by.as_ref() == Some(slave) && !self.made.contains_key(&file) && self.told.insert(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_told_once_to_who_missed_it() {
        let (a, b) = (WorkerName("a".to_owned()), WorkerName("b".to_owned()));
        let mut nobody = Share::default();
        assert!(!nobody.tell_missing(TaskIndex(0), &a));
        let mut share = Share::new(a.clone(), [(TaskIndex(0), vec![1])].into());
        assert_eq!(share.made(TaskIndex(0)), Some(vec![1]));
        assert!(!share.tell_missing(TaskIndex(0), &a));
        assert!(!share.tell_missing(TaskIndex(1), &b), "another one is asked");
        assert!(share.tell_missing(TaskIndex(1), &a));
        assert!(!share.tell_missing(TaskIndex(1), &a), "it is asked anew");
    }
}
