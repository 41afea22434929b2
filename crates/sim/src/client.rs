//! The simulated client: submits jobs step by step to whichever master answers, repeats what was
//! not answered, cancels some jobs and tries failed tasks again.

use crate::plan::QUIET_AT;
use crate::task::OPERATIONS;
use windlass_core::ledger::{
    Applied, ChunkRef, Entry, IndexRange, JobSpec, Ledger, OnFailure, Outcome, PhaseSpec, Refusal,
    TaskState,
};
use windlass_core::params::Params;
use windlass_core::plan::{Derived, Share, Take, TaskCount};
use windlass_core::random::SplitMix64;
use windlass_core::{JobId, PhaseId, PhaseIndex, RequestId, TaskIndex, Tick};

/// A master's answer to a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Answered {
    pub(crate) step: u64,
    pub(crate) refusal: Option<Refusal>,
    job: Option<JobId>,
    /// Tasks of the phase that the step was about.
    there: u32,
    /// Whoever was asked does not reign.
    pub(crate) elsewhere: bool,
}

impl Answered {
    pub(crate) fn elsewhere(step: u64) -> Answered {
        Answered { step, refusal: None, job: None, there: 0, elsewhere: true }
    }

    /// Whether it answers that request.
    pub(crate) fn is_of(&self, asked: u64) -> bool {
        self.step == asked && !self.elsewhere
    }

    pub(crate) fn of(step: u64, entry: &Entry, applied: &[Applied], ledger: &Ledger) -> Answered {
        let refusal = applied.iter().find_map(|done| match done {
            Applied::Refused(refusal) => Some(*refusal),
            _ => None,
        });
        let job = applied.iter().find_map(|done| match done {
            Applied::JobSubmitted { job, .. } => Some(*job),
            _ => None,
        });
        let there = match entry {
            Entry::TasksAdded { phase, .. } => ledger.phase(*phase).map(|p| p.tasks.len()),
            _ => None,
        };
        Answered { step, refusal, job, there: there.unwrap_or(0), elsewhere: false }
    }
}

/// What becomes of a job after it is submitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    Runs,
    Cancelled,
    /// Failed tasks are tried again so often.
    Reopened(u32),
}

/// A job to submit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Script {
    /// Tasks of each phase, where they are added; each phase waits for all before it.
    task_counts: Vec<u32>,
    operations: Vec<&'static str>,
    /// The rule by which the tasks of a phase follow instead, if they do.
    derived: Vec<Option<Derived>>,
    chunk: u32,
    on_failure: OnFailure,
    pub(crate) fate: Fate,
    /// Whether failed tasks are tried again while others still run.
    is_eager: bool,
    /// Not before this moment.
    from: Tick,
}

/// What the client is about to have recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Submit,
    Add { phase: u16, first: u32 },
    Seal { phase: u16 },
    Cancel,
    Reopen { left: u32, until: Tick },
    Done,
}

/// A client with some jobs to submit, one after the other.
pub(crate) struct Client {
    scripts: Vec<Script>,
    number: usize,
    step: Step,
    job: Option<JobId>,
    /// Number of the request that was sent last.
    pub(crate) asked: u64,
    pub(crate) jobs: Vec<(JobId, Script)>,
}

impl Client {
    pub(crate) fn new(random: &mut SplitMix64) -> Client {
        let mut scripts: Vec<Script> =
            (0..1 + random.below(4)).map(|_| Script::draw(random)).collect();
        // One job after everything has healed: the cluster must still be good for it.
        scripts.push(Script {
            task_counts: vec![1 + random.below(12) as u32],
            operations: vec![OPERATIONS[0]],
            derived: vec![None],
            fate: Fate::Runs,
            from: QUIET_AT,
            ..Script::draw(random)
        });
        Client { scripts, number: 0, step: Step::Submit, job: None, asked: 0, jobs: Vec::new() }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.step == Step::Done
    }

    fn phase(&self, phase: u16) -> PhaseId {
        PhaseId { job: self.job.unwrap_or_default(), phase: PhaseIndex(phase) }
    }

    /// The entry to ask for, also when the answer to the one before was lost; `None` while there is
    /// nothing to ask. Failed tasks are looked up in `ledger`, which holds what is durable.
    pub(crate) fn ask(&mut self, now: Tick, ledger: &Ledger) -> Option<Entry> {
        let script = self.scripts.get(self.number)?;
        let entry = match self.step {
            Step::Submit if now < script.from => return None,
            Step::Submit => Entry::JobSubmitted {
                request: RequestId(self.number as u128 + 1),
                spec: script.spec(self.number),
            },
            Step::Add { phase, first } => Entry::TasksAdded {
                phase: self.phase(phase),
                first: TaskIndex(first),
                count: script.chunk.min(script.task_counts[usize::from(phase)] - first),
                chunk: ChunkRef::Count,
            },
            Step::Seal { phase } => Entry::PhaseSealed { phase: self.phase(phase) },
            Step::Cancel => {
                Entry::JobCancelled { job: self.job.unwrap_or_default(), why: String::new() }
            }
            Step::Reopen { left, until } => {
                let failed = failed(ledger, self.job.unwrap_or_default(), script.is_eager);
                match failed.filter(|_| left > 0) {
                    Some((phase, tasks)) => {
                        Entry::TasksReopened { phase, tasks, why: String::new() }
                    }
                    None => {
                        if left == 0 || now > until {
                            self.go_on();
                        }
                        return None;
                    }
                }
            }
            Step::Done => return None,
        };
        self.asked += 1;
        Some(entry)
    }

    /// Phases to which it adds nothing any more although they are open: a failed task had ended
    /// their job before all was added, and then it was opened again.
    pub(crate) fn left_open(&self, ledger: &Ledger) -> Vec<PhaseId> {
        let is_done = matches!(self.step, Step::Submit | Step::Done);
        let current = self.job.filter(|_| !is_done);
        let mut left = Vec::new();
        for (id, job) in ledger.jobs.iter().filter(|(_, job)| job.is_open()) {
            let phases = (0..).map(PhaseIndex).zip(&job.phases);
            let open = phases.filter(|(_, phase)| !phase.sealed && phase.spec.derived.is_none());
            // One that it has not heard of yet is being submitted.
            let is_known = self.jobs.iter().any(|(known, _)| known == id);
            if is_known && current != Some(*id) {
                left.extend(open.map(|(phase, _)| PhaseId { job: *id, phase }));
            }
        }
        left
    }

    /// Takes an answer; what it promised is returned: the phase and how many tasks it has.
    pub(crate) fn on_answer(
        &mut self,
        now: Tick,
        answer: &Answered,
    ) -> Result<Option<(PhaseId, u32)>, String> {
        // Only the newest request counts; an older one's answer says nothing new.
        if answer.step != self.asked || answer.elsewhere {
            return Ok(None);
        }
        let refusal = answer.refusal;
        let over = refusal == Some(Refusal::JobEnded);
        match self.step {
            Step::Submit => {
                let job = answer.job.ok_or("a submission was answered without a job")?;
                if self.jobs.iter().any(|(known, _)| *known == job) {
                    return Err(format!("two requests got job {job}"));
                }
                self.job = Some(job);
                self.jobs.push((job, self.scripts[self.number].clone()));
                self.next_phase(now, 0);
            }
            // A phase that stops its job ends it although tasks are still to come.
            Step::Add { .. } | Step::Seal { .. } if over => self.after_phases(now),
            Step::Add { phase, first } => {
                // `NotNext` after a lost answer: they were added then.
                let there = answer.there;
                if there <= first {
                    return Err(format!("added tasks are not there: {refusal:?}"));
                }
                let all = self.scripts[self.number].task_counts[usize::from(phase)];
                self.step = if there == all {
                    Step::Seal { phase }
                } else {
                    Step::Add { phase, first: there }
                };
                return Ok(Some((self.phase(phase), there)));
            }
            Step::Seal { phase } => {
                if !matches!(refusal, None | Some(Refusal::Sealed)) {
                    return Err(format!("sealing was refused: {refusal:?}"));
                }
                self.next_phase(now, phase + 1);
            }
            Step::Cancel => self.go_on(),
            Step::Reopen { left, until } => {
                self.step = Step::Reopen { left: left.saturating_sub(1), until };
            }
            Step::Done => {}
        }
        Ok(None)
    }

    /// Goes on with the next phase whose tasks are to be added.
    fn next_phase(&mut self, now: Tick, from: u16) {
        let rules = self.scripts[self.number].derived.iter().skip(usize::from(from));
        match (from..).zip(rules).find(|(_, rule)| rule.is_none()) {
            Some((phase, _)) => self.step = Step::Add { phase, first: 0 },
            None => self.after_phases(now),
        }
    }

    fn after_phases(&mut self, now: Tick) {
        match self.scripts[self.number].fate {
            Fate::Runs => self.go_on(),
            Fate::Cancelled => self.step = Step::Cancel,
            Fate::Reopened(left) => {
                self.step = Step::Reopen { left, until: Tick(now.0 + 3_000_000) };
            }
        }
    }

    fn go_on(&mut self) {
        self.number += 1;
        // Whatever was asked before is of no interest any more.
        self.asked += 1;
        self.step = if self.number == self.scripts.len() { Step::Done } else { Step::Submit };
    }
}

impl Script {
    fn draw(random: &mut SplitMix64) -> Script {
        let phase_count = match random.below(8) {
            0 => 3_u16,
            1 | 2 => 2,
            _ => 1,
        };
        Script {
            task_counts: (0..phase_count).map(|_| 1 + random.below(30) as u32).collect(),
            operations: (0..phase_count)
                .map(|_| OPERATIONS[random.below(OPERATIONS.len() as u64) as usize])
                .collect(),
            derived: (0..phase_count).map(|position| rule(random, position)).collect(),
            chunk: 1 + random.below(8) as u32,
            on_failure: if random.below(8) == 0 { OnFailure::Stop } else { OnFailure::Continue },
            fate: match random.below(6) {
                0 => Fate::Cancelled,
                1 | 2 => Fate::Reopened(1 + random.below(2) as u32),
                _ => Fate::Runs,
            },
            is_eager: random.below(2) == 0,
            from: Tick(0),
        }
    }

    fn spec(&self, number: usize) -> JobSpec {
        let phase = |position: usize| PhaseSpec {
            operation: self.operations[position].to_owned(),
            version: 1,
            params: Params::default(),
            after: (0..position).map(|before| PhaseIndex(before as u16)).collect(),
            on_failure: self.on_failure,
            fresh: false,
            derived: self.derived[position].clone(),
        };
        JobSpec {
            name: format!("job {number}"),
            fingerprint: number as u128,
            phases: (0..self.task_counts.len()).map(phase).collect(),
            memorandum: None,
        }
    }

    /// Whether the job may end like this, with open tasks or not.
    pub(crate) fn may_end(&self, outcome: Outcome) -> bool {
        self.fate == Fate::Cancelled || outcome != Outcome::Cancelled
    }

    /// Whether a failed task ends the job before its other tasks.
    pub(crate) fn stops(&self) -> bool {
        self.on_failure == OnFailure::Stop
    }
}

/// How the tasks of the phase at a position follow from those before, if they do.
fn rule(random: &mut SplitMix64, position: u16) -> Option<Derived> {
    if random.below(3) == 0 || (position == 0 && random.below(8) > 0) {
        return None;
    }
    let source = PhaseIndex(random.below(u64::from(position).max(1)) as u16);
    let share = if random.below(2) == 0 { Share::Whole } else { Share::Part };
    let take = Take { phase: source, share };
    let fixed = TaskCount::Fixed(1 + random.below(8) as u32);
    Some(match (position, random.below(3)) {
        (0, _) => Derived { count: fixed, takes: Vec::new() },
        (_, 0) => Derived { count: fixed, takes: vec![take] },
        (_, choice) => {
            let other = Take { phase: PhaseIndex(position - 1), share: Share::Whole };
            let takes = if choice == 1 { vec![other] } else { Vec::new() };
            Derived { count: TaskCount::EachOf(source), takes }
        }
    })
}

/// The failed tasks of a job's first phase that has any; of one that has ended, unless they are
/// eagerly wanted.
fn failed(ledger: &Ledger, job: JobId, is_eager: bool) -> Option<(PhaseId, Vec<IndexRange>)> {
    let job = ledger.jobs.get(&job).filter(|job| is_eager || !job.is_open())?;
    let mut phases = job.phases.iter().enumerate();
    let (position, phase) = phases.find(|(_, phase)| phase.counts.failed > 0)?;
    let indexes = (0..phase.tasks.len()).map(TaskIndex);
    let failed = indexes.filter(|index| phase.tasks.state(*index) == Some(TaskState::Failed));
    let ranges = failed.map(|first| IndexRange { first, count: 1 }).collect();
    Some((PhaseId { job: job.id, phase: PhaseIndex(position as u16) }, ranges))
}
