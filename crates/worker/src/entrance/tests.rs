//! A renewal by real TLS, of a master that refuses, is away, and comes back.

use super::*;
use axum::Extension;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use windlass_core::tokens::{Role, SECRET_BYTES, Token, TokenId};
use windlass_wire::trust::{Acceptor, Authority, Presented};
use windlass_wire::{Caller, HostError, Registrar, trust_router};

const TOKEN: TokenId = TokenId(7);

/// Signs keys, unless it is told to refuse.
struct Office {
    authority: Arc<Authority>,
    refuses: AtomicBool,
    asked_count: AtomicUsize,
}

impl Registrar for Office {
    fn enrol(&self, token: TokenId, worker: &WorkerName, key: &[u8]) -> Result<String, HostError> {
        self.asked_count.fetch_add(1, Ordering::Relaxed);
        if self.refuses.load(Ordering::Relaxed) {
            return Err(HostError::Refused("not now".to_owned()));
        }
        let signed = self.authority.enrol(key, token, worker, SystemTime::now());
        signed.map_err(|error| HostError::Failed(error.to_string()))
    }

    fn create_token(&self, _: Role, _: Duration, _: &str) -> Result<TokenText, HostError> {
        Err(HostError::Refused("nobody asks for one".to_owned()))
    }

    fn tokens(&self) -> Result<Vec<(TokenId, Token)>, HostError> {
        Ok(Vec::new())
    }

    fn revoke_token(&self, _: TokenId) -> Result<(), HostError> {
        Ok(())
    }
}

/// Serves on a port until it is dropped, with all connections.
fn serve(office: &Arc<Office>, at: SocketAddr) -> (Runtime, SocketAddr) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let acceptor = Acceptor::new(Arc::clone(&office.authority), Vec::new()).expect("a certificate");
    let listener = runtime.block_on(TcpListener::bind(at)).expect("a port");
    let address = listener.local_addr().expect("a port");
    let office = Arc::clone(office);
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream, acceptor.clone(), Arc::clone(&office)));
        }
    });
    (runtime, address)
}

async fn connection(stream: TcpStream, acceptor: Acceptor, office: Arc<Office>) {
    let Ok((stream, presented)) = acceptor.accept(stream).await else { return };
    let caller = match presented {
        Presented::Worker(token, worker) => Caller { token, worker: Some(worker) },
        _ => Caller { token: TOKEN, worker: None },
    };
    let routes = TowerToHyperService::new(trust_router(office).layer(Extension(caller)));
    let builder = auto::Builder::new(TokioExecutor::new());
    let _ = builder.serve_connection(TokioIo::new(stream), routes).await;
}

#[test]
fn a_renewal_that_fails_is_tried_again_and_the_connection_goes_on() {
    let (authority, _) = Authority::make(SystemTime::now()).expect("is made");
    let (refuses, asked_count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let office = Arc::new(Office { authority: Arc::new(authority), refuses, asked_count });
    let (serving, at) = serve(&office, SocketAddr::from(([127, 0, 0, 1], 0)));
    let address: Address = at.to_string().parse().expect("an address");
    let secret = [1; SECRET_BYTES];
    let authority = office.authority.fingerprint();
    let token = TokenText { role: Role::Worker, id: TOKEN, secret, authority };
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeps = Arc::clone(&kept);
    let keep: Keep =
        Arc::new(move |certificate| keeps.lock().expect("whole").push(certificate.clone()));
    let name = WorkerName("w1".to_owned());
    let mut entrance = Entrance::tls(address, name, None, Some(token), Arc::clone(&keep));
    let client = entrance.connect().expect("is let in");
    let credential = entrance.kept.clone().expect("it got one");
    let first = credential.kept();
    let mut renewal =
        Renewal { credential: credential.clone(), client: client.clone(), keep, retry_at: None };
    let asked = || office.asked_count.load(Ordering::Relaxed);
    let count = || kept.lock().expect("whole").len();
    let (now, half_life_s) = (Instant::now(), first.renew_at_s);

    renewal.look(now, half_life_s - 1);
    assert_eq!((asked(), count()), (1, 1), "it is not due yet");

    // Refused: it waits, asks again, and what else goes over the connection goes on.
    office.refuses.store(true, Ordering::Relaxed);
    renewal.look(now, half_life_s);
    renewal.look(now + RETRY_PAUSE / 2, half_life_s);
    assert_eq!(asked(), 2, "not at once again");
    renewal.look(now + RETRY_PAUSE, half_life_s);
    assert_eq!((asked(), count()), (3, 1));
    assert!(client.tokens().is_ok() && credential.kept() == first);

    // Away, and back on the same port: the same client gets there.
    office.refuses.store(false, Ordering::Relaxed);
    drop(serving);
    renewal.look(now + RETRY_PAUSE * 2, half_life_s);
    assert_eq!((asked(), count()), (3, 1), "nobody is there");
    let (_serving, _) = serve(&office, at);
    renewal.look(now + RETRY_PAUSE * 3, half_life_s);
    let renewed = credential.kept();
    assert_eq!((asked(), count()), (4, 2));
    assert_ne!(renewed.certificate_pem, first.certificate_pem);
    assert_eq!((&renewed.key_pem, &renewed.worker), (&first.key_pem, &first.worker));
    assert_eq!(kept.lock().expect("whole").last(), Some(&renewed));
    let again = Client::connect_as(client.address(), &Access::Worker(credential));
    assert!(again.expect("the new one holds").tokens().is_ok());
}
