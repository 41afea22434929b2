//! Why a call has no answer, in words that say what to do.

use crate::failure::Failure;
use crate::ids::WorkerName;
use crate::limits::{
    CALL_NAMED_COUNT_MAX, CALL_OPEN_COUNT_MAX, OPERATION_NAME_BYTES_MAX, PARAMS_BYTES_MAX,
};
use std::collections::BTreeSet;
use thiserror::Error;

/// Why a call has no answer.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum CallError {
    /// Nobody here does what is asked.
    #[error("{}", no_worker(.operation, .connected))]
    NoWorker {
        /// The operation asked for.
        operation: String,
        /// Who is connected, by name.
        connected: Vec<ConnectedWorker>,
    },
    /// Every try that is allowed, or possible, has failed.
    #[error("{}", used_up(.operation, .tries))]
    TriesUsedUp {
        /// The operation asked for.
        operation: String,
        /// What became of each try, in order.
        tries: Vec<FailedTry>,
    },
    /// The operation itself says no.
    #[error("{operation}: {}", .failure.cause)]
    Rejected {
        /// The operation asked for.
        operation: String,
        /// Its reason.
        failure: Failure,
    },
    /// The caller's time was over first.
    #[error("{}", timed_out(.operation, *.limit_ms, .worker.as_ref()))]
    TimedOut {
        /// The operation asked for.
        operation: String,
        /// How long it was to take at most.
        limit_ms: u64,
        /// Who was at work on it; `None`: it still waited for a worker.
        worker: Option<WorkerName>,
    },
    /// Too many calls are open.
    #[error("{CALL_OPEN_COUNT_MAX} calls are open, no more are taken")]
    Busy,
    /// What is asked is longer than it may be.
    #[error(
        "a call has {OPERATION_NAME_BYTES_MAX} bytes for its operation's name and \
         {PARAMS_BYTES_MAX} for its values"
    )]
    TooLarge,
    /// A second worker answered otherwise than the first one, part of whose answer was passed on.
    #[error("{operation}: {worker} answers otherwise than the worker before it, that was lost")]
    AnswerDiffers {
        /// The operation asked for.
        operation: String,
        /// The second worker.
        worker: WorkerName,
    },
}

/// A worker that is connected when a call finds nobody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectedWorker {
    /// Its name.
    pub name: WorkerName,
    /// Whether it takes nothing new.
    pub is_draining: bool,
    /// What it offers, by name.
    pub operations: BTreeSet<String>,
}

/// One try of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailedTry {
    /// Who was asked.
    pub worker: WorkerName,
    /// What became of it.
    pub cause: String,
}

impl CallError {
    /// A stable snake_case name.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            CallError::NoWorker { .. } => "no_worker",
            CallError::TriesUsedUp { .. } => "tries_used_up",
            CallError::Rejected { failure, .. } => &failure.code,
            CallError::TimedOut { .. } => "call_timed_out",
            CallError::Busy => "too_many_calls",
            CallError::TooLarge => "call_too_large",
            CallError::AnswerDiffers { .. } => "answer_differs",
        }
    }

    /// All of it for people who see nothing else: why, and what to do.
    #[must_use]
    pub fn told(&self) -> String {
        match self.next_step() {
            step if step.is_empty() => self.to_string(),
            step => format!("{self}. {step}"),
        }
    }

    /// What the user can do about it, an imperative sentence; may be empty.
    #[must_use]
    pub fn next_step(&self) -> String {
        match self {
            CallError::NoWorker { operation, connected } => no_worker_step(operation, connected),
            CallError::TriesUsedUp { .. } => {
                "Look at the workers with `windlass worker list`, then call again.".to_owned()
            }
            CallError::Rejected { failure, .. } => failure.next_step.clone(),
            CallError::TimedOut { worker: Some(_), .. } => {
                "Allow it more time, or submit it as a job.".to_owned()
            }
            CallError::TimedOut { worker: None, .. } => {
                "Start more workers, or allow it more time.".to_owned()
            }
            CallError::TooLarge => "Give what is longer as a file to `windlass run`.".to_owned(),
            CallError::Busy => "Call again in a moment, or start more workers.".to_owned(),
            CallError::AnswerDiffers { .. } => {
                "Run the same version of windlass everywhere, then call again.".to_owned()
            }
        }
    }
}

/// `2 workers are connected: w1, w2 (draining)`.
fn no_worker(operation: &str, connected: &[ConnectedWorker]) -> String {
    let names = connected.iter().map(|worker| {
        let state = if worker.is_draining { " (draining)" } else { "" };
        format!("{}{state}", worker.name)
    });
    let names = listed(names, connected.len());
    match connected.len() {
        0 => format!("no worker offers {operation}; none is connected"),
        1 => format!("no worker offers {operation}; one worker is connected: {names}"),
        count => format!("no worker offers {operation}; {count} workers are connected: {names}"),
    }
}

fn no_worker_step(operation: &str, connected: &[ConnectedWorker]) -> String {
    let drained = connected.iter().find(|it| it.is_draining && it.operations.contains(operation));
    if let Some(ConnectedWorker { name, .. }) = drained {
        return format!("{name} offers it and is draining: `windlass worker resume {name}`.");
    }
    if connected.is_empty() {
        return "Start one: `windlass worker --join HOST:PORT`.".to_owned();
    }
    let offered: BTreeSet<&String> = connected.iter().flat_map(|it| &it.operations).collect();
    let count = offered.len();
    let offered = listed(offered.into_iter().cloned(), count);
    format!(
        "Start a worker that offers it: `windlass worker --join HOST:PORT --ops {operation}`; offered \
         now: {offered}."
    )
}

/// `3 tries of factorial have failed: w1 (connection lost), w2 (crashed: …)`.
fn used_up(operation: &str, tries: &[FailedTry]) -> String {
    let each = tries.iter().map(|FailedTry { worker, cause }| format!("{worker} ({cause})"));
    let each = listed(each, tries.len());
    match tries.len() {
        1 => {
            format!("the only try of {operation} has failed, and no other worker offers it: {each}")
        }
        count => format!("{count} tries of {operation} have failed: {each}"),
    }
}

fn timed_out(operation: &str, limit_ms: u64, worker: Option<&WorkerName>) -> String {
    let time = if limit_ms.is_multiple_of(1_000) {
        format!("{} s", limit_ms / 1_000)
    } else {
        format!("{limit_ms} ms")
    };
    match worker {
        Some(worker) => format!("{worker} has not answered {operation} within {time}"),
        None => format!("every worker that offers {operation} was busy for {time}"),
    }
}

/// The first names of a list, and how many more there are.
fn listed(names: impl Iterator<Item = String>, count: usize) -> String {
    let named: Vec<String> = names.take(CALL_NAMED_COUNT_MAX).collect();
    match count - named.len() {
        0 if named.is_empty() => "nothing".to_owned(),
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn worker(name: &str, is_draining: bool, operations: &[&str]) -> ConnectedWorker {
        let operations = operations.iter().map(|name| (*name).to_owned()).collect();
        ConnectedWorker { name: WorkerName(name.to_owned()), is_draining, operations }
    }

    fn check(connected: Vec<ConnectedWorker>, expected: Expect) {
        let error = CallError::NoWorker { operation: "factorial".to_owned(), connected };
        expected.assert_eq(&format!("{error}\n{}", error.next_step()));
    }

    #[test]
    fn nobody_is_named_with_what_to_do() {
        check(
            Vec::new(),
            expect![[r#"
            no worker offers factorial; none is connected
            Start one: `windlass worker --join HOST:PORT`."#]],
        );
        check(
            vec![worker("w1", false, &["image"]), worker("w2", false, &["image", "text"])],
            expect![[r#"
                no worker offers factorial; 2 workers are connected: w1, w2
                Start a worker that offers it: `windlass worker --join HOST:PORT --ops factorial`; offered now: image, text."#]],
        );
        check(
            vec![worker("w1", true, &["factorial"])],
            expect![[r#"
            no worker offers factorial; one worker is connected: w1 (draining)
            w1 offers it and is draining: `windlass worker resume w1`."#]],
        );
        let many = (1..=11).map(|it| worker(&format!("w{it}"), false, &[])).collect();
        check(
            many,
            expect![[r#"
            no worker offers factorial; 11 workers are connected: w1, w2, w3, w4, w5, w6, w7, w8 and 3 more
            Start a worker that offers it: `windlass worker --join HOST:PORT --ops factorial`; offered now: nothing."#]],
        );
    }

    #[test]
    fn the_rest_says_who_and_how_long() {
        let name = |name: &str| WorkerName(name.to_owned());
        let operation = "factorial".to_owned();
        let tries = vec![
            FailedTry { worker: name("w1"), cause: "connection lost".to_owned() },
            FailedTry { worker: name("w2"), cause: "crashed: signal 11".to_owned() },
        ];
        let used_up = CallError::TriesUsedUp { operation: operation.clone(), tries };
        let slow = |limit_ms, worker| {
            let operation = operation.clone();
            CallError::TimedOut { operation, limit_ms, worker }.told()
        };
        let failure = Failure::rejected("parameters_conflict", "n is no number", "");
        let rejected = CallError::Rejected { operation: operation.clone(), failure };
        expect![[r#"
            2 tries of factorial have failed: w1 (connection lost), w2 (crashed: signal 11)
            factorial: n is no number
            w1 has not answered factorial within 2 s. Allow it more time, or submit it as a job.
            every worker that offers factorial was busy for 1500 ms. Start more workers, or allow it more time."#]]
        .assert_eq(
            &[
                used_up.to_string(),
                rejected.told(),
                slow(2_000, Some(name("w1"))),
                slow(1_500, None),
            ]
            .join("\n"),
        );
    }
}
