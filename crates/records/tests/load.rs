//! Loading: every form of file gives the same shards, bad rows are told and cost only themselves,
//! broken files are refused, memory does not grow with the file.

use expect_test::{Expect, expect};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use windlass_core::records::{RecordSet, Shards};
use windlass_records::{Format, LoadError, Loader, Report, ShardRows, StoredRows};

fn people() -> RecordSet {
    let shards = ["am=a-m", "nz=n-z"].map(|text| text.parse().expect("a shard"));
    RecordSet {
        name: "people".parse().expect("a name"),
        key: "name".parse().expect("a name"),
        indexed: vec!["location".parse().expect("a name"), "year".parse().expect("a name")],
        shards: Shards::new(shards.into()).expect("fit"),
        replica_count: 1,
    }
}

type Loaded = (Vec<StoredRows<Vec<u8>>>, Report);

fn load(name: &str, input: impl Read) -> Result<Loaded, LoadError> {
    let set = people();
    let mut loader = Loader::new(&set, |_| Ok(Vec::new()))?;
    loader.load(Path::new(name), None, input)?;
    loader.finish()
}

fn rows(shard: &StoredRows<Vec<u8>>) -> Vec<String> {
    let rows = ShardRows::new(&shard.sink).expect("a shard");
    rows.map(|row| String::from_utf8_lossy(row.expect("reads").1).into_owned()).collect()
}

fn check(name: &str, text: &str, expected: Expect) {
    let shown = match load(name, text.as_bytes()) {
        Err(error) => format!("failed to {error}\n"),
        Ok((shards, report)) => {
            let mut shown = String::new();
            for shard in &shards {
                rows(shard).iter().for_each(|row| shown += &format!("{} {row}\n", shard.group));
            }
            report.bad_rows.iter().for_each(|bad| shown += &format!("bad: {bad}\n"));
            assert_eq!(report.bad_row_count, report.bad_rows.len() as u64);
            shown
        }
    };
    expected.assert_eq(&shown);
}

#[test]
fn an_array_of_objects_keeps_fields_types_and_order() {
    let text = r#"[
  {"record_id": 2, "name": "alice", "year": 2002, "tags": ["x", {"y": 1.50}]},
  {"name": "Zoë", "record_id": 2},
  {"year": "n/a", "name": "alice", "extra": null}
]"#;
    check(
        "p.json",
        text,
        expect![[r#"
        am {"record_id":2,"name":"alice","year":2002,"tags":["x",{"y":1.50}]}
        am {"year":"n/a","name":"alice","extra":null}
        nz {"name":"Zoë","record_id":2}
    "#]],
    );
}

#[test]
fn an_object_whose_values_are_records_gives_them_in_its_order() {
    check(
        "p.json",
        r#"{"9": {"name": "bo"}, "1": {"name": "al"}, "1": {"name": "cy"}}"#,
        expect![[r#"
        am {"name":"bo"}
        am {"name":"al"}
        am {"name":"cy"}
    "#]],
    );
}

#[test]
fn rows_that_are_laid_out_over_lines_need_nothing_around_them() {
    let one = "{\n  \"name\": \"alice\",\n  \"year\": 2002\n}\n";
    check(
        "p.json",
        one,
        expect![[r#"
        am {"name":"alice","year":2002}
    "#]],
    );
    let several = format!("{one}{{\n  \"year\": 1\n}}\n{{\n  \"name\": \"zoe\"\n}}");
    check(
        "-",
        &several,
        expect![[r#"
        am {"name":"alice","year":2002}
        nz {"name":"zoe"}
        bad: -: line 5: no field name
    "#]],
    );
    check(
        "p.json",
        &format!("{one}]"),
        expect![[r#"
        failed to read p.json: line 5: `]` stands where `{` or the end of the file is wanted
    "#]],
    );
    check(
        "p.json",
        one.trim_end_matches(['}', '\n']),
        expect![[r#"
        failed to read p.json: line 1: the file ends in this record
    "#]],
    );
}

#[test]
fn lines_of_json_are_known_by_name_or_by_their_bytes() {
    let text = "\u{feff}{\"name\": \"al\"}\n\n  \r\n{\"name\": {}}\r\n{\"name\": \"nina\"}";
    let expected = expect![[r#"
        am {"name":"al"}
        nz {"name":"nina"}
        bad: p.data: line 4: field name is an object: a key is text or a number
    "#]];
    check("p.data", text, expected);
}

#[test]
fn a_table_gives_the_same_rows_as_json() {
    let text =
        "\u{feff}record_id,name,location,year\r\n1,alice,\"New York, NY\",2002\r\n2,zed,Oslo,\r\n";
    check(
        "p.csv",
        text,
        expect![[r#"
        am {"record_id":1,"name":"alice","location":"New York, NY","year":2002}
        nz {"record_id":2,"name":"zed","location":"Oslo","year":""}
    "#]],
    );
    check(
        "p.csv",
        "id,nom\n1,a\n",
        expect![[r#"
        failed to read p.csv: line 1: no field name; there are: id, nom
    "#]],
    );
}

#[test]
fn bad_rows_are_told_by_file_and_line_and_the_others_are_loaded() {
    let text = "[\n{\"name\": \"al\"},\n5,\n{\"nom\": \"x\"},\n{\"name\": \"7up\"},\n{\"name\": \"\"},\n\
                {\"name\": true},\n{\"name\": \"b\" \"c\"},\n{\"name\": \"zed\"}\n]";
    check(
        "p.json",
        text,
        expect![[r#"
        am {"name":"al"}
        nz {"name":"zed"}
        bad: p.json: line 3: not an object
        bad: p.json: line 4: no field name
        bad: p.json: line 5: key "7up" is outside all ranges; a shard rest=* would take it
        bad: p.json: line 6: field name is empty: a key is text or a number
        bad: p.json: line 7: field name is true or false: a key is text or a number
        bad: p.json: line 8: invalid JSON: expected `,` or `}` at character 14
    "#]],
    );
    check(
        "p.ndjson",
        "{\"name\": \"al\"}\n{\"name\": \"b\n{\"name\": \"c\"}\n",
        expect![[r#"
        am {"name":"al"}
        am {"name":"c"}
        bad: p.ndjson: line 2: invalid JSON: EOF while parsing a string at character 11
    "#]],
    );
}

#[test]
fn a_quote_that_is_not_closed_takes_no_rows_with_it() {
    for text in ["name,v\na,1\nb,\"2\nc,3\n", "name,v\nb,\"2\"\"", "name\n\""] {
        let error = load("p.csv", text.as_bytes()).expect_err(text).to_string();
        assert!(error.contains("a cell whose quote is not closed"), "{error}");
    }
    let fine = "name,v\na,5\" disk\nb,\"x, \"\"y\"\"\n\"\nc,\"z\"";
    assert_eq!(load("p.csv", fine.as_bytes()).expect("loads").1.row_count, 3);
}

#[test]
fn names_of_fields_are_told_plainly_and_some_of_them() {
    let many: Vec<String> = (0..5_000).map(|number| format!("f{number}")).collect();
    let text = format!("a\u{1b}]0;x\u{7},{}\n", many.join(","));
    let error = load("p.csv", text.as_bytes()).expect_err("no key").to_string();
    assert!(
        error.ends_with(
            r"there are: a\u{1b}]0;x\u{7}, f0, f1, f2, f3, f4, f5, f6, f7, f8 and 4991 more"
        ),
        "{error}"
    );
}

#[test]
fn a_file_whose_structure_is_broken_is_refused() {
    for (text, expected) in [
        (
            "[{\"name\": \"al\"}\n",
            expect!["failed to read p.json: line 2: the file ends where `,` or `]` is wanted\n"],
        ),
        (
            "[\n{\"name\": \"al\"\n",
            expect!["failed to read p.json: line 2: the file ends in this record\n"],
        ),
        (
            "[{\"name\": \"al\"} {}]",
            expect!["failed to read p.json: line 1: `{` stands where `,` or `]` is wanted\n"],
        ),
        (
            "[{\"name\": \"al\"},]",
            expect!["failed to read p.json: line 1: `]` stands where a record is wanted\n"],
        ),
        (
            "[]\n[]",
            expect![
                "failed to read p.json: line 2: `[` stands where the end of the file is wanted\n"
            ],
        ),
        (
            "{\"a\": {}, b: {}}",
            expect!["failed to read p.json: line 1: `b` stands where a name in quotes is wanted\n"],
        ),
        (
            "{\"a\": {}, \"b\" {}}",
            expect![
                "failed to read p.json: line 1: `{` stands where `:` after the name is wanted\n"
            ],
        ),
    ] {
        check("p.json", text, expected);
    }
}

#[test]
fn an_empty_set_is_one() {
    for text in ["[]", "{}", " [ ] \n"] {
        let (shards, report) = load("p.json", text.as_bytes()).expect("loads");
        let counts = (report.row_count, report.bad_row_count, report.absent_fields.len());
        assert_eq!((shards.len(), counts), (2, (0, 0, 2)));
    }
}

#[test]
fn a_row_that_is_too_long_is_left_out_and_what_follows_is_read() {
    let long = format!("{{\"name\": \"a\", \"x\": \"{}\"}}", "y".repeat(1 << 20));
    let small = "{\"name\": \"b\"}";
    let array = format!("[{small},\n{long},\n{small}]");
    let lines = format!("{small}\n{long}\n{small}\n");
    let table = format!("name,x\nb,\na,{}\nb,\n", "y".repeat((1 << 20) - 10));
    for (name, text) in [("p.json", array), ("p.ndjson", lines), ("p.csv", table)] {
        let (shards, report) = load(name, text.as_bytes()).expect("loads");
        assert_eq!((shards[0].row_count, report.bad_row_count), (2, 1), "{name}");
        let bad = report.bad_rows[0].to_string();
        assert!(bad.ends_with(": longer than 1048576 bytes"), "{bad}");
        assert!(bad.contains(if name == "p.csv" { "line 3" } else { "line 2" }), "{bad}");
    }
}

#[test]
fn bad_rows_are_all_counted_and_the_first_are_listed() {
    let (_, report) = load("p.ndjson", "1\n".repeat(1_000).as_bytes()).expect("loads");
    assert_eq!((report.bad_row_count, report.bad_rows.len()), (1_000, 100));
}

#[test]
fn indexed_fields_that_no_row_has_are_told() {
    let absent = |text: &str| {
        let (_, report) = load("p.ndjson", text.as_bytes()).expect("loads");
        report.absent_fields.iter().map(|field| field.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(absent("{\"name\": \"a\"}\n"), ["location", "year"]);
    // A row that is left out has nothing to find.
    let left_out = r#"{"name": "7up", "location": "x"}"#;
    let rows = [r#"{"name": "a", "year": null}"#, left_out, r#"{"name": "b", "tags": 1}"#];
    assert_eq!(absent(&rows.join("\n")), ["location"]);
    let both = [r#"{"name": "a", "year": 1}"#, r#"{"location": "x", "name": "b"}"#];
    assert_eq!(absent(&both.join("\n")), Vec::<String>::new());
}

#[test]
fn what_the_system_says_is_told_with_the_file() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let error = load("p.json", b"[{\"name\": \"a\"},".chain(Broken)).expect_err("refused");
    assert_eq!(error.to_string(), "read p.json: the disk is gone");
    let error = load("p.csv", b"name\n".chain(Broken)).expect_err("refused");
    assert_eq!(error.to_string(), "read p.csv: the disk is gone");
}

/// The order in which bytes come in must not matter.
#[test]
fn a_stream_that_comes_byte_by_byte_gives_the_same() {
    struct Slow<'a>(&'a [u8]);
    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(1);
            self.0.read(&mut buffer[..count])
        }
    }
    for name in ["people.json", "people.ndjson", "people.csv"] {
        let bytes = std::fs::read(sample(name)).expect("a sample");
        let whole = load(name, bytes.as_slice()).expect("loads");
        let slow = load(name, Slow(&bytes)).expect("loads");
        assert_eq!(whole.1, slow.1);
        for (a, b) in whole.0.iter().zip(&slow.0) {
            assert_eq!(a.sink, b.sink, "{name}");
        }
    }
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/records").join(name)
}

#[test]
fn the_samples_say_the_same_in_every_form() {
    let of = |name: &str| {
        let file = std::fs::File::open(sample(name)).expect("a sample");
        let (shards, report) = load(name, file).expect("loads");
        assert_eq!(report.bad_rows, [], "{name}");
        shards.iter().map(rows).collect::<Vec<_>>()
    };
    let json = of("people.json");
    assert!(json.iter().all(|rows| rows.len() >= 10));
    assert_eq!(of("people.ndjson"), json);
    assert_eq!(of("people.csv"), json);
}

#[test]
fn a_format_that_is_given_wins() {
    let set = people();
    let mut loader = Loader::new(&set, |_| Ok(Vec::new())).expect("begins");
    let lines = b"{\"name\": {\"a\": 1}}\n{\"name\": \"al\"}\n".as_slice();
    loader.load(Path::new("p.csv"), Some(Format::Lines), lines).expect("loads");
    assert_eq!((loader.report().row_count, loader.report().bad_row_count), (1, 1));
}

#[test]
fn a_sink_that_refuses_ends_the_load() {
    struct Full(usize);
    impl io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let set = people();
    let mut loader = Loader::new(&set, |_| Ok(Full(20))).expect("begins");
    let text = b"{\"name\": \"zed\"}\n{\"name\": \"zoe\"}\n".as_slice();
    let error = loader.load(Path::new("p.ndjson"), None, text).expect_err("refused");
    assert!(error.to_string().starts_with("write shard nz: "), "{error}");
}
