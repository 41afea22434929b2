//! A call's answer on its way to the caller, without a task of its own: calls are many and short.

use crate::generated as pb;
use crate::host::{CallFailure, Gone, Host, HostCall};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::Status;
use windlass_core::calls::CallRequest;
use windlass_core::limits::{CALL_PIECE_BYTES_MAX, CALL_WINDOW_BYTES};

/// Pieces of an answer that come unasked, and the one that opens the window again.
const CALL_PIECE_COUNT_MAX: usize = (CALL_WINDOW_BYTES / CALL_PIECE_BYTES_MAX) as usize * 2;

/// Of a master that is not there any more, before an answer was whole.
const ENDED: &str = "it ended in the middle of the answer";

type News = Result<(Vec<u8>, bool), CallFailure>;

/// The pieces of an answer, as the connection has room for them. Dropped, as it is when its caller
/// is gone, the call is given up.
pub(super) struct Answer {
    pieces: mpsc::Receiver<News>,
    /// What came before there was an answer to be polled.
    first: Option<News>,
    call: Box<dyn HostCall>,
    taken_bytes: u64,
    is_over: bool,
}

impl Answer {
    /// Calls, and waits for the first piece: with a short answer the head of the response, the
    /// answer and the end go out together, and the caller is woken once.
    pub(super) async fn open(host: &impl Host, asked: CallRequest) -> Result<Answer, Status> {
        let (piece, pieces) = mpsc::channel(CALL_PIECE_COUNT_MAX);
        let take = move |news| piece.try_send(news).map_err(|_| Gone);
        let call = host.call(asked, Box::new(take))?;
        let mut answer = Answer { pieces, first: None, call, taken_bytes: 0, is_over: false };
        answer.first = answer.pieces.recv().await;
        Ok(answer)
    }
}

impl Stream for Answer {
    type Item = Result<pb::CallPiece, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let news = match self.first.take() {
            None => ready!(self.pieces.poll_recv(cx)),
            first => first,
        };
        Poll::Ready(Some(match news {
            Some(Ok((bytes, is_last))) => {
                self.is_over = is_last;
                self.taken_bytes += bytes.len() as u64;
                if !is_last {
                    self.call.taken(self.taken_bytes);
                }
                Ok(pb::CallPiece { bytes: bytes.into() })
            }
            Some(Err(failure)) => {
                self.is_over = true;
                Err(failure.into())
            }
            None => {
                self.is_over = true;
                Err(Status::unavailable(ENDED))
            }
        }))
    }
}

impl From<CallFailure> for Status {
    fn from(failure: CallFailure) -> Status {
        match failure {
            CallFailure::TimedOut(text) => Status::deadline_exceeded(text),
            CallFailure::Ended => Status::unavailable(ENDED),
            CallFailure::Failed(text) => Status::failed_precondition(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_stream::StreamExt;
    use tonic::Code;

    struct Untold;

    impl HostCall for Untold {
        fn taken(&self, _bytes: u64) {}
    }

    /// What the caller gets of these pieces, after which the host is gone.
    fn told(pieces: &[(&str, bool)]) -> Vec<Result<Vec<u8>, Code>> {
        let (sender, receiver) = mpsc::channel(CALL_PIECE_COUNT_MAX);
        for (text, is_last) in pieces {
            sender.try_send(Ok((text.as_bytes().to_vec(), *is_last))).expect("there is room");
        }
        drop(sender);
        let mut receiver = receiver;
        let (first, call) = (receiver.try_recv().ok(), Box::new(Untold));
        let answer = Answer { pieces: receiver, first, call, taken_bytes: 0, is_over: false };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let told: Vec<_> = runtime.block_on(answer.collect());
        told.into_iter()
            .map(|it| it.map(|piece| piece.bytes.to_vec()).map_err(|status| status.code()))
            .collect()
    }

    #[test]
    fn an_answer_ends_with_its_last_piece() {
        assert_eq!(told(&[("2", false), ("4", true)]), [Ok(b"2".to_vec()), Ok(b"4".to_vec())]);
    }

    #[test]
    fn an_answer_that_breaks_off_is_an_error_and_not_a_short_answer() {
        assert_eq!(told(&[("2", false)]), [Ok(b"2".to_vec()), Err(Code::Unavailable)]);
    }
}
