//! A shard in memory finds what a scan of all rows finds, in the order of the files.

use proptest::prelude::*;
use std::path::Path;
use windlass_core::records::{Condition, Query, RecordSet, Shards, Value, Wanted};
use windlass_records::{Index, IndexError, Loader, ShardWriter};

fn set(indexed: &[&str]) -> RecordSet {
    RecordSet {
        name: "people".parse().expect("a name"),
        key: "name".parse().expect("a name"),
        indexed: indexed.iter().map(|name| name.parse().expect("a name")).collect(),
        shards: Shards::new(vec!["all=*".parse().expect("a shard")]).expect("fit"),
        replica_count: 1,
    }
}

fn index(set: &RecordSet, lines: &str) -> Index {
    let mut loader = Loader::new(set, |_| Ok(Vec::new())).expect("begins");
    loader.load(Path::new("p.ndjson"), None, lines.as_bytes()).expect("loads");
    assert_eq!(loader.report().bad_rows, []);
    let (mut shards, _) = loader.finish().expect("ends");
    Index::new(set, shards.remove(0).sink).expect("a shard")
}

fn query(conditions: &[(&str, Wanted)]) -> Query {
    let condition = |(field, wanted): &(&str, Wanted)| Condition {
        field: field.parse().expect("a name"),
        wanted: wanted.clone(),
    };
    Query { conditions: conditions.iter().map(condition).collect() }
}

fn text(text: &str) -> Wanted {
    Wanted::Exact(Value::Text(text.to_owned()))
}

fn number(text: &str) -> Wanted {
    Wanted::Exact(Value::Number(text.to_owned()))
}

fn written(text: &str) -> Wanted {
    Wanted::Written(text.to_owned())
}

const LINES: &str = r#"{"id":1,"name":"alice","location":"Oslo","year":2002}
{"id":2,"name":"Alice","location":"Oslo","year":"2002"}
{"id":3,"name":"alice","location":"Rome","year":2002.0}
{"id":4,"name":"alice","location":"Oslo","year":null}
{"id":5,"name":"b\u00e9a","location":"Oslo","year":2.002e3,"more":[1]}
{"id":6,"name":"cy","location":["Oslo"]}
{"id":7,"name":42,"location":"Oslo","year":2003}
"#;

/// The `id` of each row found, and the number of all.
fn ids(conditions: &[(&str, Wanted)]) -> String {
    let set = set(&["location", "year"]);
    let index = index(&set, LINES);
    let matches = index.find(&query(conditions)).expect("can be asked");
    let id = |row: &str| row.chars().nth(6).expect("an id");
    matches.iter().map(id).collect()
}

#[test]
fn a_key_matches_exactly_in_the_order_of_the_file() {
    assert_eq!(ids(&[("name", text("alice"))]), "134");
    assert_eq!(ids(&[("name", text("Alice"))]), "2");
    assert_eq!(ids(&[("name", text("alic"))]), "");
    assert_eq!(ids(&[("name", text("béa"))]), "5");
    assert_eq!(ids(&[("name", text("42"))]), "");
    assert_eq!(ids(&[("name", number("42"))]), "7");
    assert_eq!(ids(&[("name", written("42"))]), "7");
}

#[test]
fn what_is_short_is_answered_the_same_and_everything_else_not_at_all() {
    let set = set(&["location", "year"]);
    let lines: String = (0..17).map(|_| "{\"name\":\"dora\"}\n").collect();
    let index = index(&set, &(LINES.to_owned() + &lines));
    let both = |conditions: &[(&str, Wanted)]| {
        let query = query(conditions);
        (index.answer_short(&query, 1, 2, 1_000), index.answer(&query, 1, 2, 1_000))
    };
    let short: [&[_]; 4] = [
        &[("name", text("alice"))],
        &[("name", text("alice")), ("location", text("Rome"))],
        &[("name", text("nobody")), ("location", text("Rome"))],
        &[("name", text("alice")), ("unknown", text("Rome"))],
    ];
    for conditions in short {
        let (short, answer) = both(conditions);
        assert_eq!(short, Some(answer));
    }
    assert_eq!(both(&[("name", text("dora"))]).0, None, "many rows");
    assert_eq!(both(&[("location", text("Rome"))]).0, None, "no key");
}

#[test]
fn a_value_of_another_kind_finds_nothing_and_is_no_error() {
    assert_eq!(ids(&[("location", text("Oslo")), ("year", number("2002"))]), "15");
    assert_eq!(ids(&[("location", text("Oslo")), ("year", text("2002"))]), "2");
    assert_eq!(ids(&[("location", text("Oslo")), ("year", written("2002"))]), "125");
    let odd = [Value::Null, Value::Bool(true), Value::Number("2002.5".to_owned())];
    let found = odd.map(|value| ids(&[("location", text("Oslo")), ("year", Wanted::Exact(value))]));
    assert_eq!(found, ["4", "", ""]);
    assert_eq!(ids(&[("location", number("5")), ("year", text("Oslo"))]), "");
}

#[test]
fn one_field_or_all_can_be_asked_for_in_any_order() {
    assert_eq!(ids(&[("location", text("Oslo"))]), "12457");
    assert_eq!(ids(&[("year", number("2002"))]), "135");
    assert_eq!(ids(&[("year", number("2002")), ("location", text("Rome"))]), "3");
    assert_eq!(ids(&[("year", number("2002")), ("name", text("alice"))]), "13");
    let all = [("location", text("Oslo")), ("name", text("alice")), ("year", number("2002"))];
    assert_eq!(ids(&all), "1");
    assert_eq!(ids(&[("year", written("2002")), ("year", text("2002"))]), "2");
    assert_eq!(ids(&[("name", text("alice")), ("name", text("cy"))]), "");
}

#[test]
fn a_field_without_index_is_refused() {
    let index = index(&set(&[]), LINES);
    let error = index.find(&query(&[("year", number("2002"))])).expect_err("refused");
    assert!(error.to_string().starts_with("field year cannot be asked for"), "{error}");
    assert_eq!(index.find(&query(&[("name", text("cy"))])).expect("can be asked").len(), 1);
}

#[test]
fn an_answer_is_bounded_and_says_how_many_there_are() {
    let set = set(&["location", "year"]);
    let index = index(&set, LINES);
    let oslo = query(&[("location", text("Oslo"))]);
    let answer = |skip, count, bytes| {
        let rows = index.answer(&oslo, skip, count, bytes).expect("can be asked");
        assert_eq!(rows.total_count, 5);
        rows.rows.iter().map(|row| row.chars().nth(6).expect("an id")).collect::<String>()
    };
    assert_eq!(answer(0, 9, usize::MAX), "12457");
    assert_eq!(answer(0, 2, usize::MAX), "12");
    assert_eq!(answer(3, 9, usize::MAX), "57");
    assert_eq!(answer(9, 9, usize::MAX), "");
    // One row at least, or a caller who goes on would never come further.
    assert_eq!(answer(0, 9, 0), "1");
    assert_eq!(answer(0, 9, 110), "12");
    let nobody = query(&[("name", text("nobody"))]);
    assert_eq!(index.answer(&nobody, 0, 9, 9).expect("can be asked").total_count, 0);
}

#[test]
fn what_is_no_shard_of_the_set_is_refused() {
    let set = set(&["year"]);
    assert!(matches!(Index::new(&set, Vec::new()), Err(IndexError::Shard(_))));
    for row in [&b"{}"[..], b"[]", b"{\"name\":null}", b"{\"name\":\"a\""] {
        let mut writer = ShardWriter::new(Vec::new()).expect("memory");
        writer.push(b"{\"name\":\"a\"}").expect("memory");
        writer.push(row).expect("memory");
        let (bytes, ..) = writer.finish().expect("memory");
        let error = Index::new(&set, bytes).expect_err("refused");
        assert!(error.to_string().starts_with("read row 1 of the shard: "), "{error}");
    }
    let twice = RecordSet { indexed: vec![set.key.clone()], ..set };
    assert!(matches!(Index::new(&twice, Vec::new()), Err(IndexError::Set(_))));
}

#[test]
fn memory_is_counted() {
    let empty = index(&set(&["location", "year"]), "");
    let some = index(&set(&["location", "year"]), LINES);
    assert_eq!((empty.row_count(), some.row_count()), (0, 7));
    assert!(some.memory_bytes() > empty.memory_bytes() + LINES.len() / 2);
}

/// Few values, so that rows share them; of all kinds, some spelled in several ways.
fn value() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "1",
        "1.0",
        "10e-1",
        "\"1\"",
        "\"a\"",
        "\"\\u0061\"",
        "true",
        "null",
        "2",
    ])
}

/// Whether two JSON scalars are equal.
fn is_equal(a: &str, b: &str) -> bool {
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    match (parse(a), parse(b)) {
        (serde_json::Value::Number(a), serde_json::Value::Number(b)) => a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}

fn exact(json: &str) -> Wanted {
    Wanted::Exact(match serde_json::from_str(json).expect("JSON") {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(is_true) => Value::Bool(is_true),
        serde_json::Value::String(text) => Value::Text(text),
        _ => Value::Number(json.to_owned()),
    })
}

proptest! {
    #[test]
    fn the_index_finds_what_a_scan_finds(
        rows in prop::collection::vec((0..3, value(), value(), prop::option::of(value())), 0..40),
        asked in (
            prop::option::of(0..4),
            prop::option::of(value()),
            prop::option::of(value()),
            prop::option::of(value()),
        ),
    ) {
        prop_assume!(asked != (None, None, None, None));
        let set = set(&["p", "q", "r"]);
        let line = |(id, (key, p, q, r)): (usize, &(i32, &str, &str, Option<&str>))| {
            let r = r.map_or(String::new(), |r| format!(",\"r\":{r}"));
            format!("{{\"id\":{id},\"name\":\"n{key}\",\"p\":{p},\"q\":{q}{r}}}\n")
        };
        let lines: Vec<String> = rows.iter().enumerate().map(line).collect();
        let index = index(&set, &lines.concat());
        let mut conditions = Vec::new();
        let (key, p, q, r) = asked;
        conditions.extend(r.map(|r| ("r", exact(r))));
        conditions.extend(p.map(|p| ("p", exact(p))));
        conditions.extend(q.map(|q| ("q", exact(q))));
        conditions.extend(key.map(|key| ("name", text(&format!("n{key}")))));
        let found = index.find(&query(&conditions)).expect("can be asked");
        let is_met = |(row, _): &(&(i32, &str, &str, Option<&str>), &String)| {
            key.is_none_or(|key| key == row.0)
                && p.is_none_or(|p| is_equal(p, row.1))
                && q.is_none_or(|q| is_equal(q, row.2))
                && r.is_none_or(|r| row.3.is_some_and(|own| is_equal(r, own)))
        };
        let wanted: Vec<&str> =
            rows.iter().zip(&lines).filter(is_met).map(|(_, line)| line.trim_end()).collect();
        prop_assert_eq!(found.iter().collect::<Vec<_>>(), wanted);
    }
}
