//! The connection to a master, and how what goes wrong with it reads.

use super::address;
use super::address::Address;
use super::blob_line::BlobLine;
use super::gathered::Gathered;
use crate::convert::Malformed;
use crate::limits::{DISK_FULL, FRAME_BYTES_MAX};
use crate::trust::{Access, Dialer, TrustError};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{Builder, Runtime};
use tokio::time::error::Elapsed;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Request, Status};
use tower::{Service, ServiceExt};

/// How long a connection may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// What is said when it is over.
const NO_ANSWER: &str = "no answer came in time";
/// What is said where the machine itself answers that there is no master.
const NO_LISTENER: &str = "nobody listens there";
/// A connection is asked for a sign of life this often, and given up without one.
const KEEP_ALIVE: Duration = Duration::from_secs(1);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(2);
/// The same of a connection for blobs. What waits before the question is a frame of 256 KiB and the
/// system's buffer, which is as much or less on a slow line: 16 s at 256 kbit/s.
const BLOB_KEEP_ALIVE: Duration = Duration::from_secs(5);
const BLOB_KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes on their way without an acknowledgement, of a stream and of all together.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;

/// Why a master elsewhere did not do what it was asked.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum WireError {
    /// Nobody answers there.
    #[error("reach the master at {address}: {cause}")]
    Unreachable {
        /// Where.
        address: Address,
        /// What the system says.
        cause: String,
    },
    /// The connection broke while it was asked; it may have been done.
    #[error("hear from the master at {address}: {cause}")]
    Lost {
        /// Where.
        address: Address,
        /// What is known.
        cause: String,
    },
    /// What answers there is not taken for the master.
    #[error("trust what answers at {address}: {cause}")]
    Untrusted {
        /// Where.
        address: Address,
        /// Why.
        cause: TrustError,
    },
    /// The master wants a token, or another one; why, for people.
    #[error("be let in: {0}")]
    Denied(String),
    /// The master refuses; asking again changes nothing.
    #[error("do that: {0}")]
    Refused(String),
    /// There was no time left for it.
    #[error("do that in time: {0}")]
    TimedOut(String),
    /// There is no such thing.
    #[error("find that: {0}")]
    NotFound(String),
    /// The master has it, and it is not what it was.
    #[error("read that whole: {0}")]
    Damaged(String),
    /// More bytes came than there may be; `into` has fewer.
    #[error("take more than {bytes_max} bytes")]
    TooLong {
        /// How many there may be.
        bytes_max: u64,
    },
    /// The master's disk is full.
    #[error("do that: the master reports: {0}")]
    Full(String),
    /// The master could not.
    #[error("do that: the master reports: {0}")]
    Failed(String),
    /// What the master gave cannot be written on this side; why.
    #[error("write down what the master gave: {0}")]
    Unwritten(String),
    /// The peer speaks another language.
    #[error("{0}; run the same version of windlass everywhere")]
    Malformed(#[from] Malformed),
}

impl WireError {
    /// Whether the connection is the trouble, and not what was asked.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self, WireError::Lost { .. } | WireError::Unreachable { .. })
    }

    /// Why the name of the master's machine is not known here, if it was not reached for that.
    #[must_use]
    pub fn unknown_name(&self) -> Option<&str> {
        let WireError::Unreachable { cause, .. } = self else { return None };
        address::not_looked_up(cause)
    }

    /// Whether nobody listens there, as the machine itself says.
    #[must_use]
    pub fn is_unheard(&self) -> bool {
        matches!(self, WireError::Unreachable { cause, .. } if cause == NO_LISTENER)
    }

    /// Whether one end does not let the other one near.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(self, WireError::Denied(_) | WireError::Untrusted { .. })
    }
}

/// The connection, with what each call shows.
pub(super) type Line = InterceptedService<Channel, Show>;

/// Shows a token with each call, if there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct Show {
    bearer: Option<MetadataValue<Ascii>>,
}

impl Show {
    fn of(access: &Access) -> Show {
        let Access::Token(token) = access else { return Show::default() };
        let text = format!("Bearer {}", token.reveal());
        let mut value: MetadataValue<Ascii> = text.parse().expect("letters and digits");
        value.set_sensitive(true);
        Show { bearer: Some(value) }
    }
}

impl Interceptor for Show {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(bearer) = &self.bearer {
            request.metadata_mut().insert("authorization", bearer.clone());
        }
        Ok(request)
    }
}

/// A master elsewhere. Clones share its connections, which are made again by themselves when they
/// break: one for calls and sessions, and one for blobs, made when the first is to be carried. Who
/// waits for a sign of life is not to wait behind megabytes.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) address: Address,
    pub(super) line: Line,
    pub(super) blob_line: Arc<BlobLine>,
    pub(super) runtime: Arc<Runtime>,
    /// Where the master's blobs lie, once that has been asked.
    pub(super) blob_folder: Arc<OnceLock<Option<PathBuf>>>,
}

impl Client {
    /// Connects without encryption; the connection stands when this returns.
    ///
    /// # Errors
    /// `Unreachable`
    pub fn connect(address: &Address) -> Result<Client, WireError> {
        Client::connect_as(address, &Access::Plain)
    }

    /// Connects in this way; the connection stands when this returns, and who answers is known.
    /// What a socket file leads to is on this machine and needs no access.
    ///
    /// # Errors
    /// `Unreachable`, `Untrusted`
    pub fn connect_as(address: &Address, access: &Access) -> Result<Client, WireError> {
        let unreachable =
            |cause: String| WireError::Unreachable { address: address.clone(), cause };
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = Arc::new(runtime.map_err(|error| unreachable(error.to_string()))?);
        let uri = match address {
            Address::Tcp(place) => format!("http://{place}"),
            // The connector below knows the place; the protocol wants a name.
            Address::Unix(_) => "http://windlass".to_owned(),
        };
        let ends = Ends::of(uri).map_err(|error| unreachable(error.to_string()))?;
        let dialer = Dialer::new(access).map_err(|error| unreachable(error.to_string()))?;
        let opened = match (address.clone(), dialer) {
            (Address::Tcp(_), None) => ends.open(&runtime, plain_tcp()),
            (Address::Tcp(place), Some(dialer)) => {
                let connector = tower::service_fn(move |_: Uri| {
                    let (dialer, place) = (dialer.clone(), place.clone());
                    async move { dialer.dial(&place).await.map(TokioIo::new) }
                });
                ends.open(&runtime, connector)
            }
            (Address::Unix(path), _) => {
                let connector = tower::service_fn(move |_: Uri| {
                    let path = path.clone();
                    async move { address::connect(&path).await.map(TokioIo::new) }
                });
                ends.open(&runtime, connector)
            }
        };
        let (calls, open) = opened.map_err(|error| not_connected(address, &error))?;
        let show = Show::of(access);
        let line = InterceptedService::new(calls, show.clone());
        let open = move || InterceptedService::new(open(), show.clone());
        let blob_line = Arc::new(BlobLine::new(Box::new(open)));
        let blob_folder = Arc::default();
        Ok(Client { address: address.clone(), line, blob_line, runtime, blob_folder })
    }

    /// Where the master is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn ask<T>(
        &self,
        call: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, WireError> {
        self.runtime.block_on(call).map_err(|status| self.error(&status))
    }

    pub(super) fn error(&self, status: &Status) -> WireError {
        error_of(&self.address, status)
    }
}

/// The ends of the connections to a master.
struct Ends {
    calls: Endpoint,
    blobs: Endpoint,
}

/// A connection for calls, and what makes one for blobs.
type Opened = Result<(Channel, Box<dyn Fn() -> Channel + Send + Sync>), tonic::transport::Error>;

impl Ends {
    fn of(uri: String) -> Result<Ends, tonic::transport::Error> {
        let calls = endpoint(uri)?;
        let blobs = calls.clone().http2_keep_alive_interval(BLOB_KEEP_ALIVE);
        let blobs = blobs.keep_alive_timeout(BLOB_KEEP_ALIVE_TIMEOUT);
        Ok(Ends { calls, blobs })
    }

    /// By what makes connections.
    fn open<C, S>(self, runtime: &Runtime, connector: C) -> Opened
    where
        C: Service<Uri, Response = TokioIo<S>> + Clone + Send + Sync + 'static,
        C::Error: StdError + Send + Sync,
        C::Future: Send,
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let connector = connector
            .map_response(|made: TokioIo<S>| TokioIo::new(Gathered::new(made.into_inner())));
        let calls = runtime.block_on(self.calls.connect_with_connector(connector.clone()))?;
        let open = move || self.blobs.connect_with_connector_lazy(connector.clone());
        Ok((calls, Box::new(open)))
    }
}

fn plain_tcp() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector
}

/// How a connection to a master is held, whatever carries it.
pub(super) fn endpoint(uri: String) -> Result<Endpoint, tonic::transport::Error> {
    let endpoint = Endpoint::try_from(uri)?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES_MAX);
    Ok(endpoint)
}

pub(super) fn not_connected(address: &Address, error: &tonic::transport::Error) -> WireError {
    match distrust(error) {
        Some(cause) => WireError::Untrusted { address: address.clone(), cause },
        None => WireError::Unreachable { address: address.clone(), cause: root_cause(error) },
    }
}

/// What an answer that is none comes to.
pub(super) fn error_of(address: &Address, status: &Status) -> WireError {
    if let Some(cause) = distrust(status) {
        return WireError::Untrusted { address: address.clone(), cause };
    }
    let text = status.message().to_owned();
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => WireError::Denied(text),
        Code::FailedPrecondition | Code::InvalidArgument => WireError::Refused(text),
        Code::DeadlineExceeded => WireError::TimedOut(text),
        Code::NotFound => WireError::NotFound(text),
        Code::DataLoss => WireError::Damaged(text),
        Code::ResourceExhausted if status.metadata().contains_key(DISK_FULL) => {
            WireError::Full(text)
        }
        _ if is_lost(status) => {
            // What the library says itself comes from below.
            let is_own = std::error::Error::source(status).is_some() || text.is_empty();
            let broke = || format!("the connection broke ({})", root_cause(status));
            let cause = if is_own { broke() } else { text };
            WireError::Lost { address: address.clone(), cause }
        }
        _ => WireError::Failed(text),
    }
}

/// Whether the connection is what failed.
pub(super) fn is_lost(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Cancelled | Code::Unknown)
}

/// Why the peer was not trusted, if that is why an attempt to connect failed.
fn distrust(error: &(dyn std::error::Error + 'static)) -> Option<TrustError> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = inner.and_then(|inner| inner.downcast_ref::<TrustError>()) {
            return Some(found.clone());
        }
        next = error.source();
    }
    None
}

/// What the system said, at the bottom of what libraries made of it.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut bottom = error;
    while let Some(below) = bottom.source() {
        bottom = below;
    }
    match bottom.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => NO_LISTENER.to_owned(),
        Some(io::ErrorKind::TimedOut) => NO_ANSWER.to_owned(),
        None if bottom.is::<Elapsed>() => NO_ANSWER.to_owned(),
        _ => bottom.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::HostError;

    #[test]
    fn only_what_the_master_says_of_its_disk_is_a_full_disk() {
        let address = "here:5000".parse().expect("an address");
        let full = error_of(&address, &Status::from(HostError::Full("it is full".to_owned())));
        assert_eq!(full, WireError::Full("it is full".to_owned()));
        let library = error_of(&address, &Status::resource_exhausted("a message is too long"));
        assert_eq!(library, WireError::Failed("a message is too long".to_owned()));
    }

    #[test]
    fn a_host_that_refuses_is_told_from_one_that_says_nothing_or_is_not_there() {
        let unreached = |kind: io::ErrorKind| WireError::Unreachable {
            address: "here:5000".parse().expect("an address"),
            cause: root_cause(&io::Error::from(kind)),
        };
        assert!(unreached(io::ErrorKind::ConnectionRefused).is_unheard());
        // That of a socket file.
        assert!(unreached(io::ErrorKind::NotFound).is_unheard());
        assert!(!unreached(io::ErrorKind::TimedOut).is_unheard());
        assert!(!unreached(io::ErrorKind::HostUnreachable).is_unheard());
    }
}
