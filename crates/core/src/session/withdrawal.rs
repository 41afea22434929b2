//! When a worker stops offering an operation: its executor does not come up, or crashes on one file
//! after the other. Poison files crash too, several in a row perhaps: what tells a broken operation
//! from them is many crashes on many different inputs without one answer between them, where a
//! rejection is an answer like a result.

use crate::failure::cut;
use crate::ids::BlobId;
use crate::limits::{
    CAUSE_BYTES_MAX, CRASH_LOOP_COUNT_MAX, CRASH_LOOP_INPUT_COUNT_MIN, RESTART_FREE_COUNT,
    RESTART_PAUSE_MS_MAX, RESTART_PAUSE_MS_MIN, START_FAILURE_COUNT_MAX,
};
use std::collections::{BTreeMap, BTreeSet};

/// An operation that a worker offers no more.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Withdrawal {
    /// The operation.
    pub operation: String,
    /// What happened, for people: "20 crashes in a row on 12 files, the last: …".
    pub cause: String,
}

impl Withdrawal {
    /// With what a cause may have of bytes.
    #[must_use]
    pub fn new(operation: String, mut cause: String) -> Withdrawal {
        cut(&mut cause, CAUSE_BYTES_MAX);
        Withdrawal { operation, cause }
    }
}

/// The deaths of a worker's executors.
#[derive(Debug, Default)]
pub struct CrashWatch {
    /// Crashes since an operation's last answer.
    streaks: BTreeMap<String, Streak>,
    /// Executors in a row that did not come up.
    start_failure_count: u32,
    withdrawn: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Streak {
    crash_count: u32,
    /// Different ones, as many as matter.
    inputs: BTreeSet<BlobId>,
}

impl CrashWatch {
    /// Whether the operation is offered no more.
    #[must_use]
    pub fn is_withdrawn(&self, operation: &str) -> bool {
        self.withdrawn.contains(operation)
    }

    /// An executor answered: with a result, or that the input is bad.
    pub fn on_answer(&mut self, operation: &str) {
        self.streaks.remove(operation);
    }

    /// An operation crashed on an input; tells whether it is withdrawn now.
    pub fn on_crash(
        &mut self,
        operation: &str,
        input: Option<BlobId>,
        cause: &str,
    ) -> Option<Withdrawal> {
        let streak = self.streaks.entry(operation.to_owned()).or_default();
        streak.crash_count = streak.crash_count.saturating_add(1);
        if streak.inputs.len() < CRASH_LOOP_INPUT_COUNT_MIN {
            // All tasks without an input are alike.
            streak.inputs.insert(input.unwrap_or(BlobId([0; 32])));
        }
        let is_loop = streak.crash_count >= CRASH_LOOP_COUNT_MAX
            && streak.inputs.len() >= CRASH_LOOP_INPUT_COUNT_MIN;
        let count = streak.crash_count;
        is_loop.then(|| self.withdraw(operation, format!("{count} crashes in a row"), cause))?
    }

    /// An executor came up.
    pub fn on_start(&mut self) {
        self.start_failure_count = 0;
    }

    /// An executor did not come up; tells which of `operations`, all that run in executors, are
    /// withdrawn now.
    pub fn on_start_failure(&mut self, operations: &[&str], cause: &str) -> Vec<Withdrawal> {
        self.start_failure_count = self.start_failure_count.saturating_add(1);
        let count = self.start_failure_count;
        if count < START_FAILURE_COUNT_MAX {
            return Vec::new();
        }
        let what = format!("{count} executors in a row did not start");
        operations.iter().filter_map(|name| self.withdraw(name, what.clone(), cause)).collect()
    }

    /// How long to wait before the next executor is started.
    #[must_use]
    pub fn pause_ms(&self) -> u64 {
        let crash_count = self.streaks.values().map(|streak| streak.crash_count).max().unwrap_or(0);
        let count = self.start_failure_count.max(crash_count.saturating_sub(RESTART_FREE_COUNT));
        match count.checked_sub(1) {
            None => 0,
            Some(doublings) => {
                (RESTART_PAUSE_MS_MIN << doublings.min(16)).min(RESTART_PAUSE_MS_MAX)
            }
        }
    }

    fn withdraw(&mut self, operation: &str, what: String, last: &str) -> Option<Withdrawal> {
        if !self.withdrawn.insert(operation.to_owned()) {
            return None;
        }
        let mut cause = format!("{what}, the last: {last}");
        // Whoever tells it says more around it.
        cut(&mut cause, CAUSE_BYTES_MAX / 2);
        Some(Withdrawal { operation: operation.to_owned(), cause })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(number: u32) -> Option<BlobId> {
        Some(BlobId::of(&number.to_le_bytes()))
    }

    /// Crashes so often, each time on the next of so many inputs.
    fn crashes(watch: &mut CrashWatch, count: u32, inputs: u32) -> Vec<Withdrawal> {
        (0..count).filter_map(|n| watch.on_crash("image", input(n % inputs), "it died")).collect()
    }

    #[test]
    fn crashes_on_many_inputs_without_an_answer_withdraw_the_operation_once() {
        let mut watch = CrashWatch::default();
        assert_eq!(crashes(&mut watch, CRASH_LOOP_COUNT_MAX - 1, 100), []);
        let withdrawn = crashes(&mut watch, 5, 100);
        let cause = format!("{CRASH_LOOP_COUNT_MAX} crashes in a row, the last: it died");
        assert_eq!(withdrawn, [Withdrawal { operation: "image".to_owned(), cause }]);
        assert!(watch.is_withdrawn("image") && !watch.is_withdrawn("text"));
    }

    #[test]
    fn an_answer_between_them_begins_anew() {
        let mut watch = CrashWatch::default();
        for _ in 0..10 {
            assert_eq!(crashes(&mut watch, CRASH_LOOP_COUNT_MAX - 1, 100), []);
            watch.on_answer("image");
        }
        assert_eq!(watch.pause_ms(), 0);
    }

    #[test]
    fn a_few_poison_files_withdraw_nothing() {
        let mut watch = CrashWatch::default();
        let few = u32::try_from(CRASH_LOOP_INPUT_COUNT_MIN).expect("small") - 1;
        assert_eq!(crashes(&mut watch, 10 * CRASH_LOOP_COUNT_MAX, few), []);
        // An answer of another operation does not count for this one.
        watch.on_answer("text");
        assert_eq!(crashes(&mut watch, 1, 1).len(), 0);
        assert!(watch.on_crash("image", input(1_000), "it died").is_some());
    }

    #[test]
    fn executors_that_do_not_start_withdraw_all_that_runs_in_them() {
        let mut watch = CrashWatch::default();
        let fail = |watch: &mut CrashWatch| watch.on_start_failure(&["image", "text"], "gone");
        for _ in 1..START_FAILURE_COUNT_MAX {
            assert_eq!(fail(&mut watch), []);
        }
        let names: Vec<String> = fail(&mut watch).into_iter().map(|it| it.operation).collect();
        assert_eq!(names, ["image", "text"]);
        assert_eq!(fail(&mut watch), []);
        let mut healed = CrashWatch::default();
        fail(&mut healed);
        healed.on_start();
        assert_eq!(healed.pause_ms(), 0);
    }

    #[test]
    fn pauses_double_up_to_their_limit() {
        let mut watch = CrashWatch::default();
        let mut pauses = Vec::new();
        for _ in 0..8 {
            pauses.push(watch.pause_ms());
            watch.on_crash("image", input(0), "it died");
        }
        assert_eq!(pauses, [0, 0, 0, 0, 20, 40, 80, 160]);
        crashes(&mut watch, 100, 1);
        assert_eq!(watch.pause_ms(), RESTART_PAUSE_MS_MAX);
    }
}
