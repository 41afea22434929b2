//! The messages of a session.

use super::withdrawal::Withdrawal;
use crate::failure::Failure;
use crate::ids::{
    AttemptId, CallId, Epoch, Incarnation, JobId, LoadId, PhaseId, Round, ShardIndex, TaskId,
    TaskIndex, TicketId, WorkerName,
};
use crate::ledger::{ChunkRef, Results};
use crate::limits::ENDED_RUN_TASK_COUNT_MAX;
use crate::params::Params;
use crate::plan::Outputs;
use crate::records::{Pin, Query, Rows, Shelf};

/// A worker introduces itself; the first message of a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hello {
    /// Its name.
    pub name: WorkerName,
    /// Its start.
    pub incarnation: Incarnation,
    /// Whether it lives inside the master's process.
    pub in_process: bool,
    /// How many attempts run at once.
    pub slots: u32,
    /// What it can do.
    pub offers: Vec<Offer>,
    /// Attempts that it holds from an earlier session: waiting, running, or ended and
    /// unacknowledged.
    pub held: Vec<Held>,
    /// The groups of record sets that it is there for; empty: whichever it is given. `None`: it
    /// serves none.
    pub serves: Option<Vec<Pin>>,
}

/// An operation that a worker can do, and how long it lets an attempt go on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Offer {
    /// The operation's name.
    pub operation: String,
    /// Its version.
    pub version: u32,
    /// How long an attempt may take.
    pub attempt_ms_max: u64,
    /// How long an attempt may be without progress; `None`: as long as it may take.
    pub quiet_ms_max: Option<u64>,
}

/// An attempt in a worker's hands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its task.
    pub task: TaskId,
    /// The task's round.
    pub round: Round,
}

/// What a worker says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ToMaster {
    /// First of all.
    Hello(Hello),
    /// How many attempts it wants to hold at once, by its own measure.
    Credit(u32),
    /// It lives.
    Progress {
        /// What its slots are doing.
        running: Vec<Running>,
        /// What it uses of its machine, where that is known.
        usage: Option<Usage>,
    },
    /// Attempts ended; kept and repeated until acknowledged.
    Ended(Vec<EndedRun>),
    /// It offers an operation no more, until it starts again.
    Withdrawn(Withdrawal),
    /// Attempts that it has not made: recalled before they began, or of an operation withdrawn. One
    /// of an older system gives back what is not for it, and does not get it again.
    Returned(Vec<AttemptId>),
    /// A piece of a call's answer, or why there is none.
    CallAnswer {
        /// The call.
        call: CallId,
        /// The next piece; nothing follows the last one, or a failure.
        answer: Result<AnswerPiece, Failure>,
    },
    /// It ends in good order and holds nothing.
    Goodbye,
    /// A shard that it was given can be asked from now on, or why it cannot.
    Shelved {
        /// The load.
        load: LoadId,
        /// The shard.
        shard: ShardIndex,
        /// Whether it is ready; at most [`crate::limits::SHELF_CAUSE_BYTES_MAX`] of the cause.
        ready: Result<(), String>,
    },
    /// The answer to a [`ToWorker::Query`].
    Found {
        /// Which.
        ticket: TicketId,
        /// Rows, or why it does not answer.
        answer: Result<Rows, String>,
    },
}

/// A piece of the answer to a call, at most [`crate::limits::CALL_PIECE_BYTES_MAX`]. Pieces come in
/// order and without gaps; no more than [`crate::limits::CALL_WINDOW_BYTES`] of them are sent
/// before the caller has taken what came before (`CallMore`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnswerPiece {
    /// Where it begins in the answer, in bytes.
    pub offset: u64,
    /// Its bytes; none only where the whole answer is empty.
    pub bytes: Vec<u8>,
    /// Whether the answer ends with it.
    pub is_last: bool,
}

/// What a slot is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Running {
    /// The slot's position.
    pub slot: u32,
    /// The attempt.
    pub attempt: AttemptId,
    /// Its task.
    pub task: TaskId,
    /// How long it has run.
    pub elapsed_ms: u64,
    /// How long ago it last showed progress.
    pub quiet_ms: u64,
}

/// What a worker uses of its machine, with all processes that it started. Of one inside the
/// master's process only what is its own: its threads' time and its processes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// CPU time over the last second or so: thousandths of a core.
    pub cpu_millicores: u32,
    /// Resident memory in bytes; what processes share counts in each of them.
    pub resident_bytes: u64,
}

/// Attempts of consecutive tasks that ended alike; their ids are consecutive too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndedRun {
    /// The phase.
    pub phase: PhaseId,
    /// The round.
    pub round: Round,
    /// Index of the first task.
    pub first: TaskIndex,
    /// The first attempt.
    pub attempt: AttemptId,
    /// How they ended.
    pub with: EndedWith,
    /// How long slots were busy with them, all together, in microseconds.
    pub busy_us: u64,
}

/// How attempts ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EndedWith {
    /// With results, whose blobs are durable.
    Results(Results),
    /// One attempt failed.
    Failure(Failure),
}

/// What a master says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ToWorker {
    /// The answer to a Hello.
    Welcome {
        /// The cluster's id: epochs of different clusters do not compare.
        cluster: u128,
        /// The master's reign; a worker that has seen a higher one leaves.
        epoch: Epoch,
        /// Held attempts to go on with; all others are to be dropped.
        keep: Vec<AttemptId>,
    },
    /// The session is refused; the reason is for people.
    Refused(String),
    /// What the tasks of a phase are; comes before the first of them.
    Phase {
        /// The phase.
        phase: PhaseId,
        /// The operation's name.
        operation: String,
        /// Normalised parameters.
        params: Params,
        /// Whether earlier results do not count.
        fresh: bool,
    },
    /// Where the inputs of tasks are; comes before the first of them.
    Chunk {
        /// The phase.
        phase: PhaseId,
        /// Index of the first task.
        first: TaskIndex,
        /// How many tasks.
        count: u32,
        /// Their inputs.
        chunk: ChunkRef,
    },
    /// What tasks work on that follow from earlier phases; comes before the first of them, and
    /// again where those phases have made something else since.
    Outputs {
        /// The phase.
        phase: PhaseId,
        /// Index of the first task.
        first: TaskIndex,
        /// How many tasks.
        count: u32,
        /// What they work on.
        outputs: Outputs,
    },
    /// Attempts to make.
    Assign(Vec<AssignRun>),
    /// Ended attempts that need not be repeated any more: (first, count).
    EndedAck(Vec<(AttemptId, u32)>),
    /// Attempts to give back if they have not been started.
    Recall(Vec<AttemptId>),
    /// Attempts of this job are to be dropped at once.
    CancelJob(JobId),
    /// Nothing of this phase will come any more.
    PhaseClosed(PhaseId),
    /// A call to answer, beside the tasks.
    Call {
        /// The call.
        call: CallId,
        /// The operation's name.
        operation: String,
        /// Normalised parameters.
        params: Params,
    },
    /// The caller has taken so much of the answer.
    CallMore {
        /// The call.
        call: CallId,
        /// Bytes taken, from the start of the answer.
        taken_bytes: u64,
    },
    /// Nobody waits for the answer to this call any more.
    CallCancelled(CallId),
    /// The shards that it serves from now on; those that it has and that are not named may go.
    Shelves(Vec<Shelf>),
    /// A question to a shard that it has said is ready.
    Query {
        /// The question.
        ticket: TicketId,
        /// The load.
        load: LoadId,
        /// The shard.
        shard: ShardIndex,
        /// What is asked.
        query: Query,
        /// Rows to leave out at the beginning.
        skip: u64,
        /// Rows of the answer.
        row_count_max: u32,
        /// Bytes of these rows, though one always fits.
        bytes_max: u32,
    },
}

/// Attempts of consecutive tasks, with consecutive ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AssignRun {
    /// The phase.
    pub phase: PhaseId,
    /// The round.
    pub round: Round,
    /// Index of the first task.
    pub first: TaskIndex,
    /// How many.
    pub count: u32,
    /// The first attempt.
    pub attempt: AttemptId,
}

impl AttemptId {
    /// The attempt this many after this one, in the same reign.
    #[must_use]
    pub fn plus(self, offset: u32) -> AttemptId {
        AttemptId { epoch: self.epoch, counter: self.counter + u64::from(offset) }
    }
}

impl EndedRun {
    /// Takes in the run that follows: the next tasks and attempts of the same round, ended in the
    /// same way. Gives it back, unchanged, where it does not follow.
    #[must_use]
    pub fn join(&mut self, next: EndedRun) -> Option<EndedRun> {
        let count = self.count();
        let follows = (next.phase, next.round) == (self.phase, self.round)
            && Some(next.first.0) == self.first.0.checked_add(count)
            && next.attempt == self.attempt.plus(count);
        match (&mut self.with, next.with) {
            (EndedWith::Results(Results::Empty(own)), EndedWith::Results(Results::Empty(more)))
                if follows && own.checked_add(more).is_some() =>
            {
                *own += more;
                self.busy_us = self.busy_us.saturating_add(next.busy_us);
                None
            }
            (
                EndedWith::Results(Results::Manifests(own)),
                EndedWith::Results(Results::Manifests(more)),
            ) if follows && own.len() + more.len() <= ENDED_RUN_TASK_COUNT_MAX => {
                own.extend(more);
                self.busy_us = self.busy_us.saturating_add(next.busy_us);
                None
            }
            (_, with) => Some(EndedRun { with, ..next }),
        }
    }

    /// How many attempts ended.
    #[must_use]
    pub fn count(&self) -> u32 {
        match &self.with {
            EndedWith::Results(results) => u32::try_from(results.len()).unwrap_or(u32::MAX),
            EndedWith::Failure(_) => 1,
        }
    }
}
