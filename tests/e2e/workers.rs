//! Workers as people see and steer them: who is there, who is gone, who takes nothing new.

use crate::cluster::{
    SLOW, all_results_are_right, joined, master, master_at, run_on, slow_inputs, worker,
};
use crate::lab::{Lab, Ran, not_run, signal, until};
use crate::service::Service;
use rustix::process::Signal;
use serde_json::Value;
use std::path::Path;

fn json(lab: &Lab, args: &[&str]) -> Value {
    let ran = lab.run(args);
    serde_json::from_str(&ran.ended(0).stdout).expect("JSON")
}

fn listed(lab: &Lab) -> Vec<Value> {
    let listed = json(lab, &["worker", "list", "--json"]);
    listed["workers"].as_array().expect("a list").clone()
}

fn of(lab: &Lab, name: &str) -> Value {
    listed(lab).into_iter().find(|worker| worker["name"] == name).unwrap_or(Value::Null)
}

fn stalls(lab: &Lab) -> Vec<String> {
    let status = json(lab, &["cluster", "status", "--json"]);
    let stalls = status["stalls"].as_array().expect("a list");
    stalls.iter().filter_map(|stall| stall["kind"].as_str()).map(str::to_owned).collect()
}

/// Whether this kernel tells who started whom, without which workers do not know what they use.
fn tells_usage() -> bool {
    let is_told = Path::new("/proc/thread-self/children").exists();
    if !is_told {
        not_run("proc-children", "/proc/thread-self/children is needed");
    }
    is_told
}

#[test]
fn workers_are_listed_shown_and_forgotten() {
    let lab = Lab::new();
    lab.run(&["worker", "list"]).ended(4).said("windlass up");
    let (_master, address) = master(&lab);
    let none = lab.run(&["worker", "list"]);
    assert!(none.ended(0).stdout.contains("There is no worker"), "{}", none.stdout);
    let mut w1 = joined(&lab, "w1", &address, "2");
    let _w2 = joined(&lab, "w2", &address, "1");
    lab.run(&["run", "--op", "noop", "--param", "count=5"]).ended(0);
    let workers = listed(&lab);
    let settled = workers.iter().filter_map(|worker| worker["settled_tasks"].as_u64());
    assert_eq!((workers.len(), settled.sum::<u64>()), (2, 5));
    assert_eq!((&workers[0]["slots"], &workers[0]["connected"]), (&2.into(), &true.into()));
    assert!(workers[0]["where"].as_str().is_some_and(|it| it.starts_with("127.0.0.1:")));
    let shown = json(&lab, &["worker", "show", "w1", "--json"])["worker"].clone();
    assert_eq!(shown["offers"]["document"]["quiet_ms_max"], 10_000);
    assert_eq!(shown["offers"]["command"]["quiet_ms_max"], Value::Null);
    if tells_usage() {
        until("it has said what it uses", || of(&lab, "w1")["resident_bytes"].is_u64());
        assert!(of(&lab, "w1")["cpu_cores"].is_f64() && of(&lab, "w1")["resident_bytes"] != 0);
    }
    let text = lab.run(&["worker", "show", "w1", "--master", &address]);
    for words in ["slot 1      idle", "lost after 3 s", "document, version 5: at most 3600 s, 10 s"]
    {
        assert!(text.ended(0).stdout.contains(words), "{words:?}: {}", text.stdout);
    }
    lab.run(&["worker", "show", "w9"]).ended(1).said("windlass worker list");
    lab.run(&["worker", "drain", "w9"]).ended(1).said("drain worker w9: there is no worker");
    lab.run(&["worker", "rm", "w1"]).ended(1).said("it is connected").said("drain");
    w1.kill();
    until("it is gone", || of(&lab, "w1")["connected"] == false);
    assert!(of(&lab, "w1")["heard_ms_ago"].is_u64());
    assert!(lab.run(&["worker", "show", "w1"]).ended(0).stdout.contains("is not connected"));
    lab.run(&["worker", "rm", "w1"]).ended(0);
    lab.run(&["worker", "rm", "w1"]).ended(1).said("there is no worker of this name");
    assert_eq!(listed(&lab).len(), 1);
}

#[test]
fn a_drained_worker_finishes_what_it_holds_and_gets_nothing_new() {
    let lab = Lab::new();
    slow_inputs(&lab, 80);
    let (_master, address) = master(&lab);
    let mut leaving = joined(&lab, "leaving", &address, "2");
    let _other = joined(&lab, "other", &address, "1");
    let mut args = vec!["in"];
    args.extend(SLOW);
    let run = run_on(&lab, &address, &args).spawn().expect("starts");
    until("some files are done", || lab.results("command").len() > 10);
    lab.run(&["worker", "drain", "leaving", "--wait"]).ended(0);
    let drained = of(&lab, "leaving");
    assert_eq!((&drained["held_tasks"], &drained["draining"]), (&0.into(), &true.into()));
    let settled = drained["settled_tasks"].as_u64();
    leaving.kill();
    Ran::of(run.wait_with_output().expect("it ends")).ended(0);
    all_results_are_right(&lab, 80);
    let rows = lab.summary()["rows"].as_array().expect("rows").clone();
    assert!(rows.iter().all(|row| row["attempts"] == 1), "nothing was lost with it");
    assert!(settled < Some(80));
    // Its next start is meant too, and calls are not for it.
    let _again = joined(&lab, "leaving", &address, "2");
    assert_eq!(of(&lab, "leaving")["draining"], true);
    for _ in 0..4 {
        lab.run(&["call", "factorial", "5"]).ended(0);
    }
    assert_eq!(of(&lab, "leaving")["served_calls"], 0);
    lab.run(&["worker", "drain", "other"]).ended(0);
    lab.run(&["call", "factorial", "5"]).ended(1).said("draining");
    let waiting = lab.start(&["run", "--op", "noop", "--param", "count=4"]);
    until("it is said why nothing moves", || stalls(&lab) == ["drained"]);
    let status = lab.run(&["cluster", "status"]).stdout;
    assert!(status.contains("every worker that offers noop is drained"), "{status}");
    lab.run(&["worker", "resume", "leaving"]).ended(0);
    Ran::of(waiting.wait_with_output().expect("it ends")).ended(0);
    assert_eq!(stalls(&lab), Vec::<String>::new());
    // A long one is not waited for without end.
    lab.run(&["worker", "resume", "other"]).ended(0);
    lab.run(&["worker", "drain", "leaving"]).ended(0);
    let mut long = lab.start(&["run", "--op", "noop", "--param", "sleep_ms=60000"]);
    until("it is at work", || of(&lab, "other")["held_tasks"] == 1);
    let ran = lab.run(&["worker", "drain", "other", "--wait", "--timeout", "1"]);
    ran.ended(6).said("still holds 1 task");
    // Nor is it taken for done where somebody wants it back.
    lab.run(&["worker", "resume", "other"]).ended(0);
    let waiting = lab.start(&["worker", "drain", "other", "--wait"]);
    until("it is drained", || of(&lab, "other")["draining"] == true);
    lab.run(&["worker", "resume", "other"]).ended(0);
    let waited = Ran::of(waiting.wait_with_output().expect("it ends"));
    waited.ended(1).said("somebody has resumed it");
    long.kill().expect("it runs");
    long.wait().expect("it ended");
}

#[test]
fn a_drain_outlives_master_and_worker() {
    let lab = Lab::new();
    let (mut first, address) = master(&lab);
    let mut w1 = joined(&lab, "w1", &address, "1");
    lab.run(&["worker", "drain", "w1"]).ended(0);
    signal(&w1.child, Signal::INT);
    w1.child.wait().expect("it ended");
    until("it has left", || of(&lab, "w1")["connected"] == false);
    first.kill();
    let (_second, address) = master_at(&lab, &address);
    assert_eq!(of(&lab, "w1")["draining"], true);
    assert_eq!(of(&lab, "w1")["heard_ms_ago"], Value::Null);
    let _again = joined(&lab, "w1", &address, "1");
    assert_eq!(of(&lab, "w1")["draining"], true);
    lab.run(&["worker", "resume", "w1"]).ended(0);
    lab.run(&["call", "factorial", "5"]).ended(0);
}

#[test]
fn the_second_live_worker_of_a_name_is_refused_and_the_next_start_of_a_dead_one_is_not() {
    let lab = Lab::new();
    let (_master, address) = master(&lab);
    let mut first = joined(&lab, "w1", &address, "1");
    let second = lab.run(&["worker", "--join", &address, "--name", "w1"]);
    second.ended(4).said("a worker named w1 is connected and alive").said("--name");
    lab.run(&["call", "factorial", "5"]).ended(0);
    first.kill();
    let restarted = joined(&lab, "w1", &address, "1");
    // A connection that stands says nothing of who holds it.
    signal(&restarted.child, Signal::STOP);
    let next = joined(&lab, "w1", &address, "1");
    signal(&restarted.child, Signal::CONT);
    restarted.wait_for("connected and alive");
    lab.run(&["call", "factorial", "5"]).ended(0);
    assert_eq!(listed(&lab).len(), 1);
    drop(next);
}

#[test]
fn a_worker_that_does_not_come_back_is_waited_for_once() {
    let lab = Lab::new();
    let (mut first, address) = master(&lab);
    let mut gone = joined(&lab, "gone", &address, "1");
    let args = ["--op", "noop", "--param", "count=2", "--param", "sleep_ms=200"];
    let run = run_on(&lab, &address, &args).spawn().expect("starts");
    until("it is at work", || of(&lab, "gone")["held_tasks"] == 2);
    gone.kill();
    first.kill();
    let (mut second, address) = master_at(&lab, &address);
    let _here = joined(&lab, "here", &address, "1");
    until("somebody waits for it", || stalls(&lab) == ["awaited"]);
    assert_eq!(of(&lab, "gone")["connected"], false);
    Ran::of(run.wait_with_output().expect("it ends")).ended(0);
    assert_eq!(of(&lab, "gone"), Value::Null, "nobody waits for it again");
    second.kill();
    let (_third, _) = master_at(&lab, &address);
    assert_eq!(of(&lab, "gone"), Value::Null);
}

#[test]
fn variables_name_the_cluster_where_no_flag_does() {
    let lab = Lab::new();
    let (_master, address) = master(&lab);
    let _w1 = worker(&lab, "w1", &address, "1");
    let with = |master: &str, args: &[&str]| {
        let mut command = lab.command(args);
        command.env("WINDLASS_MASTER", master).env("WINDLASS_STATE", lab.path("elsewhere"));
        Ran::of(command.output().expect("starts"))
    };
    for args in [&["worker", "list"][..], &["cluster", "status"], &["job", "list"]] {
        with(&address, args).ended(0);
    }
    until("it is there", || with(&address, &["call", "factorial", "3"]).code == 0);
    with(&address, &["run", "--op", "noop"]).ended(0);
    assert!(!lab.path("elsewhere").exists(), "all of it was done there");
    with("http://here", &["worker", "list"]).ended(2).said("WINDLASS_MASTER: ");
    with("127.0.0.1:1", &["worker", "list"]).ended(4);
    // Flags are meant more than variables.
    let state = lab.path("state");
    let state = state.to_str().expect("a plain path");
    with("127.0.0.1:1", &["worker", "list", "--state", state]).ended(0);
    with("127.0.0.1:1", &["worker", "list", "--master", &address]).ended(0);
    with("127.0.0.1:1", &["run", "--op", "noop", "--workers", "1"]).ended(0);
    assert!(lab.path("elsewhere/journal").exists(), "workers of its own were asked for");
    with(&address, &["state", "show"]).ended(0);
}

#[test]
fn a_scratch_folder_may_be_named_from_where_one_is() {
    let lab = Lab::new();
    let (_master, address) = master(&lab);
    let args = ["worker", "--join", &address, "--name", "w1", "--scratch", "making"];
    let worker = Service::start(&mut lab.command(&args));
    worker.wait_for("works for the master");
    lab.input("a.txt", "words");
    lab.run(&["run", "in", "--op", "command", "--param", "cmd=cat"]).ended(0);
}

#[test]
fn workers_offer_what_they_are_told_to() {
    let lab = Lab::new();
    let scratch = lab.path("making");
    let args = ["up", "--listen", "127.0.0.1:0", "--workers", "2", "--name", "box", "--ops"];
    let mut up = lab.command(&args);
    up.arg("text,noop").arg("--scratch").arg(&scratch);
    let up = Service::start(&mut up);
    let address = up.line("Listening on ").trim_start_matches("Listening on ").to_owned();
    let names: Vec<Value> = listed(&lab).into_iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names, ["box1", "box2"]);
    assert_eq!(std::fs::read_dir(&scratch).expect("is made").count(), 1);
    lab.run(&["call", "factorial", "5"]).ended(1).said("no worker offers factorial");
    let args = ["worker", "--join", &address, "--name", "sums", "--ops", "factorial"];
    let sums = Service::start(&mut lab.command(&args));
    sums.wait_for("works for the master");
    assert_eq!(lab.run(&["call", "factorial", "5"]).ended(0).stdout, "120\n");
    lab.input("a.txt", "words");
    lab.run(&["run", "in", "--op", "text"]).ended(0);
    assert_eq!(of(&lab, "sums")["settled_tasks"], 0);
    let unknown = lab.run(&["worker", "--join", &address, "--ops", "poetry"]);
    unknown.ended(2).said("no such operation").said("windlass ops");
}
