//! `windlass state show`: the state in a few lines.

use super::{audit, held_by, print, set, settings_json};
use crate::CliError;
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;
use windlass_core::ledger::{Counts, Ledger};
use windlass_master::audit::Audit;

pub(super) fn show(state: &Path, json: bool) -> Result<u8, CliError> {
    let audit = audit(state)?;
    print(&if json { as_json(state, &audit) } else { as_text(state, &audit) });
    Ok(0)
}

fn as_text(state: &Path, audit: &Audit) -> String {
    let Audit { survey, snapshots, ledger, .. } = audit;
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<14}{value}");
    };
    line("state", state.display().to_string());
    if let Some(holder) = held_by(audit.holder) {
        line("held by", format!("{holder}; what follows may be a moment old"));
    }
    let cluster = ledger.cluster.map_or_else(|| "none yet".to_owned(), |id| format!("{id:032x}"));
    line("cluster", cluster);
    line("epoch", ledger.epoch.to_string());
    line("head", format!("record {}", survey.head.seq));
    line("oldest record", oldest(audit).map_or_else(|| "none".to_owned(), |seq| seq.to_string()));
    let (used, size) = bytes(audit);
    let segments = survey.segments.len();
    line("journal", format!("{segments} segments, {used} of {size} bytes used"));
    let mut kept = String::new();
    for (position, snapshot) in snapshots.iter().enumerate() {
        let size = snapshot.bytes.map_or_else(|| "damaged".to_owned(), |it| format!("{it} bytes"));
        let comma = if position == 0 { "" } else { ", " };
        let _ = write!(kept, "{comma}of record {} ({size})", snapshot.seq);
    }
    line("snapshots", if kept.is_empty() { "none yet".to_owned() } else { kept });
    let counts = counts(ledger);
    let open = ledger.jobs.values().filter(|job| job.is_open()).count();
    line("jobs", format!("{}, {open} open", ledger.jobs.len()));
    let Counts { pending, succeeded, failed } = counts;
    line("tasks", format!("{succeeded} succeeded, {failed} failed, {pending} open"));
    text.push_str("\nlimits (`windlass state set KEY=VALUE`)\n");
    text.push_str(&set::list(&ledger.settings));
    if !audit.is_sound() {
        text.push_str("\nThis state is damaged: `windlass state verify` says where.\n");
    }
    text
}

fn as_json(state: &Path, audit: &Audit) -> String {
    let Audit { survey, ledger, .. } = audit;
    let (used, size) = bytes(audit);
    let counts = counts(ledger);
    let snapshots: Vec<_> = audit
        .snapshots
        .iter()
        .map(|snapshot| json!({ "record": snapshot.seq.0, "bytes": snapshot.bytes }))
        .collect();
    let value = json!({
        "version": 1,
        "state": state.display().to_string(),
        "held_by": held_by(audit.holder),
        "cluster": ledger.cluster.map(|id| format!("{id:032x}")),
        "epoch": ledger.epoch.0,
        "head": survey.head.seq.0,
        "oldest_record": oldest(audit),
        "segments": survey.segments.len(),
        "journal_used_bytes": used,
        "journal_bytes": size,
        "snapshots": snapshots,
        "jobs": ledger.jobs.len(),
        "open_jobs": ledger.jobs.values().filter(|job| job.is_open()).count(),
        "tasks": {
            "succeeded": counts.succeeded,
            "failed": counts.failed,
            "open": counts.pending,
        },
        "settings": settings_json(&ledger.settings),
        "sound": audit.is_sound(),
    });
    format!("{value:#}\n")
}

/// Used bytes of the journal's files, and their size.
fn bytes(audit: &Audit) -> (u64, u64) {
    let segments = &audit.survey.segments;
    let used = segments.iter().map(|segment| segment.used_bytes).sum();
    (used, segments.iter().map(|segment| segment.file_bytes).sum())
}

fn oldest(audit: &Audit) -> Option<u64> {
    let oldest = audit.survey.segments.iter().find(|segment| segment.record_count > 0);
    oldest.map(|segment| segment.first.0)
}

fn counts(ledger: &Ledger) -> Counts {
    ledger.jobs.values().fold(Counts::default(), |sum, job| {
        let of = job.counts();
        Counts {
            pending: sum.pending + of.pending,
            succeeded: sum.succeeded + of.succeeded,
            failed: sum.failed + of.failed,
        }
    })
}
