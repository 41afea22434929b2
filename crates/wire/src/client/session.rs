//! A worker's session.

use super::address::Address;
use super::connection::{Client, WireError, endpoint, error_of, not_connected};
use crate::generated as pb;
use crate::host::Gone;
use crate::limits::MESSAGE_BYTES_MAX;
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::io;
use std::ops::ControlFlow;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::task::coop::consume_budget;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Uri;
use windlass_core::session::{ToMaster, ToWorker};

/// Messages that may wait for the connection.
const OUTGOING_MESSAGE_COUNT_MAX: usize = 4_096;

/// Says things to the master; once it is dropped the session ends.
#[derive(Clone, Debug)]
pub struct SessionSender {
    outgoing: mpsc::Sender<pb::ToMaster>,
}

/// Hears what the master says.
#[derive(Debug)]
pub struct SessionReceiver {
    client: Client,
    hearing: Hearing,
}

/// Hears what the master says; dropped, it hears no more.
#[derive(Debug)]
pub struct Listening {
    listening: JoinHandle<()>,
    /// Without it there is no connection.
    _client: Client,
}

/// Hears what the master says, on a runtime of the caller's.
#[derive(Debug)]
pub struct Hearing {
    address: Address,
    incoming: Streaming<pb::ToWorker>,
}

impl Client {
    /// Opens a session.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn open_session(&self) -> Result<(SessionSender, SessionReceiver), WireError> {
        let (outgoing, messages) = mpsc::channel(OUTGOING_MESSAGE_COUNT_MAX);
        let mut service = pb::sessions_client::SessionsClient::new(self.line.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX);
        let incoming = self.ask(service.open(ReceiverStream::new(messages)))?.into_inner();
        let hearing = Hearing { address: self.address.clone(), incoming };
        Ok((SessionSender { outgoing }, SessionReceiver { client: self.clone(), hearing }))
    }
}

/// Opens a session on the caller's runtime, over whatever `connect` leads to, held as every
/// connection to a master; it shows no token.
///
/// # Errors
/// See [`WireError`].
pub async fn open_session_over<S, F>(
    address: &Address,
    connect: impl Fn() -> F + Send + 'static,
) -> Result<(SessionSender, Hearing), WireError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = io::Result<S>> + Send + 'static,
{
    let unreachable = |error: tonic::transport::Error| not_connected(address, &error);
    // The connector knows the place; the protocol wants a name.
    let endpoint = endpoint("http://windlass".to_owned()).map_err(unreachable)?;
    let connector = tower::service_fn(move |_: Uri| {
        let connected = connect();
        async move { connected.await.map(TokioIo::new) }
    });
    let channel = endpoint.connect_with_connector(connector).await.map_err(unreachable)?;
    let (outgoing, messages) = mpsc::channel(OUTGOING_MESSAGE_COUNT_MAX);
    let mut service = pb::sessions_client::SessionsClient::new(channel)
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let opened = service.open(ReceiverStream::new(messages)).await;
    let incoming = opened.map_err(|status| error_of(address, &status))?.into_inner();
    Ok((SessionSender { outgoing }, Hearing { address: address.clone(), incoming }))
}

impl SessionSender {
    /// Says something; never blocks.
    ///
    /// # Errors
    /// The connection is gone, or does not keep up.
    pub fn send(&self, message: ToMaster) -> Result<(), Gone> {
        self.outgoing.try_send(message.into()).map_err(|_| Gone)
    }
}

impl SessionReceiver {
    /// Hears on the connection's own thread: `hear` gets what the master says, at last why it says
    /// no more, until it wants nothing more; it must not block.
    #[must_use]
    pub fn listen(
        self,
        mut hear: impl FnMut(Result<ToWorker, WireError>) -> ControlFlow<()> + Send + 'static,
    ) -> Listening {
        let SessionReceiver { client, mut hearing } = self;
        let listening = client.runtime.spawn(async move {
            loop {
                let heard = hearing.hear().await;
                let is_last = heard.is_err();
                if hear(heard).is_break() || is_last {
                    break;
                }
                // What is said in answer leaves by this thread too.
                consume_budget().await;
            }
        });
        Listening { listening, _client: client }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Hearing {
    /// What the master says next; given up while it waits, nothing is lost.
    ///
    /// # Errors
    /// The session has ended, or the message is none.
    pub async fn hear(&mut self) -> Result<ToWorker, WireError> {
        match self.incoming.message().await {
            Ok(Some(message)) => Ok(message.try_into()?),
            Ok(None) => Err(WireError::Lost {
                address: self.address.clone(),
                cause: "it ended the session".to_owned(),
            }),
            Err(status) => Err(error_of(&self.address, &status)),
        }
    }
}
