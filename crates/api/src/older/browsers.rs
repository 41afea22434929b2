//! Pages in a browser must not reach what knows no tokens: any page that its user looks at could
//! send requests to this machine.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{HOST, ORIGIN};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;

/// Refuses what a page sends. A browser names the page's origin with every request that is not a
/// plain look; where one does not, it names a host by which a page of the Internet was reached, not
/// this machine (DNS rebinding).
pub(super) async fn refuse(request: Request, next: Next) -> Response {
    judge(None, request, next).await
}

/// The same where this machine has a name of its own by which programs reach it.
pub(super) async fn refuse_but(
    State(own_name): State<Arc<str>>,
    request: Request,
    next: Next,
) -> Response {
    judge(Some(&own_name), request, next).await
}

async fn judge(own_name: Option<&str>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers.get(HOST).map(|host| host.to_str().unwrap_or_default());
    let is_other = |host: &str| !names_a_machine(host) && Some(name_of(host)) != own_name;
    if headers.contains_key(ORIGIN) || host.is_some_and(is_other) {
        let text = "This is for programs, not for pages in a browser.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    next.run(request).await
}

/// Whether a host is an address or a name without dots, which nobody else can make his own.
fn names_a_machine(host: &str) -> bool {
    let name = name_of(host);
    name.parse::<IpAddr>().is_ok() || !name.contains('.')
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_of_machines_are_told_from_those_of_the_internet() {
        for host in ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "[::1]", "nas"]
        {
            assert!(names_a_machine(host), "{host}");
        }
        for host in ["example.org", "localhost.evil.example:8000", "1.2.3.4.evil.example", "a.b"] {
            assert!(!names_a_machine(host), "{host}");
        }
    }
}
