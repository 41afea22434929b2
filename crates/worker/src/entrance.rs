//! How a worker gets in at a master: as it is, with a certificate that it kept, or with a token for
//! which it gets one; and how certificates are renewed while it works.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
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
        let mut renewal = Renewal { credential, client, keep, retry_at: None };
        thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                renewal.look(Instant::now(), now_s());
                thread::sleep(LOOK);
            }
        });
    }
}

/// Renews a certificate, over the connection that was made with it.
struct Renewal {
    credential: Credential,
    client: Client,
    keep: Keep,
    /// When it is tried again after a try that failed.
    retry_at: Option<Instant>,
}

impl Renewal {
    /// Renews it if it is time to. What fails is tried again; the connection does not need it.
    fn look(&mut self, now: Instant, now_s: u64) {
        let is_waiting = self.retry_at.is_some_and(|at| now < at);
        if !is_waiting && self.credential.kept().renew_at_s <= now_s {
            self.retry_at = self.renew().err().map(|_| now + RETRY_PAUSE);
        }
    }

    fn renew(&self) -> Result<(), WireError> {
        let WorkerCertificate { authority, token, worker, key_pem, .. } = self.credential.kept();
        let certificate = self.client.enrol(authority, token, worker, key_pem)?;
        let renewed = self.credential.renew(certificate.clone());
        renewed.map_err(|error| WireError::Failed(error.to_string()))?;
        (self.keep)(&certificate);
        Ok(())
    }
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests;
