//! What has happened to jobs.

use super::Malformed;
use super::words::{needed, phase_index};
use crate::generated as pb;
use pb::job_event::Happened as PbHappened;
use windlass_core::ledger::{Happened, JobEvent, JobState, Outcome, Paused};
use windlass_core::view::{HistoryView, Stall};
use windlass_core::{LogTime, TaskIndex, WorkerName};

impl From<JobState> for pb::job::State {
    fn from(state: JobState) -> pb::job::State {
        match state {
            JobState::Open => pb::job::State::Open,
            JobState::Ended(Outcome::Succeeded) => pb::job::State::Succeeded,
            JobState::Ended(Outcome::Failed) => pb::job::State::Failed,
            JobState::Ended(Outcome::Cancelled) => pb::job::State::Cancelled,
        }
    }
}

impl TryFrom<pb::job::State> for JobState {
    type Error = Malformed;

    fn try_from(state: pb::job::State) -> Result<JobState, Malformed> {
        Ok(match state {
            pb::job::State::Unspecified => return Err(Malformed("a job without a state")),
            pb::job::State::Open => JobState::Open,
            pb::job::State::Succeeded => JobState::Ended(Outcome::Succeeded),
            pb::job::State::Failed => JobState::Ended(Outcome::Failed),
            pb::job::State::Cancelled => JobState::Ended(Outcome::Cancelled),
        })
    }
}

impl From<Paused> for pb::Paused {
    fn from(paused: Paused) -> pb::Paused {
        pb::Paused { since_ms: paused.since.0, by: paused.by }
    }
}

impl From<pb::Paused> for Paused {
    fn from(paused: pb::Paused) -> Paused {
        Paused { since: LogTime(paused.since_ms), by: paused.by }
    }
}

impl From<HistoryView> for pb::JobHistory {
    fn from(history: HistoryView) -> pb::JobHistory {
        let HistoryView { told_at, job, events, stalls } = history;
        let events = events.into_iter().map(pb::JobEvent::from).collect();
        let stalls = stalls.into_iter().map(pb::Stall::from).collect();
        pb::JobHistory { job: Some(job.into()), told_at_ms: told_at.0, events, stalls }
    }
}

impl TryFrom<pb::JobHistory> for HistoryView {
    type Error = Malformed;

    fn try_from(history: pb::JobHistory) -> Result<HistoryView, Malformed> {
        let events = history.events.into_iter().map(<(u64, JobEvent)>::try_from);
        let stalls = history.stalls.into_iter().map(Stall::try_from);
        Ok(HistoryView {
            stalls: stalls.collect::<Result<_, _>>()?,
            told_at: LogTime(history.told_at_ms),
            job: needed(history.job, "a history without its job")?.try_into()?,
            events: events.collect::<Result<_, _>>()?,
        })
    }
}

impl From<(u64, JobEvent)> for pb::JobEvent {
    fn from((number, event): (u64, JobEvent)) -> pb::JobEvent {
        let happened = match event.happened {
            Happened::AttemptFailed { phase, index, worker, failure, attempt_count, is_last } => {
                PbHappened::AttemptFailed(pb::AttemptFailedEvent {
                    phase: phase.0.into(),
                    index: index.0,
                    worker: worker.map(|name| name.0).unwrap_or_default(),
                    failure: Some(failure.into()),
                    attempts: attempt_count.into(),
                    is_last,
                })
            }
            Happened::Reopened { phase, count, why } => {
                let phase = phase.0.into();
                PbHappened::Reopened(pb::ReopenedEvent { phase, tasks: count, why })
            }
            Happened::PhaseEnded { phase, succeeded, failed } => {
                let phase = phase.0.into();
                PbHappened::PhaseEnded(pb::PhaseEndedEvent { phase, succeeded, failed })
            }
            Happened::Paused { by } => PbHappened::Paused(by),
            Happened::Resumed { by } => PbHappened::Resumed(by),
            Happened::Ended { outcome, succeeded, failed, why } => {
                let outcome = pb::job::State::from(JobState::Ended(outcome)).into();
                PbHappened::Ended(pb::JobEndedEvent { outcome, succeeded, failed, why })
            }
        };
        pb::JobEvent { number, at_ms: event.at.0, happened: Some(happened) }
    }
}

impl TryFrom<pb::JobEvent> for (u64, JobEvent) {
    type Error = Malformed;

    fn try_from(event: pb::JobEvent) -> Result<(u64, JobEvent), Malformed> {
        let happened = match needed(event.happened, "an event that says nothing")? {
            PbHappened::AttemptFailed(failed) => Happened::AttemptFailed {
                phase: phase_index(failed.phase)?,
                index: TaskIndex(failed.index),
                worker: Some(WorkerName(failed.worker)).filter(|name| !name.0.is_empty()),
                failure: needed(failed.failure, "a failed attempt without its cause")?
                    .try_into()?,
                attempt_count: u8::try_from(failed.attempts).unwrap_or(u8::MAX),
                is_last: failed.is_last,
            },
            PbHappened::Reopened(pb::ReopenedEvent { phase, tasks, why }) => {
                Happened::Reopened { phase: phase_index(phase)?, count: tasks, why }
            }
            PbHappened::PhaseEnded(pb::PhaseEndedEvent { phase, succeeded, failed }) => {
                Happened::PhaseEnded { phase: phase_index(phase)?, succeeded, failed }
            }
            PbHappened::Paused(by) => Happened::Paused { by },
            PbHappened::Resumed(by) => Happened::Resumed { by },
            PbHappened::Ended(ended) => {
                let JobState::Ended(outcome) = ended.outcome().try_into()? else {
                    return Err(Malformed("an end after which a job is open"));
                };
                let pb::JobEndedEvent { succeeded, failed, why, .. } = ended;
                Happened::Ended { outcome, succeeded, failed, why }
            }
        };
        Ok((event.number, JobEvent { at: LogTime(event.at_ms), happened }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_core::{Failure, PhaseIndex};

    #[test]
    fn events_round_trip() {
        let phase = PhaseIndex(1);
        let failure = Failure::rejected("code", "cause", "");
        let failed = |worker: Option<&str>| Happened::AttemptFailed {
            phase,
            index: TaskIndex(7),
            worker: worker.map(|name| WorkerName(name.to_owned())),
            failure: failure.clone(),
            attempt_count: 2,
            is_last: worker.is_none(),
        };
        let why = "asked".to_owned();
        let ended =
            |outcome| Happened::Ended { outcome, succeeded: 3, failed: 4, why: why.clone() };
        for happened in [
            failed(Some("w1")),
            failed(None),
            Happened::Reopened { phase, count: 3, why: why.clone() },
            Happened::PhaseEnded { phase, succeeded: 1, failed: 2 },
            Happened::Paused { by: why.clone() },
            Happened::Resumed { by: why.clone() },
            ended(Outcome::Succeeded),
            ended(Outcome::Failed),
            ended(Outcome::Cancelled),
        ] {
            let event = (9, JobEvent { at: LogTime(5), happened });
            assert_eq!(pb::JobEvent::from(event.clone()).try_into(), Ok(event));
        }
        assert!(<(u64, JobEvent)>::try_from(pb::JobEvent::default()).is_err());
    }
}
