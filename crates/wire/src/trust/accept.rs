//! The master's end of TLS: its certificate, and what its visitors show.

use super::pinned::{Fault, Shown, worker_of};
use super::{Authority, AuthorityError, CERTIFICATE_LIFE, provider};
use rustls::ServerConfig;
use rustls::pki_types::UnixTime;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use windlass_core::WorkerName;
use windlass_core::tokens::TokenId;

/// First byte of a TLS connection: a record of the handshake. No HTTP request begins with it.
const HANDSHAKE_RECORD: u8 = 0x16;

/// What a connection speaks, by its first byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Speaks {
    /// TLS.
    Tls,
    /// HTTP without it, or something else.
    Plain,
}

impl Speaks {
    /// By the first byte that came.
    #[must_use]
    pub fn of(first: u8) -> Speaks {
        if first == HANDSHAKE_RECORD { Speaks::Tls } else { Speaks::Plain }
    }
}

/// What a visitor's certificate says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Presented {
    /// It has none.
    Nothing,
    /// It is the worker of this name, which joined with this token.
    Worker(TokenId, WorkerName),
    /// It is none of this cluster's, or does not hold now; why, for people.
    Refused(String),
}

/// Accepts TLS connections.
#[derive(Clone)]
pub struct Acceptor {
    acceptor: TlsAcceptor,
    authority: Arc<Authority>,
}

/// The certificate of this server, made anew at half of its life.
struct OwnCertificate {
    authority: Arc<Authority>,
    addresses: Vec<IpAddr>,
    current: Mutex<(Arc<CertifiedKey>, SystemTime)>,
}

impl fmt::Debug for OwnCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnCertificate")
    }
}

fn certified(
    authority: &Authority,
    addresses: &[IpAddr],
    now: SystemTime,
) -> Result<Arc<CertifiedKey>, AuthorityError> {
    let (certificate, key) = authority.master(addresses, now)?;
    let key = provider().key_provider.load_private_key(key);
    let key = key.map_err(|error| AuthorityError::Unmade(error.to_string()))?;
    // The authority's own is sent along: who has only its fingerprint checks it by that.
    let chain = vec![certificate, authority.certificate().clone()];
    Ok(Arc::new(CertifiedKey::new(chain, key)))
}

impl ResolvesServerCert for OwnCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let now = SystemTime::now();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        // Earlier than it was made: the clock was set back, perhaps to before its beginning.
        let is_fresh = now.duration_since(current.1).is_ok_and(|age| age < CERTIFICATE_LIFE / 2);
        if !is_fresh && let Ok(next) = certified(&self.authority, &self.addresses, now) {
            *current = (next, now);
        }
        Some(Arc::clone(&current.0))
    }
}

impl Acceptor {
    /// For a server at these addresses, with certificates of this authority.
    ///
    /// # Errors
    /// `Unmade`
    pub fn new(
        authority: Arc<Authority>,
        addresses: Vec<IpAddr>,
    ) -> Result<Acceptor, AuthorityError> {
        let now = SystemTime::now();
        let current = Mutex::new((certified(&authority, &addresses, now)?, now));
        let own = OwnCertificate { authority: Arc::clone(&authority), addresses, current };
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| AuthorityError::Unmade(error.to_string()))?;
        let mut config =
            config.with_client_cert_verifier(Arc::new(Shown)).with_cert_resolver(Arc::new(own));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Every connection shows its certificate itself.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Acceptor { acceptor: TlsAcceptor::from(Arc::new(config)), authority })
    }

    /// Does the handshake; answers the stream inside and what the visitor showed.
    ///
    /// # Errors
    /// The visitor went away, or speaks no TLS 1.3.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> io::Result<(impl AsyncRead + AsyncWrite + Unpin + use<S>, Presented)> {
        let stream = self.acceptor.accept(stream).await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let presented = match shown {
            None => Presented::Nothing,
            Some(certificate) => {
                match worker_of(certificate, self.authority.certificate(), UnixTime::now()) {
                    Ok((token, worker)) => Presented::Worker(token, worker),
                    Err(Fault::Time) => Presented::Refused(
                        "the worker's certificate has ended, or a clock is wrong: compare the \
                         clocks, then join again with a token of `windlass token create`"
                            .to_owned(),
                    ),
                    Err(Fault::Other(why)) => Presented::Refused(format!(
                        "the worker's certificate is none of this cluster ({why}): join again with \
                         a token of `windlass token create`"
                    )),
                }
            }
        };
        Ok((stream, presented))
    }
}
