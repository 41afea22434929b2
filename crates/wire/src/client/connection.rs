//! The connection to a master, and how what goes wrong with it reads.

use super::address;
use super::address::Address;
use crate::convert::Malformed;
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::runtime::{Builder, Runtime};
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Status};

/// How long a connection may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A connection is asked for a sign of life this often, and given up without one.
const KEEP_ALIVE: Duration = Duration::from_secs(1);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(2);
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
    /// The master refuses; asking again changes nothing.
    #[error("do that: {0}")]
    Refused(String),
    /// There was no time left for it.
    #[error("do that in time: {0}")]
    TimedOut(String),
    /// There is no such thing.
    #[error("find that: {0}")]
    NotFound(String),
    /// More bytes came than there may be; `into` has fewer.
    #[error("take more than {bytes_max} bytes")]
    TooLong {
        /// How many there may be.
        bytes_max: u64,
    },
    /// The master could not.
    #[error("do that: the master reports: {0}")]
    Failed(String),
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
}

/// A master elsewhere. Clones share the connection, which is made again by itself when it breaks.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) address: Address,
    pub(super) channel: Channel,
    pub(super) runtime: Arc<Runtime>,
}

impl Client {
    /// Connects; the connection stands when this returns.
    ///
    /// # Errors
    /// `Unreachable`
    pub fn connect(address: &Address) -> Result<Client, WireError> {
        let unreachable =
            |cause: String| WireError::Unreachable { address: address.clone(), cause };
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = Arc::new(runtime.map_err(|error| unreachable(error.to_string()))?);
        let uri = match address {
            Address::Tcp(place) => format!("http://{place}"),
            // The connector below knows the place; the protocol wants a name.
            Address::Unix(_) => "http://windlass".to_owned(),
        };
        let endpoint = Endpoint::try_from(uri).map_err(|error| unreachable(error.to_string()))?;
        let endpoint = endpoint
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .tcp_nodelay(true);
        let connected = match address.clone() {
            Address::Tcp(_) => runtime.block_on(endpoint.connect()),
            Address::Unix(path) => {
                let connector = tower::service_fn(move |_: Uri| {
                    let path = path.clone();
                    async move { address::connect(&path).await.map(TokioIo::new) }
                });
                runtime.block_on(endpoint.connect_with_connector(connector))
            }
        };
        let channel = connected.map_err(|error| unreachable(root_cause(&error)))?;
        Ok(Client { address: address.clone(), channel, runtime })
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
        let text = status.message().to_owned();
        match status.code() {
            Code::FailedPrecondition | Code::InvalidArgument => WireError::Refused(text),
            Code::DeadlineExceeded => WireError::TimedOut(text),
            Code::NotFound => WireError::NotFound(text),
            Code::Unavailable | Code::Cancelled | Code::Unknown => {
                let cause = if text.is_empty() { root_cause(status) } else { text };
                WireError::Lost { address: self.address.clone(), cause }
            }
            _ => WireError::Failed(text),
        }
    }
}

/// What the system said, at the bottom of what libraries made of it.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut bottom = error;
    while let Some(below) = bottom.source() {
        bottom = below;
    }
    match bottom.downcast_ref::<io::Error>() {
        Some(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            "nobody listens there".to_owned()
        }
        _ => bottom.to_string(),
    }
}
