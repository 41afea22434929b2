//! `windlass state compact`: the state as small as its limits allow, and what that freed.

use super::{print, with_cluster};
use crate::{CliError, recorded};
use serde_json::json;
use std::fmt::Write as _;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use windlass_client::cluster::Cluster;
use windlass_core::collection::Amount;
use windlass_core::steering::Compacted;

/// What parts of a state take on the disk, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sizes {
    journal: u64,
    snapshots: u64,
    blobs: u64,
}

pub(super) fn compact(state: &Path, json: bool) -> Result<u8, CliError> {
    recorded::check(state)?;
    let measured = || sizes(state).map_err(|error| CliError::failed(format!("measure {error}")));
    let before = measured()?;
    let done = with_cluster(state, Cluster::compact)?;
    let after = measured()?;
    print(&if json { as_json(state, before, after, done) } else { as_text(before, after, done) });
    Ok(0)
}

fn sizes(state: &Path) -> Result<Sizes, io::Error> {
    let of = |name: &str| size_of(&state.join(name));
    Ok(Sizes { journal: of("journal")?, snapshots: of("snapshots")?, blobs: of("blobs")? })
}

/// Bytes that a folder and all below it take on the disk; what goes meanwhile counts nothing.
fn size_of(folder: &Path) -> Result<u64, io::Error> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => {
            return Err(io::Error::other(format!("{}: {error}", folder.display())));
        }
        Ok(entries) => entries,
    };
    let mut bytes = 0;
    for entry in entries.flatten() {
        let Ok(metadata) = entry.path().symlink_metadata() else { continue };
        bytes += metadata.blocks() * 512;
        if metadata.is_dir() {
            bytes += size_of(&entry.path())?;
        }
    }
    Ok(bytes)
}

fn as_text(before: Sizes, after: Sizes, done: Compacted) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<14}{value}");
    };
    let parts = [
        ("journal", before.journal, after.journal),
        ("snapshots", before.snapshots, after.snapshots),
        ("results", before.blobs, after.blobs),
    ];
    for (name, before, after) in parts {
        line(name, format!("{} before, {} now", kilobytes(before), kilobytes(after)));
    }
    line("jobs", format!("{} forgotten", done.job_count));
    line("memo", format!("{} results no longer known", done.memo_count));
    let blobs = |of: Amount| format!("{} blobs, {}", of.count, kilobytes(of.bytes));
    line("removed", blobs(done.deleted));
    line("kept", blobs(done.kept));
    text
}

fn kilobytes(bytes: u64) -> String {
    format!("{} kB", bytes.div_ceil(1_000))
}

fn as_json(state: &Path, before: Sizes, after: Sizes, done: Compacted) -> String {
    let blobs = |of: Amount| json!({ "count": of.count, "bytes": of.bytes });
    let sizes =
        |of: Sizes| json!({ "journal": of.journal, "snapshots": of.snapshots, "blobs": of.blobs });
    let value = json!({
        "version": 1,
        "state": state.display().to_string(),
        "bytes_before": sizes(before),
        "bytes_after": sizes(after),
        "forgotten_jobs": done.job_count,
        "forgotten_memo": done.memo_count,
        "removed_blobs": blobs(done.deleted),
        "trashed_blobs": blobs(done.trashed),
        "kept_blobs": blobs(done.kept),
    });
    format!("{value:#}\n")
}
