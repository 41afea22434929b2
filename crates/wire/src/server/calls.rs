//! Many calls over one stream. A stream of its own for each costs several times what a small call
//! does.

use super::room::Room;
use super::service::Server;
use crate::convert::Malformed;
use crate::generated as pb;
use crate::host::{CallFailure, Gone, Host, HostCall};
use prost::bytes::Bytes;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

/// Calls of one stream that are open at once: what comes above is not read.
const OPEN_COUNT_MAX: usize = 64;

type Outgoing = mpsc::UnboundedSender<Result<pb::NumberedPiece, Status>>;

#[tonic::async_trait]
impl<H: Host> pb::calls_server::Calls for Server<H> {
    type CallEachStream = Pieces;

    async fn call_each(
        &self,
        request: Request<Streaming<pb::NumberedCall>>,
    ) -> Result<Response<Pieces>, Status> {
        let (outgoing, pieces) = mpsc::unbounded_channel();
        let (room, open) = (Room::of(OPEN_COUNT_MAX), OpenCalls::default());
        let asking = Asking { outgoing, room: room.clone(), open: open.clone() };
        tokio::spawn(asking.ask_all(Arc::clone(&self.host), request.into_inner()));
        Ok(Response::new(Pieces { pieces, room, open }))
    }
}

/// The calls of a stream whose last piece is not on its way yet.
#[derive(Clone, Default)]
struct OpenCalls(Arc<Mutex<BTreeMap<u64, Open>>>);

#[derive(Default)]
struct Open {
    /// Known once the host has taken it, which may be after the first pieces have come.
    call: Option<Arc<dyn HostCall>>,
    taken_bytes: u64,
}

impl OpenCalls {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A piece of an answer goes to the caller: more may come, or nothing more does.
    fn on_piece(&self, piece: &pb::NumberedPiece) {
        if piece.is_last {
            let ended = self.lock().remove(&piece.id);
            return drop(ended);
        }
        let mut all = self.lock();
        let Some(open) = all.get_mut(&piece.id) else { return };
        open.taken_bytes += piece.bytes.len() as u64;
        let (call, taken_bytes) = (open.call.clone(), open.taken_bytes);
        drop(all);
        if let Some(call) = call {
            call.taken(taken_bytes);
        }
    }

    /// The host has taken a call, whose answer may have come meanwhile.
    fn on_call(&self, id: u64, call: Box<dyn HostCall>) {
        let call: Arc<dyn HostCall> = call.into();
        let mut all = self.lock();
        let taken_bytes = all.get_mut(&id).map_or(0, |open| {
            open.call = Some(Arc::clone(&call));
            open.taken_bytes
        });
        drop(all);
        if taken_bytes > 0 {
            call.taken(taken_bytes);
        }
    }
}

/// Answers on their way. The channel has no bound of its own: it holds the windows of the calls
/// that are open, and there is room for another call only when the last piece of one is taken.
/// Dropped, as it is when the caller is gone, the open calls are given up.
pub(crate) struct Pieces {
    pieces: mpsc::UnboundedReceiver<Result<pb::NumberedPiece, Status>>,
    room: Room,
    open: OpenCalls,
}

impl Stream for Pieces {
    type Item = Result<pb::NumberedPiece, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.pieces.poll_recv(cx);
        if let Poll::Ready(Some(Ok(piece))) = &polled {
            self.open.on_piece(piece);
            if piece.is_last {
                self.room.leave();
            }
        }
        polled
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.room.close();
        let open = std::mem::take(&mut *self.open.lock());
        drop(open);
    }
}

/// Hands over what is asked.
struct Asking {
    outgoing: Outgoing,
    room: Room,
    open: OpenCalls,
}

impl Asking {
    /// Until the caller is gone or says what makes no sense.
    async fn ask_all<H: Host>(self, host: Arc<H>, mut asked: Streaming<pb::NumberedCall>) {
        while let Ok(Some(pb::NumberedCall { id, call })) = asked.message().await {
            let Ok(()) = self.room.enter().await else { return };
            let begun = match call {
                None => Err(Malformed("a call without what is called").into()),
                Some(call) => self.begin(&*host, id, call),
            };
            if let Err(status) = begun {
                let _ = self.outgoing.send(Err(status));
                return;
            }
        }
    }

    /// Calls. Nothing is asked of the host under the lock of the open calls: it may do what others
    /// wait for meanwhile, and they for this.
    fn begin(&self, host: &impl Host, id: u64, call: pb::CallRequest) -> Result<(), Status> {
        match self.open.lock().entry(id) {
            Entry::Vacant(place) => place.insert(Open::default()),
            Entry::Occupied(_) => {
                return Err(Malformed("a call with the number of one that is open").into());
            }
        };
        let outgoing = self.outgoing.clone();
        let take = move |news| outgoing.send(piece(id, news)).map_err(|_| Gone);
        let call = host.call(call.into(), Box::new(take))?;
        self.open.on_call(id, call);
        Ok(())
    }
}

/// What goes out of this; an error is the end of the stream.
fn piece(id: u64, news: Result<(Vec<u8>, bool), CallFailure>) -> Result<pb::NumberedPiece, Status> {
    let failed = |told, timed_out| {
        let failure = Some(pb::CallFailure { told, timed_out });
        pb::NumberedPiece { id, bytes: Bytes::new(), is_last: true, failure }
    };
    match news {
        Ok((bytes, is_last)) => {
            Ok(pb::NumberedPiece { id, bytes: bytes.into(), is_last, failure: None })
        }
        Err(CallFailure::TimedOut(told)) => Ok(failed(told, true)),
        Err(CallFailure::Failed(told)) => Ok(failed(told, false)),
        Err(ended @ CallFailure::Ended) => Err(ended.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Tells what it is told, and by its end that it is given up.
    struct Told(Sender<u64>);

    impl HostCall for Told {
        fn taken(&self, bytes: u64) {
            let _ = self.0.send(bytes);
        }
    }

    fn opened(open: &OpenCalls, id: u64) -> Receiver<u64> {
        let (tell, told) = channel();
        open.on_call(id, Box::new(Told(tell)));
        told
    }

    fn part(id: u64, bytes: &[u8], is_last: bool) -> pb::NumberedPiece {
        piece(id, Ok((bytes.to_vec(), is_last))).expect("a piece")
    }

    #[test]
    fn what_is_taken_before_a_call_is_known_is_said_once_it_is() {
        let open = OpenCalls::default();
        open.lock().insert(1, Open::default());
        open.on_piece(&part(1, b"24", false));
        let told = opened(&open, 1);
        open.on_piece(&part(1, b"0", false));
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [2, 3]);
        open.on_piece(&part(1, b"", true));
        assert!(told.recv().is_err(), "it is over");
    }

    #[test]
    fn a_call_that_is_over_before_it_is_known_is_not_kept() {
        let open = OpenCalls::default();
        open.lock().insert(1, Open::default());
        open.on_piece(&part(1, b"24", true));
        assert!(opened(&open, 1).recv().is_err());
        assert!(open.lock().is_empty());
    }

    #[test]
    fn a_stream_ends_with_its_master() {
        let status = piece(1, Err(CallFailure::Ended)).expect_err("the end of the stream");
        assert_eq!(status.code(), tonic::Code::Unavailable);
    }
}
