//! Accepts connections on ports and socket files, and serves HTTP/1 and HTTP/2 on each.

use crate::door::Door;
use crate::gate::Gate;
use crate::node::Node;
use crate::older::{self, OlderPort};
use crate::prompt::{BLOB_SILENCE_MAX, Load, Prompt};
use crate::secrets::SecretError;
use crate::{health, metrics};
use axum::Router;
use axum::http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tower::ServiceExt;
use windlass_core::catalogue::OperationSpec;
use windlass_wire::{FRAME_BYTES_MAX, Peer, carries_blobs};

/// How long a client may take to send a request's head, or to say at first what it speaks.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection is asked for a sign of life this often; `prompt` gives it up without one.
const KEEP_ALIVE: Duration = Duration::from_secs(1);
/// Bytes on their way without an acknowledgement, of a stream and of all together.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
/// Pause after the system has no descriptor left for another connection.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Longest path that a socket's address takes, with its end.
const SOCKET_PATH_BYTES_MAX: usize = 108;
/// Connections that wait to be taken in. Linux drops what comes above, whose other ends try again
/// ever more seldom; it allows as many by default.
const BACKLOG: u32 = 4_096;
/// Threads that serve connections; what blocks has threads of its own.
const SERVING_THREAD_COUNT: usize = 2;

/// Where connections come in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Listen {
    /// A port; port 0 is one that is free.
    Tcp(SocketAddr),
    /// A socket file, for the user who started this; a file that is there is replaced.
    Unix(PathBuf),
}

/// What a server needs to start.
pub struct Options {
    /// Where it listens.
    pub listen: Vec<Listen>,
    /// What it serves.
    pub node: Node,
    /// Who may come in from another machine.
    pub gate: Arc<Gate>,
    /// Whether everybody who reaches a port is trusted, and spoken to without encryption.
    pub is_open: bool,
    /// Serves clients of the older file-processing service, as long as only this machine reaches
    /// the ports.
    pub files: Option<OlderFiles>,
}

/// What the older file-processing service needs.
#[derive(Debug)]
pub struct OlderFiles {
    /// What can be done with files.
    pub operations: Vec<&'static OperationSpec>,
    /// Where results go.
    pub folder: PathBuf,
    /// How long a slave of that service may take for a request.
    pub slave_timeout: Duration,
}

/// A server that could not be started.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The port is another program's.
    #[error("listen on {0}: another program listens there")]
    Taken(SocketAddr),
    /// The address is another machine's.
    #[error("listen on {0}: it is none of this machine's addresses")]
    NotHere(SocketAddr),
    /// The secrets that connections of other machines need cannot be had.
    #[error("{0}")]
    Secret(#[from] SecretError),
    /// What is to be served there cannot be.
    #[error("{0}")]
    Unready(String),
    /// The system refuses.
    #[error("listen on {place}: {source}")]
    Io {
        /// The port or file.
        place: String,
        /// Why.
        source: io::Error,
    },
}

/// What a master offers to whoever is let in.
#[derive(Clone, Debug)]
pub struct Services(Router);

impl Services {
    /// Of this master; for as long as the caller's runtime, its health is told.
    pub async fn of(node: Node) -> Services {
        let routes = health::router(node.handle.clone()).merge(metrics::router(node.clone()));
        let handle = node.handle.clone();
        let (services, health) = windlass_wire::router(Arc::new(node)).await;
        tokio::spawn(health::keep_telling(handle, health));
        // Of two answers to what is not there this one is taken.
        Services(routes.merge(services).fallback(health::absent))
    }

    /// Serves a connection that somebody else has taken in, until it ends.
    pub async fn serve(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Peer,
    ) {
        serve(stream, peer, self.0, || {}).await;
    }
}

/// A running server; dropped, it listens no more and its connections are closed.
pub struct Server {
    addresses: Vec<SocketAddr>,
    sockets: Vec<PathBuf>,
    node: Node,
    runtime: Option<Runtime>,
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Server {
    /// Begins to listen; connections are taken from when this returns.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn start(options: Options) -> Result<Server, ServerError> {
        let Options { listen, node, gate, is_open, files } = options;
        let of_runtime = |source| ServerError::Io { place: "any port".to_owned(), source };
        let runtime = Builder::new_multi_thread()
            .worker_threads(SERVING_THREAD_COUNT)
            .thread_name("serve")
            .enable_all()
            .build()
            .map_err(of_runtime)?;
        let Services(routes) = runtime.block_on(Services::of(node.clone()));
        let (addresses, sockets) = (Vec::new(), Vec::new());
        let mut server = Server { addresses, sockets, node, runtime: None };
        let mut routes = routes.merge(windlass_wire::trust_router(Arc::clone(&gate)));
        let mut listeners = Vec::new();
        for place in listen {
            let listener = runtime.block_on(bind(&place))?;
            match (&listener, place) {
                (Listener::Tcp(tcp), _) => server.addresses.extend(tcp.local_addr().ok()),
                (Listener::Unix(_), Listen::Unix(path)) => server.sockets.push(path),
                (Listener::Unix(_), Listen::Tcp(_)) => unreachable!("bound as asked"),
            }
            listeners.push(listener);
        }
        let is_reached = server.addresses.iter().any(|it| !it.ip().to_canonical().is_loopback());
        if let Some(files) = files.filter(|_| !is_reached && !server.addresses.is_empty()) {
            let _entered = runtime.enter();
            routes = routes.merge(older::files::routes(server.node.clone(), files));
        }
        let acceptor = match is_reached && !is_open {
            true => Some(gate.acceptor(certified_addresses(&server.addresses))?),
            false => None,
        };
        let door = Arc::new(Door::new(routes.clone(), gate, acceptor, is_open));
        for listener in listeners {
            runtime.spawn(accept(listener, Arc::clone(&door), routes.clone()));
        }
        server.runtime = Some(runtime);
        Ok(server)
    }

    /// Opens a port for programs of an older system, which know no tokens; answers where.
    ///
    /// # Errors
    /// See [`ServerError`]. Everything else goes on.
    pub fn open_older(
        &self,
        port: OlderPort,
        address: SocketAddr,
    ) -> Result<SocketAddr, ServerError> {
        let runtime = self.runtime.as_ref().expect("it runs until it is dropped").handle();
        older::open(runtime, port, address, self.node.clone())
    }

    /// The ports that it listens on.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for socket in &self.sockets {
            // A file that stays is replaced by the next who listens.
            let _ = std::fs::remove_file(socket);
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Addresses that a certificate can name: those that mean one machine.
fn certified_addresses(listening: &[SocketAddr]) -> Vec<IpAddr> {
    let one = listening.iter().map(SocketAddr::ip).filter(|it| !it.is_unspecified());
    let mut addresses: Vec<IpAddr> = one.collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

async fn bind(place: &Listen) -> Result<Listener, ServerError> {
    match place {
        Listen::Tcp(address) => bind_port(*address).map(Listener::Tcp),
        Listen::Unix(path) => bind_socket(path)
            .map(Listener::Unix)
            .map_err(|source| ServerError::Io { place: path.display().to_string(), source }),
    }
}

/// Binds a port, within a runtime; port 0 is one that is free.
pub(crate) fn bind_port(address: SocketAddr) -> Result<TcpListener, ServerError> {
    let listen = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // The port of a program that has just ended is free.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServerError::Taken(address),
        io::ErrorKind::AddrNotAvailable => ServerError::NotHere(address),
        _ => ServerError::Io { place: address.to_string(), source },
    })
}

/// Binds a socket file, also where its path is longer than a socket's address may be. Who may
/// connect is decided by the folder, which is its user's alone.
fn bind_socket(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if path.as_os_str().len() < SOCKET_PATH_BYTES_MAX {
        return UnixListener::bind(path);
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let folder = std::fs::File::open(folder)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
    UnixListener::bind(short)
}

async fn accept(listener: Listener, door: Arc<Door>, routes: Router) {
    loop {
        let accepted = match &listener {
            Listener::Tcp(tcp) => tcp.accept().await.map(|(stream, address)| {
                // Small messages are not to wait for each other; one without the option is slower.
                let _ = stream.set_nodelay(true);
                let door = Arc::clone(&door);
                // The task is told its own handle, by which it makes room.
                let (tell, told) = oneshot::channel();
                let task = tokio::spawn(async move {
                    if let Ok(own) = told.await {
                        door.serve(stream, address, own).await;
                    }
                });
                let _ = tell.send(task.abort_handle());
            }),
            Listener::Unix(unix) => unix.accept().await.map(|(stream, _)| {
                let peer = Peer("this machine".to_owned());
                tokio::spawn(serve(stream, peer, routes.clone(), || {}));
            }),
        };
        if accepted.is_err() {
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }
}

/// Serves a connection until it ends; each request is told before it is answered.
pub(crate) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    routes: Router,
    on_request: impl Fn() + Clone + Send + 'static,
) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(BLOB_SILENCE_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES_MAX);
    // How a connection ends is its peer's business; sessions notice by themselves.
    let load = Load::default();
    let prompt = Prompt::new(stream, HEAD_TIMEOUT, load.clone());
    let routes = routes.map_request(move |mut request: Request<_>| {
        on_request();
        if carries_blobs(request.uri().path()) {
            load.on_blobs();
        }
        request.extensions_mut().insert(peer.clone());
        request
    });
    let _ = builder.serve_connection(TokioIo::new(prompt), TowerToHyperService::new(routes)).await;
}
