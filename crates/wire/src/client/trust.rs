//! Tokens and certificates.

use super::connection::{Client, Line, WireError};
use crate::convert::Malformed;
use crate::generated as pb;
use crate::trust::{AuthorityError, WorkerCertificate, public_key};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use windlass_core::WorkerName;
use windlass_core::tokens::{Role, Token, TokenId, TokenText};

impl Client {
    fn trust(&self) -> pb::trust_client::TrustClient<Line> {
        pb::trust_client::TrustClient::new(self.line.clone())
    }

    /// Gets a certificate for the key (PEM) of the worker of this name, of the authority that this
    /// connection is checked against.
    ///
    /// # Errors
    /// See [`WireError`]; `Denied` for a token that does not hold.
    pub fn enrol(
        &self,
        authority: [u8; 32],
        token: TokenId,
        worker: WorkerName,
        key_pem: String,
    ) -> Result<WorkerCertificate, WireError> {
        let of_key = |error: AuthorityError| WireError::Failed(error.to_string());
        let public_key = public_key(&key_pem).map_err(of_key)?.into();
        let asked = pb::EnrolRequest { public_key, name: worker.0.clone() };
        let enrolled = self.ask(self.trust().enrol(asked))?.into_inner();
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Ok(WorkerCertificate {
            worker,
            authority,
            token,
            key_pem,
            certificate_pem: enrolled.certificate,
            renew_at_s: now_s + u64::from(enrolled.renew_in_s),
            ends_at_s: now_s + u64::from(enrolled.ends_in_s),
        })
    }

    /// Makes a token that ends so long from now.
    ///
    /// # Errors
    /// See [`WireError`]
    pub fn create_token(
        &self,
        role: Role,
        expires_in: Duration,
        name: &str,
    ) -> Result<TokenText, WireError> {
        let (role, name) = (role.name().to_owned(), name.to_owned());
        let asked = pb::CreateTokenRequest { role, expires_in_s: expires_in.as_secs(), name };
        let made = self.ask(self.trust().create_token(asked))?.into_inner();
        Ok(made.text.parse().map_err(|_| Malformed("a token that is none"))?)
    }

    /// All tokens that are known, by id; their hashes stay with the master.
    ///
    /// # Errors
    /// See [`WireError`]
    pub fn tokens(&self) -> Result<Vec<(TokenId, Token)>, WireError> {
        let listed = self.ask(self.trust().list_tokens(pb::ListTokensRequest {}))?.into_inner();
        Ok(listed.tokens.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?)
    }

    /// Ends a token and what was given for it.
    ///
    /// # Errors
    /// See [`WireError`]
    pub fn revoke_token(&self, id: TokenId) -> Result<(), WireError> {
        self.ask(self.trust().revoke_token(pb::RevokeTokenRequest { id: id.0 })).map(drop)
    }
}
