//! Calls by streams, as `windlass call --each` makes them.

use super::{LoopError, connected, factorial, shown};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};
use windlass_wire::{Address, Client};

/// Calls by a stream for each connection, so many open on each: how many a second, and how long
/// each took.
pub(super) fn calls(
    address: &Address,
    n: u32,
    count: usize,
    connections: usize,
    open_count: usize,
) -> Result<Value, LoopError> {
    let clients = connected(address, connections)?;
    let each = count.div_ceil(connections);
    let start = Barrier::new(connections + 1);
    let (took, wall_s) = thread::scope(|scope| {
        let start = &start;
        let streams: Vec<_> = clients
            .iter()
            .map(|client| scope.spawn(move || stream(client, n, each, open_count, start)))
            .collect();
        start.wait();
        let began = Instant::now();
        let took: Result<Vec<_>, _> =
            streams.into_iter().map(|it| it.join().expect("callers do not panic")).collect();
        (took, began.elapsed().as_secs_f64())
    });
    Ok(shown(took?.concat(), wall_s))
}

fn stream(
    client: &Client,
    n: u32,
    count: usize,
    open_count: usize,
    start: &Barrier,
) -> Result<Vec<Duration>, LoopError> {
    let opened = client.open_calls();
    start.wait();
    let (sender, mut receiver) = opened?;
    let mut began = BTreeMap::new();
    let mut asked_count = 0;
    let mut took = Vec::with_capacity(count);
    while took.len() < count {
        while asked_count < count && began.len() < open_count {
            asked_count += 1;
            began.insert(asked_count as u64, Instant::now());
            // A stream that is over says why where it is heard.
            let _ = sender.call(asked_count as u64, factorial(n));
        }
        let (id, piece) = receiver.receive()?;
        let (_, is_last) = piece?;
        if let Some(began) = began.remove(&id).filter(|_| is_last) {
            took.push(began.elapsed());
        }
    }
    Ok(took)
}
