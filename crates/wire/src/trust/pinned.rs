//! How each end judges the other one's certificate.

use super::dial::TrustError;
use super::{MASTER_NAME, TOKEN_NAME_END, WORKER_URI_START, fingerprint, provider};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme};
use std::sync::Arc;
use webpki::{EndEntityCert, KeyUsage};
use windlass_core::WorkerName;
use windlass_core::tokens::TokenId;

/// Why a certificate is not one of the authority's that holds now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// Not within its times.
    Time,
    /// Anything else.
    Other(String),
}

/// Whether an authority has signed a certificate for this use, and it holds now.
fn judge(
    certificate: &CertificateDer<'_>,
    authority: &CertificateDer<'_>,
    usage: KeyUsage,
    now: UnixTime,
) -> Result<(), Fault> {
    let other = |error: webpki::Error| match error {
        webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. } => Fault::Time,
        error => Fault::Other(error.to_string()),
    };
    let anchor = webpki::anchor_from_trusted_cert(authority).map_err(other)?;
    let certificate = EndEntityCert::try_from(certificate).map_err(other)?;
    let algorithms = provider().signature_verification_algorithms.all;
    certificate
        .verify_for_usage(algorithms, &[anchor], &[], now, usage, None, None)
        .map(drop)
        .map_err(other)
}

/// Whose a worker's certificate is, and the token that it was given for, if the authority gave it
/// and it holds now.
pub(super) fn worker_of(
    certificate: &CertificateDer<'_>,
    authority: &CertificateDer<'_>,
    now: UnixTime,
) -> Result<(TokenId, WorkerName), Fault> {
    judge(certificate, authority, KeyUsage::client_auth(), now)?;
    let certificate =
        EndEntityCert::try_from(certificate).map_err(|e| Fault::Other(e.to_string()))?;
    let id = certificate
        .valid_dns_names()
        .find_map(|name| name.strip_suffix(TOKEN_NAME_END)?.parse().ok());
    let worker = certificate
        .valid_uri_names()
        .find_map(|name| name.strip_prefix(WORKER_URI_START)?.parse().ok());
    id.zip(worker).ok_or_else(|| Fault::Other("it names no token or no worker".to_owned()))
}

/// What the verifiers of both ends have in common: whoever shows a certificate proves with the
/// handshake's signature that it holds the key.
macro_rules! proof_of_key {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = provider().signature_verification_algorithms;
            verify_tls12_signature(message, certificate, signed, &algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = provider().signature_verification_algorithms;
            verify_tls13_signature(message, certificate, signed, &algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            provider().signature_verification_algorithms.supported_schemes()
        }
    };
}

/// A master is who has a certificate of the authority with this fingerprint, which it sends along.
#[derive(Debug)]
pub(super) struct PinnedAuthority {
    pub(super) fingerprint: [u8; 32],
}

impl ServerCertVerifier for PinnedAuthority {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        sent_along: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let fault = |error| Error::Other(OtherError(Arc::new(error)));
        let authority = sent_along.iter().find(|it| fingerprint(it) == self.fingerprint);
        let authority = authority.ok_or_else(|| fault(TrustError::OtherMaster))?;
        let judged = judge(certificate, authority, KeyUsage::server_auth(), now);
        judged.map_err(|it| match it {
            Fault::Time => fault(TrustError::Clock),
            Fault::Other(why) => fault(TrustError::Handshake(why)),
        })?;
        let name = ServerName::try_from(MASTER_NAME).expect("a name");
        let end = EndEntityCert::try_from(certificate)
            .and_then(|it| it.verify_is_valid_for_subject_name(&name));
        end.map_err(|error| fault(TrustError::Handshake(error.to_string())))?;
        Ok(ServerCertVerified::assertion())
    }

    proof_of_key!();
}

/// Has a peer prove that it holds the key of the certificate that it shows, if it shows one. Whose
/// certificate it is, is judged once the handshake is done: then a refusal can be told in words.
#[derive(Debug)]
pub(super) struct Shown;

impl ClientCertVerifier for Shown {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    proof_of_key!();
}
