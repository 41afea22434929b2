//! Who may come in from another machine, and with which right.

use crate::lobby::Place;
use crate::node::of_master;
use crate::secrets::{self, SecretError};
use axum::http::HeaderMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use windlass_core::tokens::{Right, Role, Token, TokenId, TokenText};
use windlass_core::{LogTime, WorkerName};
use windlass_master::Handle;
use windlass_wire::trust::{Acceptor, Authority, Presented, draw_token, secret_hash};
use windlass_wire::{Caller, Denial, HEALTH_PATHS, HostError, Registrar, bearer, right_of};

/// Signs of life: for everybody, as are those of gRPC (`HEALTH_PATHS`).
const PUBLIC_PATHS: [&str; 2] = ["/livez", "/readyz"];
/// Who has shown nothing that holds for so long is sent away.
const NAMELESS_TIMEOUT: Duration = Duration::from_secs(10);

/// The tokens and the authority of a cluster.
pub struct Gate {
    handle: Handle,
    secrets: PathBuf,
    authority: Mutex<Option<Arc<Authority>>>,
}

/// A connection of another machine.
pub(crate) struct Visit {
    presented: Presented,
    /// The token that it used last: by its certificate, or with a call.
    used: Mutex<Option<TokenId>>,
    began: Instant,
    /// Among the connections that have shown nothing yet.
    place: Place,
}

impl Visit {
    pub(crate) fn new(presented: Presented, place: Place) -> Visit {
        Visit { presented, used: Mutex::new(None), began: Instant::now(), place }
    }

    fn uses(&self, token: TokenId) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        self.place.leave();
    }
}

fn now() -> LogTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    LogTime(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl Gate {
    /// Over a master, with its secrets in this folder, which is made when it is needed.
    #[must_use]
    pub fn new(handle: Handle, secrets: PathBuf) -> Gate {
        Gate { handle, secrets, authority: Mutex::new(None) }
    }

    /// The authority of this cluster, made where there is none yet.
    fn authority(&self) -> Result<Arc<Authority>, SecretError> {
        let mut known = self.authority.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some(authority) => Ok(Arc::clone(authority)),
            None => {
                let authority = Arc::new(secrets::authority(&self.secrets)?);
                Ok(Arc::clone(known.insert(authority)))
            }
        }
    }

    /// What accepts TLS connections at these addresses.
    pub(crate) fn acceptor(&self, addresses: Vec<IpAddr>) -> Result<Acceptor, SecretError> {
        let bad = |error| SecretError::Bad { path: self.secrets.clone(), error };
        Acceptor::new(self.authority()?, addresses).map_err(bad)
    }

    /// Whether a visitor may do what its request says; whose token it uses, where that matters.
    pub(crate) fn admit(
        &self,
        visit: &Visit,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Option<Caller>, Denial> {
        if PUBLIC_PATHS.contains(&path) || HEALTH_PATHS.contains(&path) {
            return Ok(None);
        }
        // Whatever else there is on a master is for those who may ask how its cluster stands.
        let right = right_of(path).unwrap_or(Right::Cluster);
        if right == Right::Tokens {
            return Err(Denial::Forbidden(
                "tokens are made, listed and revoked on the master's own machine alone: run \
                 `windlass token` there"
                    .to_owned(),
            ));
        }
        let (token, worker) = match &visit.presented {
            Presented::Refused(why) => return Err(Denial::Unknown(why.clone())),
            Presented::Worker(id, name) => (self.certified(*id, right)?, Some(name.clone())),
            Presented::Nothing => (self.shown(headers, right)?, None),
        };
        visit.uses(token);
        Ok(Some(Caller { token, worker }))
    }

    /// The token of a certificate that gives this right.
    fn certified(&self, id: TokenId, right: Right) -> Result<TokenId, Denial> {
        let in_use = self.handle.tokens().in_use(id, now());
        in_use.map_err(|refusal| {
            Denial::Unknown(format!(
                "{refusal}, and its certificates with it; `windlass token create` on the master's \
                 machine makes another one"
            ))
        })?;
        match Role::Worker.may(right) {
            true => Ok(id),
            false => Err(wrong_role(id, Role::Worker)),
        }
    }

    /// The token that a request shows, if it gives this right.
    fn shown(&self, headers: &HeaderMap, right: Right) -> Result<TokenId, Denial> {
        let text = bearer(headers).ok_or_else(|| {
            Denial::Unknown(
                "this master wants a token: `windlass token create --role client` on its machine \
                 makes one for commands, without --role one for workers"
                    .to_owned(),
            )
        })?;
        let text: TokenText = text
            .parse()
            .map_err(|error| Denial::Unknown(format!("the token cannot be read: {error}")))?;
        let tokens = self.handle.tokens();
        let token =
            tokens.shown(text.id, &secret_hash(&text.secret), now()).map_err(|refusal| {
                Denial::Unknown(format!(
                    "{refusal}; `windlass token create --role {}` on the master's machine makes \
                 another one",
                    text.role
                ))
            })?;
        // A worker works with the certificate that it gets for its token, never with the token.
        let suffices = match token.role {
            Role::Worker => right == Right::Enrol,
            Role::Client => Role::Client.may(right),
        };
        if suffices { Ok(text.id) } else { Err(wrong_role(text.id, token.role)) }
    }

    /// Whether a connection may go on: its token holds, and it has shown one in good time.
    pub(crate) fn may_stay(&self, visit: &Visit) -> bool {
        let used = *visit.used.lock().unwrap_or_else(PoisonError::into_inner);
        match used {
            Some(id) => self.handle.tokens().in_use(id, now()).is_ok(),
            None => visit.began.elapsed() < NAMELESS_TIMEOUT,
        }
    }

    /// Whether a token was ever made that is known.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        !self.handle.tokens().is_empty()
    }
}

fn wrong_role(id: TokenId, role: Role) -> Denial {
    let (is_for, other) = match role {
        Role::Worker => ("workers", Role::Client),
        Role::Client => ("commands", Role::Worker),
    };
    Denial::Forbidden(format!(
        "token {id} is for {is_for}: `windlass token create --role {other}` on the master's machine \
         makes one for this"
    ))
}

impl Registrar for Gate {
    fn enrol(
        &self,
        token: TokenId,
        worker: &WorkerName,
        public_key: &[u8],
    ) -> Result<String, HostError> {
        let authority = self.authority().map_err(|error| HostError::Failed(error.to_string()))?;
        let signed = authority.enrol(public_key, token, worker, SystemTime::now());
        signed.map_err(|error| HostError::Refused(error.to_string()))
    }

    fn create_token(
        &self,
        role: Role,
        expires_in: Duration,
        name: &str,
    ) -> Result<TokenText, HostError> {
        let failed = |error: &dyn std::fmt::Display| HostError::Failed(error.to_string());
        let authority = self.authority().map_err(|error| failed(&error))?.fingerprint();
        let (id, secret) = draw_token().map_err(|error| failed(&error))?;
        let hash = secret_hash(&secret);
        self.handle.add_token(id, hash, role, name, expires_in).map_err(of_master)?;
        Ok(TokenText { role, id, secret, authority })
    }

    fn tokens(&self) -> Result<Vec<(TokenId, Token)>, HostError> {
        Ok(self.handle.tokens().iter().map(|(id, token)| (id, token.clone())).collect())
    }

    fn revoke_token(&self, id: TokenId) -> Result<(), HostError> {
        self.handle.revoke_token(id).map_err(of_master)
    }
}
