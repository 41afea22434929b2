//! What a connection on a port gets: by who is at its other end, and by what it speaks.

use crate::gate::{Gate, Visit};
use crate::lobby::Lobby;
use crate::server::{HEAD_TIMEOUT, serve};
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::{Extension, Router};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use windlass_wire::trust::{Acceptor, Speaks};
use windlass_wire::{Denial, Peer};

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How soon a connection ends whose token was revoked.
const LOOK: Duration = Duration::from_secs(1);

/// What the connections on the ports of a server get.
pub(crate) struct Door {
    /// Everything, for who is on this machine.
    routes: Router,
    /// Everything, behind the gate.
    guarded: Router,
    /// What says that TLS is wanted.
    hint: Router,
    gate: Arc<Gate>,
    lobby: Arc<Lobby>,
    /// `None`: nobody on another machine reaches a port here, or everybody is trusted.
    acceptor: Option<Acceptor>,
    /// Whether everybody is trusted.
    is_open: bool,
}

impl Door {
    pub(crate) fn new(
        routes: Router,
        gate: Arc<Gate>,
        acceptor: Option<Acceptor>,
        is_open: bool,
    ) -> Door {
        let guarded =
            routes.clone().layer(middleware::from_fn_with_state(Arc::clone(&gate), guard));
        let hint = Router::new().fallback(hint);
        Door { routes, guarded, hint, gate, lobby: Arc::default(), acceptor, is_open }
    }

    /// Serves a connection until it ends. One that never says anything is closed before it costs
    /// more than a descriptor, and where many do so they make room for each other.
    pub(crate) async fn serve(&self, stream: TcpStream, address: SocketAddr, task: AbortHandle) {
        let place = self.lobby.enter(task);
        let peer = Peer(address.to_string());
        let mut first = [0];
        if !matches!(timeout(HEAD_TIMEOUT, stream.peek(&mut first)).await, Ok(Ok(1))) {
            return;
        }
        let is_here = address.ip().to_canonical().is_loopback();
        match (Speaks::of(first[0]), &self.acceptor) {
            (Speaks::Tls, Some(acceptor)) => {
                let shaken = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await;
                let Ok(Ok((stream, presented))) = shaken else { return };
                let visit = Arc::new(Visit::new(presented, place));
                let routes = self.guarded.clone().layer(Extension(Arc::clone(&visit)));
                let mut serving = pin!(serve(stream, peer, routes, || {}));
                while timeout(LOOK, serving.as_mut()).await.is_err() {
                    if !self.gate.may_stay(&visit) {
                        return;
                    }
                }
            }
            _ if is_here || self.is_open => {
                // Asking is all that somebody needs to show who is trusted.
                let place = Arc::new(place);
                serve(stream, peer, self.routes.clone(), move || place.leave()).await;
            }
            _ => {
                let _ = timeout(HEAD_TIMEOUT, serve(stream, peer, self.hint.clone(), || {})).await;
            }
        }
    }
}

async fn guard(
    State(gate): State<Arc<Gate>>,
    Extension(visit): Extension<Arc<Visit>>,
    mut request: Request,
    next: Next,
) -> Response {
    match gate.admit(&visit, request.uri().path(), request.headers()) {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err(denial) => denial.answer(request.headers()),
    }
}

async fn hint(request: Request) -> Response {
    let text = "this port speaks TLS to other machines, and wants a token: on the master's machine \
                `windlass token create` makes one for a worker (windlass worker --join … --token \
                …), with --role client one for commands (windlass login …)";
    Denial::Unknown(text.to_owned()).answer(request.headers())
}
