//! Entries as earlier versions wrote them; read for ever, never written again.

use super::entry::{Entry, JobSpec, OnFailure, PhaseSpec};
use crate::ids::{BlobId, PhaseIndex, RequestId};
use crate::params::Params;
use serde::Deserialize;

/// [`JobSpec`] of `JobSubmitted` version 1.
#[derive(Deserialize)]
pub(super) struct JobSpec1 {
    name: String,
    fingerprint: u128,
    phases: Vec<PhaseSpec1>,
    memorandum: Option<BlobId>,
}

/// [`PhaseSpec`] before there was a memo.
#[derive(Deserialize)]
struct PhaseSpec1 {
    operation: String,
    version: u32,
    params: Params,
    after: Vec<PhaseIndex>,
    on_failure: OnFailure,
}

/// `JobSubmitted` version 1.
pub(super) fn job_submitted(request: RequestId, spec: JobSpec1) -> Entry {
    let JobSpec1 { name, fingerprint, phases, memorandum } = spec;
    let phases = phases.into_iter().map(PhaseSpec1::into_spec).collect();
    Entry::JobSubmitted { request, spec: JobSpec { name, fingerprint, phases, memorandum } }
}

impl PhaseSpec1 {
    fn into_spec(self) -> PhaseSpec {
        let PhaseSpec1 { operation, version, params, after, on_failure } = self;
        PhaseSpec { operation, version, params, after, on_failure, fresh: false, derived: None }
    }
}
