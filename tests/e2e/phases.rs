//! Phases that build on each other, over processes that are killed in the middle.

use crate::cluster::{joined, run_on};
use crate::lab::{Lab, Ran, until};
use crate::service::Service;
use serde_json::Value;
use std::path::Path;
use std::process::Child;

/// Long enough to be at work when a process is killed.
const FACTORIAL: [&str; 4] = ["--op", "factorial", "--param", "n=200000"];

/// 200,000! by Python's `math.factorial`: bytes with the end of the line, and their FNV-1a hash.
const BY_PYTHON: (usize, u64) = (973_352, 0x87c9_cf8d_766a_e87d);

#[track_caller]
fn is_right(lab: &Lab) {
    let digits = std::fs::read(lab.path("processed_results/factorial/factorial_200000.txt"));
    let digits = digits.expect("a result");
    let hash = digits.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!((digits.len(), hash), BY_PYTHON);
    assert_eq!(lab.results("factorial"), ["factorial_200000.json", "factorial_200000.txt"]);
    let rows = &lab.summary()["rows"];
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "what lies between is no result: {rows}");
}

/// CPU time that a process has had so far, in ticks of the kernel.
fn cpu_ticks(child: &Child) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).expect("it runs");
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    // proc(5): user and system time are the 12th and 13th fields behind the name.
    let fields = fields.split_whitespace().skip(11).take(2);
    fields.map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
}

#[test]
fn a_factorial_outlives_one_of_its_two_workers() {
    let lab = Lab::new();
    let up = ["up", "--listen", "127.0.0.1:0", "--workers", "0"];
    let cluster = Service::start(&mut lab.command(&up));
    let line = cluster.line("Listening on ");
    let address = line.trim_start_matches("Listening on ").to_owned();
    let mut victim = joined(&lab, "victim", &address, "1");
    let _other = joined(&lab, "other", &address, "1");
    let before = cpu_ticks(&victim.child);
    let run = run_on(&lab, &address, &FACTORIAL).spawn().expect("starts");
    until("the worker is at work", || cpu_ticks(&victim.child) > before + 5);
    victim.kill();
    Ran::of(run.wait_with_output().expect("it ends")).ended(0);
    is_right(&lab);
    let logs = lab.run(&["job", "logs", "1"]).ended(0).stdout.clone();
    for words in ["(1 file)", " of 2: attempt 1 worker lost on victim", "factorial: half ended: 2"]
    {
        assert!(logs.contains(words), "{words:?}: {logs}");
    }
}

/// What lies between is told as steps: to the user it is one file.
#[test]
fn the_steps_of_a_factorial_are_no_files() {
    let lab = Lab::new();
    let up = ["up", "--listen", "127.0.0.1:0", "--workers", "0"];
    let cluster = Service::start(&mut lab.command(&up));
    cluster.line("Listening on ");
    let submit = ["submit", "--op", "factorial", "--param", "n=52", "--json"];
    let submitted: Value = json(&lab, &submit);
    assert_eq!(submitted["jobs"][0]["files"], 1);
    let steps = |shown: &Value| {
        let phases = shown["phases"].as_array().expect("phases").clone();
        let told = phases.iter().map(|it| {
            let name = it["step"].as_str().expect("a step").to_owned();
            (name, it["intermediate"] == true, it["tasks"].as_u64(), it["open"].as_u64())
        });
        told.collect::<Vec<_>>()
    };
    let step = |name: &str, is_intermediate, count, open| {
        (name.to_owned(), is_intermediate, Some(count), Some(open))
    };
    assert_eq!(
        steps(&json(&lab, &["job", "show", "1", "--json"])),
        [step("part", true, 2, 2), step("half", true, 2, 2), step("digits", false, 1, 1)]
    );
    assert!(lab.run(&["job", "list"]).ended(0).stdout.contains(" 0/1 "));
    let address = cluster.line("Listening on ");
    let _worker = joined(&lab, "w1", address.trim_start_matches("Listening on "), "2");
    lab.run(&["job", "wait", "1"]).ended(0);
    assert_eq!(
        steps(&json(&lab, &["job", "show", "1", "--json"])),
        [step("part", true, 2, 0), step("half", true, 2, 0), step("digits", false, 1, 0)]
    );
    let shown = lab.run(&["job", "show", "1"]).ended(0).stdout.clone();
    assert!(shown.contains("factorial: digits"), "{shown}");
    assert!(shown.contains("1 file in "), "{shown}");
    assert!(lab.run(&["job", "list"]).ended(0).stdout.contains(" 1/1 "));
    let results = lab.run(&["result", "ls", "1"]).ended(0).stdout.clone();
    assert_eq!(
        results.lines().filter(|line| line.contains("factorial_52")).count(),
        2,
        "{results}"
    );
    assert!(!results.contains(".bin"), "{results}");
}

fn json(lab: &Lab, args: &[&str]) -> Value {
    serde_json::from_str(&lab.run(args).ended(0).stdout).expect("JSON")
}

#[test]
fn a_killed_run_goes_on_with_the_phases_that_it_has() {
    let lab = Lab::new();
    let mut args = vec!["run"];
    args.extend(FACTORIAL);
    let mut run = lab.command(&args).spawn().expect("starts");
    // A share of the product has some 240 KB.
    until("a share is stored", || bytes_below(&lab.path("state/blobs")) > 200_000);
    run.kill().expect("killed");
    run.wait().expect("ended");
    lab.run(&args).ended(0);
    is_right(&lab);
}

fn bytes_below(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => bytes_below(&entry.path()),
        _ => entry.metadata().map_or(0, |facts| facts.len()),
    });
    bytes.sum()
}
