//! Where a task lies until its worker comes for it, and waits for what it has counted.

use super::super::message::Value;
use super::counts::{self, Counts};
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, oneshot};

/// What a worker has counted, or what is wrong with it.
pub(super) type Counted = Result<Counts, String>;

/// The desk of one worker: one task at a time.
#[derive(Default)]
pub(super) struct Desk {
    on_it: Mutex<OnIt>,
    arrived: Notify,
}

#[derive(Default)]
enum OnIt {
    #[default]
    Nothing,
    /// It waits to be taken.
    Text { text: String, taken: oneshot::Sender<()>, counted: oneshot::Sender<Counted> },
    /// It is taken, under this number.
    Taken { task: i32, word_count: u64, counted: oneshot::Sender<Counted> },
}

/// What is heard of a text that was laid on the desk.
pub(super) struct Laid {
    pub(super) taken: oneshot::Receiver<()>,
    pub(super) counted: oneshot::Receiver<Counted>,
}

impl Desk {
    /// Lays a text there, in place of whatever else there was.
    pub(super) fn lay(&self, text: String) -> Laid {
        let (tell_taken, taken) = oneshot::channel();
        let (tell_counted, counted) = oneshot::channel();
        *self.on_it() = OnIt::Text { text, taken: tell_taken, counted: tell_counted };
        self.arrived.notify_one();
        Laid { taken, counted }
    }

    /// Ends when something is laid there; also when that was so before.
    pub(super) fn arrived(&self) -> impl Future<Output = ()> {
        self.arrived.notified()
    }

    /// Takes what lies there, under a number.
    pub(super) fn take(&self, number: impl FnOnce() -> i32) -> Option<(i32, String)> {
        let mut on_it = self.on_it();
        match std::mem::take(&mut *on_it) {
            // Of a job that was cancelled nobody waits any more.
            OnIt::Text { text, taken, counted } if !counted.is_closed() => {
                let _ = taken.send(());
                let (task, word_count) = (number(), text.split_whitespace().count() as u64);
                *on_it = OnIt::Taken { task, word_count, counted };
                Some((task, text))
            }
            OnIt::Text { .. } | OnIt::Nothing => None,
            it @ OnIt::Taken { .. } => {
                *on_it = it;
                None
            }
        }
    }

    /// Takes what was counted; `false`: this task is not wanted, not any more, or not like this.
    pub(super) fn give(&self, number: i32, value: &Value) -> bool {
        let mut on_it = self.on_it();
        let OnIt::Taken { task, .. } = &*on_it else { return false };
        if *task != number {
            return false;
        }
        let OnIt::Taken { word_count, counted, .. } = std::mem::take(&mut *on_it) else {
            return false;
        };
        let counts = counts::of_value(value, word_count);
        let is_right = counts.is_ok();
        counted.send(counts).is_ok() && is_right
    }

    pub(super) fn clear(&self) {
        *self.on_it() = OnIt::Nothing;
    }

    /// Whether nothing is there that somebody waits for.
    pub(super) fn is_clear(&self) -> bool {
        match &*self.on_it() {
            OnIt::Nothing => true,
            OnIt::Text { counted, .. } | OnIt::Taken { counted, .. } => counted.is_closed(),
        }
    }

    fn on_it(&self) -> MutexGuard<'_, OnIt> {
        self.on_it.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(counts: &[(&str, i64)]) -> Value {
        let members = counts.iter().map(|(word, count)| ((*word).to_owned(), Value::Int(*count)));
        Value::Struct(members.collect())
    }

    #[test]
    fn a_text_is_taken_and_settled_once() {
        let desk = Desk::default();
        assert_eq!(desk.take(|| 1), None);
        let mut laid = desk.lay("a b a".to_owned());
        assert_eq!(desk.take(|| 7), Some((7, "a b a".to_owned())));
        assert!(laid.taken.try_recv().is_ok());
        assert_eq!(desk.take(|| 8), None, "it is taken");
        let counts = counted(&[("a", 2), ("b", 1)]);
        assert!(!desk.give(8, &counts), "nobody knows that number");
        assert!(desk.give(7, &counts));
        assert!(!desk.give(7, &counts), "it is settled");
        assert!(laid.counted.try_recv().expect("it was given").is_ok() && desk.is_clear());
    }

    #[test]
    fn what_is_wrong_or_late_or_for_nobody_is_not_taken() {
        let desk = Desk::default();
        let mut laid = desk.lay("a b".to_owned());
        desk.take(|| 1).expect("it lies there");
        assert!(!desk.give(1, &counted(&[("a", 1)])), "a word is missing");
        assert!(laid.counted.try_recv().expect("it was given").is_err());
        let late = desk.lay("a".to_owned());
        desk.take(|| 2).expect("it lies there");
        desk.clear();
        assert!(!desk.give(2, &counted(&[("a", 1)])));
        drop(late);
        drop(desk.lay("of a cancelled job".to_owned()));
        assert_eq!(desk.take(|| 3), None);
    }
}
