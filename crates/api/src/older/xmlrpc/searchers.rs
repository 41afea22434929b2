//! The workers of the older look-up service: each holds records of its own, tells of itself before
//! it listens, and is called back over XML-RPC.
//!
//! Of a group the one with the least load is called, by its own word (`get_load`); where it fails,
//! the next one is.

use super::call::read_answer;
use super::message::{self, Value};
use crate::node::Node;
use crate::older::calls;
use crate::older::foreign::{self, Identity, Made, Program, shown, worker_name};
use crate::older::http::{Ask, Target};
use crate::older::signs::{self, AtWork, SIGN_TIME_MAX};
use axum::http::StatusCode;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tracing::{info, warn};
use windlass_core::params::Params;
use windlass_core::records::{GroupName, Shard, Shards};
use windlass_core::{Failure, older};

/// How long one may take for a look-up.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// Longest answer.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Workers that may come.
const WORKER_COUNT_MAX: usize = 1_024;
/// The groups that the service had.
const USUAL_GROUPS: [&str; 2] = ["am", "nz"];
/// The parameter of the call by which one is asked: what is sent to it.
const SENT: &str = "sent";

/// All that have told of themselves, by group and name.
pub(super) struct Searchers {
    node: Node,
    known: Mutex<BTreeMap<(GroupName, String), Arc<Searcher>>>,
}

/// One of them.
struct Searcher {
    name: String,
    /// The operation by which it alone is called.
    operation: String,
    at: Mutex<(Target, String)>,
    wake: Notify,
    /// Whether it answers.
    is_there: AtomicBool,
    /// Look-ups that it is at work on.
    busy: AtomicU32,
}

impl Searchers {
    pub(super) fn new(node: Node) -> Arc<Searchers> {
        Arc::new(Searchers { node, known: Mutex::default() })
    }

    /// One tells of itself.
    pub(super) fn register(
        self: &Arc<Searchers>,
        name: &str,
        group: &str,
        url: &str,
    ) -> Result<Value, String> {
        let group: GroupName = group.parse().map_err(|error| format!("group {group}: {error}"))?;
        let at = Target::of_url(url).ok_or_else(|| format!("{url:?} is no http:// URL"))?;
        let success = Value::members([("message", Value::Text("success".to_owned()))]);
        let key = (group, name.to_owned());
        let mut known = self.known();
        if let Some(searcher) = known.get(&key) {
            *searcher.at() = at;
            searcher.wake.notify_one();
            return Ok(success);
        }
        if known.len() >= WORKER_COUNT_MAX {
            return Err(format!("there are {WORKER_COUNT_MAX} workers already"));
        }
        if range(&key.0).is_none() {
            warn!(worker = shown(name), group = %key.0, "the group is no range of two letters: it \
                   answers only where a record set has a group of that name");
        }
        let worker = worker_name("searcher", &format!("{}-{name}", key.0));
        let operation = format!("look_up.{worker}");
        let identity = Identity {
            name: worker,
            place: format!("{}, a worker of the older look-up service", at.0),
            operations: vec![operation.clone()],
            slots: 1,
            limit: ANSWER_TIME_MAX,
        };
        let searcher = Arc::new(Searcher {
            name: name.to_owned(),
            operation: older::offered(&operation),
            at: Mutex::new(at),
            wake: Notify::new(),
            is_there: AtomicBool::new(false),
            busy: AtomicU32::new(0),
        });
        info!(worker = %identity.name, group = %key.0, "a worker of the look-up service has registered");
        known.insert(key, Arc::clone(&searcher));
        tokio::spawn(keep(self.node.clone(), identity, searcher));
        Ok(success)
    }

    /// Whether any has told of itself.
    pub(super) fn are_there(&self) -> bool {
        !self.known().is_empty()
    }

    /// The groups without a record set that says more: those of the service, and whose names are
    /// ranges as well.
    pub(super) fn shards(&self) -> Option<Shards> {
        let known: Vec<GroupName> = self.known().keys().map(|(group, _)| group.clone()).collect();
        let usual = USUAL_GROUPS.iter().filter_map(|group| group.parse().ok());
        let mut shards: Vec<Shard> = Vec::new();
        for shard in known.into_iter().chain(usual).filter_map(|group| range(&group)) {
            let with_it: Vec<Shard> = shards.iter().cloned().chain([shard]).collect();
            if Shards::new(with_it.clone()).is_ok() {
                shards = with_it;
            }
        }
        Shards::new(shards).ok()
    }

    /// What one of a group answers; `None`: none does.
    pub(super) async fn ask(
        &self,
        group: &GroupName,
        method: &str,
        params: &[Value],
    ) -> Option<Value> {
        let of_group = |(key, it): (&(GroupName, String), &Arc<Searcher>)| {
            let is_meant = key.0 == *group && it.is_there.load(Ordering::Relaxed);
            is_meant.then(|| Arc::clone(it))
        };
        let there: Vec<Arc<Searcher>> = self.known().iter().filter_map(of_group).collect();
        let sent = message::call(method, params);
        for searcher in by_load(there).await {
            match searcher.look_up(&self.node, &sent).await {
                Ok(value) => {
                    info!("worker chose: {}", shown(&searcher.name));
                    return Some(as_part(value));
                }
                Err(why) => {
                    warn!(worker = shown(&searcher.name), why, "it does not answer a look-up");
                }
            }
        }
        None
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<(GroupName, String), Arc<Searcher>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has one answer whenever it is there.
async fn keep(node: Node, identity: Identity, searcher: Arc<Searcher>) {
    let name = identity.name.0.clone();
    let mut is_new = true;
    loop {
        let ask = || async { searcher.load().await.map(drop) };
        signs::wait(&name, is_new, &searcher.wake, ask).await;
        searcher.is_there.store(true, Ordering::Relaxed);
        let why = foreign::work(&node, &identity, &searcher).await;
        searcher.is_there.store(false, Ordering::Relaxed);
        warn!(worker = name, why, "it is asked for nothing until it gives a sign of life");
        is_new = false;
    }
}

/// Those that tell their load, the least first, ties by name.
async fn by_load(searchers: Vec<Arc<Searcher>>) -> Vec<Arc<Searcher>> {
    // One alone is asked at once.
    if searchers.len() < 2 {
        return searchers;
    }
    let mut asked = JoinSet::new();
    for searcher in searchers {
        asked.spawn(async move { (searcher.load().await, searcher) });
    }
    let told = asked.join_all().await.into_iter();
    let mut told: Vec<(f64, Arc<Searcher>)> =
        told.filter_map(|(load, searcher)| Some((load.ok()?, searcher))).collect();
    told.sort_by(|(one, a), (other, b)| one.total_cmp(other).then_with(|| a.name.cmp(&b.name)));
    told.into_iter().map(|(_, searcher)| searcher).collect()
}

impl Program for Searcher {
    async fn answer(self: Arc<Self>, params: Params) -> Made {
        let sent = params.text(SENT).unwrap_or_default().as_bytes().to_vec();
        let at_work = AtWork::new(&self.busy);
        let answered = self.post(sent, ANSWER_TIME_MAX).await;
        drop(at_work);
        answered.map_err(|why| {
            let next_step = "See whether the program still runs.";
            Failure::unavailable("older_worker_failed", why, next_step)
        })
    }

    async fn end(self: Arc<Self>) -> String {
        let is_busy = || self.busy.load(Ordering::Relaxed) > 0;
        signs::lack(is_busy, || async { self.load().await.map(drop) }).await
    }
}

impl Searcher {
    fn at(&self) -> MutexGuard<'_, (Target, String)> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has it called as a worker, by way of the master.
    async fn look_up(&self, node: &Node, sent: &str) -> Result<Value, String> {
        let limit_ms = u64::try_from(ANSWER_TIME_MAX.as_millis()).unwrap_or(u64::MAX);
        let answer = calls::whole(node, &self.operation, (SENT, sent), limit_ms).await?;
        value_of(&answer)
    }

    /// How much it has to do, by its own word.
    async fn load(&self) -> Result<f64, String> {
        let sent = message::call("get_load", &[]).into_bytes();
        match value_of(&self.post(sent, SIGN_TIME_MAX).await?)? {
            Value::Int(load) => Ok(load as f64),
            Value::Double(load) => Ok(load),
            // It is there, and says nothing of use.
            _ => Ok(0.0),
        }
    }

    async fn post(&self, sent: Vec<u8>, limit: Duration) -> Result<Vec<u8>, String> {
        let (target, path) = self.at().clone();
        let ask =
            Ask { answer_bytes_max: ANSWER_BYTES_MAX, ..Ask::post(&path, "text/xml", sent, limit) };
        match target.ask(ask).await {
            Ok((StatusCode::OK, body)) => Ok(body.to_vec()),
            Ok((status, _)) => Err(format!("{target} answers {status}")),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn value_of(answer: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(answer).map_err(|_| "its answer is not UTF-8".to_owned())?;
    match read_answer(text) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(fault)) => Err(format!("it answers a fault: {fault}")),
        Err(error) => Err(error.to_string()),
    }
}

/// The keys of a group whose name is its first and its last letter.
fn range(group: &GroupName) -> Option<Shard> {
    let letters: Vec<char> = group.as_str().chars().collect();
    let [first, last] = letters[..] else { return None };
    format!("{group}={first}-{last}").parse().ok()
}

/// An answer as clients get it: with `error` and `result`.
fn as_part(value: Value) -> Value {
    match value {
        Value::Struct(members) if members.iter().any(|(name, _)| name == "error") => {
            Value::Struct(members)
        }
        Value::Array(rows) => Value::result(rows),
        other => Value::members([("error", Value::Bool(false)), ("result", other)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_of_two_letters_is_a_range() {
        let range = |name: &str| range(&name.parse().expect("a name")).map(|it| it.to_string());
        assert_eq!(range("am").as_deref(), Some("am=a-m"));
        assert_eq!(range("group1"), None);
        assert_eq!(range("za"), None);
    }

    #[test]
    fn answers_get_the_shape_that_clients_know() {
        let rows = vec![Value::Int(1)];
        assert_eq!(as_part(Value::Array(rows.clone())), Value::result(rows.clone()));
        assert_eq!(as_part(Value::result(rows.clone())), Value::result(rows));
        assert_eq!(as_part(Value::error("no")), Value::error("no"));
    }
}
