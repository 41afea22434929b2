//! Tokens and certificates, and which right each path of the protocol asks for.

use super::service::blocking;
use crate::convert::{Malformed, worker_name};
use crate::generated as pb;
use crate::registrar::{Caller, Registrar};
use crate::trust::CERTIFICATE_LIFE;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response as HttpResponse};
use std::sync::Arc;
use std::time::Duration;
use tonic::{Request, Response, Status};
use windlass_core::tokens::{Right, Role, TokenId};

/// What a gRPC request has for its content type; more may follow.
const GRPC: &str = "application/grpc";
const BEARER: &str = "Bearer ";

struct TrustServer<R> {
    registrar: Arc<R>,
}

/// The route of the service for tokens and certificates.
pub fn trust_router<R: Registrar>(registrar: Arc<R>) -> axum::Router {
    let service = pb::trust_server::TrustServer::new(TrustServer { registrar });
    let mut routes = tonic::service::Routes::builder();
    routes.add_service(service);
    // What is in none of the services is answered by the router that this one is merged into.
    routes.routes().prepare().into_axum_router().reset_fallback()
}

/// What a path of the protocol asks for; `None`: it is none of the protocol's.
#[must_use]
pub fn right_of(path: &str) -> Option<Right> {
    let (service, method) = path.strip_prefix("/windlass.v1.")?.split_once('/')?;
    match (service, method) {
        ("Sessions" | "Memo", _) => Some(Right::Session),
        ("Blobs", _) => Some(Right::Blobs),
        ("Cluster" | "Calls" | "Steering" | "JobControl" | "Records" | "Observation", _) => {
            Some(Right::Cluster)
        }
        ("Trust", "Enrol") => Some(Right::Enrol),
        ("Trust", _) => Some(Right::Tokens),
        _ => None,
    }
}

/// The token that a request shows, as text.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix(BEARER)
}

/// Why a request is not let through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Denial {
    /// It shows no token, or none that holds.
    Unknown(String),
    /// What it shows is for something else.
    Forbidden(String),
    /// There is nothing at its path.
    Absent(String),
}

impl Denial {
    /// The answer, as gRPC or as plain text by what was asked.
    #[must_use]
    pub fn answer(self, asked: &HeaderMap) -> HttpResponse {
        let content_type = asked.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let is_grpc = content_type.is_some_and(|it| it.starts_with(GRPC));
        match (self, is_grpc) {
            (Denial::Unknown(text), true) => Status::unauthenticated(text).into_http(),
            (Denial::Forbidden(text), true) => Status::permission_denied(text).into_http(),
            (Denial::Absent(text), true) => Status::unimplemented(text).into_http(),
            (Denial::Unknown(text), false) => {
                (StatusCode::UNAUTHORIZED, format!("{text}\n")).into_response()
            }
            (Denial::Forbidden(text), false) => {
                (StatusCode::FORBIDDEN, format!("{text}\n")).into_response()
            }
            (Denial::Absent(text), false) => {
                (StatusCode::NOT_FOUND, format!("{text}\n")).into_response()
            }
        }
    }
}

#[tonic::async_trait]
impl<R: Registrar> pb::trust_server::Trust for TrustServer<R> {
    async fn enrol(
        &self,
        request: Request<pb::EnrolRequest>,
    ) -> Result<Response<pb::Enrolled>, Status> {
        let caller = request.extensions().get::<Caller>().cloned();
        let caller = caller.ok_or_else(|| {
            Status::failed_precondition("certificates are given over TLS, to who shows a token")
        })?;
        let pb::EnrolRequest { public_key, name } = request.into_inner();
        let name = worker_name(&name)?;
        caller.may_be(&name).map_err(Status::permission_denied)?;
        let registrar = Arc::clone(&self.registrar);
        let enrol = move || registrar.enrol(caller.token, &name, &public_key);
        let certificate = blocking(enrol).await?;
        let life_s = u32::try_from(CERTIFICATE_LIFE.as_secs()).unwrap_or(u32::MAX);
        let (ends_in_s, renew_in_s) = (life_s, life_s / 2);
        Ok(Response::new(pb::Enrolled { certificate, ends_in_s, renew_in_s }))
    }

    async fn create_token(
        &self,
        request: Request<pb::CreateTokenRequest>,
    ) -> Result<Response<pb::CreatedToken>, Status> {
        let pb::CreateTokenRequest { role, expires_in_s, name } = request.into_inner();
        let role: Role = role.parse().map_err(|_| Malformed("a role that does not exist"))?;
        let expires_in = Duration::from_secs(expires_in_s);
        let registrar = Arc::clone(&self.registrar);
        let made = blocking(move || registrar.create_token(role, expires_in, &name)).await?;
        Ok(Response::new(pb::CreatedToken { id: made.id.0, text: made.reveal() }))
    }

    async fn list_tokens(
        &self,
        _: Request<pb::ListTokensRequest>,
    ) -> Result<Response<pb::ListedTokens>, Status> {
        let registrar = Arc::clone(&self.registrar);
        let tokens = blocking(move || registrar.tokens()).await?;
        let tokens = tokens.into_iter().map(pb::ListedToken::from).collect();
        Ok(Response::new(pb::ListedTokens { tokens }))
    }

    async fn revoke_token(
        &self,
        request: Request<pb::RevokeTokenRequest>,
    ) -> Result<Response<pb::RevokedToken>, Status> {
        let id = TokenId(request.into_inner().id);
        let registrar = Arc::clone(&self.registrar);
        blocking(move || registrar.revoke_token(id)).await?;
        Ok(Response::new(pb::RevokedToken {}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::HostError;
    use pb::trust_server::Trust;
    use tonic::Code;
    use windlass_core::WorkerName;
    use windlass_core::tokens::{Token, TokenText};

    /// Signs whatever it is asked for.
    struct Signs;

    impl Registrar for Signs {
        fn enrol(&self, _: TokenId, worker: &WorkerName, _: &[u8]) -> Result<String, HostError> {
            Ok(worker.0.clone())
        }

        fn create_token(&self, _: Role, _: Duration, _: &str) -> Result<TokenText, HostError> {
            Err(HostError::Refused("not asked for".to_owned()))
        }

        fn tokens(&self) -> Result<Vec<(TokenId, Token)>, HostError> {
            Ok(Vec::new())
        }

        fn revoke_token(&self, _: TokenId) -> Result<(), HostError> {
            Ok(())
        }
    }

    /// Whom a certificate is given to that a caller asks for, under a name.
    fn enrolled(caller: Option<Caller>, name: &str) -> Result<String, Code> {
        let asked = pb::EnrolRequest { public_key: vec![4].into(), name: name.to_owned() };
        let mut request = Request::new(asked);
        if let Some(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        let server = TrustServer { registrar: Arc::new(Signs) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let enrolled = runtime.block_on(server.enrol(request));
        enrolled.map(|it| it.into_inner().certificate).map_err(|status| status.code())
    }

    #[test]
    fn a_certificate_is_renewed_for_its_own_name_alone_and_a_token_gives_any() {
        let with_token = Caller { token: TokenId(1), worker: None };
        let certified = Caller { worker: Some(WorkerName("a".to_owned())), ..with_token.clone() };
        assert_eq!(enrolled(Some(with_token.clone()), "b"), Ok("b".to_owned()));
        assert_eq!(enrolled(Some(certified.clone()), "a"), Ok("a".to_owned()));
        assert_eq!(enrolled(Some(certified), "b"), Err(Code::PermissionDenied));
        assert_eq!(enrolled(Some(with_token), "no name"), Err(Code::InvalidArgument));
        assert_eq!(enrolled(None, "a"), Err(Code::FailedPrecondition));
    }

    #[test]
    fn every_path_of_the_protocol_has_its_right_and_others_have_none() {
        let right = |path: &str| right_of(path);
        assert_eq!(right("/windlass.v1.Sessions/Open"), Some(Right::Session));
        assert_eq!(right("/windlass.v1.Memo/Remember"), Some(Right::Session));
        assert_eq!(right("/windlass.v1.Blobs/Put"), Some(Right::Blobs));
        assert_eq!(right("/windlass.v1.Cluster/Submit"), Some(Right::Cluster));
        assert_eq!(right("/windlass.v1.JobControl/Pause"), Some(Right::Cluster));
        assert_eq!(right("/windlass.v1.Records/LookUp"), Some(Right::Cluster));
        assert_eq!(right("/windlass.v1.Observation/Look"), Some(Right::Cluster));
        assert_eq!(right("/windlass.v1.Trust/Enrol"), Some(Right::Enrol));
        assert_eq!(right("/windlass.v1.Trust/CreateToken"), Some(Right::Tokens));
        assert_eq!(right("/windlass.v1.Trust/Unheard"), Some(Right::Tokens));
        for path in ["/", "/livez", "/windlass.v1.Other/Open", "//windlass.v1.Blobs/Put"] {
            assert_eq!(right(path), None, "{path}");
        }
    }
}
