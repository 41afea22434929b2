//! The calls of a foreign worker: answers on their way to the master, piece by piece.

use super::{Line, Made, Program};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use windlass_core::calls::Answering;
use windlass_core::session::{AnswerPiece, ToMaster, ToWorker};
use windlass_core::{CallId, FailureKind};

/// An answer on its way.
struct Open {
    answering: Answering,
    bytes: Vec<u8>,
    work: AbortHandle,
}

/// All that are on their way.
#[derive(Default)]
pub(super) struct Answers {
    open: BTreeMap<CallId, Open>,
    at_work: JoinSet<(CallId, Made)>,
}

impl Answers {
    /// Takes what the master says of a call.
    pub(super) async fn on<P: Program>(
        &mut self,
        message: ToWorker,
        program: &Arc<P>,
        line: &Line,
    ) -> Result<(), String> {
        match message {
            ToWorker::Call { call, params, .. } => {
                let answer = Arc::clone(program).answer(params);
                let work = self.at_work.spawn(async move { (call, answer.await) });
                let open = Open { answering: Answering::new(), bytes: Vec::new(), work };
                self.open.insert(call, open);
            }
            ToWorker::CallMore { call, taken_bytes } => {
                if let Some(open) = self.open.get_mut(&call) {
                    open.answering.on_taken(taken_bytes);
                }
                self.send_pieces(call, line).await?;
            }
            ToWorker::CallCancelled(call) => {
                if let Some(open) = self.open.remove(&call) {
                    open.work.abort();
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The next answer that is made; `None`: none is awaited.
    pub(super) async fn next(&mut self) -> Option<Result<(CallId, Made), JoinError>> {
        self.at_work.join_next().await
    }

    /// Takes an answer; an error says why the worker is given up.
    pub(super) async fn take(
        &mut self,
        made: Result<(CallId, Made), JoinError>,
        line: &Line,
    ) -> Result<(), String> {
        // One that was aborted is no longer waited for.
        let Ok((call, made)) = made else { return Ok(()) };
        let Some(open) = self.open.get_mut(&call) else { return Ok(()) };
        match made {
            Ok(bytes) => {
                open.answering.on_made(bytes.len() as u64);
                open.bytes = bytes;
                self.send_pieces(call, line).await
            }
            Err(failure) => {
                self.open.remove(&call);
                let why = failure.cause.clone();
                let is_its_fault = failure.kind != FailureKind::Rejected;
                line.say(ToMaster::CallAnswer { call, answer: Err(failure) }).await?;
                if is_its_fault { Err(why) } else { Ok(()) }
            }
        }
    }

    async fn send_pieces(&mut self, call: CallId, line: &Line) -> Result<(), String> {
        loop {
            let Some(open) = self.open.get_mut(&call) else { return Ok(()) };
            let Some((range, is_last)) = open.answering.next_piece() else { return Ok(()) };
            let part = |at: u64| usize::try_from(at).expect("within an answer in memory");
            let bytes = open.bytes[part(range.start)..part(range.end)].to_vec();
            let piece = AnswerPiece { offset: range.start, bytes, is_last };
            if is_last {
                self.open.remove(&call);
            }
            line.say(ToMaster::CallAnswer { call, answer: Ok(piece) }).await?;
        }
    }
}
