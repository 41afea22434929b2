//! Sessions of workers.

use super::service::{Server, blocking};
use crate::generated as pb;
use crate::host::{Gone, Host, HostSession, Peer, Unsaid};
use crate::registrar::Caller;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::coop::consume_budget;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use windlass_core::session::{ToMaster, ToWorker};

/// Messages that may wait for a worker's connection; one that does not keep up is let go.
const OUTGOING_MESSAGE_COUNT_MAX: usize = 4_096;
/// Pause before a message is said again to a master that has more to do than it can take.
const BUSY_PAUSE: Duration = Duration::from_millis(1);

#[tonic::async_trait]
impl<H: Host> pb::sessions_server::Sessions for Server<H> {
    type OpenStream = ReceiverStream<Result<pb::ToWorker, Status>>;

    async fn open(
        &self,
        request: Request<Streaming<pb::ToMaster>>,
    ) -> Result<Response<Self::OpenStream>, Status> {
        let (outgoing, answers) = mpsc::channel(OUTGOING_MESSAGE_COUNT_MAX);
        let to_worker = outgoing.clone();
        let deliver = move |message: ToWorker| {
            to_worker.try_send(Ok(pb::ToWorker::from(message))).map_err(|_| Gone)
        };
        let host = Arc::clone(&self.host);
        let peer = request.extensions().get::<Peer>().cloned();
        let peer = peer.unwrap_or_else(|| Peer("an unknown place".to_owned()));
        let caller = request.extensions().get::<Caller>().cloned();
        let session = blocking(move || host.open_session(&peer, Box::new(deliver))).await?;
        tokio::spawn(listen(caller, request.into_inner(), session, outgoing.downgrade()));
        Ok(Response::new(ReceiverStream::new(answers)))
    }
}

/// Hands on what a worker says, until it or the master is gone; then its session is dropped.
async fn listen(
    caller: Option<Caller>,
    mut messages: Streaming<pb::ToMaster>,
    mut session: Box<dyn HostSession>,
    outgoing: mpsc::WeakSender<Result<pb::ToWorker, Status>>,
) {
    while let Ok(Some(message)) = messages.message().await {
        let mut message = match ToMaster::try_from(message) {
            Ok(message) => message,
            Err(malformed) => {
                // The peer is dropped and told why; nobody else notices.
                if let Some(outgoing) = outgoing.upgrade() {
                    let _ = outgoing.try_send(Err(malformed.into()));
                }
                return;
            }
        };
        // Who comes from another machine has a certificate; who comes from this one is trusted.
        if let (ToMaster::Hello(hello), Some(caller)) = (&message, &caller)
            && let Err(why) = caller.may_be(&hello.name)
        {
            if let Some(outgoing) = outgoing.upgrade() {
                let _ = outgoing.try_send(Ok(ToWorker::Refused(why).into()));
            }
            return;
        }
        loop {
            match session.say(message) {
                Ok(()) => break,
                Err(Unsaid::Ended) => return,
                Err(Unsaid::Busy(again)) => message = again,
            }
            tokio::time::sleep(BUSY_PAUSE).await;
        }
        // What is said in answer leaves by these threads too.
        consume_budget().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use prost::Message;
    use std::sync::Mutex;
    use tonic::codec::Codec;
    use tonic_prost::ProstCodec;

    /// Counts what it is told.
    struct Counting(Arc<Mutex<usize>>);

    impl HostSession for Counting {
        fn say(&mut self, _: ToMaster) -> Result<(), Unsaid> {
            *self.0.lock().expect("nobody panics") += 1;
            Ok(())
        }
    }

    /// What a worker says, all of which has come.
    fn said(message: ToMaster, count: usize) -> Streaming<pb::ToMaster> {
        let message = pb::ToMaster::from(message).encode_to_vec();
        let length = u32::try_from(message.len()).expect("a short one");
        // A frame of gRPC: not compressed, its length, the message.
        let frame = [&[0][..], &length.to_be_bytes(), &message].concat();
        let decoder = ProstCodec::<pb::ToWorker, pb::ToMaster>::default().decoder();
        Streaming::new_request(decoder, Body::from(frame.repeat(count)), None, None)
    }

    #[test]
    fn a_worker_that_says_much_lets_others_have_their_turn() {
        const COUNT: usize = 1_000;
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let heard = Arc::new(Mutex::new(0));
        let (outgoing, _answers) = mpsc::channel(1);
        let heard_before = runtime.block_on(async {
            let session = Box::new(Counting(Arc::clone(&heard)));
            let messages = said(ToMaster::Credit(1), COUNT);
            let listening = tokio::spawn(listen(None, messages, session, outgoing.downgrade()));
            let heard = Arc::clone(&heard);
            let beside = tokio::spawn(async move { *heard.lock().expect("nobody panics") });
            listening.await.expect("no panic");
            beside.await.expect("no panic")
        });
        assert_eq!(*heard.lock().expect("nobody panics"), COUNT);
        assert!((1..COUNT).contains(&heard_before), "{heard_before} of {COUNT} came before others");
    }
}
