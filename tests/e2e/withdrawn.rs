//! Operations whose executors do not come up, and what the user hears of missing confinement.

use crate::lab::{Lab, Ran, not_run, until};
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_windlass");

/// Executors whose parent is this process.
fn executors(parent: u32) -> Vec<Pid> {
    let processes = std::fs::read_dir("/proc").expect("listed").flatten();
    let is_one = |process: &std::fs::DirEntry| {
        let read = |name: &str| std::fs::read_to_string(process.path().join(name));
        let of_parent = format!("PPid:\t{parent}");
        read("cmdline").is_ok_and(|line| line.contains("__executor"))
            && read("status").is_ok_and(|status| status.lines().any(|line| line == of_parent))
    };
    let found = processes.filter(is_one);
    let pid = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    found.filter_map(pid).filter_map(Pid::from_raw).collect()
}

/// In the middle of a run the program is replaced by one that crashes at once, and the executors
/// that are at work crash too.
#[test]
fn an_operation_whose_executors_crash_is_withdrawn_and_nothing_waits_for_ever() {
    let lab = Lab::new();
    let program = lab.path("windlass");
    std::fs::copy(PROGRAM, &program).expect("copied");
    let text = "A good day for a long walk. ".repeat(100);
    // All different, or the memo would know them.
    for number in 0..2_000 {
        lab.input(format!("{number}.txt"), format!("{number} {text}"));
    }
    let args = ["run", "in", "--op", "text", "--workers", "2"];
    let run = lab.command_of(&program, &args).spawn().expect("the binary starts");
    until("a first result", || !lab.results("text").is_empty());
    let broken = lab.path("broken");
    std::fs::write(&broken, "#!/bin/sh\nkill -SEGV $$\n").expect("written");
    std::fs::set_permissions(&broken, PermissionsExt::from_mode(0o755)).expect("allowed");
    std::fs::rename(&broken, &program).expect("replaced");
    for executor in executors(run.id()) {
        let _ = kill_process(executor, Signal::ABORT);
    }
    let ran = Ran::of(run.wait_with_output().expect("it ends"));
    ran.ended(3)
        .said("operation withdrawn")
        .said("no worker offers text any more")
        .said("executors in a row did not start")
        .said("windlass doctor")
        .said("Withdrawn operations");
    let summary = lab.summary();
    let totals = &summary["totals"];
    assert_eq!(totals["unfinished"], 0, "{totals}");
    assert!(totals["succeeded"].as_u64() > Some(0), "{totals}");
    let withdrawn = summary["withdrawn"].as_array().expect("a list");
    let text = withdrawn.iter().find(|it| it["operation"] == "text").expect("text is withdrawn");
    assert_eq!(text["workers"].as_array().map(Vec::len), Some(2));
    // With a sound program the same command makes the rest.
    std::fs::copy(PROGRAM, &program).expect("copied");
    let mut again = lab.command_of(&program, &[&args[..], &["--failed"]].concat());
    Ran::of(again.output().expect("the binary starts")).ended(0);
}

#[test]
fn missing_confinement_is_mentioned_once() {
    let lab = Lab::new();
    lab.input("a.txt", "A good day.");
    lab.input("b.txt", "A bad day.");
    let mentions = |ran: &Ran| ran.stderr.matches("not fully confined").count();
    let doctor = lab.run(&["doctor", "--json"]);
    let doctor: serde_json::Value = serde_json::from_str(&doctor.stdout).expect("JSON");
    let findings = doctor["findings"].as_array().expect("findings");
    let layers = ["user", "files and signals", "system calls"];
    let of_layers = findings.iter().filter(|it| layers.iter().any(|name| it["name"] == *name));
    let is_whole = of_layers.clone().count() == 3 && of_layers.clone().all(|it| it["ok"] == true);
    assert_eq!(mentions(lab.run(&["run", "in"]).ended(0)), usize::from(!is_whole));
    // Root of a namespace with one user cannot become another one.
    let alone = ["--user", "--map-root-user"];
    let works = Command::new("unshare").args(alone).arg("true").status();
    if !works.is_ok_and(|status| status.success()) {
        return not_run("user-namespaces", "`unshare --user` does not work here");
    }
    let args = [&alone[..], &[PROGRAM, "run", "in", "--fresh"]].concat();
    let ran = Ran::of(lab.command_of("unshare".as_ref(), &args).output().expect("it starts"));
    assert_eq!(mentions(ran.ended(0)), 1, "{}", ran.stderr);
    ran.said("they run as root").said("`windlass doctor`");
}
