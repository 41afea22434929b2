//! The cluster on a terminal, and without one.

use crate::cluster::{joined, master, master_at};
use crate::lab::{Lab, not_run, until};
use crate::service::Service;
use std::io::Write;
use std::path::Path;
use std::process::{ChildStdin, Stdio};

#[test]
fn without_a_terminal_it_says_what_to_do_and_prints_one_frame_if_asked() {
    let lab = Lab::new();
    lab.run(&["top", "--once"]).ended(4).said("windlass up");
    let (_master, address) = master(&lab);
    let refused = lab.run(&["top", "--master", &address]);
    refused.ended(2).said("top --once").said("cluster status --json").said("worker list --json");
    let _w1 = joined(&lab, "w1", &address, "2");
    lab.input("a name of a file.txt", "words");
    let args = ["in", "--op", "command", "--param", "cmd=sleep 60"];
    lab.run(&[["submit"].as_slice(), args.as_slice()].concat()).ended(0);
    let frame = || lab.run(&["top", "--once", "--master", &address]).ended(0).stdout.clone();
    until("the file is at work", || frame().contains("a name of a file.txt"));
    let frame = frame();
    let lines: Vec<&str> = frame.lines().collect();
    assert!(lines[0].contains("1 of 2 slots at work  1 worker"), "{frame}");
    let has = |words: &[&str]| {
        lines
            .iter()
            .any(|line| words.iter().all(|word| line.split_whitespace().any(|it| it == *word)))
    };
    for words in [
        ["w1", "joined", "1/2"],
        ["w1", "0", "command"],
        ["command", "0", "1"],
        ["1", "open", "0/1"],
    ] {
        assert!(has(&words), "{words:?} is not in\n{frame}");
    }
}

/// What the terminal was told, in the lab's folder.
const SCREEN: &str = "screen";

/// `windlass top` on a terminal of its own, and what takes its keys; `None` where nothing opens
/// one.
fn top_on_a_terminal(lab: &Lab, address: &str) -> Option<(Service, ChildStdin)> {
    if !Path::new("/usr/bin/script").exists() {
        not_run("script", "a program that opens a terminal for another one");
        return None;
    }
    let program = env!("CARGO_BIN_EXE_windlass");
    // A terminal that is opened for a pipe has no size of its own.
    let command = format!("stty rows 30 cols 100; exec {program} top --master {address}");
    let mut script = lab.command_of(Path::new("/usr/bin/script"), &["-qefc", &command, SCREEN]);
    script.env("TERM", "xterm").stdin(Stdio::piped());
    let mut top = Service::start(&mut script);
    let keys = top.child.stdin.take().expect("is piped");
    Some((top, keys))
}

#[test]
fn a_master_that_is_gone_is_said_and_found_again() {
    let lab = Lab::new();
    let (mut first, address) = master(&lab);
    let _w1 = joined(&lab, "w1", &address, "1");
    let Some((mut top, mut keys)) = top_on_a_terminal(&lab, &address) else { return };
    let screen = || {
        String::from_utf8_lossy(&std::fs::read(lab.path(SCREEN)).unwrap_or_default()).into_owned()
    };
    until("the worker is on the screen", || screen().contains("w1"));
    first.kill();
    until("the screen says that nobody answers", || screen().contains("Looking again"));
    let (_second, _) = master_at(&lab, &address);
    until("the key reaches the master that came after", || {
        keys.write_all(b"d").expect("it listens");
        lab.run(&["worker", "show", "w1"]).stdout.contains("no: drained")
    });
    keys.write_all(b"q").expect("it listens");
    assert!(top.ended().success(), "{}", top.said());
}

#[test]
fn on_a_terminal_keys_steer() {
    let lab = Lab::new();
    let (_master, address) = master(&lab);
    let _w1 = joined(&lab, "w1", &address, "1");
    let Some((mut top, mut keys)) = top_on_a_terminal(&lab, &address) else { return };
    let is_drained = || lab.run(&["worker", "show", "w1"]).stdout.contains("no: drained");
    until("its key drains the worker", || {
        keys.write_all(b"d").expect("it listens");
        is_drained()
    });
    until("its key resumes it", || {
        keys.write_all(b"r").expect("it listens");
        !is_drained()
    });
    keys.write_all(b"q").expect("it listens");
    assert!(top.ended().success(), "{}", top.said());
}
