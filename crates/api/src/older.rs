//! What programs of older systems call: ports that speak as those systems did.
//!
//! Each is a small file over the same master that everybody uses, and none knows tokens: they are
//! for programs on this machine.

mod browsers;
mod calls;
mod factorial;
mod factorial_workers;
pub(crate) mod files;
mod foreign;
mod http;
mod known;
mod signs;
mod slave;
mod unique;
mod xmlrpc;

pub use slave::SlaveOf;

use crate::lobby::{Lobby, Place};
use crate::node::Node;
use crate::server::{ACCEPT_PAUSE, ServerError, bind_port, serve};
use axum::Router;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use windlass_core::catalogue::OperationSpec;
use windlass_core::records::SetName;
use windlass_wire::Peer;

/// Pause before the master is asked again that had more to do than it could take.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// A port for programs of an older system.
#[derive(Clone, Debug)]
pub enum OlderPort {
    /// The factorial service over plain TCP; with the file that names its own workers' ports.
    Factorial(Option<PathBuf>),
    /// XML-RPC: record look-ups, and workers of the older MapReduce.
    XmlRpc(XmlRpc),
    /// The workers of this cluster as a slave of an older file service, with these operations.
    Slave(SlaveOf, Vec<&'static OperationSpec>),
}

/// What the programs that speak XML-RPC need.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct XmlRpc {
    /// The record set that is asked; `None`: the only one that is loaded.
    pub set: Option<SetName>,
    /// How long a worker of the older MapReduce may take for a task.
    pub task_timeout: Duration,
}

/// Begins to listen; answers where.
pub(crate) fn open(
    runtime: &Handle,
    port: OlderPort,
    address: SocketAddr,
    node: Node,
) -> Result<SocketAddr, ServerError> {
    let routes = match &port {
        OlderPort::Factorial(_) => None,
        OlderPort::XmlRpc(options) => {
            let _entered = runtime.enter();
            let routes = xmlrpc::routes(node.clone(), options.clone());
            Some(routes.map_err(ServerError::Unready)?)
        }
        OlderPort::Slave(slave, operations) => {
            Some(slave::routes(node.clone(), operations.clone(), slave))
        }
    };
    let listener = {
        let _entered = runtime.enter();
        bind_port(address)?
    };
    let taken = listener.local_addr();
    let taken = taken.map_err(|source| ServerError::Io { place: address.to_string(), source })?;
    let lobby = Arc::new(Lobby::default());
    if let OlderPort::Factorial(Some(file)) = &port {
        runtime.spawn(factorial_workers::keep(file.clone(), node.clone()));
    }
    if let OlderPort::Slave(slave, _) = &port {
        // Port 0 is one that is free.
        runtime.spawn(slave::register(SlaveOf { port: taken.port(), ..slave.clone() }));
    }
    let has_workers = matches!(port, OlderPort::Factorial(Some(_)));
    match routes {
        None => runtime.spawn(accept(listener, move |stream, own| {
            factorial::answer(stream, node.clone(), has_workers, lobby.enter(own))
        })),
        Some(routes) => runtime.spawn(accept(listener, move |stream, own| {
            serve_http(stream, routes.clone(), lobby.enter(own))
        })),
    };
    Ok(taken)
}

/// Serves a connection that speaks HTTP.
async fn serve_http(stream: TcpStream, routes: Router, place: Place) {
    let address = stream.peer_addr().map(|address| address.to_string());
    let peer = Peer(address.unwrap_or_default());
    let place = Arc::new(place);
    serve(stream, peer, routes, move || place.leave()).await;
}

/// Serves each connection by a task of its own, which is told its handle.
async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    serve: impl Fn(TcpStream, AbortHandle) -> F + Clone + Send + 'static,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // One without the option is slower.
        let _ = stream.set_nodelay(true);
        let (tell, told) = oneshot::channel();
        let serve = serve.clone();
        let task = tokio::spawn(async move {
            if let Ok(own) = told.await {
                serve(stream, own).await;
            }
        });
        let _ = tell.send(task.abort_handle());
    }
}
