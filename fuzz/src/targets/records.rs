//! Shards of record sets, and the files that rows are read from.

use super::shape::{magnitude, without_numbers};
use crate::target::Target;
use std::path::Path;
use windlass_core::records::{RecordSet, Shards};
use windlass_records::{Format, Index, Loader, ShardRows, ShardWriter};

pub(super) const SHARD: Target = Target {
    name: "shard",
    run: shard,
    seeds: shards,
    // Vectors that grow, and hash tables at their smallest.
    fixed_bytes_max: 64 << 10,
    // A row of eleven bytes has its numbers in nine arrays, all growing.
    factor_max: 64,
};

pub(super) const ROWS: Target = Target {
    name: "rows",
    run: rows,
    seeds: files,
    // The buffers of the readers, and a hundred bad rows with their causes.
    fixed_bytes_max: 1 << 20,
    factor_max: 64,
};

fn set() -> RecordSet {
    let shards = ["am=a-m", "rest=*"].map(|text| text.parse().expect("a shard"));
    RecordSet {
        name: "people".parse().expect("a name"),
        key: "name".parse().expect("a name"),
        indexed: ["p", "q"].map(|name| name.parse().expect("a name")).into(),
        shards: Shards::new(shards.into()).expect("they fit"),
        replica_count: 1,
    }
}

fn shard(bytes: &[u8]) -> String {
    let index = match Index::new(&set(), bytes.to_vec()) {
        Ok(index) => index,
        Err(error) => return without_numbers(&error.to_string()),
    };
    let mut writer = ShardWriter::new(Vec::new()).expect("memory takes it");
    for row in ShardRows::new(bytes).expect("it was read before") {
        writer.push(row.expect("it was read before").1).expect("memory takes it");
    }
    let (again, _, row_count) = writer.finish().expect("memory takes it");
    assert_eq!(again, bytes, "a shard does not come back");
    assert_eq!(row_count, index.row_count() as u64, "rows are lost");
    format!("rows {}", magnitude(index.row_count()))
}

fn shards() -> Vec<Vec<u8>> {
    let shard = |rows: &[&[u8]]| {
        let mut writer = ShardWriter::new(Vec::new()).expect("memory takes it");
        rows.iter().for_each(|row| writer.push(row).expect("memory takes it"));
        writer.finish().expect("memory takes it").0
    };
    let alice = br#"{"name":"alice","p":"Oslo","q":2002}"#;
    let other = br#"{"q":2.0e3,"name":12,"p":{"x":[null]},"\u0070":"\u00e9"}"#;
    vec![shard(&[]), shard(&[alice]), shard(&[alice, other, alice])]
}

/// The first byte says which form the file has.
fn rows(bytes: &[u8]) -> String {
    let Some((form, file)) = bytes.split_first() else { return "nothing".to_owned() };
    let forms = [Some(Format::Json), Some(Format::Lines), Some(Format::Table), None];
    let set = set();
    let mut loader = Loader::new(&set, |_| Ok(Vec::new())).expect("memory takes it");
    let loaded = loader.load(Path::new("f"), forms[usize::from(*form) % forms.len()], file);
    if let Err(error) = loaded {
        return without_numbers(&error.to_string());
    }
    let (shards, report) = loader.finish().expect("memory takes it");
    for shard in shards {
        let index = Index::new(&set, shard.sink).expect("what is loaded can be served");
        assert_eq!(index.row_count() as u64, shard.row_count, "rows are lost");
    }
    let bad = report.bad_rows.first().map(|bad| without_numbers(&bad.fault.to_string()));
    format!("{} rows {} bad {bad:?}", form % 4, magnitude(report.row_count as usize))
}

fn files() -> Vec<Vec<u8>> {
    let alice = r#"{"name": "alice", "p": ["x", {"y": 1.50}], "q": "\u00e9\n\ud83d\ude00"}"#;
    let bo = r#"{ "q":-2e5,"name":7 , "z" : {} }"#;
    let file = |form: u8, text: String| [&[form], text.as_bytes()].concat();
    vec![
        file(0, format!("[{alice},\n {bo} ]\n")),
        file(0, format!("{{\"1\": {alice}, \"\\\"\":\r\n{bo}}}")),
        file(1, format!("{alice}\n\n5\n{bo}\r\n{{\"name\": null}}")),
        file(2, "name,p,q\nalice,\"a \"\"b\"\",2002\nbo;x,-1.5,\n,,\n1\n".to_owned()),
        file(3, format!("\u{feff}{alice}\n{bo}")),
        file(3, "name\tp\nbo\t007\n".to_owned()),
    ]
}
