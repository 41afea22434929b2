//! XML-RPC over HTTP, as the look-up service and the MapReduce of the older systems spoke it.

mod call;
mod lookups;
mod message;

use super::browsers;
use crate::node::Node;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use call::Call;
use lookups::{Lookups, only_one};
use message::Value;
use windlass_core::records::SetName;

/// Longest request.
const REQUEST_BYTES_MAX: usize = 8 << 20;

/// What is served on the port, or why nothing can be.
pub(super) fn routes(node: Node, set: Option<SetName>) -> Result<Router, String> {
    if set.is_none() {
        let views = node.handle.records().map_err(|error| error.to_string())?;
        // The first one may be loaded later.
        if views.len() > 1 {
            only_one(&views)?;
        }
    }
    let answering = post(answer).layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX));
    Ok(Router::new()
        .route("/", answering.clone())
        .route("/RPC2", answering)
        .layer(axum::middleware::from_fn(browsers::refuse))
        .with_state(Lookups::new(node, set)))
}

async fn answer(State(lookups): State<Lookups>, body: Bytes) -> Response {
    let text = match std::str::from_utf8(&body) {
        Ok(text) => Call::read(text).map_err(|error| error.to_string()),
        Err(_) => Err("the request is not UTF-8".to_owned()),
    };
    let answer = match text {
        Ok(call) => called(&lookups, &call).await,
        Err(why) => Err(why),
    };
    let xml = answer.map_or_else(|why| message::fault(&why), |value| message::response(&value));
    ([(CONTENT_TYPE, "text/xml")], xml).into_response()
}

/// What a method answers; else the words of a fault.
async fn called(lookups: &Lookups, Call { method, params }: &Call) -> Result<Value, String> {
    match (&**method, &params[..]) {
        ("getbyname", [name]) => Ok(lookups.by_name(name).await),
        ("getbylocation", [location]) => Ok(lookups.by_location(location).await),
        ("getbyyear", [location, year]) => Ok(lookups.by_year(location, year).await),
        ("getbyname" | "getbylocation" | "getbyyear", _) => {
            Err(format!("{method} takes other parameters than these {}", params.len()))
        }
        _ => Err(format!(
            "method \"{method}\" is not supported; there are getbyname, getbylocation, getbyyear"
        )),
    }
}
