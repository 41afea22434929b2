//! Record sets, look-ups, and what workers and the master say of shards.

use super::words::{Malformed, blob_id, needed};
use crate::generated as pb;
use prost::bytes::Bytes;
use windlass_core::limits::{
    RECORD_CONDITION_COUNT_MAX, RECORD_PIN_COUNT_MAX, SHELF_CAUSE_BYTES_MAX,
};
use windlass_core::lookups::{GroupView, HoldingView, InstanceView, LookupRequest, RecordsView};
use windlass_core::records::{
    Condition, FieldName, GroupAnswer, GroupName, NameError, Pin, Query, RecordSet, Rows, Shards,
    Shelf, ShelfShard, StoredShard, Value, Wanted, is_number,
};
use windlass_core::session::{ToMaster, ToWorker};
use windlass_core::{LoadId, LogTime, ShardIndex, TicketId, WorkerName};

fn name<T>(text: String) -> Result<T, Malformed>
where
    T: TryFrom<String, Error = NameError>,
{
    text.try_into().map_err(|_| Malformed("a name of a record set, group or field that is none"))
}

fn shard_index(shard: u32) -> Result<ShardIndex, Malformed> {
    u16::try_from(shard).map(ShardIndex).map_err(|_| Malformed("a shard above 65535"))
}

pub(crate) fn record_set_of(set: RecordSet) -> pb::RecordSet {
    pb::RecordSet {
        name: set.name.into(),
        key: set.key.into(),
        indexed: set.indexed.into_iter().map(String::from).collect(),
        shards: set.shards.as_slice().iter().map(ToString::to_string).collect(),
        replicas: set.replica_count,
    }
}

pub(crate) fn record_set(set: Option<pb::RecordSet>) -> Result<RecordSet, Malformed> {
    let set = needed(set, "a record set without its description")?;
    let shards: Result<Vec<_>, _> = set.shards.iter().map(|text| text.parse()).collect();
    let shards = shards.map_err(|_| Malformed("a shard that is not written as am=a-m"))?;
    let set = RecordSet {
        name: name(set.name)?,
        key: name(set.key)?,
        indexed: set.indexed.into_iter().map(name::<FieldName>).collect::<Result<_, _>>()?,
        shards: Shards::new(shards).map_err(|_| Malformed("shards that do not fit together"))?,
        replica_count: set.replicas,
    };
    match set.check() {
        Ok(()) => Ok(set),
        Err(_) => Err(Malformed("a record set whose description does not hold together")),
    }
}

pub(crate) fn stored_shard_of(stored: StoredShard) -> pb::StoredShard {
    let blob = Bytes::copy_from_slice(&stored.blob.0);
    pb::StoredShard { blob, size: stored.size, rows: stored.row_count }
}

pub(crate) fn stored_shard(stored: pb::StoredShard) -> Result<StoredShard, Malformed> {
    let blob = blob_id(&stored.blob)?;
    Ok(StoredShard { blob, size: stored.size, row_count: stored.rows })
}

pub(crate) fn records_view_of(view: RecordsView) -> pb::RecordsView {
    let instance = |it: InstanceView| {
        use pb::record_instance::State;
        let (state, cause) = match it.holding {
            HoldingView::Ready => (State::Ready, String::new()),
            HoldingView::Loading => (State::Loading, String::new()),
            HoldingView::Failed(cause) => (State::Failed, cause),
        };
        let (worker, served) = (it.worker.0, it.served_count);
        pb::RecordInstance { worker, state: state.into(), cause, served }
    };
    let group = |group: GroupView| pb::RecordGroup {
        stored: Some(stored_shard_of(group.stored)),
        instances: group.instances.into_iter().map(instance).collect(),
    };
    pb::RecordsView {
        set: Some(record_set_of(view.set)),
        load: view.load.0,
        loaded_at_ms: view.loaded_at.0,
        groups: view.groups.into_iter().map(group).collect(),
    }
}

pub(crate) fn records_view(view: pb::RecordsView) -> Result<RecordsView, Malformed> {
    let instance = |it: pb::RecordInstance| {
        use pb::record_instance::State;
        let holding = match it.state() {
            State::Ready => HoldingView::Ready,
            State::Loading => HoldingView::Loading,
            State::Failed => HoldingView::Failed(it.cause),
            State::Unspecified => return Err(Malformed("an instance without a state")),
        };
        Ok(InstanceView { worker: WorkerName(it.worker), holding, served_count: it.served })
    };
    let group = |group: pb::RecordGroup| {
        let stored = stored_shard(needed(group.stored, "a group without its rows")?)?;
        let instances = group.instances.into_iter().map(instance).collect::<Result<_, _>>()?;
        Ok(GroupView { stored, instances })
    };
    Ok(RecordsView {
        load: LoadId(view.load),
        loaded_at: LogTime(view.loaded_at_ms),
        set: record_set(view.set)?,
        groups: view.groups.into_iter().map(group).collect::<Result<_, _>>()?,
    })
}

impl From<Query> for pb::Query {
    fn from(query: Query) -> pb::Query {
        use pb::condition::Wanted as Said;
        let condition = |Condition { field, wanted }| pb::Condition {
            field: field.into(),
            wanted: Some(match wanted {
                Wanted::Written(text) => Said::Written(text),
                Wanted::Exact(Value::Text(text)) => Said::Text(text),
                Wanted::Exact(Value::Number(number)) => Said::Number(number),
                Wanted::Exact(Value::Bool(truth)) => Said::Truth(truth),
                Wanted::Exact(Value::Null) => Said::Null(true),
            }),
        };
        pb::Query { conditions: query.conditions.into_iter().map(condition).collect() }
    }
}

impl TryFrom<pb::Query> for Query {
    type Error = Malformed;

    fn try_from(query: pb::Query) -> Result<Query, Malformed> {
        use pb::condition::Wanted as Said;
        if query.conditions.len() > RECORD_CONDITION_COUNT_MAX {
            return Err(Malformed("a query of more than 16 conditions"));
        }
        let condition = |condition: pb::Condition| {
            let wanted = match needed(condition.wanted, "a condition without a value")? {
                Said::Written(text) => Wanted::Written(text),
                Said::Text(text) => Wanted::Exact(Value::Text(text)),
                Said::Number(number) if is_number(&number) => Wanted::Exact(Value::Number(number)),
                Said::Number(_) => return Err(Malformed("a number that is not one of JSON")),
                Said::Truth(truth) => Wanted::Exact(Value::Bool(truth)),
                Said::Null(_) => Wanted::Exact(Value::Null),
            };
            Ok(Condition { field: name(condition.field)?, wanted })
        };
        let conditions = query.conditions.into_iter().map(condition).collect::<Result<_, _>>()?;
        Ok(Query { conditions })
    }
}

pub(crate) fn look_up_of(id: u64, request: LookupRequest) -> pb::LookUpRequest {
    pb::LookUpRequest {
        id,
        set: request.set.into(),
        query: Some(request.query.into()),
        load: request.load.map_or(0, |load| load.0),
        group: request.group.map(String::from).unwrap_or_default(),
        skip: request.skip,
        limit_ms: request.limit_ms.unwrap_or(0),
    }
}

pub(crate) fn look_up(asked: pb::LookUpRequest) -> Result<LookupRequest, Malformed> {
    let group = Some(asked.group).filter(|group| !group.is_empty());
    Ok(LookupRequest {
        set: name(asked.set)?,
        query: asked.query.unwrap_or_default().try_into()?,
        load: (asked.load > 0).then_some(LoadId(asked.load)),
        group: group.map(name).transpose()?,
        skip: asked.skip,
        limit_ms: (asked.limit_ms > 0).then_some(asked.limit_ms),
    })
}

impl From<Rows> for pb::Rows {
    fn from(rows: Rows) -> pb::Rows {
        pb::Rows { rows: rows.rows, total: rows.total_count }
    }
}

impl From<pb::Rows> for Rows {
    fn from(rows: pb::Rows) -> Rows {
        Rows { rows: rows.rows, total_count: rows.total }
    }
}

pub(crate) fn part_of((group, answer): (GroupName, GroupAnswer)) -> pb::RecordPart {
    use pb::record_part::Answer;
    let answer = match answer {
        GroupAnswer::Rows(rows) => Answer::Rows(rows.into()),
        GroupAnswer::Missing(why) => Answer::Missing(why),
    };
    pb::RecordPart { group: group.into(), answer: Some(answer) }
}

pub(crate) fn part(part: pb::RecordPart) -> Result<(GroupName, GroupAnswer), Malformed> {
    use pb::record_part::Answer;
    let answer = match needed(part.answer, "a group's answer that says nothing")? {
        Answer::Rows(rows) => GroupAnswer::Rows(rows.into()),
        Answer::Missing(why) => GroupAnswer::Missing(why),
    };
    Ok((name(part.group)?, answer))
}

pub(super) fn serves_of(pins: Vec<Pin>) -> pb::ServedGroups {
    let pin_of = |pin: Pin| pb::RecordPin { set: pin.set.into(), group: pin.group.into() };
    pb::ServedGroups { only: pins.into_iter().map(pin_of).collect() }
}

pub(super) fn serves(served: pb::ServedGroups) -> Result<Vec<Pin>, Malformed> {
    let pins = served.only;
    if pins.len() > RECORD_PIN_COUNT_MAX {
        return Err(Malformed("a worker that is there for more than 256 groups"));
    }
    let pin = |pin: pb::RecordPin| Ok(Pin { set: name(pin.set)?, group: name(pin.group)? });
    pins.into_iter().map(pin).collect()
}

pub(super) fn shelves_of(shelves: Vec<Shelf>) -> pb::Shelves {
    let shard = |it: ShelfShard| pb::ShelfShard {
        shard: it.shard.0.into(),
        stored: Some(stored_shard_of(it.stored)),
    };
    let shelf = |shelf: Shelf| pb::Shelf {
        load: shelf.load.0,
        set: Some(record_set_of(shelf.set)),
        shards: shelf.shards.into_iter().map(shard).collect(),
    };
    pb::Shelves { shelves: shelves.into_iter().map(shelf).collect() }
}

pub(super) fn shelves(shelves: pb::Shelves) -> Result<ToWorker, Malformed> {
    let shard = |it: pb::ShelfShard| {
        let stored = needed(it.stored, "a shard without its rows")?;
        Ok(ShelfShard { shard: shard_index(it.shard)?, stored: stored_shard(stored)? })
    };
    let shelf = |shelf: pb::Shelf| {
        let shards = shelf.shards.into_iter().map(shard).collect::<Result<_, _>>()?;
        Ok(Shelf { load: LoadId(shelf.load), set: record_set(shelf.set)?, shards })
    };
    let shelves = shelves.shelves.into_iter().map(shelf).collect::<Result<_, _>>()?;
    Ok(ToWorker::Shelves(shelves))
}

pub(super) fn shelved_of(
    load: LoadId,
    shard: ShardIndex,
    ready: Result<(), String>,
) -> pb::Shelved {
    // An empty cause would say that it is ready.
    let cause =
        ready.err().map(|cause| if cause.is_empty() { "unknown".to_owned() } else { cause });
    pb::Shelved { load: load.0, shard: shard.0.into(), cause: cause.unwrap_or_default() }
}

pub(super) fn shelved(shelved: pb::Shelved) -> Result<ToMaster, Malformed> {
    let cause = cut(shelved.cause);
    let ready = if cause.is_empty() { Ok(()) } else { Err(cause) };
    Ok(ToMaster::Shelved { load: LoadId(shelved.load), shard: shard_index(shelved.shard)?, ready })
}

pub(super) fn shard_query(query: pb::ShardQuery) -> Result<ToWorker, Malformed> {
    Ok(ToWorker::Query {
        ticket: TicketId(query.ticket),
        load: LoadId(query.load),
        shard: shard_index(query.shard)?,
        query: query.query.unwrap_or_default().try_into()?,
        skip: query.skip,
        row_count_max: query.rows_max,
        bytes_max: query.bytes_max,
    })
}

pub(super) fn shard_rows_of(ticket: TicketId, answer: Result<Rows, String>) -> pb::ShardRows {
    use pb::shard_rows::Answer;
    let answer = match answer {
        Ok(rows) => Answer::Rows(rows.into()),
        Err(cause) => Answer::Cause(cause),
    };
    pb::ShardRows { ticket: ticket.0, answer: Some(answer) }
}

pub(super) fn found(rows: pb::ShardRows) -> Result<ToMaster, Malformed> {
    use pb::shard_rows::Answer;
    let answer = match needed(rows.answer, "an answer of a shard that says nothing")? {
        Answer::Rows(rows) => Ok(rows.into()),
        Answer::Cause(cause) => Err(cut(cause)),
    };
    Ok(ToMaster::Found { ticket: TicketId(rows.ticket), answer })
}

fn cut(mut cause: String) -> String {
    while cause.len() > SHELF_CAUSE_BYTES_MAX {
        cause.pop();
    }
    cause
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;
