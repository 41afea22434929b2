//! The other end of TLS: whom to trust, what to show, and how a refusal reads.

use super::pinned::PinnedAuthority;
use super::{Credential, MASTER_NAME, provider};
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, Error};
use std::io;
use std::sync::Arc;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use windlass_core::tokens::TokenText;

/// How a master elsewhere is spoken to.
#[derive(Clone, Debug, Default)]
pub enum Access {
    /// Without encryption: it is on this machine, or everybody between here and there is trusted.
    #[default]
    Plain,
    /// By TLS, showing a token with each call.
    Token(TokenText),
    /// By TLS, as the worker that this certificate was given to.
    Worker(Credential),
}

/// Why what answers is not taken for the master.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum TrustError {
    /// Another authority has signed its certificate.
    #[error(
        "this is not the master that made the token (its CA is another one): check the address; if \
         its state was made anew, make a token there with `windlass token create`"
    )]
    OtherMaster,
    /// Its certificate does not hold now.
    #[error(
        "its certificate does not hold at this machine's time: the clock here or there is wrong by \
         an hour or more; set it"
    )]
    Clock,
    /// It does not answer in TLS.
    #[error(
        "it speaks no TLS: without a token it is reached as it is; if it was started with \
         --insecure, say --insecure here too"
    )]
    NoTls,
    /// Anything else.
    #[error("it speaks TLS in a way that is not understood: {0}")]
    Handshake(String),
}

impl TrustError {
    /// What the handshake ended with; `None`: the connection's trouble, not the peer's word.
    pub(super) fn of(error: &io::Error) -> Option<TrustError> {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match inner {
            Some(Error::Other(other)) => {
                let ours = other.0.downcast_ref::<TrustError>().cloned();
                Some(ours.unwrap_or_else(|| TrustError::Handshake(other.to_string())))
            }
            Some(Error::InvalidMessage(_)) => Some(TrustError::NoTls),
            Some(error) => Some(TrustError::Handshake(error.to_string())),
            None => None,
        }
    }
}

/// Makes TLS connections to a master.
#[derive(Clone)]
pub(crate) struct Dialer {
    connector: TlsConnector,
}

/// How the other end is checked; `None`: without TLS.
pub(super) fn connector(access: &Access) -> Result<Option<TlsConnector>, Error> {
    let fingerprint = match access {
        Access::Plain => return Ok(None),
        Access::Token(token) => token.authority,
        Access::Worker(credential) => credential.kept().authority,
    };
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(PinnedAuthority { fingerprint }));
    let mut config = match access {
        Access::Worker(credential) => {
            config.with_client_cert_resolver(Arc::new(credential.clone()))
        }
        _ => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Some(TlsConnector::from(Arc::new(config))))
}

impl Dialer {
    /// `None`: without TLS.
    pub(crate) fn new(access: &Access) -> Result<Option<Dialer>, Error> {
        Ok(connector(access)?.map(|connector| Dialer { connector }))
    }

    /// Connects to `host:port`.
    pub(crate) async fn dial(&self, place: &str) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(place).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(MASTER_NAME).expect("a name");
        self.connector.connect(name, stream).await.map_err(|error| match TrustError::of(&error) {
            Some(ours) => io::Error::other(ours),
            None => error,
        })
    }
}
