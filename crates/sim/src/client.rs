//! The simulated client: submits jobs step by step and repeats what was not answered.

use windlass_core::ledger::{
    Applied, ChunkRef, Entry, JobSpec, Ledger, OnFailure, PhaseSpec, Refusal,
};
use windlass_core::params::Params;
use windlass_core::random::SplitMix64;
use windlass_core::{JobId, PhaseId, PhaseIndex, RequestId, TaskIndex};

/// What the client is about to have recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Submit,
    Add { first: u32 },
    Seal,
    Done,
}

/// A client with some jobs to submit, one after the other.
pub(crate) struct Client {
    job_count: u64,
    /// Tasks of each chunk of the job in hand.
    chunk: u32,
    task_count: u32,
    number: u64,
    step: Step,
    job: Option<JobId>,
    /// Number of the request that was sent last.
    pub(crate) asked: u64,
    pub(crate) jobs: Vec<JobId>,
}

impl Client {
    pub(crate) fn new(random: &mut SplitMix64) -> Client {
        Client {
            job_count: 1 + random.below(3),
            chunk: 1 + u32::try_from(random.below(8)).unwrap_or(0),
            task_count: 1 + u32::try_from(random.below(40)).unwrap_or(0),
            number: 1,
            step: Step::Submit,
            job: None,
            asked: 0,
            jobs: Vec::new(),
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.step == Step::Done
    }

    fn phase(&self) -> PhaseId {
        PhaseId { job: self.job.unwrap_or_default(), phase: PhaseIndex(0) }
    }

    /// The entry to ask for, also when the answer to the one before was lost.
    pub(crate) fn ask(&mut self) -> Option<Entry> {
        let entry = match self.step {
            Step::Submit => {
                let phase = PhaseSpec {
                    operation: "sim".to_owned(),
                    version: 1,
                    params: Params::default(),
                    after: Vec::new(),
                    on_failure: OnFailure::Continue,
                };
                let spec = JobSpec {
                    name: format!("job {}", self.number),
                    fingerprint: u128::from(self.number),
                    phases: vec![phase],
                    memorandum: None,
                };
                Entry::JobSubmitted { request: RequestId(u128::from(self.number)), spec }
            }
            Step::Add { first } => Entry::TasksAdded {
                phase: self.phase(),
                first: TaskIndex(first),
                count: self.chunk.min(self.task_count - first),
                chunk: ChunkRef::Count,
            },
            Step::Seal => Entry::PhaseSealed { phase: self.phase() },
            Step::Done => return None,
        };
        self.asked += 1;
        Some(entry)
    }

    /// Takes an answer; what it promised is returned: the phase and how many tasks it has.
    pub(crate) fn on_answer(
        &mut self,
        ledger: &Ledger,
        applied: &[Applied],
    ) -> Result<Option<(PhaseId, u32)>, String> {
        let refusal = applied.iter().find_map(|done| match done {
            Applied::Refused(refusal) => Some(*refusal),
            _ => None,
        });
        match self.step {
            Step::Submit => {
                let made = applied.iter().find_map(|done| match done {
                    Applied::JobSubmitted { job, .. } => Some(*job),
                    _ => None,
                });
                let job = made.ok_or("a submission was answered without a job")?;
                if self.jobs.contains(&job) {
                    return Err(format!("two requests got job {job}"));
                }
                self.job = Some(job);
                self.jobs.push(job);
                self.step = Step::Add { first: 0 };
            }
            Step::Add { first } => {
                // `NotNext` after a lost answer: they were added then.
                let there = ledger.phase(self.phase()).map_or(0, |phase| phase.tasks.len());
                if there <= first {
                    return Err(format!("added tasks are not there: {refusal:?}"));
                }
                self.step =
                    if there == self.task_count { Step::Seal } else { Step::Add { first: there } };
                return Ok(Some((self.phase(), there)));
            }
            Step::Seal => {
                if !matches!(refusal, None | Some(Refusal::Sealed | Refusal::JobEnded)) {
                    return Err(format!("sealing was refused: {refusal:?}"));
                }
                self.number += 1;
                self.step = if self.number > self.job_count { Step::Done } else { Step::Submit };
            }
            Step::Done => {}
        }
        Ok(None)
    }
}
