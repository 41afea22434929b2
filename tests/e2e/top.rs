//! The cluster on a terminal, and without one.

use crate::cluster::{joined, master};
use crate::lab::{Lab, not_run, until};
use crate::service::Service;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

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

#[test]
fn on_a_terminal_keys_steer() {
    if !Path::new("/usr/bin/script").exists() {
        return not_run("script", "a program that opens a terminal for another one");
    }
    let lab = Lab::new();
    let (_master, address) = master(&lab);
    let _w1 = joined(&lab, "w1", &address, "1");
    let program = env!("CARGO_BIN_EXE_windlass");
    let mut script = lab.command_of(
        Path::new("/usr/bin/script"),
        &["-qefc", &format!("{program} top --master {address}"), "/dev/null"],
    );
    script.env("TERM", "xterm").stdin(Stdio::piped());
    let mut top = Service::start(&mut script);
    let mut keys = top.child.stdin.take().expect("is piped");
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
