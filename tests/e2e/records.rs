//! Record sets over processes: loaded, asked while instances are killed, and there again after a
//! restart of the master.

use crate::cluster::{master, master_at, served_by};
use crate::lab::{Lab, Ran, until};
use crate::service::Service;
use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const AM: &str = r#"{
  "1": {"record_id": 1, "name": "alice", "location": "Oslo", "year": 2002},
  "2": {"record_id": 2, "name": "bob", "location": "Rome", "year": 2002},
  "3": {"record_id": 3, "name": "alice", "location": "Rome", "year": 1.50}
}"#;
const NZ: &str = r#"[
  {"record_id": 1, "name": "zoe", "location": "Oslo", "year": 2002},
  {"record_id": 2, "name": "Nora", "location": "Oslo", "year": 1999}
]"#;
const LOAD: [&str; 11] = [
    "records",
    "load",
    "people",
    "in/am.json",
    "in/nz.json",
    "--key",
    "name",
    "--shard",
    "am=a-m",
    "--shard",
    "nz=n-z",
];

fn people(lab: &Lab) {
    lab.input("am.json", AM);
    lab.input("nz.json", NZ);
}

fn on(lab: &Lab, master: &str, args: &[&str]) -> Ran {
    let mut command = lab.command(args);
    command.args(["--master", master]).env_remove("WINDLASS_STATE");
    Ran::of(command.output().expect("the binary starts"))
}

fn query(lab: &Lab, master: &str, conditions: &[&str]) -> Ran {
    on(lab, master, &[&["records", "query", "people"], conditions].concat())
}

fn instance(lab: &Lab, master: &str, name: &str, group: &str) -> Service {
    let args = ["worker", "--join", master, "--name", name, "--slots", "1", "--group", group];
    let worker = Service::start(&mut lab.command(&args));
    worker.wait_for("works for the master");
    worker
}

/// The instances of a set's groups that are ready: `am: w1 w2, nz: w3`.
fn served(lab: &Lab, master: &str) -> String {
    let list = on(lab, master, &["records", "list", "--json"]);
    let list: Value = serde_json::from_str(&list.ended(0).stdout).expect("JSON");
    let groups = list["records"][0]["groups"].as_array().cloned().unwrap_or_default();
    let of_group = |group: &Value| {
        let instances = group["instances"].as_array().expect("a list").iter();
        let ready = instances.filter(|it| it["state"] == "ready");
        let names: Vec<&str> = ready.filter_map(|it| it["worker"].as_str()).collect();
        format!("{}: {}", group["group"].as_str().expect("a name"), names.join(" "))
    };
    groups.iter().map(of_group).collect::<Vec<String>>().join(", ")
}

const ALICE: &str = "{\"record_id\":1,\"name\":\"alice\",\"location\":\"Oslo\",\"year\":2002}\n\
                     {\"record_id\":3,\"name\":\"alice\",\"location\":\"Rome\",\"year\":1.50}\n";
const IN_2002: &str = "{\"record_id\":1,\"name\":\"alice\",\"location\":\"Oslo\",\"year\":2002}\n\
                       {\"record_id\":2,\"name\":\"bob\",\"location\":\"Rome\",\"year\":2002}\n\
                       {\"record_id\":1,\"name\":\"zoe\",\"location\":\"Oslo\",\"year\":2002}\n";

#[test]
fn records_are_loaded_looked_up_replaced_and_dropped_without_a_cluster() {
    let lab = Lab::new();
    people(&lab);
    lab.run(&LOAD).ended(0).said("people: 5 rows in 2 groups");
    assert_eq!(lab.run(&["records", "query", "people", "--name", "alice"]).ended(0).stdout, ALICE);
    let in_2002 = lab.run(&["records", "query", "people", "--where", "year=2002.0"]);
    assert_eq!(in_2002.ended(0).stdout, IN_2002);
    let both = ["records", "query", "people", "--location", "Oslo", "--year", "1999", "--json"];
    let found: Value = serde_json::from_str(&lab.run(&both).ended(0).stdout).expect("JSON");
    assert_eq!(found["rows"].as_array().expect("rows").len(), 1);
    assert_eq!(found["rows"][0]["name"], "Nora");
    assert_eq!(found["missing"], json!([]));
    assert_eq!(lab.run(&["records", "query", "people", "--name", "7up"]).ended(0).stdout, "");
    lab.run(&LOAD).ended(1).said("there is a record set of this name; --replace puts the new one");
    let twice = ["records", "load", "others", "-", "-", "--key", "name"];
    lab.run(&twice).ended(2).said("- is given twice, and can be read once");
    lab.input("nz.json", "[]");
    // Nothing is read before: a file that is not there is not even looked for.
    let early = ["records", "load", "people", "in/am.json", "in/no.json", "--key", "name"];
    lab.run(&early).ended(1).said("there is a record set of this name; --replace puts the new one");
    lab.run(&[&LOAD[..], &["--replace"]].concat()).ended(0).said("3 rows");
    let list = lab.run(&["records", "list"]).ended(0).stdout.clone();
    assert!(
        list.starts_with("people: 3 rows by name; also by record_id, location, year\n"),
        "{list}"
    );
    assert!(list.contains("no worker serves it"), "{list}");
    lab.run(&["records", "query", "people", "--team", "a"])
        .ended(1)
        .said("load it again with an index on team");
    lab.run(&["records", "drop", "people"]).ended(0);
    lab.run(&["records", "query", "people", "--name", "alice"])
        .ended(1)
        .said("there is no record set people");
    lab.run(&["records", "drop", "people"]).ended(1).said("there is no record set of this name");
}

#[test]
fn bad_rows_are_told_by_file_and_line_and_strict_takes_none() {
    let lab = Lab::new();
    lab.input("p.csv", "name,year\nalice,1\n7up,2\n\nbob,3,4\nzoe,5\n");
    let load = ["records", "load", "people", "in/p.csv", "--key", "name", "--shard", "az=a-z"];
    let strict = lab.run(&[&load[..], &["--strict"]].concat());
    strict.ended(1).said("in/p.csv: line 3: key \"7up\" is outside all ranges");
    strict.said("in/p.csv: line 5: 3 cells, but the first line names 2 fields");
    strict.said("--strict takes no bad rows, and there are some: 2");
    assert_eq!(lab.run(&["records", "list"]).ended(0).stdout, "There is no record set.\n");
    lab.run(&load).ended(0).said("2 rows in 1 group, 2 bad rows left out");
    lab.run(&["records", "load", "more", "in/gone.csv", "--key", "name"])
        .ended(1)
        .said("in/gone.csv");
    lab.input("none.json", "");
    lab.run(&["records", "load", "more", "in/none.json", "--key", "name"])
        .ended(1)
        .said("in/none.json: line 1: the file is empty\n");
    lab.run(&["records", "load", "more", "in/p.csv", "--key", "name", "--index", "town"])
        .ended(0)
        .said("no row has a field town: nothing is found by it");
}

#[test]
fn what_can_be_read_only_once_is_loaded_too() {
    let lab = Lab::new();
    people(&lab);
    for (name, file) in [("one", "-"), ("two", "/dev/stdin")] {
        let mut load = lab.command(&["records", "load", name, file, "--key", "name"]);
        let mut load = load.stdin(Stdio::piped()).spawn().expect("starts");
        load.stdin.take().expect("a pipe").write_all(NZ.as_bytes()).expect("it is read");
        assert!(load.wait().expect("it ends").success(), "{file}");
        let found = lab.run(&["records", "query", name, "--name", "Nora"]);
        assert!(found.ended(0).stdout.contains("\"year\":1999"), "{}", found.stdout);
    }
}

#[test]
fn a_key_that_no_row_has_is_told_with_the_fields_that_there_are() {
    let lab = Lab::new();
    people(&lab);
    lab.run(&["records", "load", "p", "in/am.json", "--key", "town"])
        .ended(1)
        .said("no row has a text or a number in a field town; the first one has these fields: ")
        .said("record_id, name, location, year");
}

#[test]
fn no_answer_is_lost_or_wrong_when_an_instance_is_killed() {
    let lab = Lab::new();
    people(&lab);
    let (_master, address) = master(&lab);
    let mut am = vec![instance(&lab, &address, "am-1", "people:am")];
    am.push(instance(&lab, &address, "am-2", "people:am"));
    let _nz = [
        instance(&lab, &address, "nz-1", "people:nz"),
        instance(&lab, &address, "nz-2", "people:nz"),
    ];
    on(&lab, &address, &LOAD).ended(0).said("people: 5 rows in 2 groups");
    until("all are ready", || served(&lab, &address) == "am: am-1 am-2, nz: nz-1 nz-2");
    let (done, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for asker in 0..3 {
            let (lab, address, done, stop) = (&lab, &address, &done, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let by_key = asker > 0;
                    let asked: &[&str] =
                        if by_key { &["--name", "alice"] } else { &["--year", "2002"] };
                    let found = query(lab, address, asked);
                    assert_eq!(found.ended(0).stdout, if by_key { ALICE } else { IN_2002 });
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let more = |count| {
            let before = done.load(Ordering::Relaxed);
            until("queries are answered", || done.load(Ordering::Relaxed) >= before + count);
        };
        more(20);
        am[0].kill();
        more(40);
        stop.store(true, Ordering::Relaxed);
    });
    am[1].kill();
    let partial = query(&lab, &address, &["--year", "2002"]);
    partial.ended(3).said("nothing from group am");
    partial.said("windlass worker --join");
    assert!(partial.stdout.contains("zoe") && !partial.stdout.contains("alice"));
    query(&lab, &address, &["--name", "alice"]).ended(3);
    query(&lab, &address, &["--name", "zoe"]).ended(0);
    // One that comes serves it again.
    let _again = instance(&lab, &address, "am-3", "people:am");
    until("it serves", || served(&lab, &address) == "am: am-3, nz: nz-1 nz-2");
    assert_eq!(query(&lab, &address, &["--name", "alice"]).ended(0).stdout, ALICE);
}

#[test]
fn the_master_keeps_the_count_of_instances_and_has_its_records_after_a_restart() {
    let lab = Lab::new();
    people(&lab);
    let (mut service, address) = master(&lab);
    let worker = |name: &str| {
        let args = ["worker", "--join", &address, "--name", name, "--slots", "1"];
        Service::start(&mut lab.command(&args))
    };
    let mut workers = [worker("w1"), worker("w2"), worker("w3")];
    workers.iter().for_each(|worker| worker.wait_for("works for the master"));
    on(&lab, &address, &LOAD).ended(0);
    until("two serve each", || served(&lab, &address).matches('w').count() == 4);
    workers[2].kill();
    until("others take over", || served(&lab, &address) == "am: w1 w2, nz: w1 w2");
    service.kill();
    let (_master, address) = master_at(&lab, &address);
    assert_eq!(query(&lab, &address, &["--year", "2002"]).ended(0).stdout, IN_2002);
    workers[1].kill();
    until("one is left", || served(&lab, &address) == "am: w1, nz: w1");
    let list = on(&lab, &address, &["records", "list"]).stdout;
    assert!(list.contains(" asked); 2 are wanted\n"), "{list}");
    on(&lab, &address, &["records", "drop", "people"]).ended(0);
    query(&lab, &address, &["--year", "2002"]).ended(1).said("there is no record set people");
}

#[test]
fn what_is_up_for_one_group_serves_no_other_and_equal_instances_are_asked_equally() {
    let lab = Lab::new();
    people(&lab);
    let up = ["up", "--listen", "127.0.0.1:0", "--workers", "3", "--group", "people:am"];
    let (up, address) = served_by(&lab, &up);
    up.wait_for("A master with 3 workers for people:am");
    on(&lab, &address, &LOAD).ended(0).said("No worker serves people:nz yet");
    until("all are ready", || served(&lab, &address) == "am: w1 w2 w3, nz: ");
    for _ in 0..10 {
        assert_eq!(query(&lab, &address, &["--name", "alice"]).ended(0).stdout, ALICE);
    }
    query(&lab, &address, &["--name", "zoe"]).ended(3).said("no worker serves people:nz");
    let list = on(&lab, &address, &["records", "list"]).stdout;
    assert!(list.contains("w1 (4 asked), w2 (3 asked), w3 (3 asked)"), "{list}");
    assert!(list.contains("no worker serves it"), "{list}");
    // Workers of a reign before are waited for.
    until("the status tells", || {
        let status = on(&lab, &address, &["cluster", "status"]).stdout;
        status.contains("record set people: no worker serves nz")
    });
}
