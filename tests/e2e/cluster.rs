//! Master, workers and commands as processes of their own: they find each other, and outlive each
//! other.

use crate::lab::{Lab, Ran, not_run, signal, until};
use crate::security::own_address;
use crate::service::Service;
use rustix::process::Signal;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) fn master_at(lab: &Lab, place: &str) -> (Service, String) {
    served_by(lab, &["master", "--listen", place])
}

/// A process that listens on one port, and where.
pub(crate) fn served_by(lab: &Lab, args: &[&str]) -> (Service, String) {
    let service = Service::start(&mut lab.command(args));
    service.wait_for("Listening on ");
    let said = service.said();
    let address = said.split("Listening on ").nth(1).and_then(|rest| rest.lines().next());
    (service, address.expect("an address").to_owned())
}

pub(crate) fn master(lab: &Lab) -> (Service, String) {
    master_at(lab, "127.0.0.1:0")
}

pub(crate) fn worker(lab: &Lab, name: &str, master: &str, slots: &str) -> Service {
    let args = ["worker", "--join", master, "--name", name, "--slots", slots];
    Service::start(&mut lab.command(&args))
}

pub(crate) fn joined(lab: &Lab, name: &str, master: &str, slots: &str) -> Service {
    let worker = worker(lab, name, master, slots);
    worker.wait_for("works for the master");
    worker
}

/// `run` as somebody does it who has no state here.
pub(crate) fn run_on(lab: &Lab, master: &str, args: &[&str]) -> Command {
    let mut command = lab.command(&["run", "--master", master]);
    command.args(args).env_remove("WINDLASS_STATE");
    command
}

/// A command that takes a moment and says which file it was given.
pub(crate) const SLOW: [&str; 4] = ["--op", "command", "--param", "cmd=sleep 0.03; cat"];

pub(crate) fn slow_inputs(lab: &Lab, count: usize) {
    for number in 0..count {
        lab.input(format!("f{number:03}.txt"), format!("file {number}"));
    }
}

#[track_caller]
pub(crate) fn all_results_are_right(lab: &Lab, count: usize) {
    assert_eq!(lab.summary()["totals"]["succeeded"], count);
    assert_eq!(lab.summary()["rows"].as_array().expect("rows").len(), count);
    for number in 0..count {
        let out = lab.path(format!("processed_results/command/f{number:03}.out"));
        let out = std::fs::read_to_string(out).expect("a result");
        assert_eq!(out, format!("file {number}"));
    }
}

#[test]
fn workers_of_their_own_make_what_a_run_makes_alone() {
    let lab = Lab::new();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/heap");
    let samples = samples.to_str().expect("a plain path");
    let (_master, address) = master(&lab);
    let _w1 = joined(&lab, "w1", &address, "1");
    let _w2 = joined(&lab, "w2", &address, "2");
    Ran::of(run_on(&lab, &address, &[samples, "--out", "there"]).output().expect("starts"))
        .ended(0);
    let alone = Lab::new();
    alone.run(&["run", samples, "--out", "here"]).ended(0);
    for operation in ["document", "image", "text"] {
        let folder = alone.path("here").join(operation);
        for entry in std::fs::read_dir(folder).expect("results").flatten() {
            let there = lab.path("there").join(operation).join(entry.file_name());
            let (there, here) = (std::fs::read(&there), std::fs::read(entry.path()));
            assert!(there.expect("is there") == here.expect("is here"), "{entry:?} differs");
        }
    }
}

#[test]
fn a_killed_workers_tasks_run_elsewhere() {
    let lab = Lab::new();
    slow_inputs(&lab, 120);
    let (_master, address) = master(&lab);
    let mut victim = joined(&lab, "victim", &address, "2");
    let _other = joined(&lab, "other", &address, "2");
    let mut args = vec!["in"];
    args.extend(SLOW);
    let run = run_on(&lab, &address, &args).spawn().expect("starts");
    until("some files are done", || lab.results("command").len() > 20);
    victim.kill();
    Ran::of(run.wait_with_output().expect("it ends")).ended(0);
    all_results_are_right(&lab, 120);
}

#[test]
fn a_worker_that_hangs_is_given_up_and_comes_back() {
    let lab = Lab::new();
    slow_inputs(&lab, 60);
    let (_master, address) = master(&lab);
    let hung = joined(&lab, "hung", &address, "1");
    let other = joined(&lab, "other", &address, "1");
    let mut args = vec!["in"];
    args.extend(SLOW);
    let run = run_on(&lab, &address, &args).spawn().expect("starts");
    until("some files are done", || lab.results("command").len() > 10);
    signal(&hung.child, Signal::STOP);
    Ran::of(run.wait_with_output().expect("it ends")).ended(0);
    all_results_are_right(&lab, 60);
    drop(other);
    signal(&hung.child, Signal::CONT);
    // Nobody else is there to do it.
    let late = lab.input("late.txt", "late");
    let late = late.to_str().expect("a plain path");
    let mut args = vec![late, "--out", "late"];
    args.extend(SLOW);
    Ran::of(run_on(&lab, &address, &args).output().expect("starts")).ended(0);
}

#[test]
fn a_master_killed_and_started_again_gets_its_workers_and_its_runs_back() {
    let lab = Lab::new();
    slow_inputs(&lab, 120);
    let (mut first, address) = master(&lab);
    let _w1 = joined(&lab, "w1", &address, "2");
    let _w2 = joined(&lab, "w2", &address, "2");
    let mut args = vec!["in"];
    args.extend(SLOW);
    let mut run = Service::start(&mut run_on(&lab, &address, &args));
    until("some files are done", || lab.results("command").len() > 20);
    first.kill();
    // Said by one that finds nobody; with the next master there at once, it might not have to.
    run.wait_for("looking for it again");
    let (_second, again) = master_at(&lab, &address);
    assert_eq!(again, address);
    assert!(run.ended().success(), "{}", run.said());
    all_results_are_right(&lab, 120);
}

#[test]
fn a_worker_waits_for_its_master() {
    let lab = Lab::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = port.local_addr().expect("bound").to_string();
    drop(port);
    let early = worker(&lab, "early", &address, "1");
    early.wait_for("nobody listens there");
    let (_master, _) = master_at(&lab, &address);
    early.wait_for("works for the master");
}

#[test]
fn a_second_run_joins_the_first_and_outlives_it() {
    let lab = Lab::new();
    slow_inputs(&lab, 80);
    let mut args = vec!["run", "--op", "noop", "--param", "count=2", "--param", "sleep_ms=900"];
    // A folder of its own: otherwise the summary is that of the run which ends last.
    args.extend(["--out", "first"]);
    let first = lab.start(&args);
    until("the first run is up", || lab.path("state/socket").exists());
    let mut args = vec!["run", "in", "--workers", "2"];
    args.extend(SLOW);
    let second = lab.start(&args);
    Ran::of(first.wait_with_output().expect("it ends")).ended(0);
    Ran::of(second.wait_with_output().expect("it ends")).ended(0);
    all_results_are_right(&lab, 80);
}

#[test]
fn what_is_no_message_harms_nobody() {
    let lab = Lab::new();
    slow_inputs(&lab, 4);
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    for bytes in [
        &b"\x00\x01\x02\x03garbage"[..],
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /windlass.v1.Sessions/Open HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nabcde",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        let mut stream = TcpStream::connect(&address).expect("connects");
        stream.write_all(bytes).expect("is sent");
        stream.shutdown(std::net::Shutdown::Write).expect("is open");
        // What comes back does not matter, only that it ends.
        let _ = stream.read_to_end(&mut Vec::new());
    }
    let mut args = vec!["in"];
    args.extend(SLOW);
    Ran::of(run_on(&lab, &address, &args).output().expect("starts")).ended(0);
    all_results_are_right(&lab, 4);
}

#[test]
fn a_worker_that_does_not_see_the_files_gets_them_from_the_master() {
    if !rustix::process::geteuid().is_root() {
        return not_run("mount", "this user may not mount");
    }
    let lab = Lab::new();
    slow_inputs(&lab, 12);
    let (_master, address) = master(&lab);
    let hide = format!(
        "mount -t tmpfs none '{}' && exec '{}' worker --join {address} --name far --slots 2",
        lab.path("in").display(),
        env!("CARGO_BIN_EXE_windlass"),
    );
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &hide]).stderr(Stdio::piped());
    let far = Service::start(&mut command);
    far.wait_for("works for the master");
    let mut args = vec!["in"];
    args.extend(SLOW);
    Ran::of(run_on(&lab, &address, &args).output().expect("starts")).ended(0);
    all_results_are_right(&lab, 12);
    Ran::of(run_on(&lab, &address, &["in", "--op", "text"]).output().expect("starts")).ended(0);
    assert_eq!(lab.summary()["totals"]["succeeded"], 12);
}

#[test]
fn what_a_run_elsewhere_sends_is_worked_on_by_workers_in_the_masters_process() {
    if !rustix::process::geteuid().is_root() {
        return not_run("mount", "this user may not mount");
    }
    let Some(place) = own_address() else {
        return not_run("address", "this machine has no address but loopback");
    };
    let lab = Lab::new();
    // Another file is at the same path here.
    lab.input("f.txt", "what lies here");
    let up = ["up", "--listen", &place, "--insecure", "--workers", "1"];
    let (_master, address) = served_by(&lab, &up);
    let far = format!(
        "mount -t tmpfs none in && printf 'what lies there' > in/f.txt && unset WINDLASS_STATE && \
         exec '{}' run --insecure --master {address} in --op command --param cmd=cat",
        env!("CARGO_BIN_EXE_windlass"),
    );
    let mut command = lab.command_of(Path::new("unshare"), &["-m", "sh", "-c", &far]);
    Ran::of(command.output().expect("starts")).ended(0);
    let made = std::fs::read(lab.path("processed_results/command/f.out")).expect("a result");
    assert_eq!(made, b"what lies there");
}

/// As through a forwarded port: the address is of this machine, the files are not.
#[test]
fn what_the_master_does_not_see_is_sent_whatever_its_address_is() {
    if !rustix::process::geteuid().is_root() {
        return not_run("mount", "this user may not mount");
    }
    let lab = Lab::new();
    lab.input("f.txt", "what lies here");
    std::fs::create_dir(lab.path("seen")).expect("made");
    std::fs::write(lab.path("seen/g.txt"), "what both see").expect("written");
    std::fs::write(lab.path("seen/h.txt"), "what another sees").expect("written");
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    let far = format!(
        "mount -t tmpfs none in && printf 'what is there!' > in/f.txt && \
         mount -t tmpfs none open && printf 'what I alone see' > open/h && \
         mount --bind open/h seen/h.txt && \
         exec '{}' run --master {address} in seen --op command --param cmd=cat",
        env!("CARGO_BIN_EXE_windlass"),
    );
    let mut command = lab.command_of(Path::new("unshare"), &["-m", "sh", "-c", &far]);
    Ran::of(command.output().expect("starts")).ended(0);
    let made = |name: &str| std::fs::read(lab.path("processed_results/command").join(name));
    assert_eq!(made("f.out").expect("a result"), b"what is there!");
    assert_eq!(made("g.out").expect("a result"), b"what both see");
    assert_eq!(made("h.out").expect("a result"), b"what I alone see", "beside one that is seen");
}

#[test]
fn nobody_there_is_said_with_what_to_do() {
    let lab = Lab::new();
    let ran = Ran::of(run_on(&lab, "127.0.0.1:1", &["in"]).output().expect("starts"));
    ran.ended(4).said("nobody listens there").said("windlass up");
    lab.run(&["run", "--master", "http://here", "in"]).ended(2).said("host:port");
}

#[test]
fn a_name_that_leads_nowhere_is_said_and_no_token_is_asked_for() {
    let lab = Lab::new();
    // Longer than a name may be, so that nobody is asked for it.
    let nowhere = format!("{}.invalid:7900", "x".repeat(64));
    for command in [
        &["job", "show", "1", "--master", &nowhere][..],
        &["job", "show", "1", "--master", &nowhere, "--insecure"],
        &["worker", "--join", &nowhere],
    ] {
        let ran = lab.run(command);
        ran.ended(4).said("check how the name is written").said(&nowhere);
        assert!(!ran.stderr.contains("token"), "{}", ran.stderr);
    }
    // What has something to show waits, as for any other master.
    let waits = Service::start(&mut lab.command(&["worker", "--join", &nowhere, "--insecure"]));
    waits.wait_for("Waiting for a master: failed to reach the master at");
}

#[test]
fn jobs_are_listed_waited_for_and_cancelled() {
    let lab = Lab::new();
    slow_inputs(&lab, 6);
    let (_master, address) = master(&lab);
    assert_eq!(lab.run(&["job", "list"]).ended(0).stdout, "There is no job.\n");
    lab.run(&["job", "wait", "7"]).ended(1).said("windlass job list");
    let _worker = joined(&lab, "w1", &address, "1");
    Ran::of(run_on(&lab, &address, &["in", "--op", "text"]).output().expect("starts")).ended(0);
    lab.run(&["job", "wait", "1"]).ended(0);
    let args = ["in/f003.txt", "--op", "noop", "--param", "sleep_ms=60000"];
    let run = run_on(&lab, &address, &args).spawn().expect("starts");
    until("the second job is there", || lab.run(&["job", "list"]).stdout.contains("open"));
    for look in [&["cluster", "status"][..], &["worker", "show", "w1"]] {
        until("the file at work is told", || lab.run(look).stdout.contains("in/f003.txt, for "));
    }
    lab.run(&["job", "wait", "2", "--timeout", "1"]).ended(6).said("1 file to do");
    lab.run(&["job", "cancel", "2"]).ended(0);
    lab.run(&["job", "wait", "2"]).ended(3).said("job 2 was cancelled, 1 file undone");
    assert!(lab.run(&["job", "show", "2"]).ended(0).stdout.contains("undone"));
    lab.run(&["job", "cancel", "2"]).ended(1).said("the job has ended");
    let cancelled = Ran::of(run.wait_with_output().expect("it ends"));
    cancelled.ended(3);
    let jobs = lab.run(&["job", "list", "--json"]);
    let jobs: serde_json::Value = serde_json::from_str(&jobs.ended(0).stdout).expect("JSON");
    assert_eq!(jobs["jobs"][0]["state"], "succeeded");
    assert_eq!(jobs["jobs"][1]["state"], "cancelled");
}

#[test]
fn a_path_that_is_not_there_is_not_found_and_told_what_is() {
    let lab = Lab::new();
    let (_master, address) = master(&lab);
    let answer = http_get(&address, "/healthz");
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    assert!(answer.contains("/livez and /readyz"), "{answer}");
    assert!(http_get(&address, "/livez").starts_with("HTTP/1.1 200 "));
}

/// What an HTTP server answers, head and body.
pub(crate) fn http_get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connects");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("is text");
    answer
}
