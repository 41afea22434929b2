//! Phases that build on each other, over processes that are killed in the middle.

use crate::cluster::{joined, master, run_on};
use crate::lab::{Lab, Ran, until};
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
    let (_master, address) = master(&lab);
    let mut victim = joined(&lab, "victim", &address, "1");
    let _other = joined(&lab, "other", &address, "1");
    let before = cpu_ticks(&victim.child);
    let run = run_on(&lab, &address, &FACTORIAL).spawn().expect("starts");
    until("the worker is at work", || cpu_ticks(&victim.child) > before + 5);
    victim.kill();
    Ran::of(run.wait_with_output().expect("it ends")).ended(0);
    is_right(&lab);
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
