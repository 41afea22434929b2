//! The record look-ups of the older XML-RPC service: `getbyname`, `getbylocation`, `getbyyear`.

use super::message::Value;
use crate::node::Node;
use crate::older::BUSY_PAUSE;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tracing::info;
use windlass_core::LoadId;
use windlass_core::lookups::{LookupAnswer, LookupRequest, RecordsView};
use windlass_core::records::{
    Condition, FieldName, GroupAnswer, GroupName, Query, Rows, SetName, Value as Wants, Wanted,
};
use windlass_master::Unasked;

/// What is said of a group without instances.
const UNAVAILABLE: &str = "Worker is unavailable";

/// Looks up in one record set.
#[derive(Clone)]
pub(super) struct Lookups {
    node: Node,
    /// The set; `None`: the only one that is loaded.
    set: Option<SetName>,
}

/// Why there is no answer, in words for the caller.
type Unanswered = String;

impl Lookups {
    pub(super) fn new(node: Node, set: Option<SetName>) -> Lookups {
        Lookups { node, set }
    }

    /// Rows of this name, of the one group that has them.
    pub(super) async fn by_name(&self, name: &Value) -> Value {
        let Value::Text(name) = name else { return Value::error("Invalid name") };
        info!("get by name called: {}", in_line(name));
        let wanted = [("name", Wants::Text(name.clone()))];
        match self.ask(&wanted).await {
            Err(why) => Value::error(&why),
            Ok(answers) => match answers.into_iter().next() {
                None => Value::error("Invalid name"),
                Some(None) => Value::error(UNAVAILABLE),
                Some(Some(rows)) => Value::result(rows),
            },
        }
    }

    /// Rows of this place, group by group.
    pub(super) async fn by_location(&self, location: &Value) -> Value {
        info!("get by location called: {}", shown(location));
        self.of_all_groups(&[("location", location)]).await
    }

    /// Rows of this place and year, group by group.
    pub(super) async fn by_year(&self, location: &Value, year: &Value) -> Value {
        info!("get by year called: {}, {}", shown(location), shown(year));
        self.of_all_groups(&[("location", location), ("year", year)]).await
    }

    async fn of_all_groups(&self, wanted: &[(&str, &Value)]) -> Value {
        let wanted: Option<Vec<_>> =
            wanted.iter().map(|(field, value)| Some((*field, wants(value)?))).collect();
        let answers = match wanted {
            Some(wanted) => self.ask(&wanted).await,
            // No field of a row equals a list or a struct.
            None => self.group_count().await.map(|count| vec![Some(Vec::new()); count]),
        };
        let answers = match answers {
            Ok(answers) => answers,
            Err(why) => return Value::error(&why),
        };
        let is_whole = answers.iter().all(Option::is_some);
        let mut members: Vec<(String, Value)> = Vec::new();
        for (position, rows) in answers.into_iter().enumerate() {
            let part = rows.map_or_else(|| Value::error(UNAVAILABLE), Value::result);
            members.push((format!("worker{}_result", position + 1), part));
        }
        if !is_whole && let Value::Struct(error) = Value::error(UNAVAILABLE) {
            members.extend(error);
        }
        Value::Struct(members)
    }

    /// The rows of each group that is asked, in the order of the ranges; `None` of one that did not
    /// answer.
    async fn ask(&self, wanted: &[(&str, Wants)]) -> Result<Vec<Option<Vec<Value>>>, Unanswered> {
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
            groups.push(self.all_rows(&mut request, load, group, part).await?);
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
        match &self.set {
            Some(set) => Ok(set.clone()),
            None => only_one(&self.views().await?),
        }
    }

    /// How many groups that set has.
    async fn group_count(&self) -> Result<usize, Unanswered> {
        let set = self.the_set().await?;
        let views = self.views().await?;
        let view = views.iter().find(|view| view.set.name == set);
        Ok(view.map_or(0, |view| view.groups.len()))
    }

    async fn views(&self) -> Result<Vec<RecordsView>, Unanswered> {
        let handle = self.node.handle.clone();
        let views = tokio::task::spawn_blocking(move || handle.records()).await;
        views.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }

    async fn look_up(&self, mut request: LookupRequest) -> Result<LookupAnswer, Unanswered> {
        let (tell, told) = oneshot::channel();
        let mut take: Box<dyn FnOnce(_) + Send> = Box::new(move |done| {
            // Who asked may be gone.
            let _ = tell.send(done);
        });
        loop {
            match self.node.handle.look_up(request, take) {
                Ok(()) => break,
                Err(Unasked::Busy(again, back)) => (request, take) = (*again, back),
                Err(Unasked::Ended(error)) => return Err(error.to_string()),
            }
            sleep(BUSY_PAUSE).await;
        }
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
