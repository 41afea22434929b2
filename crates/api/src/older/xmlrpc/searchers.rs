//! The workers of the older look-up service: each holds records of its own, tells of itself before
//! it listens, and is called back over XML-RPC.
//!
//! Of a group the one with the least load is called, by its own word (`get_load`); where it fails,
//! the next one is.

use super::call::read_answer;
use super::message::{self, Value};
use crate::node::Node;
use crate::older::calls;
use crate::older::foreign::{Identity, Made, Program, shown, worker_name};
use crate::older::http::{Ask, Target};
use crate::older::known::{self, Known, Presence, Registered};
use crate::older::signs::{self, AtWork, SIGN_TIME_MAX, Sign};
use axum::http::StatusCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tracing::{info, warn};
use windlass_core::params::Params;
use windlass_core::records::{GroupName, Shard, Shards};
use windlass_core::{Failure, older};

/// How long one may take for a look-up.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// Longest answer.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// The groups that the service had.
const USUAL_GROUPS: [&str; 2] = ["am", "nz"];
/// The parameter of the call by which one is asked: what is sent to it.
const SENT: &str = "sent";

/// All that have told of themselves, by group and name.
pub(super) struct Searchers {
    node: Node,
    known: Known<(GroupName, String), Searcher>,
}

/// One of them.
struct Searcher {
    name: String,
    /// The operation by which it alone is called.
    operation: String,
    at: Mutex<(Target, String)>,
    presence: Presence,
    /// Look-ups that it is at work on.
    busy: AtomicU32,
}

impl Searchers {
    pub(super) fn new(node: Node) -> Arc<Searchers> {
        let known = Known::new(node.clone());
        Arc::new(Searchers { node, known })
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
        let key = (group.clone(), name.to_owned());
        let known = self.known.enter(key, || searcher(name, &group, at.clone()));
        let searcher =
            known.ok_or_else(|| format!("there are {} workers already", known::COUNT_MAX))?;
        *searcher.at() = at;
        searcher.presence.wake();
        Ok(Value::members([("message", Value::Text("success".to_owned()))]))
    }

    /// Whether any has told of itself.
    pub(super) fn are_there(&self) -> bool {
        !self.known.all().is_empty()
    }

    /// The groups without a record set that says more: those of the service, and whose names are
    /// ranges as well.
    pub(super) fn shards(&self) -> Option<Shards> {
        let known = self.known.all().into_iter().map(|((group, _), _)| group);
        let usual = USUAL_GROUPS.iter().filter_map(|group| group.parse().ok());
        let mut shards: Vec<Shard> = Vec::new();
        for shard in known.chain(usual).filter_map(|group| range(&group)) {
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
        let all = self.known.all().into_iter();
        let of_group = all.filter(|(key, it)| key.0 == *group && it.presence.is_there());
        let there = of_group.map(|(_, it)| it).collect();
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
}

/// One that is new.
fn searcher(name: &str, group: &GroupName, at: (Target, String)) -> (Identity, Searcher) {
    if range(group).is_none() {
        warn!(worker = shown(name), %group, "the group is no range of two letters: it answers only \
               where a record set has a group of that name");
    }
    let worker = worker_name("searcher", &format!("{group}-{name}"));
    let operation = format!("look_up.{worker}");
    let searcher = Searcher {
        name: name.to_owned(),
        operation: older::offered(&operation),
        at: Mutex::new(at.clone()),
        presence: Presence::new(),
        busy: AtomicU32::new(0),
    };
    let identity = Identity {
        name: worker,
        place: format!("{}, a worker of the older look-up service", at.0),
        operations: vec![operation],
        slots: 1,
        limit: ANSWER_TIME_MAX,
    };
    (identity, searcher)
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
        signs::lack(is_busy, || self.gives_a_sign()).await
    }
}

impl Registered for Searcher {
    fn presence(&self) -> &Presence {
        &self.presence
    }

    async fn gives_a_sign(&self) -> Sign {
        self.load().await.map(drop)
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
