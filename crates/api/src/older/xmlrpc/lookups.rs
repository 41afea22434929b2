//! The record look-ups of the older XML-RPC service: `getbyname`, `getbylocation`, `getbyyear`.
//!
//! A group's own workers, where some have told of themselves, are asked first; a record set of that
//! group answers where none of them does.

use super::message::Value;
use super::searchers::Searchers;
use crate::node::Node;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::info;
use windlass_core::LoadId;
use windlass_core::lookups::{LookupAnswer, LookupRequest, RecordsView};
use windlass_core::records::{
    Condition, FieldName, GroupAnswer, GroupName, Query, Rows, SetName, Shard, Shards,
    Value as Wants, Wanted,
};

/// What is said of a group without instances.
const UNAVAILABLE: &str = "Worker is unavailable";

/// How long the only set is believed to be that: asking costs more than a look-up.
const ONLY_FOR: Duration = Duration::from_millis(500);

/// Looks up in one record set.
#[derive(Clone)]
pub(super) struct Lookups {
    node: Node,
    /// The set; `None`: the only one that is loaded.
    set: Option<SetName>,
    searchers: Arc<Searchers>,
    /// The only set, as it was found last.
    only: Arc<Mutex<Option<(Instant, SetName)>>>,
}

/// The rows of a group; `None`: it did not answer.
type OfGroup = (GroupName, Option<Vec<Value>>);

/// The answer of a group; `None`: it did not answer.
type Part = (GroupName, Option<Value>);

/// Why there is no answer, in words for the caller.
type Unanswered = String;

impl Lookups {
    pub(super) fn new(node: Node, set: Option<SetName>, searchers: Arc<Searchers>) -> Lookups {
        Lookups { node, set, searchers, only: Arc::default() }
    }

    /// Rows of this name, of the one group that has them.
    pub(super) async fn by_name(&self, name: &Value) -> Value {
        let Value::Text(name) = name else { return Value::error("Invalid name") };
        info!("get by name called: {}", in_line(name));
        if self.searchers.are_there() {
            let shards = self.shards().await;
            let Some(position) = shards.as_ref().and_then(|shards| shards.of(name)) else {
                return Value::error("Invalid name");
            };
            let group = shards.as_ref().map(|shards| &shards.as_slice()[position].group);
            let params = [Value::Text(name.clone())];
            if let Some(group) = group
                && let Some(part) = self.searchers.ask(group, "getbyname", &params).await
            {
                return part;
            }
            if self.the_set().await.is_err() {
                return Value::error(UNAVAILABLE);
            }
        }
        let wanted = [("name", Wants::Text(name.clone()))];
        match self.ask(&wanted).await {
            Err(why) => Value::error(&why),
            Ok(answers) => match answers.into_iter().next() {
                None => Value::error("Invalid name"),
                Some((_, None)) => Value::error(UNAVAILABLE),
                Some((_, Some(rows))) => Value::result(rows),
            },
        }
    }

    /// Rows of this place, group by group.
    pub(super) async fn by_location(&self, location: &Value) -> Value {
        info!("get by location called: {}", shown(location));
        self.of_all_groups("getbylocation", &[("location", location)]).await
    }

    /// Rows of this place and year, group by group.
    pub(super) async fn by_year(&self, location: &Value, year: &Value) -> Value {
        info!("get by year called: {}, {}", shown(location), shown(year));
        self.of_all_groups("getbyyear", &[("location", location), ("year", year)]).await
    }

    async fn of_all_groups(&self, method: &str, wanted: &[(&str, &Value)]) -> Value {
        let parts = match self.searchers.are_there() {
            true => self.parts(method, wanted).await,
            false => self.own_parts(wanted).await,
        };
        let parts = match parts {
            Ok(parts) => parts,
            Err(why) => return Value::error(&why),
        };
        let is_whole = parts.iter().all(|(_, part)| part.is_some());
        let mut members: Vec<(String, Value)> = Vec::new();
        for (position, (_, part)) in parts.into_iter().enumerate() {
            let part = part.unwrap_or_else(|| Value::error(UNAVAILABLE));
            members.push((format!("worker{}_result", position + 1), part));
        }
        if !is_whole && let Value::Struct(error) = Value::error(UNAVAILABLE) {
            members.extend(error);
        }
        Value::Struct(members)
    }

    /// The answer of each group, where its own workers have told of themselves.
    async fn parts(
        &self,
        method: &str,
        wanted: &[(&str, &Value)],
    ) -> Result<Vec<Part>, Unanswered> {
        let shards = self.shards().await.ok_or("there is no group")?;
        let params: Vec<Value> = wanted.iter().map(|(_, value)| (*value).clone()).collect();
        let mut parts: Vec<Part> = Vec::new();
        for shard in shards.as_slice() {
            let part = self.searchers.ask(&shard.group, method, &params).await;
            parts.push((shard.group.clone(), part));
        }
        let is_whole = parts.iter().all(|(_, part)| part.is_some());
        if !is_whole && self.the_set().await.is_ok() {
            let own: BTreeMap<GroupName, Option<Value>> =
                self.own_parts(wanted).await?.into_iter().collect();
            for (group, part) in parts.iter_mut().filter(|(_, part)| part.is_none()) {
                *part = own.get(group).cloned().flatten();
            }
        }
        Ok(parts)
    }

    /// The answer of each group of the record set.
    async fn own_parts(&self, wanted: &[(&str, &Value)]) -> Result<Vec<Part>, Unanswered> {
        let wants: Option<Vec<_>> =
            wanted.iter().map(|(field, value)| Some((*field, wants(value)?))).collect();
        let answers = match wants {
            Some(wants) => self.ask(&wants).await?,
            // No field of a row equals a list or a struct.
            None => {
                let shards = self.own_shards().await?;
                let of = |shard: &Shard| (shard.group.clone(), Some(Vec::new()));
                shards.as_slice().iter().map(of).collect()
            }
        };
        Ok(answers.into_iter().map(|(group, rows)| (group, rows.map(Value::result))).collect())
    }

    /// The groups of the record set; where there is none, those that workers have told of.
    async fn shards(&self) -> Option<Shards> {
        match self.own_shards().await {
            Ok(shards) => Some(shards),
            Err(_) => self.searchers.shards(),
        }
    }

    /// The rows of each group that is asked, in the order of the ranges.
    async fn ask(&self, wanted: &[(&str, Wants)]) -> Result<Vec<OfGroup>, Unanswered> {
        let set = self.the_set().await?;
        let condition = |(field, value): &(&str, Wants)| {
            let field = FieldName::try_from((*field).to_owned()).map_err(|e| e.to_string())?;
            Ok(Condition { field, wanted: Wanted::Exact(value.clone()) })
        };
        let conditions = wanted.iter().map(condition).collect::<Result<Vec<_>, Unanswered>>()?;
        let query = Query { conditions };
        let mut request =
            LookupRequest { set, query, load: None, group: None, skip: 0, limit_ms: None };
        let LookupAnswer { load, answer, answered } = self.look_up(request.clone()).await?;
        for (_, worker) in answered {
            info!("worker chose: {worker}");
        }
        request.load = Some(load);
        let mut groups = Vec::with_capacity(answer.parts.len());
        for (group, part) in answer.parts {
            let rows = self.all_rows(&mut request, load, group.clone(), part).await?;
            groups.push((group, rows));
        }
        Ok(groups)
    }

    /// The rows of a group, also those that did not fit into one answer.
    async fn all_rows(
        &self,
        request: &mut LookupRequest,
        load: LoadId,
        group: GroupName,
        first: GroupAnswer,
    ) -> Result<Option<Vec<Value>>, Unanswered> {
        let (mut rows, mut part) = (Vec::new(), first);
        loop {
            let GroupAnswer::Rows(Rows { rows: texts, total_count }) = part else {
                return Ok(None);
            };
            for text in &texts {
                rows.push(serde_json::from_str(text).map_err(|error| error.to_string())?);
            }
            if texts.is_empty() || rows.len() as u64 >= total_count {
                return Ok(Some(rows));
            }
            request.load = Some(load);
            request.group = Some(group.clone());
            request.skip = rows.len() as u64;
            let next = self.look_up(request.clone()).await?.answer.parts.into_iter().next();
            let Some((_, next)) = next else { return Ok(None) };
            part = next;
        }
    }

    /// The set that was named, or the only one.
    async fn the_set(&self) -> Result<SetName, Unanswered> {
        if let Some(set) = &self.set {
            return Ok(set.clone());
        }
        let known = self.only.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, set)) = known.filter(|(at, _)| at.elapsed() < ONLY_FOR) {
            return Ok(set);
        }
        let set = only_one(&self.views()?)?;
        let found = Some((Instant::now(), set.clone()));
        *self.only.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(set)
    }

    /// The groups of that set.
    async fn own_shards(&self) -> Result<Shards, Unanswered> {
        let set = self.the_set().await?;
        let loaded = self.node.handle.record_set(&set);
        let loaded = loaded.ok_or_else(|| format!("there is no record set {set}"))?;
        Ok(loaded.set.shards.clone())
    }

    fn views(&self) -> Result<Vec<RecordsView>, Unanswered> {
        self.node.handle.records().map_err(|error| error.to_string())
    }

    async fn look_up(&self, request: LookupRequest) -> Result<LookupAnswer, Unanswered> {
        let (tell, told) = oneshot::channel();
        let take = Box::new(move |done| {
            // Who asked may be gone.
            let _ = tell.send(done);
        });
        self.node.handle.look_up(request, take).map_err(|error| error.to_string())?;
        let done = told.await.map_err(|_| "the master has ended".to_owned())?;
        done.map_err(|error| error.to_string())
    }
}

/// The name of the only set there is.
pub(super) fn only_one(views: &[RecordsView]) -> Result<SetName, Unanswered> {
    match views {
        [one] => Ok(one.set.name.clone()),
        [] => Err("no record set is loaded; `windlass records load` loads one".to_owned()),
        several => {
            let names: Vec<&str> = several.iter().map(|view| view.set.name.as_str()).collect();
            Err(format!(
                "there are {} record sets: start with --xmlrpc-records NAME, of {}",
                names.len(),
                names.join(", ")
            ))
        }
    }
}

/// A value as a row's field has it; `None` for what no field is.
fn wants(value: &Value) -> Option<Wants> {
    Some(match value {
        Value::Nil => Wants::Null,
        Value::Bool(is_true) => Wants::Bool(*is_true),
        Value::Int(number) => Wants::Number(number.to_string()),
        Value::Double(number) if number.is_finite() => Wants::Number(number.to_string()),
        Value::Text(text) => Wants::Text(text.clone()),
        Value::Double(_) | Value::Array(_) | Value::Struct(_) => return None,
    })
}

/// Text in a line of the log, of which it cannot make two.
fn in_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A parameter in a line of the log.
fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => in_line(text),
        Value::Int(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Bool(is_true) => is_true.to_string(),
        Value::Nil => "None".to_owned(),
        Value::Array(_) | Value::Struct(_) => "a list".to_owned(),
    }
}
