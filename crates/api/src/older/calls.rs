//! Calls to workers, as the gateways make them.

use super::BUSY_PAUSE;
use crate::node::Node;
use std::collections::BTreeMap;
use std::io;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::sleep;
use windlass_core::calls::CallRequest;
use windlass_core::params::Params;
use windlass_master::{CallNews, Gone, OpenCall, Uncalled};

/// Begins a call with one parameter, as soon as the master takes it; an error: that has ended.
pub(super) async fn begin(
    node: &Node,
    operation: &str,
    (name, value): (&str, &str),
    limit_ms: Option<u64>,
) -> io::Result<(OpenCall, UnboundedReceiver<CallNews>)> {
    let (tell, news) = unbounded_channel();
    let params = Params(BTreeMap::from([(name.to_owned(), value.to_owned())]));
    let mut request = CallRequest { operation: operation.to_owned(), params, limit_ms };
    loop {
        // The channel holds what the call may have under way, and no more.
        let tell = tell.clone();
        let tell = move |it| tell.send(it).map_err(|_| Gone);
        match node.handle.try_call(request, Box::new(tell)) {
            Ok(call) => return Ok((call, news)),
            Err(Uncalled::Busy(again)) => request = again,
            Err(Uncalled::Ended(why)) => return Err(io::Error::other(why)),
        }
        sleep(BUSY_PAUSE).await;
    }
}

/// The whole answer of a call, or why there is none.
pub(super) async fn whole(
    node: &Node,
    operation: &str,
    param: (&str, &str),
    limit_ms: u64,
) -> Result<Vec<u8>, String> {
    let begun = begin(node, operation, param, Some(limit_ms)).await;
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
        }
    }
    Err("the master has ended".to_owned())
}
