//! What happens to calls, and what they want done.

use super::error::CallError;
use super::roster::Instance;
use crate::failure::Failure;
use crate::ids::CallId;
use crate::limits::{CALL_STRATEGY_COUNT_MAX, OPERATION_NAME_BYTES_MAX, PARAMS_BYTES_MAX};
use crate::params::Params;
use crate::scheduler::SessionId;
use crate::session::{AnswerPiece, ToWorker};
use thiserror::Error;

/// One call as its caller knows it, numbered by the host: ascending, never twice in a reign.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CallerId(pub u64);

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallRequest {
    /// The operation's name.
    pub operation: String,
    /// Normalised parameters.
    pub params: Params,
    /// How long the caller waits; at most, and by default, [`CALL_MS_MAX`].
    pub limit_ms: Option<u64>,
}

impl CallRequest {
    /// Whether its operation or parameters are longer than they may be.
    pub(super) fn is_too_large(&self) -> bool {
        self.operation.len() > OPERATION_NAME_BYTES_MAX
            || self.params.byte_count() > PARAMS_BYTES_MAX
    }
}

/// What happens to calls. Who is connected, the scheduler decides: its `Welcome` is a `Joined`
/// here, its `Close`, or the end of a connection, a `Lost`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallEvent {
    /// A worker has been welcomed.
    Joined(SessionId, Instance),
    /// A worker's connection is gone, or its lease is over.
    Lost(SessionId),
    /// A worker is to take nothing new, or takes it again.
    Draining(SessionId, bool),
    /// How many tasks a worker has at work.
    Busy(SessionId, u32),
    /// Somebody calls.
    Asked(CallerId, CallRequest),
    /// The caller has gone away.
    Abandoned(CallerId),
    /// The caller has taken so many bytes of the answer in all.
    Taken(CallerId, u64),
    /// A worker answers.
    Answered(SessionId, CallId, Result<AnswerPiece, Failure>),
    /// Time went on.
    Tick,
}

/// What calls want done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallEffect {
    /// Say this to a worker.
    Send(SessionId, ToWorker),
    /// Close a worker's connection: it has said what no worker says. No `Lost` needs to follow.
    Close(SessionId),
    /// Pass a piece of the answer on; nothing follows the last one.
    Pass {
        /// To whom.
        caller: CallerId,
        /// The bytes that follow those passed on before.
        bytes: Vec<u8>,
        /// Whether the answer ends with them.
        is_last: bool,
    },
    /// There is no answer, or no more of it. Nothing follows.
    Fail(CallerId, CallError),
}

/// A strategy that is not kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("{CALL_STRATEGY_COUNT_MAX} operations have a strategy of their own, no more are kept")]
pub struct TooManyStrategies;
