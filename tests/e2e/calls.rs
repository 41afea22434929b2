//! Direct calls: one, or one for each line.

use crate::cluster::{joined, master};
use crate::lab::{Lab, Ran, until};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

#[test]
fn calls_are_answered_by_whoever_is_there() {
    let lab = Lab::new();
    // Nobody serves this state: it answers by itself.
    let ran = lab.run(&["call", "factorial", "20"]);
    assert_eq!(ran.ended(0).stdout, "2432902008176640000\n");
    // Options stand where people write them; a negative number is none.
    assert_eq!(lab.run(&["call", "factorial", "5", "--timeout", "60"]).ended(0).stdout, "120\n");
    lab.run(&["call", "factorial", "-1"]).ended(2).said("n=-1");
    lab.run(&["call", "factorial", "--", "-1"]).ended(2).said("n=-1");
    lab.run(&["call", "factorial"]).ended(2).said("--param n=");
    lab.run(&["call", "noop", "5"]).ended(2).said("takes 0 values, not 1");
    lab.run(&["cluster", "status"]).ended(4).said("windlass up");

    let (_master, address) = master(&lab);
    let none = lab.run(&["call", "--master", &address, "factorial", "5"]);
    none.ended(1).said("no worker offers factorial").said("windlass worker --join");
    let _w1 = joined(&lab, "w1", &address, "1");
    let _w2 = joined(&lab, "w2", &address, "1");
    lab.run(&["cluster", "set", "strategy.factorial=fair"]).ended(2).said("least_served");
    let files = ["cluster", "set", "strategy.document=random"];
    lab.run(&files).ended(2).said("document cannot be called; these can: ").said("factorial");
    lab.run(&["cluster", "set", "strategy.factorial=least_served"]).ended(0);
    for _ in 0..6 {
        assert_eq!(lab.run(&["call", "factorial", "5"]).ended(0).stdout, "120\n");
    }
    let status = lab.run(&["cluster", "status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status.ended(0).stdout).expect("JSON");
    assert_eq!(status["calls"]["factorial"]["strategy"], "least_served");
    assert_eq!(status["calls"]["factorial"]["served"], serde_json::json!({"w1": 3, "w2": 3}));
    // An answer of many pieces: 456,574 digits.
    let long = lab.run(&["call", "--master", &address, "factorial", "100000"]);
    assert_eq!(long.ended(0).stdout.trim_end().len(), 456_574);
    lab.run(&["call", "command", "true"]).ended(1).said("cannot be called");
    // Nobody would know otherwise that there was something to read.
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a device");
    let ran = lab.command(&["cluster", "status"]).stdout(full).output().expect("starts");
    Ran::of(ran).ended(1).said("write to stdout");
}

#[test]
fn a_call_whose_worker_dies_is_answered_by_another() {
    let lab = Lab::new();
    let (_master, address) = master(&lab);
    let mut victim = joined(&lab, "a", &address, "1");
    let _other = joined(&lab, "b", &address, "1");
    lab.run(&["cluster", "set", "strategy.noop=round_robin"]).ended(0);
    let call = ["call", "noop", "--param", "sleep_ms=1500"];
    let caller = lab.start(&call);
    until("the call is at work", || {
        let status = lab.run(&["cluster", "status"]).stdout;
        status.contains("worker a: 0 of 1 slots at work, 1 call\n")
    });
    victim.kill();
    Ran::of(caller.wait_with_output().expect("it ends")).ended(0);
    let ran = lab.run(&["call", "noop", "--timeout", "1", "--param", "sleep_ms=5000"]);
    ran.ended(6).said("noop");
}

#[test]
fn each_line_is_a_call_and_answers_keep_the_order() {
    let lab = Lab::new();
    let (_master, address) = master(&lab);
    let _w1 = joined(&lab, "w1", &address, "1");
    let _w2 = joined(&lab, "w2", &address, "1");
    // The first answer has many pieces and comes last.
    let lines = lab.input("numbers", "100000\n5\n\nfive\n6\n");
    let lines = lines.to_str().expect("text");
    let ran = lab.run(&["call", "factorial", "--each", lines, "--master", &address]);
    ran.ended(3).said("line 4: ").said("a whole number");
    let answers: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!((answers[0].len(), &answers[1..]), (456_574, &["120", "", "", "720"][..]));
    // As JSON, and by workers of its own.
    let alone = Lab::new();
    let lines = alone.input("numbers", (1..200).map(|n| format!("{n}\n")).collect::<String>());
    let ran = alone.run(&["call", "factorial", "--json", "--each", lines.to_str().expect("text")]);
    let told: Vec<serde_json::Value> =
        ran.ended(0).stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((told.len(), &told[3]), (199, &serde_json::json!({"line": 4, "answer": "24"})));
    alone.run(&["call", "factorial", "--each", "nowhere"]).ended(1).said("nowhere");
    alone.run(&["call", "factorial", "--each", "in"]).ended(1).said("--each in: ");
    alone.run(&["call", "factorial", "--each", lines.to_str().expect("text"), "5"]).ended(2);
}

#[test]
fn an_answer_comes_before_the_next_line() {
    let lab = Lab::new();
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    let mut command = lab.command(&["call", "factorial", "--each", "-", "--master", &address]);
    let mut caller = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starts");
    let mut to = caller.stdin.take().expect("its input");
    let mut from = BufReader::new(caller.stdout.take().expect("its output")).lines();
    for (n, expected) in [("5", "120"), ("3", "6")] {
        writeln!(to, "{n}").expect("it listens");
        assert_eq!(from.next().expect("an answer").expect("text"), expected);
    }
    drop(to);
    assert!(from.next().is_none());
    assert!(caller.wait().expect("it ends").success());
}

#[test]
fn calls_whose_master_dies_end_with_what_happened() {
    let lab = Lab::new();
    let (mut master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    let mut command = lab.command(&["call", "factorial", "--each", "-", "--master", &address]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut caller = command.spawn().expect("starts");
    let mut to = caller.stdin.take().expect("its input");
    let mut from = BufReader::new(caller.stdout.as_mut().expect("its output"));
    writeln!(to, "5").expect("it listens");
    from.read_line(&mut String::new()).expect("an answer");
    master.kill();
    Ran::of(caller.wait_with_output().expect("it ends")).ended(4).said(&address);
}
