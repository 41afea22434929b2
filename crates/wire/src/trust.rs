//! TLS between machines: the authority of a cluster, the certificates that it gives, and how each
//! end knows the other one. The types of the TLS libraries stay inside.

mod accept;
mod authority;
mod credential;
mod dial;
mod pinned;

pub use accept::{Acceptor, Presented, Speaks};
pub use authority::{Authority, AuthorityError, CERTIFICATE_LIFE, draw_token, secret_hash};
pub use credential::{Credential, WorkerCertificate};
pub use dial::{Access, TrustError};

pub(crate) use credential::public_key;
pub(crate) use dial::Dialer;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use std::sync::{Arc, LazyLock};

/// The name that every master's certificate is for: a master is known by its authority, whatever
/// its address is.
pub(crate) const MASTER_NAME: &str = "master.windlass";
/// Behind a token's id, one name in a worker's certificate: what it was given for.
pub(crate) const TOKEN_NAME_END: &str = ".worker.windlass";
/// Before a worker's name, the other one: whose it is.
pub(crate) const WORKER_URI_START: &str = "windlass:worker/";

static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::clone(&PROVIDER)
}

/// SHA-256 of a certificate.
pub(crate) fn fingerprint(certificate: &CertificateDer<'_>) -> [u8; 32] {
    sha256(certificate)
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests;
