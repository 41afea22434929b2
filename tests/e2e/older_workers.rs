//! Workers of the older look-ups and of the older MapReduce, which come by XML-RPC.

use crate::cluster::joined;
use crate::lab::{Lab, until};
use crate::older::{AM, NZ, asked, parsed};
use crate::older_slaves::program;
use crate::service::Service;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

/// A master that speaks XML-RPC: it, where its workers join, and where those programs come.
fn master(lab: &Lab, options: &[&str]) -> (Service, String, String) {
    let args = ["master", "--listen", "127.0.0.1:0", "--xmlrpc", "127.0.0.1:0"];
    let service = Service::start(&mut lab.command(&[&args[..], options].concat()));
    let last = |line: String| line.rsplit(' ').next().expect("a place").to_owned();
    let own = last(service.line("Listening on "));
    let older = last(service.line("Serving clients of the look-up service on "));
    (service, own, older)
}

fn counter(lab: &Lab, place: &str, address: &str, mode: &str) -> Service {
    let mut command = lab.command_of(Path::new("python3"), &["-u"]);
    let url = format!("http://{place}");
    command.arg(program("older_counter.py")).args([&url, address, mode]).stdin(Stdio::piped());
    let counter = Service::start(&mut command);
    counter.wait_for(&format!("Worker {address} registered."));
    counter
}

const COUNTING: [&str; 8] =
    ["run", "in", "--op", "word-count", "--param", "workers=older", "--param", "tokens=ws"];

#[test]
fn workers_of_the_older_mapreduce_count_what_is_for_them() {
    let lab = Lab::new();
    let (_service, own, older) = master(&lab, &[]);
    let counter = counter(&lab, &older, "localhost:9001", "count");
    until("it is listed", || {
        let list = lab.run(&["worker", "list"]).ended(0).stdout.clone();
        list.contains("localhost:9001, a worker of the older MapReduce")
    });
    lab.input("a.txt", "\u{feff}The cat, the \"é\" <dog> & the cat\r\n");
    lab.input("b.txt", "one\u{a0}two\ttwo");
    let run = lab.start(&COUNTING);
    assert!(run.wait_with_output().expect("it ends").status.success());
    let made = std::fs::read(lab.path("processed_results/word_count/a_word_count.json"));
    let made = made.expect("a result");
    until("it has done both", || counter.said().matches("done True False").count() == 2);

    // What they do not take waits for others, and says so.
    lab.input("large.txt", "word ".repeat(14_000));
    lab.input("control.txt", "a\u{1b}b");
    let run = lab.start(&COUNTING);
    until("it is said why it waits", || {
        let status = lab.run(&["cluster", "status"]).ended(0).stdout.clone();
        status.contains("2 tasks wait: for the workers of older systems that offer word_count")
    });
    let _own = joined(&lab, "own", &own, "1");
    assert!(run.wait_with_output().expect("it ends").status.success());
    assert_eq!(lab.result("word_count", "large_word_count.json")["total"], 14_000);

    // Theirs is for nobody else; and ours is the same, byte for byte.
    let tasks_before = counter.said().matches("task int ").count();
    let plain = ["run", "in/a.txt", "--op", "word_count", "--param", "tokens=ws", "--out", "own"];
    lab.run(&plain).ended(0);
    let row = &summary(&lab, "own")["rows"][0];
    assert_eq!((&row["memo"], row["notes"].as_array().map(Vec::len)), (&json!(false), Some(0)));
    let own_made = std::fs::read(lab.path("own/word_count/a_word_count.json")).expect("a result");
    assert_eq!(String::from_utf8(own_made), String::from_utf8(made));
    assert_eq!(counter.said().matches("task int ").count(), tasks_before);
}

fn summary(lab: &Lab, out: &str) -> Value {
    let text = std::fs::read_to_string(lab.path(out).join("summary.json"));
    parsed(&text.expect("a summary"))
}

#[test]
fn a_task_that_is_not_answered_in_time_goes_to_another_worker() {
    let lab = Lab::new();
    let (_service, _, older) = master(&lab, &["--xmlrpc-timeout", "1"]);
    lab.input("a.txt", "one two two");
    let mut late = counter(&lab, &older, "late", "late");
    let run = lab.start(&COUNTING);
    late.wait_for("task int ");
    let good = counter(&lab, &older, "good", "count");
    assert!(run.wait_with_output().expect("it ends").status.success());
    assert_eq!(lab.result("word_count", "a_word_count.json")["total"], 3);
    good.wait_for("done True False");
    let mut input = late.child.stdin.take().expect("is piped");
    input.write_all(b"now\n").expect("it is taken");
    late.wait_for("done False False");
}

#[test]
fn counts_that_are_not_those_of_the_text_are_refused() {
    let lab = Lab::new();
    let (_service, _, older) = master(&lab, &[]);
    lab.input("a.txt", "one two two");
    let part = counter(&lab, &older, "part", "part");
    let run = lab.start(&COUNTING);
    assert_eq!(run.wait_with_output().expect("it ends").status.code(), Some(3));
    let row = lab.row("a.txt");
    let cause = row["cause"].as_str().expect("a cause");
    assert!(cause.contains("has counted 1 words of 3"), "{cause}");
    part.wait_for("done False False");
}

#[test]
fn faults_say_what_is_wrong_with_a_call() {
    let lab = Lab::new();
    let (_service, _, older) = master(&lab, &[]);
    let none = json!([null, null]);
    let answers = asked(
        &older,
        &[
            json!(["register_worker"]),
            json!(["register_worker", 1]),
            json!(["register_worker", "w", "am", "not a URL"]),
            json!(["request_task"]),
            json!(["request_task", "localhost:9"]),
            json!(["complete_task", 99, "localhost:9", {"a": 1}]),
            json!(["complete_task", "x", "localhost:9", {}]),
        ],
    );
    for (position, words) in [(0, "parameters"), (1, "parameters"), (2, "URL"), (3, "parameters")] {
        let fault = answers[position]["fault"].as_str().expect("a fault");
        assert!(fault.contains(words), "{fault}");
    }
    assert_eq!((&answers[4], &answers[5]), (&none, &json!(false)));
    assert!(answers[6].get("fault").is_some());
}

fn searcher(lab: &Lab, place: &str, name: &str, group: &str, file: &str) -> Service {
    let mut command = lab.command_of(Path::new("python3"), &["-u"]);
    command.arg(program("older_searcher.py")).arg(format!("http://{place}/RPC2"));
    let searcher = Service::start(command.args([name, group, file]));
    searcher.wait_for("{'message': 'success'}");
    searcher
}

#[test]
fn workers_of_the_older_look_ups_are_called_back_the_least_loaded_first() {
    let lab = Lab::new();
    lab.input("data-am.json", AM);
    lab.input("data-nz.json", NZ);
    let (service, _, older) = master(&lab, &[]);
    let by_name = |name: &str| asked(&older, &[json!(["getbyname", name])]).remove(0);
    let mut one = searcher(&lab, &older, "w1-1", "am", "in/data-am.json");
    until("one answers", || by_name("alice")["error"] == false);
    let am = parsed(AM);
    let alice = json!({"error": false, "result": [am["1"], am["3"]]});
    assert_eq!(by_name("alice"), alice);
    let unavailable = json!({"error": true, "message": "Worker is unavailable"});
    assert_eq!(by_name("zoe"), unavailable);
    assert_eq!(by_name("1st"), json!({"error": true, "message": "Invalid name"}));
    let row = |row: &Value| json!({"error": false, "result": [row]});
    let city = json!(["getbylocation", "New York City"]);
    let expected = json!({
        "worker1_result": row(&am["2"]),
        "worker2_result": unavailable,
        "error": true,
        "message": "Worker is unavailable",
    });
    assert_eq!(asked(&older, std::slice::from_ref(&city)), [expected]);
    let list = lab.run(&["worker", "list"]).ended(0).stdout.clone();
    assert!(list.contains("a worker of the older look-up service"), "{list}");

    let _nz = searcher(&lab, &older, "w2-1", "nz", "in/data-nz.json");
    let two = searcher(&lab, &older, "w1-2", "am", "in/data-am.json");
    until("all answer", || {
        by_name("alice");
        by_name("zoe")["error"] == false && two.said().contains("asked")
    });
    let whole = json!({"worker1_result": row(&am["2"]), "worker2_result": row(&parsed(NZ)["1"])});
    assert_eq!(asked(&older, &[city]), [whole]);
    service.wait_for("worker chose: w1-2");
    // The second one catches up with the first; then they take turns. What they say is heard a
    // little later than what they answer.
    let served = |of: &Service| of.said().matches("asked").count();
    let difference = || served(&one).abs_diff(served(&two));
    until("both have served about the same", || {
        by_name("alice");
        difference() <= 1
    });
    let before = served(&one) + served(&two);
    for _ in 0..20 {
        assert_eq!(by_name("alice"), alice);
    }
    let sum = || served(&one) + served(&two);
    until("they take turns", || sum() >= before + 20 && difference() <= 1);
    one.kill();
    let before = served(&two);
    for _ in 0..4 {
        assert_eq!(by_name("alice"), alice);
    }
    until("the other one has answered", || served(&two) >= before + 4);
}
