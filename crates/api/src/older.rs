//! What programs of older systems call: ports that speak as those systems did.
//!
//! Each is a small file over the same master that everybody uses, and none knows tokens: they are
//! for programs on this machine.

mod factorial;

use crate::lobby::Lobby;
use crate::node::Node;
use crate::server::{ACCEPT_PAUSE, ServerError, bind_port};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// A port for programs of an older system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OlderPort {
    /// The factorial service over plain TCP.
    Factorial,
}

/// Begins to listen; answers where.
pub(crate) fn open(
    runtime: &Handle,
    port: OlderPort,
    address: SocketAddr,
    node: Node,
) -> Result<SocketAddr, ServerError> {
    let listener = runtime.block_on(bind_port(address))?;
    let taken = listener.local_addr();
    let taken = taken.map_err(|source| ServerError::Io { place: address.to_string(), source })?;
    match port {
        OlderPort::Factorial => {
            let lobby = Arc::new(Lobby::default());
            runtime.spawn(accept(listener, move |stream, own| {
                factorial::answer(stream, node.clone(), lobby.enter(own))
            }));
        }
    }
    Ok(taken)
}

/// Serves each connection by a task of its own, which is told its handle.
async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    serve: impl Fn(TcpStream, tokio::task::AbortHandle) -> F + Clone + Send + 'static,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
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
