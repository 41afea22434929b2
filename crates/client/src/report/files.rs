//! `summary.json` and `summary.csv`: the run for programs, written whole or not at all.
//!
//! Paths are text, a backslash doubled and a byte that is no UTF-8 as `\xNN`
//! ([`text::reversible`]).

use super::{Report, Row, Totals, Withdrawn, text};
use crate::export::{ExportError, place};
use serde::Serialize;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use thiserror::Error;
use windlass_blobs::{BlobError, sync_files};

/// File name of the full summary.
pub const SUMMARY_JSON: &str = "summary.json";
/// File name of the summary for spreadsheets.
pub const SUMMARY_CSV: &str = "summary.csv";
/// Raised when a field changes its meaning or goes away; fields may be added without.
const FORMAT_VERSION: u32 = 1;

/// A summary that could not be written.
#[derive(Debug, Error)]
pub enum SummaryError {
    /// A file of it cannot be written.
    #[error("write the summary: {0}")]
    Write(#[from] ExportError),
    /// The disk did not confirm that it has the results.
    #[error("make the results durable: {0}; run the same command again")]
    Sync(#[from] BlobError),
}

#[derive(Serialize)]
struct Summary<'a> {
    version: u32,
    windlass: &'static str,
    jobs: &'a [u64],
    exit_code: u8,
    wall_seconds: f64,
    totals: Totals,
    operations: Vec<OperationTotals<'a>>,
    withdrawn: &'a [Withdrawn],
    rows: Rows<'a>,
}

#[derive(Serialize)]
struct OperationTotals<'a> {
    operation: &'a str,
    totals: Totals,
}

/// Rows one by one, so that a million of them are never held a second time.
struct Rows<'a>(&'a [Row]);

impl Serialize for Rows<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(SummaryRow::of))
    }
}

#[derive(Serialize)]
struct SummaryRow<'a> {
    input: String,
    operation: &'a str,
    outcome: &'static str,
    kind: &'a str,
    code: &'a str,
    cause: &'a str,
    next_step: &'a str,
    notes: &'a [String],
    seconds: f64,
    bytes: u64,
    attempts: u32,
    memo: bool,
    outputs: Vec<String>,
}

impl SummaryRow<'_> {
    fn of(row: &Row) -> SummaryRow<'_> {
        SummaryRow {
            input: text::reversible(&row.input),
            operation: &row.operation,
            outcome: row.outcome.label(),
            kind: &row.kind,
            code: &row.code,
            cause: &row.cause,
            next_step: &row.next_step,
            notes: &row.notes,
            seconds: microseconds_kept(row.seconds),
            bytes: row.bytes,
            attempts: row.attempts,
            memo: row.memo,
            outputs: outputs(row).collect(),
        }
    }
}

fn outputs(row: &Row) -> impl Iterator<Item = String> {
    row.outputs.iter().map(|path| text::reversible(path.as_os_str().as_bytes()))
}

impl Report {
    /// Whether a summary lies where it would be written.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.out.join(SUMMARY_JSON).exists()
    }

    /// Writes both summaries into the output folder, which is made where it is missing, and makes
    /// them and all results durable; returns their paths. What this has returned for is not lost
    /// with the power.
    ///
    /// # Errors
    /// The folder or a file in it cannot be written, or not be made durable.
    pub fn write(&self) -> Result<[PathBuf; 2], SummaryError> {
        let json = self.out.join(SUMMARY_JSON);
        let csv = self.out.join(SUMMARY_CSV);
        place(&json, |out| self.write_json(out))?;
        place(&csv, |out| self.write_csv(out))?;
        let outputs = self.rows.iter().flat_map(|row| row.outputs.iter().cloned());
        let written: Vec<PathBuf> = outputs.chain([json.clone(), csv.clone()]).collect();
        sync_files(&self.out, &written)?;
        Ok([json, csv])
    }

    /// The full summary as JSON.
    ///
    /// # Errors
    /// Whatever `out` fails with.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let by_operation = self.totals_by_operation();
        let mut totals = self.totals();
        totals.seconds = microseconds_kept(totals.seconds);
        let summary = Summary {
            version: FORMAT_VERSION,
            windlass: env!("CARGO_PKG_VERSION"),
            jobs: &self.job_ids,
            exit_code: self.exit_code(),
            wall_seconds: microseconds_kept(self.wall_seconds),
            totals,
            operations: by_operation
                .into_iter()
                .map(|(operation, mut totals)| {
                    totals.seconds = microseconds_kept(totals.seconds);
                    OperationTotals { operation, totals }
                })
                .collect(),
            withdrawn: &self.withdrawn,
            rows: Rows(&self.rows),
        };
        serde_json::to_writer_pretty(&mut *out, &summary)?;
        out.write_all(b"\n")
    }

    /// One line a file as CSV (RFC 4180); several outputs are joined by `;`, main one first.
    ///
    /// # Errors
    /// Whatever `out` fails with.
    pub fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"input,operation,outcome,cause,seconds,outputs\r\n")?;
        for row in &self.rows {
            let fields = [
                text::reversible(&row.input),
                row.operation.clone(),
                row.outcome.label().to_owned(),
                row.cause.clone(),
                format!("{:.6}", row.seconds),
                outputs(row).collect::<Vec<_>>().join(";"),
            ];
            let line = fields.map(|field| quoted(&field)).join(",");
            out.write_all(line.as_bytes())?;
            out.write_all(b"\r\n")?;
        }
        Ok(())
    }
}

/// A field of RFC 4180: in quotes where it has a character that separates.
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// Sums of floats end in noise that no reader wants.
fn microseconds_kept(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
