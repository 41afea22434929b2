//! The cluster at a glance, over a connection.

use super::connection::{Client, WireError};
use crate::generated as pb;
use crate::limits::MESSAGE_BYTES_MAX;
use windlass_core::overview::Overview;

impl Client {
    /// What there is at this moment.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn overview(&self) -> Result<Overview, WireError> {
        let mut client = pb::observation_client::ObservationClient::new(self.line.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX);
        Ok(self.ask(client.look(pb::LookRequest {}))?.into_inner().try_into()?)
    }
}
