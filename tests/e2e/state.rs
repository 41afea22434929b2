//! `windlass state`: what it shows of a sound, a held and a damaged state.

use crate::lab::{Lab, Ran, not_run, signal, until};
use rustix::process::Signal;
use serde_json::Value;
use std::fs::Permissions;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;

fn json(lab: &Lab, command: &str, code: i32) -> Value {
    let ran = lab.run(&["state", command, "--json"]);
    ran.ended(code);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

#[test]
fn show_and_verify_tell_what_a_state_holds() {
    let lab = Lab::new();
    lab.run(&["state", "show"]).ended(4).said("nothing was run there yet");
    lab.run(&["run", "--op", "noop", "--param", "count=50"]).ended(0);
    let shown = json(&lab, "show", 0);
    assert_eq!(shown["jobs"], 1);
    assert_eq!(shown["tasks"]["succeeded"], 50);
    assert_eq!(shown["held_by"], Value::Null);
    assert_eq!((&shown["epoch"], &shown["oldest_record"]), (&1.into(), &1.into()));
    let verified = json(&lab, "verify", 0);
    assert_eq!(verified["sound"], true);
    assert_eq!(verified["head"], shown["head"]);
}

#[test]
fn a_held_state_can_be_looked_at() {
    let lab = Lab::new();
    lab.input("a.txt", "x");
    let mut child = lab.start(&["run", "in", "--op", "command", "--param", "cmd=sleep 60"]);
    until("the job is recorded", || {
        let ran = lab.run(&["state", "show", "--json"]);
        let shown: Option<Value> = serde_json::from_str(&ran.stdout).ok();
        shown.is_some_and(|shown| shown["open_jobs"] == 1)
    });
    let shown = json(&lab, "show", 0);
    assert_eq!(shown["held_by"], format!("process {}", child.id()));
    assert_eq!(json(&lab, "verify", 0)["sound"], true);
    // Who would hold it too is refused and told by whom it is held.
    let refused = lab.run(&["master", "--listen", "127.0.0.1:0"]);
    refused.ended(1).said(&format!("process {}", child.id()));
    signal(&child, Signal::KILL);
    child.wait().expect("it ended");
    assert_eq!(json(&lab, "show", 0)["held_by"], Value::Null);
}

#[test]
fn damage_is_told_with_file_and_byte_and_nothing_is_changed() {
    let lab = Lab::new();
    lab.run(&["run", "--op", "noop", "--param", "count=50"]).ended(0);
    let segment = lab.path("state/journal/00000000000000000001.log");
    let file = std::fs::OpenOptions::new().read(true).write(true).open(&segment).expect("opens");
    let mut byte = [0];
    file.read_exact_at(&mut byte, 530).expect("it is longer");
    file.write_all_at(&[!byte[0]], 530).expect("it can be written");
    let before = std::fs::read(&segment).expect("a file");
    let ran = lab.run(&["state", "verify"]);
    ran.ended(1);
    let place = format!("{}, byte 512:", segment.display());
    assert!(ran.stdout.contains("Damaged") && ran.stdout.contains(&place), "{}", ran.stdout);
    assert_eq!(json(&lab, "verify", 1)["sound"], false);
    assert!(lab.run(&["state", "show"]).stdout.contains("windlass state verify"));
    assert_eq!(std::fs::read(&segment).expect("a file"), before);
}

#[test]
fn what_looks_at_a_state_makes_none() {
    let lab = Lab::new();
    for command in [
        &["token", "create"][..],
        &["token", "list"],
        &["state", "show"],
        &["state", "verify"],
        &["state", "export"],
        &["state", "compact"],
        &["records", "list"],
        &["records", "drop", "people"],
        &["records", "query", "people", "--name", "ada"],
        &["job", "list"],
        &["result", "ls", "1"],
    ] {
        let state = lab.path("state");
        let ran = lab.run(command);
        ran.ended(4).said(state.to_str().expect("text")).said("windlass up");
        assert!(!state.exists(), "{command:?}");
    }
}

#[test]
fn a_state_that_may_not_be_entered_is_told_as_that() {
    let lab = Lab::new();
    lab.run(&["run", "--op", "noop"]).ended(0);
    let state = lab.path("state");
    // Where the binary was built, another user may not come.
    let own = |path: &Path, mode| {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
    };
    let binary = lab.path("windlass");
    std::fs::copy(env!("CARGO_BIN_EXE_windlass"), &binary).expect("copied");
    own(&lab.path(""), 0o755);
    let nobody = |args: &[&str]| {
        let mut command = lab.command_of(&binary, args);
        command.current_dir("/");
        if rustix::process::geteuid().is_root() {
            command.uid(65_534).gid(65_534);
        }
        command.output().map(Ran::of)
    };
    if !nobody(&["--version"]).is_ok_and(|ran| ran.code == 0) {
        return not_run("nobody", "another user cannot run the binary");
    }
    own(&state, 0);
    for command in [&["job", "list"][..], &["cluster", "status"], &["state", "show"]] {
        let ran = nobody(command).expect("starts");
        ran.ended(4).said("may not enter").said("permission x is missing").said("--state DIR");
        assert!(!ran.stderr.contains("windlass up"), "{}", ran.stderr);
    }
    own(&state, 0o700);
    // Behind a link the folders on the way to it are in nobody's way.
    std::fs::create_dir(lab.path("closed")).expect("a folder");
    std::fs::rename(&state, lab.path("closed/state")).expect("moved");
    std::os::unix::fs::symlink(lab.path("closed/state"), &state).expect("a link");
    own(&lab.path("closed"), 0o700);
    let ran = nobody(&["job", "list"]).expect("starts");
    ran.ended(4).said("permission denied").said("--state DIR");
    assert!(!ran.stderr.contains("belongs to"), "{}", ran.stderr);
}

#[test]
fn a_state_that_is_a_file_is_told_as_that() {
    let lab = Lab::new();
    std::fs::write(lab.path("state"), "").expect("written");
    for command in [&["job", "list"][..], &["state", "show"], &["records", "list"]] {
        lab.run(command).ended(4).said("it is no folder");
    }
}
