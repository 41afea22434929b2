//! A run that is killed or stopped goes on; what failed is tried again.

use crate::cluster::served_by;
use crate::lab::{Lab, Ran, signal, until};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::process::Stdio;

/// Counts the lines of a log that commands append their file's name to.
fn log(lab: &Lab) -> BTreeMap<String, u32> {
    let text = std::fs::read_to_string(lab.path("open/log")).unwrap_or_default();
    let mut counts = BTreeMap::new();
    for name in text.lines() {
        *counts.entry(name.to_owned()).or_insert(0) += 1;
    }
    counts
}

fn logging(lab: &Lab, then: &str) -> [String; 8] {
    let log = lab.path("open/log");
    let cmd = format!("cmd=echo $WINDLASS_BASE >> '{}'; {then}", log.display());
    let write = format!("write={}", lab.path("open").display());
    ["run", "in", "--op", "command", "--param", &cmd, "--param", &write].map(str::to_owned)
}

#[test]
fn killed_in_the_middle_of_500_files_it_goes_on_where_it_was() {
    let lab = Lab::new();
    for number in 0..500 {
        lab.input(format!("f{number:03}.txt"), format!("file {number}"));
    }
    let args = logging(&lab, "cat");
    let mut child = lab.start(&args);
    until("some files are done", || lab.results("command").len() > 150);
    signal(&child, Signal::KILL);
    child.wait().expect("it ended");
    let finished: Vec<String> = lab
        .results("command")
        .iter()
        .filter_map(|name| name.strip_suffix("_command.json").map(str::to_owned))
        .collect();
    assert!(finished.len() < 500, "it was killed too late");

    lab.run(&args).ended(0);
    let counts = log(&lab);
    assert_eq!(counts.len(), 500);
    for name in &finished {
        assert_eq!(counts[name], 1, "{name} was finished and done again");
    }
    for number in 0..500 {
        let out = lab.path(format!("processed_results/command/f{number:03}.out"));
        let out = std::fs::read_to_string(out).expect("a result");
        assert_eq!(out, format!("file {number}"));
    }
    assert_eq!(lab.summary()["rows"].as_array().expect("rows").len(), 500);
}

#[test]
fn interrupted_it_says_how_to_go_on_and_goes_on() {
    let lab = Lab::new();
    for number in 0..40 {
        lab.input(format!("f{number:02}.txt"), "x");
    }
    let args = logging(&lab, "sleep 0.05");
    let child = lab.start(&args);
    until("some files are done", || lab.results("command").len() > 4);
    signal(&child, Signal::INT);
    let ran = Ran::of(child.wait_with_output().expect("it ends"));
    ran.ended(130).said("same command goes on from here");
    lab.run(&args).ended(0);
    assert_eq!(log(&lab).len(), 40);
    assert_eq!(lab.summary()["totals"]["succeeded"], 40);
}

#[test]
fn interrupted_on_a_cluster_it_says_that_the_job_goes_on_there() {
    let lab = Lab::new();
    for number in 0..8 {
        lab.input(format!("f{number:02}.txt"), "x");
    }
    let (_up, address) = served_by(&lab, &["up", "--listen", "127.0.0.1:0", "--workers", "1"]);
    let mut command = lab.command(&logging(&lab, "sleep 0.2"));
    // Who says how many workers means this state, and what is printed must not lead elsewhere.
    command.args(["--workers", "1"]).env("WINDLASS_MASTER", "127.0.0.1:1");
    let child = command.stderr(Stdio::piped()).spawn().expect("starts");
    until("some files are done", || lab.results("command").len() > 1);
    signal(&child, Signal::INT);
    let ran = Ran::of(child.wait_with_output().expect("it ends"));
    let state = lab.path("state");
    let cancel = format!("windlass job cancel 1 --state {}\n", state.display());
    ran.ended(130).said("Job 1 goes on in the cluster").said(&cancel);
    assert!(!ran.stderr.contains("goes on from here"), "{}", ran.stderr);
    lab.run(&["job", "wait", "1", "--master", &address]).ended(0);
}

#[test]
fn a_file_added_meanwhile_is_done_too() {
    let lab = Lab::new();
    for number in 0..30 {
        lab.input(format!("f{number:02}.txt"), "x");
    }
    let args = logging(&lab, "sleep 0.05");
    let child = lab.start(&args);
    until("some files are done", || lab.results("command").len() > 2);
    signal(&child, Signal::INT);
    Ran::of(child.wait_with_output().expect("it ends")).ended(130);
    lab.input("late.txt", "late");
    lab.run(&args).ended(0);
    assert_eq!(log(&lab)["late"], 1);
    assert_eq!(lab.summary()["totals"]["succeeded"], 31);
}

#[test]
fn a_held_state_names_its_holder_and_the_way_out() {
    let lab = Lab::new();
    lab.input("a.txt", "x");
    let mut child = lab.start(&logging(&lab, "sleep 60"));
    until("the first run is at work", || !log(&lab).is_empty());
    let ran = lab.run(&["master", "--listen", "127.0.0.1:0"]);
    ran.ended(1).said(&format!("process {}", child.id())).said("--state");
    signal(&child, Signal::INT);
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
}

#[test]
fn only_what_failed_is_tried_again() {
    let lab = Lab::new();
    lab.input("good.txt", "x");
    lab.input("bad.txt", "y");
    let switch = lab.path("switch");
    let then = format!("test $WINDLASS_BASE = good || test -e '{}'", switch.display());
    let args = logging(&lab, &then);
    lab.run(&args).ended(3).said("exit code 1");
    std::fs::write(&switch, "").expect("a file");
    let mut again = args.to_vec();
    again.push("--failed".to_owned());
    lab.run(&again).ended(0);
    assert_eq!(log(&lab), BTreeMap::from([("bad".to_owned(), 2), ("good".to_owned(), 1)]));
    assert_eq!(lab.summary()["totals"]["succeeded"], 2);
}

#[test]
fn without_paths_the_newest_run_is_tried_again() {
    let lab = Lab::new();
    lab.input("bad.txt", "y");
    let switch = lab.path("switch");
    let args = logging(&lab, &format!("test -e '{}'", switch.display()));
    lab.run(&args).ended(3);
    std::fs::write(&switch, "").expect("a file");
    lab.run(&["run", "--failed"]).ended(0);
    assert_eq!(log(&lab)["bad"], 2);
}

#[test]
fn a_mended_file_is_a_new_input_of_the_same_name() {
    let lab = Lab::new();
    lab.input("a.txt", "bad");
    let args = logging(&lab, "grep -q good");
    lab.run(&args).ended(3);
    lab.input("a.txt", "good");
    lab.run(&["run", "--failed"]).ended(0);
    assert_eq!(lab.results("command"), ["a_command.json"]);
    assert_eq!(lab.summary()["rows"].as_array().expect("rows").len(), 1);
}

#[test]
fn there_is_nothing_to_retry_in_a_new_state() {
    let lab = Lab::new();
    lab.input("a.txt", "x");
    lab.run(&["run", "--failed"]).ended(1).said("no earlier run");
    lab.run(&["run", "in", "--failed"]).ended(1).said("without --failed");
}
