//! XML-RPC over HTTP, as the look-up service and the MapReduce of the older systems spoke it: their
//! clients, and their workers.

mod call;
mod counters;
mod lookups;
mod message;
mod searchers;

use super::{XmlRpc, browsers};
use crate::node::Node;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use call::Call;
use counters::Counters;
use lookups::{Lookups, only_one};
use message::Value;
use searchers::Searchers;
use std::sync::Arc;

/// What can be called.
const METHODS: [&str; 6] =
    ["getbyname", "getbylocation", "getbyyear", "register_worker", "request_task", "complete_task"];
/// Longest request.
const REQUEST_BYTES_MAX: usize = 8 << 20;

/// What is served on the port, or why nothing can be.
pub(super) fn routes(node: Node, options: XmlRpc) -> Result<Router, String> {
    let XmlRpc { set, task_timeout } = options;
    if set.is_none() {
        let views = node.handle.records().map_err(|error| error.to_string())?;
        // The first one may be loaded later.
        if views.len() > 1 {
            only_one(&views)?;
        }
    }
    let searchers = Searchers::new(node.clone());
    let gateway = Gateway {
        lookups: Lookups::new(node.clone(), set, Arc::clone(&searchers)),
        counters: Counters::new(node, task_timeout),
        searchers,
    };
    let answering = post(answer).layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX));
    Ok(Router::new()
        .route("/", answering.clone())
        .route("/RPC2", answering)
        .layer(axum::middleware::from_fn(browsers::refuse))
        .with_state(gateway))
}

/// Whom the calls are for.
#[derive(Clone)]
struct Gateway {
    lookups: Lookups,
    /// Workers of the look-up service.
    searchers: Arc<Searchers>,
    /// Workers of the MapReduce.
    counters: Arc<Counters>,
}

async fn answer(State(gateway): State<Gateway>, body: Bytes) -> Response {
    let text = match std::str::from_utf8(&body) {
        Ok(text) => Call::read(text).map_err(|error| error.to_string()),
        Err(_) => Err("the request is not UTF-8".to_owned()),
    };
    let answer = match text {
        Ok(call) => called(&gateway, &call).await,
        Err(why) => Err(why),
    };
    let xml = answer.map_or_else(|why| message::fault(&why), |value| message::response(&value));
    ([(CONTENT_TYPE, "text/xml")], xml).into_response()
}

/// What a method answers; else the words of a fault.
async fn called(gateway: &Gateway, Call { method, params }: &Call) -> Result<Value, String> {
    let Gateway { lookups, searchers, counters } = gateway;
    match (&**method, &params[..]) {
        ("getbyname", [name]) => Ok(lookups.by_name(name).await),
        ("getbylocation", [location]) => Ok(lookups.by_location(location).await),
        ("getbyyear", [location, year]) => Ok(lookups.by_year(location, year).await),
        ("register_worker", [Value::Text(name), Value::Text(group), Value::Text(url)]) => {
            searchers.register(name, group, url)
        }
        ("register_worker", [Value::Text(address)]) => counters.register(address),
        ("request_task", [Value::Text(address)]) => counters.request_task(address).await,
        ("complete_task", [Value::Int(task), Value::Text(address), counted]) => {
            counters.complete_task(*task, address, counted)
        }
        _ if METHODS.contains(&&**method) => {
            Err(format!("{method} takes other parameters than these {}", params.len()))
        }
        _ => {
            let known = METHODS.join(", ");
            Err(format!("method \"{method}\" is not supported; there are {known}"))
        }
    }
}
