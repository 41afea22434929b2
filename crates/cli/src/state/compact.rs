//! `windlass state compact`: the state as small as its limits allow, and what that freed.

use super::print;
use crate::CliError;
use crate::cluster::{OwnCluster, Plan};
use serde_json::json;
use std::fmt::Write as _;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use windlass_master::collector::{Clocks, CollectError, Collected, collect};

/// What parts of a state take on the disk, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sizes {
    journal: u64,
    snapshots: u64,
    blobs: u64,
}

pub(super) fn compact(state: &Path, json: bool) -> Result<u8, CliError> {
    if !state.join("journal").exists() {
        let state = state.display();
        return Err(CliError::failed(format!(
            "find a state in {state}: nothing was run there yet"
        )));
    }
    let measured = || sizes(state).map_err(|error| CliError::failed(format!("measure {error}")));
    let before = measured()?;
    let cluster = OwnCluster::take(state, &Plan::alone())?;
    // Asked first of all: jobs that are due are forgotten from then on.
    let jobs_before = cluster.handle.jobs().map(|jobs| jobs.len());
    let done = work(&cluster);
    let jobs_after = cluster.handle.jobs().map(|jobs| jobs.len());
    // The journal is cut when this returns.
    cluster.stop(&mut || {}, &|| false);
    let collected = done.map_err(CliError::failed)?;
    let jobs_after = jobs_after.map_err(CliError::failed)?;
    let after = measured()?;
    let forgotten = jobs_before.map_err(CliError::failed)?.saturating_sub(jobs_after);
    print(&if json {
        as_json(state, before, after, collected, forgotten)
    } else {
        as_text(before, after, collected, forgotten)
    });
    Ok(0)
}

fn work(cluster: &OwnCluster) -> Result<Collected, CollectError> {
    // The log is kept from the second newest snapshot on: with one before and one after, nothing
    // older is left. The first also waits for what is forgotten at the start.
    cluster.handle.snapshot()?;
    let going = AtomicBool::new(false);
    let collected = collect(&cluster.handle, &cluster.blobs, Clocks::now(), true, &going)?;
    cluster.handle.snapshot()?;
    Ok(collected)
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

fn as_text(before: Sizes, after: Sizes, collected: Collected, forgotten: usize) -> String {
    let Collected { memo_count, swept } = collected;
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
    line("jobs", format!("{forgotten} forgotten"));
    line("memo", format!("{memo_count} results no longer known"));
    let removed = swept.deleted;
    line("removed", format!("{} blobs, {}", removed.count, kilobytes(removed.bytes)));
    line("kept", format!("{} blobs, {}", swept.kept.count, kilobytes(swept.kept.bytes)));
    text
}

fn kilobytes(bytes: u64) -> String {
    format!("{} kB", bytes.div_ceil(1_000))
}

fn as_json(
    state: &Path,
    before: Sizes,
    after: Sizes,
    collected: Collected,
    forgotten: usize,
) -> String {
    let Collected { memo_count, swept } = collected;
    let sizes =
        |of: Sizes| json!({ "journal": of.journal, "snapshots": of.snapshots, "blobs": of.blobs });
    let value = json!({
        "version": 1,
        "state": state.display().to_string(),
        "bytes_before": sizes(before),
        "bytes_after": sizes(after),
        "forgotten_jobs": forgotten,
        "forgotten_memo": memo_count,
        "removed_blobs": { "count": swept.deleted.count, "bytes": swept.deleted.bytes },
        "trashed_blobs": { "count": swept.trashed.count, "bytes": swept.trashed.bytes },
        "kept_blobs": { "count": swept.kept.count, "bytes": swept.kept.bytes },
    });
    format!("{value:#}\n")
}
