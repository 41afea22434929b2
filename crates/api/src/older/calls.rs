//! Calls to workers, as the gateways make them.

use crate::node::Node;
use std::collections::BTreeMap;
use std::io;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use windlass_core::calls::CallRequest;
use windlass_core::params::Params;
use windlass_master::{CallNews, Gone, OpenCall};

/// Begins a call with one parameter; an error: the master has ended.
pub(super) fn begin(
    node: &Node,
    operation: &str,
    (name, value): (&str, &str),
    limit_ms: Option<u64>,
) -> io::Result<(OpenCall, UnboundedReceiver<CallNews>)> {
    let (tell, news) = unbounded_channel();
    let params = Params(BTreeMap::from([(name.to_owned(), value.to_owned())]));
    let request = CallRequest { operation: operation.to_owned(), params, limit_ms };
    // The channel holds what the call may have under way, and no more.
    let tell = move |it| tell.send(it).map_err(|_| Gone);
    let call = node.handle.call(request, tell).map_err(io::Error::other)?;
    Ok((call, news))
}

/// The whole answer of a call, or why there is none.
pub(super) async fn whole(
    node: &Node,
    operation: &str,
    param: (&str, &str),
    limit_ms: u64,
) -> Result<Vec<u8>, String> {
    let begun = begin(node, operation, param, Some(limit_ms));
    let (call, mut news) = begun.map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    while let Some(it) = news.recv().await {
        match it {
            CallNews::Piece { bytes, is_last } => {
                answer.extend_from_slice(&bytes);
                if is_last {
                    return Ok(answer);
                }
                call.taken(answer.len() as u64);
            }
            CallNews::Failed(error) => return Err(error.to_string()),
            CallNews::Ended => break,
        }
    }
    Err("the master has ended".to_owned())
}
