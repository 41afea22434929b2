//! `windlass state export`: the whole state for other programs, one JSON object a line.
//!
//! A line's `kind` is `state` (first), `job`, `phase`, `task` or `end` (last; without it the export
//! is not whole). Bytes of results are not in it: a `blob` names the file `blobs/ab/cdef…` of the
//! state. It only reads, also beside others: nothing is made, moved or touched.

use super::{audit, settings_json};
use crate::CliError;
use serde_json::{Value, json};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;
use windlass_blobs::StoredBlobs;
use windlass_client::report::text::reversible;
use windlass_core::input::{Chunk, Input};
use windlass_core::ledger::{ChunkRef, Job, JobState, Outcome, Phase, TaskState};
use windlass_core::limits::{CHUNK_BYTES_MAX, MANIFEST_BYTES_MAX};
use windlass_core::manifest::{Content, Manifest};
use windlass_core::plan::{Derived, Share, TaskCount};
use windlass_core::{BlobId, TaskIndex};
use windlass_master::audit::Audit;

/// The format of the lines.
const EXPORT_VERSION: u32 = 1;

pub(super) fn export(state: &Path) -> Result<u8, CliError> {
    let audit = audit(state)?;
    if !audit.is_sound() {
        return Err(CliError::failed(
            "export the state: it is damaged; `windlass state verify` says where",
        ));
    }
    let blobs = StoredBlobs::at(state.join("blobs"));
    let mut exporting =
        Exporting { blobs: &blobs, out: BufWriter::new(io::stdout().lock()), unread_count: 0 };
    match exporting.state(state, &audit).and_then(|()| exporting.out.flush()) {
        // A reader that has seen enough (`| head`) is no error.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            return Err(CliError::failed(format!("write to stdout: {error}")));
        }
        _ => {}
    }
    match exporting.unread_count {
        0 => Ok(0),
        count => Err(CliError::failed(format!(
            "export {count} inputs or results: their lines say why under \"unread\""
        ))),
    }
}

struct Exporting<'a, W: Write> {
    blobs: &'a StoredBlobs,
    out: W,
    unread_count: u64,
}

impl<W: Write> Exporting<'_, W> {
    fn line(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.out, "{value}")
    }

    fn state(&mut self, state: &Path, audit: &Audit) -> io::Result<()> {
        let ledger = &audit.ledger;
        self.line(&json!({
            "kind": "state",
            "version": EXPORT_VERSION,
            "windlass": env!("CARGO_PKG_VERSION"),
            "state": state.display().to_string(),
            "cluster": ledger.cluster.map(|id| format!("{id:032x}")),
            "epoch": ledger.epoch.0,
            "head": audit.built.seq.0,
            "settings": settings_json(&ledger.settings),
        }))?;
        for job in ledger.jobs.values() {
            self.job(job)?;
        }
        self.line(&json!({ "kind": "end", "jobs": ledger.jobs.len() }))
    }

    fn job(&mut self, job: &Job) -> io::Result<()> {
        self.line(&json!({
            "kind": "job",
            "job": job.id.0,
            "name": job.name,
            "state": label(&job.state),
            "submitted_at_ms": job.submitted_at.0,
            "ended_at_ms": job.ended_at.map(|at| at.0),
            "phases": job.phases.len(),
        }))?;
        for (number, phase) in job.phases.iter().enumerate() {
            self.line(&json!({
                "kind": "phase",
                "job": job.id.0,
                "phase": number,
                "operation": phase.spec.operation,
                "version": phase.spec.version,
                "params": phase.spec.params.0,
                "after": phase.spec.after.iter().map(|index| index.0).collect::<Vec<_>>(),
                "tasks": phase.tasks.len(),
                "derived": phase.spec.derived.as_ref().map(derived),
            }))?;
            self.tasks(job, number, phase)?;
        }
        Ok(())
    }

    /// Chunk by chunk: no more inputs than one chunk has are held.
    fn tasks(&mut self, job: &Job, number: usize, phase: &Phase) -> io::Result<()> {
        for stored in &phase.chunks {
            let chunk = match &stored.chunk {
                ChunkRef::Count | ChunkRef::Outputs => Ok(Chunk::default()),
                ChunkRef::Inline(bytes) => decoded(Ok(bytes.clone()), Chunk::decode),
                ChunkRef::Blob(id) => decoded(self.read(*id, CHUNK_BYTES_MAX), Chunk::decode),
            };
            for offset in 0..stored.count {
                let index = TaskIndex(stored.first.0 + offset);
                let mut task = json!({
                    "kind": "task",
                    "job": job.id.0,
                    "phase": number,
                    "task": index.0,
                    "round": phase.tasks.round(index).0,
                });
                match &chunk {
                    Ok(chunk) => task["input"] = input(chunk.inputs.get(offset as usize)),
                    Err(why) => self.unread(&mut task, why),
                }
                self.outcome(&mut task, phase, index);
                self.line(&task)?;
            }
        }
        Ok(())
    }

    fn outcome(&mut self, task: &mut Value, phase: &Phase, index: TaskIndex) {
        let state = phase.tasks.state(index).unwrap_or(TaskState::Pending);
        task["state"] = match state {
            TaskState::Pending => "open",
            TaskState::Succeeded => "succeeded",
            TaskState::Failed => "failed",
        }
        .into();
        if let Some(failed) = phase.tasks.failure(index).filter(|_| state != TaskState::Succeeded) {
            task["failure"] = json!({
                "kind": failed.failure.kind.label(),
                "code": failed.failure.code,
                "cause": failed.failure.cause,
                "next_step": failed.failure.next_step,
                "attempts": failed.attempt_count,
            });
        }
        let Some(id) = phase.tasks.manifest(index) else { return };
        task["manifest"] = id.to_hex().into();
        match decoded(self.read(id, MANIFEST_BYTES_MAX), Manifest::decode) {
            Err(why) => self.unread(task, &why),
            Ok(manifest) => {
                task["memo"] = manifest.from_memo.into();
                task["notes"] = json!(manifest.notes);
                task["artifacts"] = artifacts(&manifest);
            }
        }
    }

    fn read(&self, id: BlobId, bytes_max: u64) -> Result<Vec<u8>, String> {
        self.blobs.read(id, bytes_max).map_err(|error| format!("failed to {error}"))
    }

    fn unread(&mut self, task: &mut Value, why: &str) {
        task["unread"] = why.into();
        self.unread_count += 1;
    }
}

fn decoded<T, E: std::fmt::Display>(
    bytes: Result<Vec<u8>, String>,
    decode: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<T, String> {
    decode(&bytes?).map_err(|error| error.to_string())
}

fn label(state: &JobState) -> &'static str {
    match state {
        JobState::Open => "open",
        JobState::Ended(Outcome::Succeeded) => "succeeded",
        JobState::Ended(Outcome::Failed) => "failed",
        JobState::Ended(Outcome::Cancelled) => "cancelled",
    }
}

/// The rule by which a phase's tasks follow from earlier phases.
fn derived(derived: &Derived) -> Value {
    let takes = derived
        .takes
        .iter()
        .map(|take| json!({ "phase": take.phase.0, "parts": take.share == Share::Part }));
    let (fixed, each_of) = match derived.count {
        TaskCount::Fixed(count) => (Some(count), None),
        TaskCount::EachOf(phase) => (None, Some(phase.0)),
    };
    json!({ "fixed": fixed, "each_of": each_of, "takes": takes.collect::<Vec<_>>() })
}

fn input(input: Option<&Input>) -> Value {
    input.map_or(Value::Null, |input| {
        json!({
            "path": reversible(&input.path),
            "bytes": input.size,
            "blake3": input.hash.to_hex(),
            "media_type": input.media.mime(),
            "base": reversible(&input.base),
        })
    })
}

/// Small results lie in the manifest, and their bytes in the line; others in the file of a blob.
fn artifacts(manifest: &Manifest) -> Value {
    let one = |artifact: &windlass_core::manifest::Artifact| {
        let mut value = json!({
            "name": artifact.name,
            "media_type": artifact.media_type,
            "bytes": artifact.content.size(),
        });
        match &artifact.content {
            Content::Blob { id, .. } => value["blob"] = id.to_hex().into(),
            Content::Inline(bytes) => value["content"] = reversible(bytes).into(),
        }
        value
    };
    manifest.artifacts.iter().map(one).collect()
}
