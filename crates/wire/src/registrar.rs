//! What the service for tokens and certificates needs of the process that it stands in.

use crate::host::HostError;
use std::time::Duration;
use windlass_core::tokens::{Role, Token, TokenId, TokenText};

/// Whose token a call was made with, or whose certificate its connection has. A server that serves
/// other machines puts it into each request that it lets through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caller(pub TokenId);

/// Keeps the tokens of a cluster and signs the keys of its workers. Calls may block.
#[expect(clippy::missing_errors_doc, reason = "each fails as `HostError` says")]
pub trait Registrar: Send + Sync + 'static {
    /// A certificate (PEM) for a worker's public key, an uncompressed point of P-256.
    fn enrol(&self, token: TokenId, public_key: &[u8]) -> Result<String, HostError>;
    /// Makes a token that ends so long from now; nobody but its holder knows its text afterwards.
    fn create_token(
        &self,
        role: Role,
        expires_in: Duration,
        name: &str,
    ) -> Result<TokenText, HostError>;
    /// All tokens that are known, by id.
    fn tokens(&self) -> Result<Vec<(TokenId, Token)>, HostError>;
    /// Ends a token and what was given for it.
    fn revoke_token(&self, id: TokenId) -> Result<(), HostError>;
}
