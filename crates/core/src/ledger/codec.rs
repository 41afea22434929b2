//! Entries as bytes: kind u16, version u8, length u32, body; all numbers little-endian.
//!
//! A batch of entries is the body of one record. An unknown kind or version stops the reader: a
//! ledger that skipped a decision would be silently wrong.

use super::entry::{Entry, JobSpec, SettledRun};
use super::old;
use super::version::CLUSTER_VERSION;
use crate::time::LogTime;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// The entries of one record, decided at one time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    /// When.
    pub at: LogTime,
    /// In order of application.
    pub entries: Vec<Entry>,
}

/// A record body that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum CodecError {
    /// The batch was written by another version.
    #[error("batch format {0} is not known to this version of windlass; use a newer one")]
    BatchVersion(u8),
    /// An entry of another version.
    #[error(
        "entry kind {kind} version {version} is not known to this version of windlass; use a newer one"
    )]
    Unknown {
        /// Its kind.
        kind: u16,
        /// Its version.
        version: u8,
    },
    /// The bytes end before the entry does.
    #[error("entry ends early, at byte {0} of the record")]
    Truncated(usize),
    /// The cluster has been raised to a version that this build does not know.
    #[error(
        "the cluster does what version {0} of its log asks, and this windlass knows version \
         {CLUSTER_VERSION}; use a newer one"
    )]
    ClusterVersion(u32),
    /// A body that is no such entry.
    #[error("entry of kind {kind} is damaged: {reason}")]
    Damaged {
        /// Its kind.
        kind: u16,
        /// What the decoder says.
        reason: String,
    },
}

const BATCH_VERSION: u8 = 1;
const BATCH_HEADER_BYTES: usize = 1 + 8;
pub(super) const ENTRY_HEADER_BYTES: usize = 2 + 1 + 4;

mod kind {
    pub(super) const GENESIS: u16 = 1;
    pub(super) const CLAIM: u16 = 2;
    pub(super) const VERSION_RAISED: u16 = 3;
    pub(super) const JOB_SUBMITTED: u16 = 10;
    pub(super) const TASKS_ADDED: u16 = 11;
    pub(super) const PHASE_SEALED: u16 = 12;
    pub(super) const TASKS_SETTLED: u16 = 13;
    pub(super) const ATTEMPT_FAILED: u16 = 14;
    pub(super) const WORKER_LOST: u16 = 15;
    pub(super) const TASKS_REOPENED: u16 = 16;
    pub(super) const JOB_CANCELLED: u16 = 17;
    pub(super) const JOB_FORGOTTEN: u16 = 18;
    pub(super) const JOB_PAUSED: u16 = 19;
    pub(super) const SETTING_CHANGED: u16 = 20;
    pub(super) const WORKER_JOINED: u16 = 30;
    pub(super) const WORKER_LEFT: u16 = 31;
    pub(super) const WORKER_DRAINED: u16 = 32;
    pub(super) const SNAPSHOT_TAKEN: u16 = 41;
    pub(super) const SWEEP_BEGUN: u16 = 40;
    pub(super) const TOKEN_ADDED: u16 = 50;
    pub(super) const TOKEN_REVOKED: u16 = 51;
    pub(super) const RECORDS_LOADED: u16 = 60;
    pub(super) const RECORDS_DROPPED: u16 = 61;
}

impl Batch {
    /// Bytes of a batch before its first entry.
    pub const HEADER_BYTES: usize = BATCH_HEADER_BYTES;

    /// Starts the body of a record.
    pub fn begin(at: LogTime, out: &mut Vec<u8>) {
        out.clear();
        out.push(BATCH_VERSION);
        out.extend_from_slice(&at.0.to_le_bytes());
    }

    /// Reads the body of a record.
    ///
    /// # Errors
    /// The first thing that this version cannot read.
    pub fn decode(body: &[u8]) -> Result<Batch, CodecError> {
        let (&version, rest) = body.split_first().ok_or(CodecError::Truncated(0))?;
        if version != BATCH_VERSION {
            return Err(CodecError::BatchVersion(version));
        }
        let Some((at, mut rest)) = rest.split_first_chunk::<8>() else {
            return Err(CodecError::Truncated(body.len()));
        };
        let mut entries = Vec::new();
        while !rest.is_empty() {
            let (entry, tail) =
                Entry::decode(rest).map_err(|error| error.moved(body.len() - rest.len()))?;
            entries.push(entry);
            rest = tail;
        }
        Ok(Batch { at: LogTime(u64::from_le_bytes(*at)), entries })
    }
}

impl CodecError {
    fn moved(self, by: usize) -> CodecError {
        match self {
            CodecError::Truncated(at) => CodecError::Truncated(at + by),
            other => other,
        }
    }
}

impl Entry {
    /// Appends the entry's bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Entry::Genesis { cluster, format } => frame(out, kind::GENESIS, &(cluster, format)),
            Entry::Claim { epoch, holder } => frame(out, kind::CLAIM, &(epoch, holder)),
            Entry::VersionRaised { version } => frame(out, kind::VERSION_RAISED, version),
            Entry::JobSubmitted { request, spec } => match spec.derivations() {
                None => frame_as(out, kind::JOB_SUBMITTED, 2, &(request, spec)),
                Some(derived) => frame_as(out, kind::JOB_SUBMITTED, 3, &(request, spec, derived)),
            },
            Entry::TasksAdded { phase, first, count, chunk } => {
                frame(out, kind::TASKS_ADDED, &(phase, first, count, chunk));
            }
            Entry::PhaseSealed { phase } => frame(out, kind::PHASE_SEALED, phase),
            Entry::TasksSettled { runs } => frame(out, kind::TASKS_SETTLED, runs),
            Entry::AttemptFailed { task, round, attempt, failure, worker: None } => {
                frame(out, kind::ATTEMPT_FAILED, &(task, round, attempt, failure));
            }
            Entry::AttemptFailed { task, round, attempt, failure, worker: Some(worker) } => {
                let body = &(task, round, attempt, failure, worker);
                frame_as(out, kind::ATTEMPT_FAILED, 2, body);
            }
            Entry::WorkerLost { task, round, attempt, worker } => {
                frame(out, kind::WORKER_LOST, &(task, round, attempt, worker));
            }
            Entry::TasksReopened { phase, tasks, why } => {
                frame(out, kind::TASKS_REOPENED, &(phase, tasks, why));
            }
            Entry::JobCancelled { job, why } => frame(out, kind::JOB_CANCELLED, &(job, why)),
            Entry::WorkerJoined { name, incarnation, in_process } => {
                frame(out, kind::WORKER_JOINED, &(name, incarnation, in_process));
            }
            Entry::WorkerLeft { name, incarnation } => {
                frame(out, kind::WORKER_LEFT, &(name, incarnation));
            }
            Entry::WorkerDrained { name, on } => frame(out, kind::WORKER_DRAINED, &(name, on)),
            Entry::SnapshotTaken(snapshot) => frame(out, kind::SNAPSHOT_TAKEN, snapshot),
            Entry::SettingChanged { name, value } => {
                frame(out, kind::SETTING_CHANGED, &(name, value));
            }
            Entry::JobForgotten { job } => frame(out, kind::JOB_FORGOTTEN, job),
            Entry::JobPaused { job, on, by } => frame(out, kind::JOB_PAUSED, &(job, on, by)),
            Entry::SweepBegun(sweep) => frame(out, kind::SWEEP_BEGUN, sweep),
            Entry::TokenAdded { id, hash, role, name, expires_at } => {
                frame(out, kind::TOKEN_ADDED, &(id, hash, role, name, expires_at));
            }
            Entry::TokenRevoked { id } => frame(out, kind::TOKEN_REVOKED, id),
            Entry::RecordsLoaded { set, stored, replaces } => {
                frame(out, kind::RECORDS_LOADED, &(set, stored, replaces));
            }
            Entry::RecordsDropped { name } => frame(out, kind::RECORDS_DROPPED, name),
        }
    }

    /// Reads one entry; answers it with the bytes after it.
    ///
    /// # Errors
    /// An entry that this version cannot read.
    pub fn decode(bytes: &[u8]) -> Result<(Entry, &[u8]), CodecError> {
        if bytes.len() < ENTRY_HEADER_BYTES {
            return Err(CodecError::Truncated(bytes.len()));
        }
        let kind = u16::from_le_bytes([bytes[0], bytes[1]]);
        let version = bytes[2];
        let length = u32::from_le_bytes([bytes[3], bytes[4], bytes[5], bytes[6]]) as usize;
        let rest = &bytes[ENTRY_HEADER_BYTES..];
        if rest.len() < length {
            return Err(CodecError::Truncated(bytes.len()));
        }
        let (body, tail) = rest.split_at(length);
        Ok((Entry::decode_body(kind, version, body)?, tail))
    }

    fn decode_body(kind: u16, version: u8, body: &[u8]) -> Result<Entry, CodecError> {
        let entry = match (kind, version) {
            (kind::GENESIS, 1) => {
                read(kind, body).map(|(cluster, format)| Entry::Genesis { cluster, format })?
            }
            (kind::CLAIM, 1) => {
                read(kind, body).map(|(epoch, holder)| Entry::Claim { epoch, holder })?
            }
            (kind::JOB_SUBMITTED, 1) => {
                read(kind, body).map(|(request, spec)| old::job_submitted(request, spec))?
            }
            (kind::JOB_SUBMITTED, 2) => {
                read(kind, body).map(|(request, spec)| Entry::JobSubmitted { request, spec })?
            }
            (kind::JOB_SUBMITTED, 3) => {
                let (request, mut spec, derived): (_, JobSpec, Vec<_>) = read(kind, body)?;
                if !spec.derive(derived) {
                    let reason = "it has other phases than rules for them".to_owned();
                    return Err(CodecError::Damaged { kind, reason });
                }
                Entry::JobSubmitted { request, spec }
            }
            (kind::TASKS_ADDED, 1) => read(kind, body).map(|(phase, first, count, chunk)| {
                Entry::TasksAdded { phase, first, count, chunk }
            })?,
            (kind::PHASE_SEALED, 1) => Entry::PhaseSealed { phase: read(kind, body)? },
            (kind::TASKS_SETTLED, 1) => {
                Entry::TasksSettled { runs: read::<Vec<SettledRun>>(kind, body)? }
            }
            (kind::ATTEMPT_FAILED, 1) => {
                read(kind, body).map(|(task, round, attempt, failure)| Entry::AttemptFailed {
                    task,
                    round,
                    attempt,
                    failure,
                    worker: None,
                })?
            }
            (kind::ATTEMPT_FAILED, 2) => {
                read(kind, body).map(|(task, round, attempt, failure, worker)| {
                    Entry::AttemptFailed { task, round, attempt, failure, worker: Some(worker) }
                })?
            }
            (kind::WORKER_LOST, 1) => read(kind, body).map(|(task, round, attempt, worker)| {
                Entry::WorkerLost { task, round, attempt, worker }
            })?,
            (kind::TASKS_REOPENED, 1) => read(kind, body)
                .map(|(phase, tasks, why)| Entry::TasksReopened { phase, tasks, why })?,
            (kind::JOB_CANCELLED, 1) => {
                read(kind, body).map(|(job, why)| Entry::JobCancelled { job, why })?
            }
            (kind::WORKER_JOINED, 1) => {
                read(kind, body).map(|(name, incarnation, in_process)| Entry::WorkerJoined {
                    name,
                    incarnation,
                    in_process,
                })?
            }
            (kind::WORKER_LEFT, 1) => read(kind, body)
                .map(|(name, incarnation)| Entry::WorkerLeft { name, incarnation })?,
            (kind::WORKER_DRAINED, 1) => {
                read(kind, body).map(|(name, on)| Entry::WorkerDrained { name, on })?
            }
            _ => return Entry::decode_upkeep(kind, version, body),
        };
        Ok(entry)
    }

    /// What people and the master itself decide beside the work.
    fn decode_upkeep(kind: u16, version: u8, body: &[u8]) -> Result<Entry, CodecError> {
        let entry =
            match (kind, version) {
                (kind::VERSION_RAISED, 1) => match read(kind, body)? {
                    version if version > CLUSTER_VERSION => {
                        return Err(CodecError::ClusterVersion(version));
                    }
                    version => Entry::VersionRaised { version },
                },
                (kind::SNAPSHOT_TAKEN, 1) => Entry::SnapshotTaken(read(kind, body)?),
                (kind::SETTING_CHANGED, 1) => {
                    read(kind, body).map(|(name, value)| Entry::SettingChanged { name, value })?
                }
                (kind::JOB_FORGOTTEN, 1) => Entry::JobForgotten { job: read(kind, body)? },
                (kind::JOB_PAUSED, 1) => {
                    read(kind, body).map(|(job, on, by)| Entry::JobPaused { job, on, by })?
                }
                (kind::SWEEP_BEGUN, 1) => Entry::SweepBegun(read(kind, body)?),
                (kind::TOKEN_ADDED, 1) => {
                    read(kind, body).map(|(id, hash, role, name, expires_at)| {
                        Entry::TokenAdded { id, hash, role, name, expires_at }
                    })?
                }
                (kind::TOKEN_REVOKED, 1) => Entry::TokenRevoked { id: read(kind, body)? },
                (kind::RECORDS_LOADED, 1) => read(kind, body).map(|(set, stored, replaces)| {
                    Entry::RecordsLoaded { set, stored, replaces }
                })?,
                (kind::RECORDS_DROPPED, 1) => Entry::RecordsDropped { name: read(kind, body)? },
                _ => return Err(CodecError::Unknown { kind, version }),
            };
        Ok(entry)
    }
}

pub(super) fn frame<T: Serialize>(out: &mut Vec<u8>, kind: u16, body: &T) {
    frame_as(out, kind, 1, body);
}

pub(super) fn frame_as<T: Serialize>(out: &mut Vec<u8>, kind: u16, version: u8, body: &T) {
    out.extend_from_slice(&kind.to_le_bytes());
    out.push(version);
    let length_at = out.len();
    out.extend_from_slice(&[0; 4]);
    *out = postcard::to_extend(body, std::mem::take(out)).expect("writing to memory cannot fail");
    let length = u32::try_from(out.len() - length_at - 4).expect("records are far below 4 GiB");
    out[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
}

fn read<T: DeserializeOwned>(kind: u16, body: &[u8]) -> Result<T, CodecError> {
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => {
            Err(CodecError::Damaged { kind, reason: format!("{} bytes are left over", rest.len()) })
        }
        Err(error) => Err(CodecError::Damaged { kind, reason: error.to_string() }),
    }
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
