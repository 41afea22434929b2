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
