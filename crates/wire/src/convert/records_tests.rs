//! Record sets and look-ups there and back, and what is none.

use super::*;
use prost::Message;
use windlass_core::BlobId;

fn set() -> RecordSet {
    let shards = ["nz=n-z", "rest=*", "e=\u{e9}"].map(|text| text.parse().expect("a shard"));
    RecordSet {
        name: "people".parse().expect("a name"),
        key: "name".parse().expect("a name"),
        indexed: vec!["year".parse().expect("a name")],
        shards: Shards::new(shards.into()).expect("fit"),
        replica_count: 2,
    }
}

fn query() -> Query {
    let exact = |value| Wanted::Exact(value);
    let wanted = [
        Wanted::Written("2002".to_owned()),
        exact(Value::Text("a".to_owned())),
        exact(Value::Number("1.50".to_owned())),
        exact(Value::Bool(true)),
        exact(Value::Null),
    ];
    let field: FieldName = "year".parse().expect("a name");
    let condition = |wanted| Condition { field: field.clone(), wanted };
    Query { conditions: wanted.map(condition).into() }
}

fn rows() -> Rows {
    Rows { rows: vec!["{}".to_owned()], total_count: 7 }
}

#[test]
fn what_is_said_of_shards_arrives_as_it_was_said() {
    let (load, shard, ticket) = (LoadId(3), ShardIndex(1), TicketId(9));
    for message in [
        ToMaster::Shelved { load, shard, ready: Ok(()) },
        ToMaster::Shelved { load, shard, ready: Err("damaged".to_owned()) },
        ToMaster::Found { ticket, answer: Ok(rows()) },
        ToMaster::Found { ticket, answer: Err("not here".to_owned()) },
    ] {
        let bytes = pb::ToMaster::from(message.clone()).encode_to_vec();
        let arrived = pb::ToMaster::decode(bytes.as_slice()).expect("is one");
        assert_eq!(ToMaster::try_from(arrived), Ok(message));
    }
    let stored = StoredShard { blob: BlobId::of(b"s"), size: 5, row_count: 2 };
    let shelf = Shelf { load, set: set(), shards: vec![ShelfShard { shard, stored }] };
    for message in [
        ToWorker::Shelves(vec![shelf]),
        ToWorker::Shelves(Vec::new()),
        ToWorker::Query {
            ticket,
            load,
            shard,
            query: query(),
            skip: 4,
            row_count_max: 5,
            bytes_max: 6,
        },
    ] {
        let bytes = pb::ToWorker::from(message.clone()).encode_to_vec();
        let arrived = pb::ToWorker::decode(bytes.as_slice()).expect("is one");
        assert_eq!(ToWorker::try_from(arrived), Ok(message));
    }
}

#[test]
fn look_ups_and_lists_arrive_as_they_were_said() {
    let request = LookupRequest {
        set: "people".parse().expect("a name"),
        query: query(),
        load: Some(LoadId(4)),
        group: Some("am".parse().expect("a name")),
        skip: 3,
        limit_ms: Some(2),
    };
    let bare = LookupRequest { load: None, group: None, limit_ms: None, ..request.clone() };
    for request in [request, bare] {
        assert_eq!(look_up(look_up_of(1, request.clone())), Ok(request));
    }
    let group: GroupName = "am".parse().expect("a name");
    for answer in [GroupAnswer::Rows(rows()), GroupAnswer::Missing("gone".to_owned())] {
        let said = (group.clone(), answer);
        assert_eq!(part(part_of(said.clone())), Ok(said));
    }
    let instance =
        |holding| InstanceView { worker: WorkerName("w1".to_owned()), holding, served_count: 5 };
    let holdings = [HoldingView::Ready, HoldingView::Loading, HoldingView::Failed("no".to_owned())];
    let stored = StoredShard { blob: BlobId::of(b"s"), size: 5, row_count: 2 };
    let view = RecordsView {
        load: LoadId(2),
        loaded_at: LogTime(77),
        set: set(),
        groups: vec![GroupView { stored, instances: holdings.map(instance).into() }],
    };
    assert_eq!(records_view(records_view_of(view.clone())), Ok(view));
}

#[test]
fn what_is_no_set_and_no_query_is_refused() {
    let sound = record_set_of(set());
    let unsound = [
        pb::RecordSet { name: "a b".to_owned(), ..sound.clone() },
        pb::RecordSet { key: String::new(), ..sound.clone() },
        pb::RecordSet { shards: vec!["a=a".to_owned(), "b=a".to_owned()], ..sound.clone() },
        pb::RecordSet { shards: Vec::new(), ..sound.clone() },
        pb::RecordSet { replicas: 0, ..sound.clone() },
        pb::RecordSet { indexed: vec!["name".to_owned()], ..sound },
    ];
    for set in unsound {
        assert!(record_set(Some(set.clone())).is_err(), "{set:?}");
    }
    let condition = |wanted| pb::Condition { field: "a".to_owned(), wanted };
    let number = pb::condition::Wanted::Number("0x1".to_owned());
    for conditions in [vec![condition(None)], vec![condition(Some(number))]] {
        assert!(Query::try_from(pb::Query { conditions }).is_err());
    }
    let many = vec![condition(Some(pb::condition::Wanted::Null(true))); 17];
    assert!(Query::try_from(pb::Query { conditions: many }).is_err());
    let nameless = pb::ServedGroups { only: vec![pb::RecordPin::default()] };
    assert!(serves(nameless).is_err());
}
