//! The authority of a cluster: its key signs the certificates of masters and workers.

use super::{MASTER_NAME, TOKEN_NAME_END, WORKER_URI_START, fingerprint, sha256};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType,
    SignatureAlgorithm,
};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};
use thiserror::Error;
use windlass_core::WorkerName;
use windlass_core::tokens::{SECRET_BYTES, TokenId};

/// How long the certificates of masters and workers hold.
pub const CERTIFICATE_LIFE: Duration = Duration::from_secs(24 * 3_600);
/// Clocks may differ by so much.
const CLOCK_LEEWAY: Duration = Duration::from_secs(3_600);
/// Life of an authority: as long as its state is likely to be used.
const AUTHORITY_LIFE: Duration = Duration::from_secs(20 * 365 * 24 * 3_600);
const AUTHORITY_NAME: &str = "windlass authority";
/// An uncompressed point of P-256: 4, then two coordinates.
const PUBLIC_KEY_BYTES: usize = 65;

/// The authority of a cluster.
pub struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// An authority that cannot be made or read, or what it does not sign.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum AuthorityError {
    /// Its certificate or key cannot be read.
    #[error("read the authority's {what}: {cause}")]
    Unreadable {
        /// Which.
        what: &'static str,
        /// Why.
        cause: String,
    },
    /// The library does not make it.
    #[error("make a certificate: {0}")]
    Unmade(String),
    /// What was sent for a key is none.
    #[error("sign that key: it is no uncompressed point of P-256")]
    BadKey,
}

/// The key of somebody else, as it came.
struct PublicKey<'a>(&'a [u8]);

impl PublicKeyData for PublicKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

fn unmade(error: impl std::fmt::Display) -> AuthorityError {
    AuthorityError::Unmade(error.to_string())
}

/// Parameters for what holds from a while ago until so long from now.
fn params(name: &str, now: SystemTime, life: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = (now - CLOCK_LEEWAY).into();
    params.not_after = (now + life).into();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// The authority's own; those that it signs name it by these.
fn own_params(now: SystemTime) -> CertificateParams {
    let mut params = params(AUTHORITY_NAME, now, AUTHORITY_LIFE);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

impl Authority {
    /// A new one, and what [`Authority::read`] makes it of again: certificate and key in PEM.
    ///
    /// # Errors
    /// `Unmade`
    pub fn make(now: SystemTime) -> Result<(Authority, String), AuthorityError> {
        let key = KeyPair::generate().map_err(unmade)?;
        let certificate = own_params(now).self_signed(&key).map_err(unmade)?;
        let pem = format!("{}{}", certificate.pem(), key.serialize_pem());
        let certificate = certificate.der().clone();
        let authority = Authority { certificate, issuer: Issuer::new(own_params(now), key) };
        Ok((authority, pem))
    }

    /// One that was made earlier.
    ///
    /// # Errors
    /// `Unreadable`
    pub fn read(pem: &str) -> Result<Authority, AuthorityError> {
        let unreadable = |what| {
            move |error: &dyn std::fmt::Display| AuthorityError::Unreadable {
                what,
                cause: error.to_string(),
            }
        };
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| unreadable("certificate")(&error))?;
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| unreadable("key")(&error))?;
        let key = KeyPair::try_from(&key).map_err(|error| unreadable("key")(&error))?;
        let is_pair = certificate.windows(key.der_bytes().len()).any(|it| it == key.der_bytes());
        if !is_pair {
            return Err(unreadable("key")(&"it is not the one of the certificate"));
        }
        // Only the names are taken of these, not the times.
        let issuer = Issuer::new(own_params(SystemTime::UNIX_EPOCH + CLOCK_LEEWAY), key);
        Ok(Authority { certificate, issuer })
    }

    /// What it is known by: SHA-256 of its certificate.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        fingerprint(&self.certificate)
    }

    pub(super) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// A certificate for a master's server, with a key of its own.
    pub(super) fn master(
        &self,
        addresses: &[IpAddr],
        now: SystemTime,
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), AuthorityError> {
        let mut params = params("windlass master", now, CERTIFICATE_LIFE);
        let name = MASTER_NAME.try_into().map_err(unmade)?;
        params.subject_alt_names = vec![SanType::DnsName(name)];
        // For programs that check the address, as curl does.
        params.subject_alt_names.extend(addresses.iter().copied().map(SanType::IpAddress));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(unmade)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(unmade)?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(unmade)?;
        Ok((certificate.der().clone(), key))
    }

    /// A certificate (PEM) for the key of the worker of this name, which names both it and the
    /// token that it was given for.
    ///
    /// # Errors
    /// `BadKey`, `Unmade`
    pub fn enrol(
        &self,
        public_key: &[u8],
        token: TokenId,
        worker: &WorkerName,
        now: SystemTime,
    ) -> Result<String, AuthorityError> {
        if public_key.len() != PUBLIC_KEY_BYTES || public_key.first() != Some(&4) {
            return Err(AuthorityError::BadKey);
        }
        let mut params = params(&worker.0, now, CERTIFICATE_LIFE);
        let token = format!("{token}{TOKEN_NAME_END}").try_into().map_err(unmade)?;
        // A worker's name may have letters and a length that no name of a host has.
        let worker = format!("{WORKER_URI_START}{worker}").try_into().map_err(unmade)?;
        params.subject_alt_names = vec![SanType::DnsName(token), SanType::URI(worker)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let signed = params.signed_by(&PublicKey(public_key), &self.issuer).map_err(unmade)?;
        Ok(signed.pem())
    }
}

/// A token's id and secret, drawn from the system.
///
/// # Errors
/// The system has no randomness.
pub fn draw_token() -> Result<(TokenId, [u8; SECRET_BYTES]), AuthorityError> {
    let random = SystemRandom::new();
    let (mut id, mut secret) = ([0; 4], [0; SECRET_BYTES]);
    random.fill(&mut id).and_then(|()| random.fill(&mut secret)).map_err(unmade)?;
    Ok((TokenId(u32::from_le_bytes(id)), secret))
}

/// What the ledger keeps of a secret.
#[must_use]
pub fn secret_hash(secret: &[u8; SECRET_BYTES]) -> [u8; 32] {
    sha256(secret)
}
