//! A ledger as bytes, and where in the log snapshots are taken and compared.
//!
//! One version byte, then sections as entries are framed: kind u16, version u8, length u32, body.
//! Equal ledgers give equal bytes, whoever encodes them; reading refuses what no entries can build.

mod decode;
mod marks;

pub use decode::SnapshotError;
pub use marks::{SnapshotMarks, SnapshotPoints};

use super::apply::Ledger;
use super::codec::{frame, frame_as};
use super::job::{Job, JobState, Phase};
use super::page::Page;
use crate::ids::{BlobId, JobId, LoadId, RequestId, Seq};
use crate::records::LoadedSet;
use crate::time::LogTime;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

const SNAPSHOT_VERSION: u8 = 1;

mod section {
    pub(super) const CLUSTER: u16 = 1;
    pub(super) const WORKERS: u16 = 2;
    pub(super) const KEEPING: u16 = 3;
    pub(super) const VERSION: u16 = 5;
    pub(super) const TOKENS: u16 = 50;
    pub(super) const RECORDS: u16 = 4;
    pub(super) const JOB: u16 = 10;
    pub(super) const PHASE: u16 = 11;
    pub(super) const PAGE: u16 = 12;
    pub(super) const JOB_MORE: u16 = 13;
    pub(super) const END: u16 = 99;
    pub(super) const ALL: [u16; 11] =
        [CLUSTER, WORKERS, KEEPING, VERSION, TOKENS, RECORDS, JOB, PHASE, PAGE, JOB_MORE, END];
}

/// The BLAKE3 hash of an encoded ledger: equal states have the same one.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BlobId(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({}…)", &BlobId(self.0).to_hex()[..8])
    }
}

/// The snapshot of one state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SnapshotId {
    /// The last record that is in the state.
    pub seq: Seq,
    /// That record's chain hash.
    pub hash: u64,
    /// What every master must find that encodes its own state there.
    pub digest: Digest,
}

/// What a job is beside its phases.
#[derive(Serialize, Deserialize)]
struct JobSection {
    id: JobId,
    request: RequestId,
    name: String,
    fingerprint: u128,
    memorandum: Option<BlobId>,
    submitted_at: LogTime,
    ended_at: Option<LogTime>,
    state: JobState,
    phase_count: u16,
}

impl Ledger {
    /// The state as bytes; [`Ledger::decode_snapshot`] reads them.
    #[must_use]
    pub fn encode_snapshot(&self) -> Vec<u8> {
        let mut out = vec![SNAPSHOT_VERSION];
        let cluster = (self.cluster, self.epoch, self.time, &self.snapshots);
        frame(&mut out, section::CLUSTER, &cluster);
        frame(&mut out, section::WORKERS, &self.workers);
        let settings: Vec<(&str, u64)> = self.settings.changed().collect();
        frame(&mut out, section::KEEPING, &(settings, self.swept_at, self.last_job));
        // What is not there is not written: such a state has the bytes that it always had.
        if self.version > 0 {
            frame(&mut out, section::VERSION, &self.version);
        }
        if !self.tokens.is_empty() {
            frame(&mut out, section::TOKENS, self.tokens.map());
        }
        // A state that never had any is written as before there were any.
        if self.last_load > LoadId(0) {
            let sets: Vec<&LoadedSet> = self.records.values().map(Arc::as_ref).collect();
            frame(&mut out, section::RECORDS, &(self.last_load, sets));
        }
        for job in self.jobs.values() {
            encode_job(job, &mut out);
        }
        frame(&mut out, section::END, &());
        out
    }

    /// About the bytes of its snapshot: what a snapshot costs decides how often one is taken.
    #[must_use]
    pub fn weight_bytes(&self) -> u64 {
        /// A cause and a next step, and what goes with them.
        const FAILURE_BYTES: u64 = 300;
        let phases = self.jobs.values().flat_map(|job| &job.phases);
        let weight = |phase: &Phase| {
            u64::from(phase.tasks.len()) * 2
                + u64::from(phase.counts.succeeded) * 32
                + u64::from(phase.counts.failed) * FAILURE_BYTES
        };
        phases.map(weight).sum()
    }
}

fn encode_job(job: &Job, out: &mut Vec<u8>) {
    let head = JobSection {
        id: job.id,
        request: job.request,
        name: job.name.clone(),
        fingerprint: job.fingerprint,
        memorandum: job.memorandum,
        submitted_at: job.submitted_at,
        ended_at: job.ended_at,
        state: job.state.clone(),
        phase_count: u16::try_from(job.phases.len()).expect("a job has at most 64 phases"),
    };
    frame(out, section::JOB, &head);
    for phase in &job.phases {
        let Phase { spec, sealed, chunks, .. } = phase;
        match &spec.derived {
            None => frame(out, section::PHASE, &(spec, sealed, chunks)),
            Some(derived) => frame_as(out, section::PHASE, 2, &(spec, sealed, chunks, derived)),
        }
        for page in phase.tasks.pages() {
            encode_page(page, out);
        }
    }
    // A job that was only submitted is written as before there was more.
    if job.paused.is_some() || !job.history.is_empty() {
        frame(out, section::JOB_MORE, &(&job.paused, &job.history));
    }
}

/// Words and manifests as byte strings, which are copied at once, then the failures.
fn encode_page(page: &Page, out: &mut Vec<u8>) {
    let (words, manifests) = page.to_bytes();
    let (words, manifests) = (ByteString(words), ByteString(manifests));
    frame(out, section::PAGE, &(words, manifests, page.failures()));
}

#[derive(Serialize, Deserialize)]
struct ByteString(#[serde(with = "crate::input::bytes")] Vec<u8>);

#[cfg(test)]
mod tests;
