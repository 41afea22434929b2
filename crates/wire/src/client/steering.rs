//! What an operator changes, over a connection.

use super::connection::{Client, Line, WireError};
use crate::convert::{act_of, compacted, settings};
use crate::generated as pb;
use windlass_core::ledger::Settings;
use windlass_core::steering::{Act, Compacted};

impl Client {
    fn steering(&self) -> pb::steering_client::SteeringClient<Line> {
        pb::steering_client::SteeringClient::new(self.line.clone())
    }

    /// Makes a change; durable when this returns.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn steer(&self, act: &Act) -> Result<(), WireError> {
        self.ask(self.steering().steer(act_of(act))).map(drop)
    }

    /// The limits as they are.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn settings(&self) -> Result<Settings, WireError> {
        let listed = self.ask(self.steering().list_settings(pb::ListSettingsRequest {}))?;
        Ok(settings(listed.into_inner())?)
    }

    /// Makes the state there as small as its limits allow.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn compact(&self) -> Result<Compacted, WireError> {
        let done = self.ask(self.steering().compact(pb::CompactRequest {}))?;
        Ok(compacted(done.into_inner()))
    }
}
