//! `windlass state verify`: every record and every snapshot is read, and each damage is told with
//! its file and byte.

use super::{audit, held_by, print};
use crate::{CliError, EXIT_ERROR};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;
use windlass_master::audit::{Audit, SnapshotAudit};

pub(super) fn verify(state: &Path, json: bool) -> Result<u8, CliError> {
    let audit = audit(state)?;
    print(&if json { as_json(state, &audit) } else { as_text(&audit) });
    Ok(if audit.is_sound() { 0 } else { EXIT_ERROR })
}

fn as_text(audit: &Audit) -> String {
    let mut text = String::new();
    if let Some(holder) = held_by(audit.holder) {
        let _ = writeln!(text, "{holder} is using this state; it was read as it goes on\n");
    }
    for segment in &audit.survey.segments {
        let (path, records) = (segment.path.display(), segment.record_count);
        let _ = writeln!(text, "{path}: {records} sound records in {} bytes", segment.used_bytes);
    }
    for snapshot in &audit.snapshots {
        let _ = writeln!(text, "{}: {}", snapshot.path.display(), verdict(snapshot));
    }
    if let Some(unfinished) = &audit.survey.unfinished {
        let _ = writeln!(
            text,
            "\n{unfinished}\n  This was never acknowledged and the next run removes it{}.",
            if held_by(audit.holder).is_some() { ", or it is being written" } else { "" }
        );
    }
    let damages = audit.survey.damages.iter().map(ToString::to_string);
    let faults: Vec<String> = damages.chain(audit.faults.iter().cloned()).collect();
    if faults.is_empty() {
        let _ = writeln!(text, "\nSound, up to record {}.", audit.survey.head.seq);
        return text;
    }
    text.push_str("\nDamaged:\n");
    faults.iter().for_each(|fault| {
        let _ = writeln!(text, "  failed to {fault}");
    });
    text.push_str(if audit.opens() {
        "\nNothing is lost: the journal goes on from an older state, and the next snapshots take the \
         place of the damaged ones. Nothing was changed.\n"
    } else {
        "\nNothing was changed. Bring the damaged files back from a copy, or begin with another \
         folder (--state DIR).\n"
    });
    text
}

fn verdict(snapshot: &SnapshotAudit) -> &'static str {
    match (snapshot.bytes, snapshot.agrees) {
        (None, _) => "damaged",
        (Some(_), Some(false)) => "differs from what the journal leads to",
        (Some(_), Some(true)) => "sound, and what the journal leads to",
        (Some(_), None) => "sound",
    }
}

fn as_json(state: &Path, audit: &Audit) -> String {
    let segments: Vec<_> = audit
        .survey
        .segments
        .iter()
        .map(|segment| {
            json!({
                "file": segment.path.display().to_string(),
                "first_record": segment.first.0,
                "records": segment.record_count,
                "used_bytes": segment.used_bytes,
            })
        })
        .collect();
    let snapshots: Vec<_> = audit
        .snapshots
        .iter()
        .map(|snapshot| {
            json!({
                "file": snapshot.path.display().to_string(),
                "record": snapshot.seq.0,
                "sound": snapshot.bytes.is_some(),
                "agrees": snapshot.agrees,
            })
        })
        .collect();
    let damages: Vec<String> = audit.survey.damages.iter().map(ToString::to_string).collect();
    let value = json!({
        "version": 1,
        "state": state.display().to_string(),
        "held_by": held_by(audit.holder),
        "head": audit.survey.head.seq.0,
        "segments": segments,
        "snapshots": snapshots,
        "unfinished": audit.survey.unfinished.as_ref().map(ToString::to_string),
        "damages": damages,
        "faults": audit.faults,
        "sound": audit.is_sound(),
    });
    format!("{value:#}\n")
}
