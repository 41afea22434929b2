//! What a run did, file by file: totals, exit code, summaries for programs, the closing table.
//!
//! It is handed finished rows and knows nothing of how they came about.

mod files;
mod terminal;
pub mod text;

pub use files::{SUMMARY_CSV, SUMMARY_JSON, SummaryError};
pub use terminal::{Style, took};

use crate::gather;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// How one file, or one task without a file, ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    /// Its results are there.
    Succeeded,
    /// Its cause is in the row.
    Failed,
    /// Nothing was to be done; the reason is in the row's cause.
    Skipped,
    /// The user took it back.
    Cancelled,
    /// The run ended before it did.
    Unfinished,
}

impl Outcome {
    /// One word for tables and JSON.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Outcome::Succeeded => "succeeded",
            Outcome::Failed => "failed",
            Outcome::Skipped => "skipped",
            Outcome::Cancelled => "cancelled",
            Outcome::Unfinished => "unfinished",
        }
    }
}

/// One file of the run, or one task without a file.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// Absolute path in bytes; empty for a task without a file.
    pub input: Vec<u8>,
    /// The operation; empty where none was chosen.
    pub operation: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Class of a failure (`rejected`, `timed out`), else empty.
    pub kind: String,
    /// Stable name of a failure's cause, by which failures are grouped.
    pub code: String,
    /// One sentence: why it failed, or why it was skipped.
    pub cause: String,
    /// What the user can do about a failure.
    pub next_step: String,
    /// What the user should know of a success.
    pub notes: Vec<String>,
    /// Seconds on a slot.
    pub seconds: f64,
    /// The files written, main one first.
    pub outputs: Vec<PathBuf>,
    /// Tries made.
    pub attempts: u32,
    /// Size of the input.
    pub bytes: u64,
    /// Whether an earlier run's result was taken.
    pub memo: bool,
}

impl Row {
    /// A row with everything else empty.
    #[must_use]
    pub fn new(input: Vec<u8>, operation: &str, outcome: Outcome) -> Row {
        Row {
            input,
            operation: operation.to_owned(),
            outcome,
            kind: String::new(),
            code: String::new(),
            cause: String::new(),
            next_step: String::new(),
            notes: Vec::new(),
            seconds: 0.0,
            outputs: Vec::new(),
            attempts: 0,
            bytes: 0,
            memo: false,
        }
    }

    /// The row of a path that became no input; `None` for an accepted one, whose task reports.
    #[must_use]
    pub fn of_gathered(gathered: &gather::Outcome) -> Option<Row> {
        match gathered {
            gather::Outcome::Accepted { .. } => None,
            gather::Outcome::Refused { path, code, cause, next_step } => Some(Row {
                kind: windlass_core::FailureKind::Rejected.label().to_owned(),
                code: (*code).to_owned(),
                cause: cause.clone(),
                next_step: next_step.clone(),
                ..Row::new(path.clone(), "", Outcome::Failed)
            }),
            gather::Outcome::Skipped { path, reason } => {
                Some(Row { cause: reason.clone(), ..Row::new(path.clone(), "", Outcome::Skipped) })
            }
        }
    }
}

/// An operation that workers have withdrawn in the course of the run.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Withdrawn {
    /// The operation.
    pub operation: String,
    /// The workers.
    pub workers: Vec<String>,
    /// What happened at the first of them.
    pub cause: String,
}

impl Withdrawn {
    /// One sentence.
    #[must_use]
    pub fn told(&self) -> String {
        let Withdrawn { operation, workers, cause } = self;
        format!("{} withdrew {operation} after {cause}", workers.join(", "))
    }
}

/// A whole run.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// In the order in which the summaries list them.
    pub rows: Vec<Row>,
    /// By operation: seconds on slots for steps on the way to the results, which have no row.
    pub step_seconds: BTreeMap<String, f64>,
    /// Files that were left out and have no row, because they were too many to be named.
    pub unnamed_count: u64,
    /// What workers offer no more.
    pub withdrawn: Vec<Withdrawn>,
    /// The jobs that the run made or continued.
    pub job_ids: Vec<u64>,
    /// From start to end, by the clock on the wall.
    pub wall_seconds: f64,
    /// The folder of the results and summaries.
    pub out: PathBuf,
    /// Paths below it are shown relative to it on the terminal; summaries have absolute ones.
    pub current_folder: PathBuf,
}

/// Counts and sums over rows.
#[derive(Clone, Copy, PartialEq, Debug, Default, serde::Serialize)]
pub struct Totals {
    /// All rows.
    pub files: u64,
    /// Rows that succeeded.
    pub succeeded: u64,
    /// Of those, rows whose result an earlier run had made.
    pub memo: u64,
    /// Rows that failed.
    pub failed: u64,
    /// Rows with nothing to do.
    pub skipped: u64,
    /// Rows taken back.
    pub cancelled: u64,
    /// Rows that the run's end left open.
    pub unfinished: u64,
    /// Bytes of the inputs that succeeded or failed.
    pub bytes: u64,
    /// Seconds on slots.
    pub seconds: f64,
}

impl Totals {
    fn add(&mut self, row: &Row) {
        self.files += 1;
        match row.outcome {
            Outcome::Succeeded => self.succeeded += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Skipped => self.skipped += 1,
            Outcome::Cancelled => self.cancelled += 1,
            Outcome::Unfinished => self.unfinished += 1,
        }
        if matches!(row.outcome, Outcome::Succeeded | Outcome::Failed) {
            self.bytes += row.bytes;
        }
        self.memo += u64::from(row.memo);
        self.seconds += row.seconds;
    }
}

impl Report {
    /// Sums over all rows.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        self.rows.iter().for_each(|row| totals.add(row));
        totals.seconds += self.step_seconds.values().sum::<f64>();
        totals
    }

    /// Sums for each operation, by name; rows without an operation stand under the empty name.
    #[must_use]
    pub fn totals_by_operation(&self) -> BTreeMap<&str, Totals> {
        let mut totals: BTreeMap<&str, Totals> = BTreeMap::new();
        for row in &self.rows {
            totals.entry(&row.operation).or_default().add(row);
        }
        for (operation, seconds) in &self.step_seconds {
            totals.entry(operation).or_default().seconds += seconds;
        }
        totals
    }

    /// 3 where anything failed, else 0.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        const SOME_FAILED: u8 = 3;
        let is_short = |row: &Row| matches!(row.outcome, Outcome::Failed | Outcome::Cancelled);
        if self.rows.iter().any(is_short) { SOME_FAILED } else { 0 }
    }
}

#[cfg(test)]
mod tests;
