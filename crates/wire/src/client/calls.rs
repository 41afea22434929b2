//! Many calls over one stream.

use super::connection::{Client, Line, WireError};
use crate::generated as pb;
use crate::host::Gone;
use crate::limits::MESSAGE_BYTES_MAX;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use windlass_core::calls::CallRequest;

/// Calls that may wait for the connection.
const OUTGOING_COUNT_MAX: usize = 256;

/// A call's number, and the next bytes of its answer and whether it ends with them, or why there is
/// none.
type Told = (u64, Result<(Vec<u8>, bool), WireError>);

/// Calls; once it is dropped no more come.
#[derive(Clone, Debug)]
pub struct CallSender {
    outgoing: mpsc::Sender<pb::NumberedCall>,
}

/// Hears the answers. Dropped, the open calls are given up.
#[derive(Debug)]
pub struct CallReceiver {
    client: Client,
    incoming: Streaming<pb::NumberedPiece>,
}

impl Client {
    /// Opens a stream of calls.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn open_calls(&self) -> Result<(CallSender, CallReceiver), WireError> {
        let (outgoing, asked) = mpsc::channel(OUTGOING_COUNT_MAX);
        let mut service: pb::calls_client::CallsClient<Line> =
            pb::calls_client::CallsClient::new(self.line.clone())
                .max_decoding_message_size(MESSAGE_BYTES_MAX);
        let incoming = self.ask(service.call_each(ReceiverStream::new(asked)))?.into_inner();
        Ok((CallSender { outgoing }, CallReceiver { client: self.clone(), incoming }))
    }
}

impl CallSender {
    /// Calls; the number comes back with each piece of the answer. Waits where the master does not
    /// keep up: it begins no more than 64 calls of a stream at once.
    ///
    /// # Errors
    /// The stream is over; the receiver says why.
    pub fn call(&self, id: u64, request: CallRequest) -> Result<(), Gone> {
        let call = pb::NumberedCall { id, call: Some(request.into()) };
        self.outgoing.blocking_send(call).map_err(|_| Gone)
    }
}

impl CallReceiver {
    /// The next bytes of an answer, or why there is none to a call.
    ///
    /// # Errors
    /// The stream is over, see [`WireError`].
    pub fn receive(&mut self) -> Result<Told, WireError> {
        let CallReceiver { client, incoming } = self;
        let said = client.runtime.block_on(incoming.message());
        let Some(said) = said.map_err(|status| client.error(&status))? else {
            let cause = "it ended the stream".to_owned();
            return Err(WireError::Lost { address: client.address.clone(), cause });
        };
        let pb::NumberedPiece { id, bytes, is_last, failure } = said;
        let told = match failure {
            None => Ok((bytes.into(), is_last)),
            Some(pb::CallFailure { told, timed_out: true }) => Err(WireError::TimedOut(told)),
            Some(pb::CallFailure { told, timed_out: false }) => Err(WireError::Refused(told)),
        };
        Ok((id, told))
    }
}
