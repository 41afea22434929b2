//! What the service for tokens and certificates needs of the process that it stands in.

use crate::host::HostError;
use std::time::Duration;
use windlass_core::WorkerName;
use windlass_core::tokens::{Role, Token, TokenId, TokenText};

/// Who makes a call. A server that serves other machines puts it into each request that it lets
/// through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The token that it shows, or for which it got the certificate of its connection.
    pub token: TokenId,
    /// Whose certificate that is, if there is one.
    pub worker: Option<WorkerName>,
}

impl Caller {
    /// Whether it may call itself the worker of this name: who has shown a certificate is whose it
    /// is.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub(crate) fn may_be(&self, name: &WorkerName) -> Result<(), String> {
        match &self.worker {
            Some(own) if own != name => Err(format!(
                "its certificate is worker {own}'s, and it says that it is {name}: start it with \
                 --name {own}, or have {name} join with a token of `windlass token create` on the \
                 master's machine"
            )),
            _ => Ok(()),
        }
    }
}

/// Keeps the tokens of a cluster and signs the keys of its workers. Calls may block.
#[expect(clippy::missing_errors_doc, reason = "each fails as `HostError` says")]
pub trait Registrar: Send + Sync + 'static {
    /// A certificate (PEM) for the public key of the worker of this name, an uncompressed point of
    /// P-256.
    fn enrol(
        &self,
        token: TokenId,
        worker: &WorkerName,
        public_key: &[u8],
    ) -> Result<String, HostError>;
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
