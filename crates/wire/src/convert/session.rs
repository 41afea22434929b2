//! What workers and the master say.

use super::derived::{outputs, phase_outputs};
use super::records;
use super::words::{Malformed, needed, u128_of};
use crate::generated as pb;
use crate::limits::{PROTOCOL, SLOT_COUNT_MAX};
use prost::bytes::Bytes;
use windlass_core::ids::CallId;
use windlass_core::limits::{CALL_PIECE_BYTES_MAX, ENDED_RUN_COUNT_MAX, OPERATION_NAME_BYTES_MAX};
use windlass_core::session::{
    AnswerPiece, AssignRun, EndedRun, EndedWith, Running, ToMaster, ToWorker, Usage, Withdrawal,
};
use windlass_core::{AttemptId, Epoch, Failure, JobId, PhaseId, Round, TaskIndex};

pub(super) fn round(round: u32) -> Result<Round, Malformed> {
    u16::try_from(round).map(Round).map_err(|_| Malformed("a round above 65535"))
}

impl From<ToMaster> for pb::ToMaster {
    fn from(message: ToMaster) -> pb::ToMaster {
        use pb::to_master::Message;
        let message = match message {
            ToMaster::Hello(hello) => Message::Hello(hello.into()),
            ToMaster::Credit(attempts) => Message::Credit(pb::Credit { attempts }),
            ToMaster::Progress { running, usage } => {
                let running = running.into_iter().map(pb::Running::from).collect();
                Message::Progress(pb::Progress { running, usage: usage.map(pb::Usage::from) })
            }
            ToMaster::Ended(runs) => {
                let runs = runs.into_iter().map(pb::EndedRun::from).collect();
                Message::Ended(pb::Ended { runs })
            }
            ToMaster::Returned(attempts) => {
                Message::Returned(pb::Returned { attempts: attempts_of(attempts) })
            }
            ToMaster::Withdrawn(withdrawal) => Message::Withdrawn(withdrawal.into()),
            ToMaster::CallAnswer { call, answer } => {
                use pb::call_answer::Answer;
                let answer = match answer {
                    Ok(AnswerPiece { offset, bytes, is_last }) => {
                        Answer::Piece(pb::AnswerPiece { offset, bytes: bytes.into(), is_last })
                    }
                    Err(failure) => Answer::Failure(failure.into()),
                };
                Message::CallAnswer(pb::CallAnswer {
                    call: Some(call_id_of(call)),
                    answer: Some(answer),
                })
            }
            ToMaster::Goodbye => Message::Goodbye(pb::Goodbye {}),
            ToMaster::Shelved { load, shard, ready } => {
                Message::Shelved(records::shelved_of(load, shard, ready))
            }
            ToMaster::Found { ticket, answer } => {
                Message::ShardRows(records::shard_rows_of(ticket, answer))
            }
        };
        pb::ToMaster { message: Some(message) }
    }
}

impl TryFrom<pb::ToMaster> for ToMaster {
    type Error = Malformed;

    fn try_from(message: pb::ToMaster) -> Result<ToMaster, Malformed> {
        use pb::to_master::Message;
        Ok(match needed(message.message, "a message of a kind that is not known here")? {
            Message::Hello(hello) => ToMaster::Hello(hello.try_into()?),
            Message::Credit(credit) => ToMaster::Credit(credit.attempts),
            Message::Progress(progress) if progress.running.len() > SLOT_COUNT_MAX as usize => {
                return Err(Malformed("more attempts at work than a worker may have slots"));
            }
            Message::Progress(progress) => {
                let running = progress.running.into_iter().map(Running::try_from);
                let running = running.collect::<Result<_, _>>()?;
                ToMaster::Progress { running, usage: progress.usage.map(Usage::from) }
            }
            Message::Ended(ended) if ended.runs.len() > ENDED_RUN_COUNT_MAX => {
                return Err(Malformed("more than 4,096 runs of ended attempts at once"));
            }
            Message::Ended(ended) => {
                let runs = ended.runs.into_iter().map(EndedRun::try_from);
                ToMaster::Ended(runs.collect::<Result<_, _>>()?)
            }
            Message::Returned(returned) => ToMaster::Returned(attempts(returned.attempts)),
            Message::Withdrawn(withdrawn) => ToMaster::Withdrawn(withdrawn.try_into()?),
            Message::CallAnswer(said) => ToMaster::CallAnswer {
                call: call_id(said.call)?,
                answer: call_answer(said.answer)?,
            },
            Message::Goodbye(_) => ToMaster::Goodbye,
            Message::Shelved(shelved) => records::shelved(shelved)?,
            Message::ShardRows(rows) => records::found(rows)?,
        })
    }
}

impl From<Withdrawal> for pb::Withdrawn {
    fn from(Withdrawal { operation, cause }: Withdrawal) -> pb::Withdrawn {
        pb::Withdrawn { operation, cause }
    }
}

impl TryFrom<pb::Withdrawn> for Withdrawal {
    type Error = Malformed;

    fn try_from(
        pb::Withdrawn { operation, cause }: pb::Withdrawn,
    ) -> Result<Withdrawal, Malformed> {
        if operation.len() > OPERATION_NAME_BYTES_MAX {
            return Err(Malformed("an operation's name of more than 64 bytes"));
        }
        Ok(Withdrawal::new(operation, cause))
    }
}

fn call_id_of(id: CallId) -> pb::CallId {
    pb::CallId { epoch: id.epoch.0, counter: id.counter }
}

fn call_id(id: Option<pb::CallId>) -> Result<CallId, Malformed> {
    let pb::CallId { epoch, counter } = needed(id, "a message without its call")?;
    Ok(CallId { epoch: Epoch(epoch), counter })
}

fn call_answer(
    said: Option<pb::call_answer::Answer>,
) -> Result<Result<AnswerPiece, Failure>, Malformed> {
    use pb::call_answer::Answer;
    match needed(said, "an answer that says nothing")? {
        Answer::Failure(failure) => Ok(Err(failure.try_into()?)),
        Answer::Piece(piece) if piece.bytes.len() as u64 > CALL_PIECE_BYTES_MAX => {
            Err(Malformed("a piece of an answer of more than 128 KiB"))
        }
        Answer::Piece(pb::AnswerPiece { offset, bytes, is_last }) => {
            Ok(Ok(AnswerPiece { offset, bytes: bytes.into(), is_last }))
        }
    }
}

fn attempts_of(attempts: Vec<AttemptId>) -> Vec<pb::AttemptId> {
    attempts.into_iter().map(pb::AttemptId::from).collect()
}

fn attempts(attempts: Vec<pb::AttemptId>) -> Vec<AttemptId> {
    attempts.into_iter().map(AttemptId::from).collect()
}

impl From<Running> for pb::Running {
    fn from(running: Running) -> pb::Running {
        pb::Running {
            slot: running.slot,
            attempt: Some(running.attempt.into()),
            task: Some(running.task.into()),
            elapsed_ms: running.elapsed_ms,
            quiet_ms: running.quiet_ms,
        }
    }
}

impl TryFrom<pb::Running> for Running {
    type Error = Malformed;

    fn try_from(running: pb::Running) -> Result<Running, Malformed> {
        Ok(Running {
            slot: running.slot,
            attempt: needed(running.attempt, "a running attempt without its id")?.into(),
            task: needed(running.task, "a running attempt without its task")?.try_into()?,
            elapsed_ms: running.elapsed_ms,
            quiet_ms: running.quiet_ms,
        })
    }
}

impl From<EndedRun> for pb::EndedRun {
    fn from(run: EndedRun) -> pb::EndedRun {
        use pb::ended_run::With;
        let with = match run.with {
            EndedWith::Results(results) => With::Results(results.into()),
            EndedWith::Failure(failure) => With::Failure(failure.into()),
        };
        pb::EndedRun {
            phase: Some(run.phase.into()),
            round: run.round.0.into(),
            first: run.first.0,
            attempt: Some(run.attempt.into()),
            with: Some(with),
            busy_us: run.busy_us,
        }
    }
}

impl TryFrom<pb::EndedRun> for EndedRun {
    type Error = Malformed;

    fn try_from(run: pb::EndedRun) -> Result<EndedRun, Malformed> {
        use pb::ended_run::With;
        let phase: PhaseId = needed(run.phase, "an end without its phase")?.try_into()?;
        Ok(EndedRun {
            phase,
            round: round(run.round)?,
            first: TaskIndex(run.first),
            attempt: needed(run.attempt, "an end without its attempt")?.into(),
            with: match needed(run.with, "an end that says nothing")? {
                With::Results(results) => EndedWith::Results(results.try_into()?),
                With::Failure(failure) => EndedWith::Failure(failure.try_into()?),
            },
            busy_us: run.busy_us,
        })
    }
}

impl From<ToWorker> for pb::ToWorker {
    fn from(message: ToWorker) -> pb::ToWorker {
        use pb::to_worker::Message;
        let message = match message {
            ToWorker::Welcome { cluster, epoch, keep } => Message::Welcome(pb::Welcome {
                protocol: PROTOCOL,
                cluster: Bytes::copy_from_slice(&cluster.to_be_bytes()),
                epoch: epoch.0,
                keep: attempts_of(keep),
            }),
            ToWorker::Refused(why) => Message::Refused(pb::Refused { why }),
            ToWorker::Phase { phase, operation, params, fresh } => Message::Phase(pb::Phase {
                phase: Some(phase.into()),
                operation,
                params: Some(params.into()),
                fresh,
            }),
            ToWorker::Chunk { phase, first, count, chunk } => Message::Chunk(pb::PhaseChunk {
                phase: Some(phase.into()),
                first: first.0,
                count,
                chunk: Some(chunk.into()),
            }),
            ToWorker::Outputs { phase, first, count, outputs } => {
                Message::Outputs(phase_outputs(phase, first, count, outputs))
            }
            ToWorker::Assign(runs) => {
                let runs = runs.into_iter().map(pb::AssignRun::from).collect();
                Message::Assign(pb::Assign { runs })
            }
            ToWorker::EndedAck(attempts) => {
                let run = |(first, count): (AttemptId, u32)| pb::AttemptRun {
                    first: Some(first.into()),
                    count,
                };
                Message::EndedAck(pb::EndedAck {
                    attempts: attempts.into_iter().map(run).collect(),
                })
            }
            ToWorker::Recall(attempts) => {
                Message::Recall(pb::Recall { attempts: attempts_of(attempts) })
            }
            ToWorker::CancelJob(job) => Message::CancelJob(pb::CancelJob { job: job.0 }),
            ToWorker::Call { call, operation, params } => {
                let params = Some(params.into());
                Message::Call(pb::Call { call: Some(call_id_of(call)), operation, params })
            }
            ToWorker::CallMore { call, taken_bytes } => {
                Message::CallMore(pb::CallMore { call: Some(call_id_of(call)), taken_bytes })
            }
            ToWorker::CallCancelled(call) => {
                Message::CallCancelled(pb::CallCancelled { call: Some(call_id_of(call)) })
            }
            ToWorker::Shelves(shelves) => Message::Shelves(records::shelves_of(shelves)),
            ToWorker::Query { ticket, load, shard, query, skip, row_count_max, bytes_max } => {
                Message::ShardQuery(pb::ShardQuery {
                    ticket: ticket.0,
                    load: load.0,
                    shard: shard.0.into(),
                    query: Some(query.into()),
                    skip,
                    rows_max: row_count_max,
                    bytes_max,
                })
            }
            ToWorker::PhaseClosed(phase) => {
                Message::PhaseClosed(pb::PhaseClosed { phase: Some(phase.into()) })
            }
        };
        pb::ToWorker { message: Some(message) }
    }
}

impl TryFrom<pb::ToWorker> for ToWorker {
    type Error = Malformed;

    fn try_from(message: pb::ToWorker) -> Result<ToWorker, Malformed> {
        use pb::to_worker::Message;
        let of_phase = |phase| needed(phase, "a message without its phase");
        Ok(match needed(message.message, "a message of a kind that is not known here")? {
            Message::Welcome(welcome) if welcome.protocol != PROTOCOL => {
                return Err(Malformed("a version of the protocol that is not spoken here"));
            }
            Message::Welcome(welcome) => ToWorker::Welcome {
                cluster: u128_of(&welcome.cluster)?,
                epoch: Epoch(welcome.epoch),
                keep: attempts(welcome.keep),
            },
            Message::Refused(refused) => ToWorker::Refused(refused.why),
            Message::Phase(phase) => ToWorker::Phase {
                phase: of_phase(phase.phase)?.try_into()?,
                operation: phase.operation,
                params: phase.params.unwrap_or_default().into(),
                fresh: phase.fresh,
            },
            Message::Chunk(chunk) => ToWorker::Chunk {
                phase: of_phase(chunk.phase)?.try_into()?,
                first: TaskIndex(chunk.first),
                count: chunk.count,
                chunk: needed(chunk.chunk, "a chunk that says nothing")?.try_into()?,
            },
            Message::Outputs(message) => outputs(message)?,
            Message::Assign(assign) => {
                let runs = assign.runs.into_iter().map(AssignRun::try_from);
                ToWorker::Assign(runs.collect::<Result<_, _>>()?)
            }
            Message::EndedAck(ack) => {
                let run = |run: pb::AttemptRun| {
                    let first = needed(run.first, "an acknowledgement without its attempt")?;
                    Ok((first.into(), run.count))
                };
                ToWorker::EndedAck(ack.attempts.into_iter().map(run).collect::<Result<_, _>>()?)
            }
            Message::Recall(recall) => ToWorker::Recall(attempts(recall.attempts)),
            Message::Call(call) => ToWorker::Call {
                call: call_id(call.call)?,
                operation: call.operation,
                params: call.params.unwrap_or_default().into(),
            },
            Message::CallMore(more) => {
                ToWorker::CallMore { call: call_id(more.call)?, taken_bytes: more.taken_bytes }
            }
            Message::CallCancelled(call) => ToWorker::CallCancelled(call_id(call.call)?),
            Message::Shelves(shelves) => records::shelves(shelves)?,
            Message::ShardQuery(query) => records::shard_query(query)?,
            Message::CancelJob(cancel) => ToWorker::CancelJob(JobId(cancel.job)),
            Message::PhaseClosed(closed) => {
                ToWorker::PhaseClosed(of_phase(closed.phase)?.try_into()?)
            }
        })
    }
}

impl From<AssignRun> for pb::AssignRun {
    fn from(run: AssignRun) -> pb::AssignRun {
        pb::AssignRun {
            phase: Some(run.phase.into()),
            round: run.round.0.into(),
            first: run.first.0,
            count: run.count,
            attempt: Some(run.attempt.into()),
        }
    }
}

impl TryFrom<pb::AssignRun> for AssignRun {
    type Error = Malformed;

    fn try_from(run: pb::AssignRun) -> Result<AssignRun, Malformed> {
        let first = run.first;
        if run.count == 0 || first.checked_add(run.count).is_none() {
            return Err(Malformed("a run of no tasks, or of too many"));
        }
        Ok(AssignRun {
            phase: needed(run.phase, "a run without its phase")?.try_into()?,
            round: round(run.round)?,
            first: TaskIndex(first),
            count: run.count,
            attempt: needed(run.attempt, "a run without its attempt")?.into(),
        })
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
