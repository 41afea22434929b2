//! From a snapshot's bytes to a ledger; every rule that `apply` keeps is checked again.

use super::super::apply::{ANNOUNCED_SNAPSHOT_COUNT, Ledger};
use super::super::codec::ENTRY_HEADER_BYTES;
use super::super::entry::{ChunkRef, PhaseSpec};
use super::super::history::History;
use super::super::job::{Counts, FailedTask, Job, JobState, Paused, Phase, StoredChunk};
use super::super::page::{Page, Slot};
use super::super::records::fits;
use super::super::table::{TaskState, TaskTable};
use super::super::version::CLUSTER_VERSION;
use super::{ByteString, JobSection, SNAPSHOT_VERSION, section};
use crate::ids::{JobId, LoadId};
use crate::limits::{CHUNK_TASK_COUNT_MAX, JOB_PHASE_COUNT_MAX};
use crate::plan::Derived;
use crate::records::LoadedSet;
use crate::time::LogTime;
use crate::tokens::Tokens;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Arc;
use thiserror::Error;

/// A snapshot that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum SnapshotError {
    /// Written by another version.
    #[error("snapshot format {0} is not known to this version of windlass; use a newer one")]
    Version(u8),
    /// A part of it was written by another version.
    #[error(
        "snapshot section {kind} version {version} is not known to this version of windlass; \
         use a newer one"
    )]
    Unknown {
        /// Its kind.
        kind: u16,
        /// Its version.
        version: u8,
    },
    /// Of a cluster that was raised to a version that this build does not know.
    #[error(
        "the snapshot is of a cluster of version {0}, and this windlass knows version \
         {CLUSTER_VERSION}; use a newer one"
    )]
    ClusterVersion(u32),
    /// Bytes that no ledger encodes to.
    #[error("snapshot is damaged at byte {at}: {what}")]
    Damaged {
        /// Where the section begins.
        at: usize,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl Ledger {
    /// The reverse of [`Ledger::encode_snapshot`].
    ///
    /// # Errors
    /// An unknown version, or bytes that no ledger encodes to.
    pub fn decode_snapshot(bytes: &[u8]) -> Result<Ledger, SnapshotError> {
        match bytes.first() {
            Some(&SNAPSHOT_VERSION) => {}
            Some(version) => return Err(SnapshotError::Version(*version)),
            None => return Err(SnapshotError::Damaged { at: 0, what: "no bytes" }),
        }
        let mut sections = Sections { bytes, at: 1, begin: 1 };
        let mut ledger = Ledger::default();
        let (cluster, epoch, time, snapshots) = sections.expect(section::CLUSTER)?;
        (ledger.cluster, ledger.epoch, ledger.time) = (cluster, epoch, time);
        ledger.snapshots = snapshots;
        let ascending = ledger.snapshots.is_sorted_by(|a, b| a.seq < b.seq);
        let few = ledger.snapshots.len() <= ANNOUNCED_SNAPSHOT_COUNT;
        sections.check(ascending && few, "its snapshots are too many, or out of order")?;
        ledger.workers = sections.expect(section::WORKERS)?;
        let (settings, swept_at, last_job): (Vec<(String, u64)>, LogTime, JobId) =
            sections.expect(section::KEEPING)?;
        (ledger.swept_at, ledger.last_job) = (swept_at, last_job);
        for (name, value) in &settings {
            let set = ledger.settings.set(name, *value);
            sections.check(set.is_ok(), "a setting is unknown, or out of its bounds")?;
        }
        // As they are encoded: those that differ from the defaults, each once and in order.
        let changed = ledger.settings.changed().map(|(name, value)| (name.to_owned(), value));
        sections.check(changed.eq(settings), "its settings are out of order")?;
        if let Some(version) = sections.take(section::VERSION)? {
            sections.check(version > 0, "it has a version that is never written")?;
            if version > CLUSTER_VERSION {
                return Err(SnapshotError::ClusterVersion(version));
            }
            ledger.version = version;
        }
        if let Some(tokens) = sections.take(section::TOKENS)? {
            let tokens = Tokens::of_map(tokens);
            sections.check(tokens.is_some(), "its tokens are none, or no such ones")?;
            ledger.tokens = tokens.unwrap_or_default();
        }
        if let Some(records) = sections.take(section::RECORDS)? {
            sections.records(records, &mut ledger)?;
        }
        while let Some(head) = sections.take::<JobSection>(section::JOB)? {
            let last = ledger.jobs.last_key_value().map(|(id, _)| *id);
            sections.check(last.unwrap_or_default() < head.id, "a job is out of order")?;
            let request = ledger.requests.insert(head.request, head.id);
            sections.check(request.is_none(), "two jobs of one request")?;
            sections.check(head.id <= ledger.last_job, "a job is newer than the newest")?;
            let job = sections.job(head)?;
            ledger.jobs.insert(job.id, Arc::new(job));
        }
        sections.expect::<()>(section::END)?;
        sections.begin = sections.at;
        sections.check(sections.at == bytes.len(), "bytes follow its end")?;
        Ok(ledger)
    }
}

/// The sections of a snapshot, read from the first to the last.
struct Sections<'a> {
    bytes: &'a [u8],
    /// Where the next section begins.
    at: usize,
    /// Where the section read last begins.
    begin: usize,
}

impl Sections<'_> {
    /// The next section, if it is of this kind.
    fn take<T: DeserializeOwned>(&mut self, wanted: u16) -> Result<Option<T>, SnapshotError> {
        self.take_as(wanted, 1)
    }

    /// Whether the next section is of this kind and version.
    fn is_next(&self, wanted: u16, version: u8) -> bool {
        let header = self.bytes[self.at..].first_chunk::<3>();
        let [low, high] = wanted.to_le_bytes();
        header == Some(&[low, high, version])
    }

    /// The next section, if it is of this kind; it must be of this version then.
    fn take_as<T: DeserializeOwned>(
        &mut self,
        wanted: u16,
        known: u8,
    ) -> Result<Option<T>, SnapshotError> {
        let rest = &self.bytes[self.at..];
        let damaged = |what| SnapshotError::Damaged { at: self.at, what };
        let Some(header) = rest.first_chunk::<ENTRY_HEADER_BYTES>() else {
            return Err(damaged("it ends early"));
        };
        let [kind_low, kind_high, version, length @ ..] = *header;
        let kind = u16::from_le_bytes([kind_low, kind_high]);
        if kind != wanted {
            return Ok(None);
        }
        if version != known {
            return Err(SnapshotError::Unknown { kind, version });
        }
        let end = ENTRY_HEADER_BYTES.saturating_add(u32::from_le_bytes(length) as usize);
        let body = rest.get(ENTRY_HEADER_BYTES..end).ok_or(damaged("it ends early"))?;
        match postcard::take_from_bytes(body) {
            Ok((value, [])) => {
                self.begin = self.at;
                self.at += end;
                Ok(Some(value))
            }
            _ => Err(damaged("a section cannot be read")),
        }
    }

    /// The next section, which must be of this kind.
    fn expect<T: DeserializeOwned>(&mut self, wanted: u16) -> Result<T, SnapshotError> {
        if let Some(value) = self.take(wanted)? {
            return Ok(value);
        }
        let [low, high, version, ..] = self.bytes[self.at..] else {
            return Err(SnapshotError::Damaged { at: self.at, what: "it ends early" });
        };
        let kind = u16::from_le_bytes([low, high]);
        if section::ALL.contains(&kind) {
            return Err(SnapshotError::Damaged { at: self.at, what: "a section is out of place" });
        }
        Err(SnapshotError::Unknown { kind, version })
    }

    fn check(&self, holds: bool, what: &'static str) -> Result<(), SnapshotError> {
        if holds { Ok(()) } else { Err(SnapshotError::Damaged { at: self.begin, what }) }
    }

    fn records(
        &self,
        (last_load, sets): (LoadId, Vec<LoadedSet>),
        ledger: &mut Ledger,
    ) -> Result<(), SnapshotError> {
        self.check(last_load > LoadId(0), "it has record sets without a load")?;
        ledger.last_load = last_load;
        for loaded in sets {
            let is_next = ledger.records.last_key_value().is_none_or(|(n, _)| *n < loaded.set.name);
            self.check(is_next, "a record set is out of order")?;
            self.check(fits(&loaded.set, &loaded.stored), "a record set makes no sense")?;
            let is_sound = (LoadId(1)..=last_load).contains(&loaded.load)
                && ledger.records.values().all(|other| other.load != loaded.load);
            self.check(is_sound, "a record set's load makes no sense")?;
            ledger.records.insert(loaded.set.name.clone(), Arc::new(loaded));
        }
        Ok(())
    }

    fn job(&mut self, head: JobSection) -> Result<Job, SnapshotError> {
        let few = usize::from(head.phase_count) <= JOB_PHASE_COUNT_MAX;
        self.check(few, "a job has too many phases")?;
        let phases: Result<Vec<Phase>, SnapshotError> =
            (0..head.phase_count).map(|_| self.phase()).collect();
        let phases = phases?;
        let specs: Vec<PhaseSpec> = phases.iter().map(|phase| phase.spec.clone()).collect();
        self.check(crate::plan::is_in_order(&specs), "a phase waits for a later one")?;
        let more: Option<(Option<Paused>, History)> = self.take(section::JOB_MORE)?;
        let (paused, history) = more.unwrap_or_default();
        self.check(history.is_sound(), "a job's history is too long")?;
        let is_open = head.state == JobState::Open;
        self.check(is_open || paused.is_none(), "an ended job is paused")?;
        Ok(Job {
            id: head.id,
            request: head.request,
            name: head.name,
            fingerprint: head.fingerprint,
            memorandum: head.memorandum,
            submitted_at: head.submitted_at,
            ended_at: head.ended_at,
            state: head.state,
            paused,
            history,
            phases,
        })
    }

    /// What a phase is beside its tasks.
    fn phase_head(&mut self) -> Result<(PhaseSpec, bool, Vec<StoredChunk>), SnapshotError> {
        if !self.is_next(section::PHASE, 2) {
            return self.expect(section::PHASE);
        }
        let derived: Option<(PhaseSpec, bool, Vec<StoredChunk>, Derived)> =
            self.take_as(section::PHASE, 2)?;
        let head = derived.map(|(spec, sealed, chunks, derived)| {
            (PhaseSpec { derived: Some(derived), ..spec }, sealed, chunks)
        });
        head.ok_or(SnapshotError::Damaged { at: self.at, what: "it ends early" })
    }

    fn phase(&mut self) -> Result<Phase, SnapshotError> {
        let (spec, sealed, chunks) = self.phase_head()?;
        let mut task_count = 0_u32;
        for chunk in &chunks {
            let inputs = chunk.chunk != ChunkRef::Count;
            let is_derived = chunk.chunk == ChunkRef::Outputs;
            let is_known = is_derived == spec.derived.is_some();
            self.check(is_known, "a chunk is of another kind than its phase")?;
            let fits = chunk.count > 0 && !(inputs && chunk.count as usize > CHUNK_TASK_COUNT_MAX);
            self.check(fits && chunk.first.0 == task_count, "a chunk is out of order")?;
            let end = task_count.checked_add(chunk.count);
            self.check(end.is_some(), "a phase has too many tasks")?;
            task_count = end.unwrap_or(task_count);
        }
        let mut tasks = TaskTable::default();
        let mut counts = Counts::default();
        while tasks.len() < task_count {
            let (words, manifests, failures): (ByteString, ByteString, BTreeMap<u16, FailedTask>) =
                self.expect(section::PAGE)?;
            let page = Page::from_parts(&words.0, &manifests.0, failures);
            self.check(page.is_some(), "a page of tasks makes no sense")?;
            let page = page.unwrap_or_default();
            count(&page, &mut counts);
            self.check(tasks.push(page), "a page of tasks is out of place")?;
        }
        self.check(tasks.len() == task_count, "a phase has more tasks than were added")?;
        Ok(Phase { spec, tasks, chunks, sealed, counts })
    }
}

fn count(page: &Page, counts: &mut Counts) {
    for slot in 0..page.len() {
        let slot = Slot(u16::try_from(slot).unwrap_or(u16::MAX));
        match page.state(slot) {
            Some(TaskState::Succeeded) => counts.succeeded += 1,
            Some(TaskState::Failed) => counts.failed += 1,
            _ => counts.pending += 1,
        }
    }
}
