//! Answers to requests whose files go to one slave in one call: every task of such a request finds
//! its part here.

use super::slave::Returned;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use windlass_core::{PhaseId, TaskIndex, WorkerName};

type Shared = tokio::sync::Mutex<Share>;

/// The answers by request, each for as long as a slave that has to do with the request is there.
#[derive(Default)]
pub(super) struct Together(Mutex<BTreeMap<PhaseId, Weak<Shared>>>);

/// The answers to requests that a slave has to do with.
pub(super) struct Held {
    all: Arc<Together>,
    own: Mutex<BTreeMap<PhaseId, Arc<Shared>>>,
}

/// What a slave made of the files of one request; held while one is asked.
#[derive(Debug, Default)]
pub(super) struct Share {
    by: Option<WorkerName>,
    made: Returned,
    /// Files of which it was told that they are missing.
    told: BTreeSet<TaskIndex>,
}

impl Together {
    fn share(&self, phase: PhaseId) -> Arc<Shared> {
        let mut shares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(&phase).and_then(Weak::upgrade) {
            return share;
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::default();
        shares.insert(phase, Arc::downgrade(&share));
        share
    }
}

impl Held {
    pub(super) fn of(all: Arc<Together>) -> Held {
        Held { all, own: Mutex::default() }
    }

    pub(super) fn share(&self, phase: PhaseId) -> Arc<Shared> {
        let share = self.all.share(phase);
        self.own().insert(phase, Arc::clone(&share));
        share
    }

    /// Nothing of this request comes to the slave any more.
    pub(super) fn close(&self, phase: PhaseId) {
        self.own().remove(&phase);
    }

    /// Nothing at all does.
    pub(super) fn close_all(&self) {
        self.own().clear();
    }

    fn own(&self) -> MutexGuard<'_, BTreeMap<PhaseId, Arc<Shared>>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
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
    use windlass_core::{JobId, PhaseIndex};

    #[test]
    fn an_answer_is_there_for_as_long_as_a_slave_of_its_request_is() {
        let together = Arc::new(Together::default());
        let [first, second] = [(); 2].map(|()| Held::of(Arc::clone(&together)));
        let phase_of = |job| PhaseId { job: JobId(job), phase: PhaseIndex(0) };
        let phase = phase_of(1);
        let share = Arc::downgrade(&first.share(phase));
        assert!(Arc::ptr_eq(&second.share(phase), &share.upgrade().expect("it is held")));
        first.close(phase);
        assert!(share.upgrade().is_some());
        second.close_all();
        assert!(share.upgrade().is_none());
        let _later = first.share(phase_of(2));
        assert_eq!(together.0.lock().expect("whole").len(), 1);
    }

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
