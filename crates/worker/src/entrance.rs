//! How a worker gets in at a master: as it is, with a certificate that it kept, or with a token for
//! which it gets one; and how certificates are renewed while it works.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use windlass_core::WorkerName;
use windlass_core::tokens::TokenText;
use windlass_wire::trust::{Access, Credential, WorkerCertificate};
use windlass_wire::{Address, Client, WireError};

/// How soon a renewal that is due, or the end of its connection, is noticed.
const LOOK: Duration = Duration::from_millis(500);
/// Pause after a renewal that failed: there are hours left.
const RETRY_PAUSE: Duration = Duration::from_secs(60);

/// Keeps a certificate where the next start of this worker finds it.
pub type Keep = Arc<dyn Fn(&WorkerCertificate) + Send + Sync>;

/// How a worker gets in at one master.
pub struct Entrance {
    address: Address,
    /// Whom the certificate that it gets is for.
    worker: WorkerName,
    kept: Option<Credential>,
    token: Option<TokenText>,
    keep: Keep,
}

impl Entrance {
    /// A master that is reached without encryption.
    #[must_use]
    pub fn plain(address: Address, worker: WorkerName) -> Entrance {
        Entrance { address, worker, kept: None, token: None, keep: Arc::new(|_| {}) }
    }

    /// A master that is reached by TLS, with what was kept of an earlier start and with a token,
    /// one of them at least.
    #[must_use]
    pub fn tls(
        address: Address,
        worker: WorkerName,
        kept: Option<Credential>,
        token: Option<TokenText>,
        keep: Keep,
    ) -> Entrance {
        Entrance { address, worker, kept, token, keep }
    }

    /// Where the master is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Connects; with a token first for a certificate, then with that.
    pub(crate) fn connect(&mut self) -> Result<Client, WireError> {
        match (&self.kept, &self.token) {
            (None, None) => Client::connect(&self.address),
            (Some(kept), _) => Client::connect_as(&self.address, &Access::Worker(kept.clone())),
            (None, Some(token)) => {
                let credential = self.enrol(token)?;
                let access = Access::Worker(credential.clone());
                self.kept = Some(credential);
                Client::connect_as(&self.address, &access)
            }
        }
    }

    /// The master does not take the certificate; whether there is still a token to try. A token is
    /// tried once for each certificate that is refused, so that a refusal is not asked for again
    /// and again.
    pub(crate) fn on_denied(&mut self) -> bool {
        self.kept.take().is_some() && self.token.is_some()
    }

    fn enrol(&self, token: &TokenText) -> Result<Credential, WireError> {
        let unmade = |error| WireError::Failed(format!("{error}"));
        let key = WorkerCertificate::new_key().map_err(unmade)?;
        let client = Client::connect_as(&self.address, &Access::Token(token.clone()))?;
        let certificate = client.enrol(token.authority, token.id, self.worker.clone(), key)?;
        (self.keep)(&certificate);
        Credential::new(certificate).map_err(unmade)
    }

    /// Renews the certificate of a connection until that is over.
    pub(crate) fn renew(&self, client: Client, is_over: Arc<AtomicBool>) {
        let Some(credential) = self.kept.clone() else { return };
        let keep = Arc::clone(&self.keep);
        thread::spawn(move || {
            let mut pause = Duration::ZERO;
            while !is_over.load(Ordering::Relaxed) {
                if pause.is_zero() && credential.kept().renew_at_s <= now_s() {
                    // What fails is tried again; the connection itself does not need it.
                    if renewed(&credential, &client, &keep).is_err() {
                        pause = RETRY_PAUSE;
                    }
                }
                thread::sleep(LOOK);
                pause = pause.saturating_sub(LOOK);
            }
        });
    }
}

fn renewed(credential: &Credential, client: &Client, keep: &Keep) -> Result<(), WireError> {
    let WorkerCertificate { authority, token, worker, key_pem, .. } = credential.kept();
    let certificate = client.enrol(authority, token, worker, key_pem)?;
    credential.renew(certificate.clone()).map_err(|e| WireError::Failed(e.to_string()))?;
    keep(&certificate);
    Ok(())
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
