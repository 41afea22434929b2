//! Tokens for other machines: added, revoked, and looked at without asking the loop.

use crate::clock;
use crate::error::MasterError;
use crate::handle::{Handle, Shared};
use crate::host::Loop;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use windlass_core::LogTime;
use windlass_core::ledger::{Applied, Entry, Ledger};
use windlass_core::tokens::{Role, TokenId, Tokens};

impl Handle {
    /// Adds a token that ends so long from now; `hash` is the SHA-256 of its secret.
    ///
    /// # Errors
    /// Its id is taken, its name is too long, it ends before it begins, there are too many, or the
    /// master has ended.
    pub fn add_token(
        &self,
        id: TokenId,
        hash: [u8; 32],
        role: Role,
        name: &str,
        expires_in: Duration,
    ) -> Result<(), MasterError> {
        let expires_in_ms = u64::try_from(expires_in.as_millis()).unwrap_or(u64::MAX);
        let expires_at = LogTime(clock::wall().0.saturating_add(expires_in_ms));
        let name = name.to_owned();
        self.decide(Entry::TokenAdded { id, hash, role, name, expires_at }).map(drop)
    }

    /// Ends a token.
    ///
    /// # Errors
    /// There is none of this id that is not revoked, or the master has ended.
    pub fn revoke_token(&self, id: TokenId) -> Result<(), MasterError> {
        self.decide(Entry::TokenRevoked { id }).map(drop)
    }

    /// The tokens as they are: cheap, for every request of another machine looks at them.
    #[must_use]
    pub fn tokens(&self) -> Arc<Tokens> {
        Arc::clone(&self.shared.tokens.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Loop {
    /// Shows the tokens to those who look at them, if they have changed.
    pub(crate) fn on_tokens(&self, applied: &[Applied]) {
        if applied.contains(&Applied::TokensChanged) {
            show_tokens(&self.shared, &self.ledger);
        }
    }
}

pub(crate) fn show_tokens(shared: &Shared, ledger: &Ledger) {
    let tokens = Arc::new(ledger.tokens.clone());
    *shared.tokens.write().unwrap_or_else(PoisonError::into_inner) = tokens;
}
