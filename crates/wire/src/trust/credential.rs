//! What a worker shows of itself: a key of its own and a certificate for it, renewed now and then.

use super::{AuthorityError, provider};
use rcgen::{KeyPair, PublicKeyData};
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use windlass_core::WorkerName;
use windlass_core::tokens::TokenId;

/// A worker's key and certificate as they are kept.
#[derive(Clone, PartialEq, Eq)]
pub struct WorkerCertificate {
    /// Whose it is.
    pub worker: WorkerName,
    /// SHA-256 of the certificate of the authority that gave it.
    pub authority: [u8; 32],
    /// The key, in PEM.
    pub key_pem: String,
    /// The token that it was given for.
    pub token: TokenId,
    /// The certificate, in PEM.
    pub certificate_pem: String,
    /// When another one should be asked for, in seconds since 1970 by this machine's clock.
    pub renew_at_s: u64,
    /// When it ends.
    pub ends_at_s: u64,
}

/// A worker's key and the newest certificate for it; the connections to come show that one.
#[derive(Clone)]
pub struct Credential {
    shown: Arc<RwLock<Shown>>,
}

struct Shown {
    kept: WorkerCertificate,
    certified: Arc<CertifiedKey>,
}

impl WorkerCertificate {
    /// A new key in PEM.
    ///
    /// # Errors
    /// `Unmade`
    pub fn new_key() -> Result<String, AuthorityError> {
        let key = KeyPair::generate();
        key.map(|key| key.serialize_pem()).map_err(|e| AuthorityError::Unmade(e.to_string()))
    }

    fn certified(&self) -> Result<CertifiedKey, AuthorityError> {
        let of = |what| move |cause: String| AuthorityError::Unreadable { what, cause };
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes());
        let key = key.map_err(|error| of("worker's key")(error.to_string()))?;
        let key = provider().key_provider.load_private_key(key);
        let key = key.map_err(|error| of("worker's key")(error.to_string()))?;
        let certificate = CertificateDer::from_pem_slice(self.certificate_pem.as_bytes());
        let certificate =
            certificate.map_err(|error| of("worker's certificate")(error.to_string()))?;
        let certified = CertifiedKey::new(vec![certificate], key);
        let is_pair = certified.keys_match();
        is_pair.map_err(|error| of("worker's certificate")(error.to_string()))?;
        Ok(certified)
    }
}

/// The public key of a key in PEM, as the protocol has it.
pub(crate) fn public_key(key_pem: &str) -> Result<Vec<u8>, AuthorityError> {
    let key = KeyPair::from_pem(key_pem).map_err(|error| AuthorityError::Unreadable {
        what: "worker's key",
        cause: error.to_string(),
    })?;
    Ok(key.der_bytes().to_vec())
}

impl Credential {
    /// What was kept, ready to be shown.
    ///
    /// # Errors
    /// `Unreadable`
    pub fn new(kept: WorkerCertificate) -> Result<Credential, AuthorityError> {
        let certified = Arc::new(kept.certified()?);
        Ok(Credential { shown: Arc::new(RwLock::new(Shown { kept, certified })) })
    }

    /// What is shown from now on.
    ///
    /// # Errors
    /// `Unreadable`; the one before is shown on.
    pub fn renew(&self, kept: WorkerCertificate) -> Result<(), AuthorityError> {
        let certified = Arc::new(kept.certified()?);
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Shown { kept, certified };
        Ok(())
    }

    /// What is shown now.
    #[must_use]
    pub fn kept(&self) -> WorkerCertificate {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).kept.clone()
    }
}

impl ResolvesClientCert for Credential {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&shown.certified))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Without the key.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential")
    }
}

/// Without the key.
impl fmt::Debug for WorkerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WorkerCertificate(ends at {} s)", self.ends_at_s)
    }
}
