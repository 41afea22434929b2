//! A worker's session.

use super::connection::{Client, WireError};
use crate::generated as pb;
use crate::host::Gone;
use crate::limits::MESSAGE_BYTES_MAX;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
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
        Ok((SessionSender { outgoing }, SessionReceiver { client: self.clone(), incoming }))
    }
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
    /// What the master says next, `None` if it says nothing for so long.
    ///
    /// # Errors
    /// The session has ended, or the message is none.
    pub fn receive(&mut self, at_most: Duration) -> Result<Option<ToWorker>, WireError> {
        let incoming = &mut self.incoming;
        let heard = self
            .client
            .runtime
            .block_on(async move { tokio::time::timeout(at_most, incoming.message()).await });
        match heard {
            Err(_) => Ok(None),
            Ok(Ok(Some(message))) => Ok(Some(message.try_into()?)),
            Ok(Ok(None)) => Err(WireError::Lost {
                address: self.client.address.clone(),
                cause: "it ended the session".to_owned(),
            }),
            Ok(Err(status)) => Err(self.client.error(&status)),
        }
    }
}
