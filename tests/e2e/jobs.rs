//! Jobs that nobody waits for: submitted, looked at, steered, and their results fetched.

use crate::cluster::{joined, master, master_at, run_on};
use crate::lab::{Lab, Ran, until};
use crate::service::Service;
use serde_json::Value;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

/// A command as somebody gives it who has no state here.
fn elsewhere(lab: &Lab, master: &str, args: &[&str]) -> Command {
    let mut command = lab.command(args);
    command.args(["--master", master]).env_remove("WINDLASS_STATE").env("USER", "ada");
    command
}

fn ask(lab: &Lab, master: &str, args: &[&str]) -> Ran {
    Ran::of(elsewhere(lab, master, args).output().expect("the binary starts"))
}

#[track_caller]
fn json(ran: &Ran) -> Value {
    let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(told["version"], 1, "{told:#}");
    told
}

fn shown(lab: &Lab, master: &str, id: &str) -> Value {
    json(ask(lab, master, &["job", "show", id, "--json"]).ended(0))
}

fn inputs(lab: &Lab, count: usize) {
    for number in 0..count {
        lab.input(format!("f{number:03}.txt"), format!("file {number}"));
    }
}

#[test]
fn what_is_submitted_needs_a_running_cluster() {
    let lab = Lab::new();
    inputs(&lab, 1);
    lab.run(&["submit", "in"]).ended(4).said("windlass up");
    lab.run(&["result", "ls", "1"]).ended(4).said("windlass up");
    let nobody = ["job", "show", "1", "--master", "127.0.0.1:1"];
    lab.run(&nobody).ended(4).said("nobody listens there");
}

#[test]
fn jobs_of_a_run_are_looked_at_where_no_cluster_runs() {
    let lab = Lab::new();
    inputs(&lab, 2);
    lab.run(&["run", "in", "--op", "text"]).ended(0);
    let tells = |command: &[&str], what: &str| {
        let ran = lab.run(command);
        assert!(ran.ended(0).stdout.contains(what), "{}", ran.stdout);
    };
    tells(&["job", "list"], "succeeded");
    tells(&["job", "show", "1"], "2");
    tells(&["job", "logs", "1"], "submitted");
    tells(&["result", "get", "1", "f001.txt", "--out", "-"], "word_count");
    lab.run(&["job", "retry", "1", "--failed"]).ended(4).said("windlass up");
    lab.run(&["job", "rm", "1"]).ended(0);
    assert_eq!(lab.run(&["job", "list"]).ended(0).stdout, "There is no job.\n");
}

#[test]
fn a_submitted_job_is_found_again_and_its_results_are_what_a_run_makes() {
    let lab = Lab::new();
    inputs(&lab, 5);
    let (_master, address) = master(&lab);
    let submit = ["submit", "in", "--op", "text"];
    assert_eq!(ask(&lab, &address, &submit).ended(0).stdout, "1\n");
    let again = ask(&lab, &address, &submit);
    assert_eq!(again.ended(0).said("Job 1 goes on").stdout, "1\n");
    let listed = json(ask(&lab, &address, &["job", "list", "--only", "open", "--json"]).ended(0));
    assert_eq!(listed["jobs"].as_array().expect("jobs").len(), 1);
    let none = ask(&lab, &address, &["job", "list", "--name", "pictures"]);
    assert_eq!(none.ended(0).stdout, "None of the 1 jobs is so.\n");
    // Nobody does it yet.
    let waits = ask(&lab, &address, &["job", "show", "1"]);
    assert!(
        waits.ended(0).stdout.contains("5 tasks wait: no worker is connected"),
        "{}",
        waits.stdout
    );
    ask(&lab, &address, &["result", "export", "1", "--out", "early"])
        .ended(0)
        .said("Job 1 is still open: 5 files to do");
    let _worker = joined(&lab, "w1", &address, "1");
    let waited = ask(&lab, &address, &["job", "wait", "1", "--json"]);
    assert_eq!(json(waited.ended(0))["state"], "succeeded");

    let export = ["result", "export", "1", "--out", "there"];
    ask(&lab, &address, &export).ended(0);
    let alone = Lab::new();
    inputs(&alone, 5);
    alone.run(&["run", "in", "--op", "text", "--out", "here"]).ended(0);
    let mut count = 0;
    for entry in std::fs::read_dir(alone.path("here/text")).expect("results").flatten() {
        let there = lab.path("there/text").join(entry.file_name());
        let there = std::fs::read(&there).expect("is there");
        assert!(there == std::fs::read(entry.path()).expect("is here"), "{entry:?} differs");
        count += 1;
    }
    assert!(count >= 5);
    let summary = std::fs::read(lab.path("there/summary.json")).expect("a summary");
    let summary: Value = serde_json::from_slice(&summary).expect("JSON");
    assert_eq!(summary["totals"]["succeeded"], 5);
    // What is there and equal stays as it is; what is missing comes back.
    let kept = alone.results_in("here/text")[0].clone();
    let gone = alone.results_in("here/text")[1].clone();
    let inode = || lab.path("there/text").join(&kept).metadata().expect("is there").ino();
    let before = inode();
    std::fs::remove_file(lab.path("there/text").join(&gone)).expect("is removed");
    ask(&lab, &address, &export).ended(0);
    assert_eq!(inode(), before);
    assert!(lab.path("there/text").join(&gone).exists());
}

/// A command that takes a moment.
const SLOW: [&str; 4] = ["--op", "command", "--param", "cmd=sleep 0.05; cat"];

#[test]
fn a_pause_outlives_the_master_and_ends_when_it_is_told() {
    let lab = Lab::new();
    inputs(&lab, 60);
    let (mut first, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "2");
    let mut args = vec!["in"];
    args.extend(SLOW);
    let submit = [&["submit"], args.as_slice()].concat();
    ask(&lab, &address, &submit).ended(0);
    let succeeded = || shown(&lab, &address, "1")["phases"][0]["succeeded"].as_u64();
    until("some files are done", || succeeded() > Some(4));
    ask(&lab, &address, &["job", "pause", "1"]).ended(0).said("Job 1 is paused");
    ask(&lab, &address, &["job", "pause", "1"]).ended(0).said("was paused already, by ada");
    assert!(lab.run(&["cluster", "status"]).stdout.contains("job 1 is paused by ada"));

    first.kill();
    let (_second, again) = master_at(&lab, &address);
    assert_eq!(again, address);
    until("the worker is back", || lab.run(&["cluster", "status"]).stdout.contains("worker w1"));
    // A run of the same arguments joins the job, and is told why nothing moves.
    let run = Service::start(&mut run_on(&lab, &address, &args));
    run.wait_for("paused by ada");
    // What was at work ends; after that nothing moves any more.
    let mut before = None;
    until("nothing of it moves", || {
        let out_of_time = ask(&lab, &address, &["job", "wait", "1", "--timeout", "1"]);
        out_of_time.ended(6).said("job 1 is still open and paused");
        let now = succeeded();
        before.replace(now) == Some(now)
    });
    let listed = ask(&lab, &address, &["job", "list", "--only", "paused"]);
    assert!(listed.ended(0).stdout.contains("paused"), "{}", listed.stdout);

    ask(&lab, &address, &["job", "resume", "1"]).ended(0).said("Job 1 goes on");
    ask(&lab, &address, &["job", "wait", "1"]).ended(0);
    let logs = ask(&lab, &address, &["job", "logs", "1"]).ended(0).stdout.clone();
    let at = |words: &str| logs.find(words).unwrap_or_else(|| panic!("no {words:?} in {logs}"));
    assert!(at("submitted: ") < at("paused by ada"));
    assert!(at("paused by ada") < at("resumed by ada"));
    assert!(at("resumed by ada") < at("succeeded: 60 succeeded, 0 failed"));
}

#[test]
fn failed_files_are_shown_retried_by_cause_and_forgotten() {
    let lab = Lab::new();
    inputs(&lab, 3);
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    let marker = lab.path("mended");
    let mended = format!("test -e '{}'", marker.display());
    let cmd = format!("cmd=it=$(cat); echo $it; {mended} || test \"$it\" != 'file 1'");
    let submit = ["submit", "in", "--op", "command", "--param", &cmd];
    ask(&lab, &address, &submit).ended(0);
    ask(&lab, &address, &["job", "wait", "1"]).ended(3);

    let told = shown(&lab, &address, "1");
    let failed = told["failed"].as_array().expect("failed files");
    assert_eq!(failed.len(), 1, "{told:#}");
    assert!(failed[0]["file"].as_str().expect("a path").ends_with("/f001.txt"));
    let cause = failed[0]["cause"].as_str().expect("a cause");
    let page = ask(&lab, &address, &["job", "show", "1"]).ended(0).stdout.clone();
    assert!(page.contains(cause) && page.contains("windlass job retry 1"), "{page}");
    ask(&lab, &address, &["result", "get", "1", "f001.txt"]).ended(3).said(cause);
    ask(&lab, &address, &["result", "export", "1"]).ended(3);

    let other = ["job", "retry", "1", "--cause", "timed out"];
    ask(&lab, &address, &other).ended(1).said("none of its 1 failed files");
    ask(&lab, &address, &["job", "retry", "1", "--cause", ""]).ended(2).said("say which cause");
    std::fs::write(&marker, "").expect("a file");
    let retry = ["job", "retry", "1", "--failed", "--cause", "Rejected"];
    ask(&lab, &address, &retry).ended(0).said("1 file is tried again");
    ask(&lab, &address, &["job", "wait", "1"]).ended(0);
    ask(&lab, &address, &["job", "retry", "1"]).ended(1).said("no file of it has failed");
    let logs = ask(&lab, &address, &["job", "logs", "1", "--follow"]).ended(0).stdout.clone();
    for words in [" on w1: ", "given up", "failed: 2 succeeded, 1 failed", "1 file opened again"] {
        assert!(logs.contains(words), "{words:?} is not in {logs}");
    }
    let lines = ask(&lab, &address, &["job", "logs", "1", "--json"]).ended(0).stdout.clone();
    let happened: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(happened.iter().all(|it| it["version"] == 1 && it["at_ms"].is_u64()));
    assert!(happened.iter().any(|it| it["happened"] == "attempt_failed" && it["worker"] == "w1"));

    let open = ["submit", "--op", "noop", "--param", "sleep_ms=60000"];
    ask(&lab, &address, &open).ended(0);
    let both = ask(&lab, &address, &["job", "rm", "1", "2"]);
    both.ended(1).said("Job 1 is forgotten").said("windlass job cancel 2");
    ask(&lab, &address, &["job", "show", "1"]).ended(1).said("windlass job list");
    ask(&lab, &address, &["job", "cancel", "2"]).ended(0);
    ask(&lab, &address, &["job", "pause", "2"]).ended(1).said("the job has ended");
    ask(&lab, &address, &["job", "retry", "2"]).ended(1).said("submit its files again");
    ask(&lab, &address, &["job", "rm", "2"]).ended(0);
}

#[test]
fn what_steers_a_job_tells_what_came_of_it_as_json() {
    let lab = Lab::new();
    inputs(&lab, 2);
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    let told = |args: &[&str], code| json(ask(&lab, &address, args).ended(code));
    let failing = ["submit", "in", "--op", "command", "--param", "cmd=false"];
    ask(&lab, &address, &failing).ended(0);
    ask(&lab, &address, &["job", "wait", "1"]).ended(3);
    let retried = told(&["job", "retry", "1", "--json"], 0);
    assert_eq!((&retried["id"], &retried["retried"]), (&1.into(), &2.into()));
    ask(&lab, &address, &["job", "wait", "1"]).ended(3);
    ask(&lab, &address, &["submit", "--op", "noop", "--param", "sleep_ms=60000"]).ended(0);
    let paused = told(&["job", "pause", "2", "--json"], 0);
    assert_eq!((&paused["state"], &paused["changed"]), (&"open".into(), &true.into()));
    assert!(paused["paused"]["by"].as_str().is_some_and(|by| by.starts_with("ada")));
    assert_eq!(told(&["job", "pause", "2", "--json"], 0)["changed"], false);
    let resumed = told(&["job", "resume", "2", "--json"], 0);
    assert_eq!((&resumed["paused"], &resumed["changed"]), (&Value::Null, &true.into()));
    assert_eq!(told(&["job", "rm", "1", "2", "--json"], 1)["forgotten"], Value::from(vec![1]));
    let kept = told(&["job", "rm", "2", "--json"], 1);
    assert_eq!(kept["kept"][0]["id"], 2);
    assert!(kept["kept"][0]["cause"].as_str().is_some_and(|it| it.contains("job cancel 2")));
    assert_eq!(told(&["job", "cancel", "2", "--json"], 0)["state"], "cancelled");

    let drained = told(&["worker", "drain", "w1", "--json"], 0);
    assert_eq!((&drained["name"], &drained["worker"]["draining"]), (&"w1".into(), &true.into()));
    let resumed = told(&["worker", "resume", "w1", "--json"], 0);
    assert_eq!(resumed["worker"]["draining"], false);
    drop(_worker);
    until("it is gone", || {
        told(&["worker", "show", "w1", "--json"], 0)["worker"]["connected"] == false
    });
    assert_eq!(told(&["worker", "rm", "w1", "--json"], 0)["worker"], Value::Null);
}

#[test]
fn an_export_names_what_was_left_out_when_the_job_was_submitted() {
    let lab = Lab::new();
    inputs(&lab, 1);
    lab.input("tape.bin", [0_u8, 159, 146, 150, 7, 7]);
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    let gone = lab.path("in/gone.txt");
    let gone = gone.to_str().expect("plain");
    let submitted = ask(&lab, &address, &["submit", "in", gone, "--json"]);
    let left_out = json(submitted.ended(3))["left_out"].as_array().expect("files").len();
    assert_eq!(left_out, 2);
    ask(&lab, &address, &["job", "wait", "1"]).ended(0);
    let export = ["result", "export", "1", "--out", "there", "--json"];
    let summary = json(ask(&lab, &address, &export).ended(3));
    let (failed, skipped) = (&summary["totals"]["failed"], &summary["totals"]["skipped"]);
    assert_eq!((failed, skipped), (&1.into(), &1.into()), "{summary:#}");
    let rows = summary["rows"].as_array().expect("rows");
    let of = |name: &str| {
        let is_it = |row: &&Value| row["input"].as_str().is_some_and(|it| it.ends_with(name));
        rows.iter().find(is_it).unwrap_or_else(|| panic!("no row of {name}: {summary:#}"))
    };
    assert_eq!(of("/tape.bin")["outcome"], "skipped");
    assert_eq!(of("/gone.txt")["outcome"], "failed");
    assert!(of("/gone.txt")["next_step"].as_str().is_some_and(|it| !it.is_empty()));
}

#[test]
fn a_job_is_told_what_holds_it_and_not_what_holds_others() {
    let lab = Lab::new();
    inputs(&lab, 3);
    let (_master, address) = master(&lab);
    let _worker = {
        let args = ["worker", "--join", &address, "--name", "w1", "--slots", "1", "--ops", "noop"];
        let worker = Service::start(&mut lab.command(&args));
        worker.wait_for("works for the master");
        worker
    };
    ask(&lab, &address, &["submit", "in", "--op", "text"]).ended(0);
    let sleep = ["submit", "--op", "noop", "--param", "sleep_ms=60000", "--param", "count=1"];
    ask(&lab, &address, &sleep).ended(0);
    let waits = |id: &str| shown(&lab, &address, id)["waits"].clone();
    let held = waits("1");
    assert!(
        held[0].as_str().is_some_and(|it| it.starts_with("3 tasks wait: no connected worker")),
        "{held:#}"
    );
    assert_eq!(waits("2"), Value::Array(Vec::new()));
    let in_vain = ask(&lab, &address, &["job", "wait", "1", "--timeout", "1"]);
    in_vain.ended(6).said("3 files to do; 3 tasks wait: no connected worker");
    let mut command = lab.command(&["job", "wait", "1", "--master", &address]);
    let waiting = Service::start(command.env_remove("WINDLASS_STATE"));
    waiting.wait_for("3 tasks wait: no connected worker");
}

#[test]
fn results_are_fetched_one_by_one() {
    let lab = Lab::new();
    inputs(&lab, 3);
    // Beyond what lies in the manifest.
    lab.input("large.txt", "0123456789".repeat(50_000));
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    let submit = ["submit", "in", "--op", "command", "--param", "cmd=cat"];
    ask(&lab, &address, &submit).ended(0);
    ask(&lab, &address, &["job", "wait", "1"]).ended(0);
    let listed = ask(&lab, &address, &["result", "ls", "1"]);
    assert!(listed.ended(0).stdout.contains("      500000  command/large.out\n"));
    let large = ask(&lab, &address, &["result", "get", "1", "large.out", "--out", "-"]);
    assert!(large.ended(0).stdout == "0123456789".repeat(50_000));
    let one = ask(&lab, &address, &["result", "get", "1", "command/f001.out", "--out", "-"]);
    assert_eq!(one.ended(0).stdout, "file 1");
    let several = ["result", "get", "1", "f001.txt", "--out", "-"];
    ask(&lab, &address, &several).ended(2).said("command/f001_command.json, command/f001.out");
    let some = ["result", "get", "1", "f000.txt", "f002.out", "--out", "some"];
    let paths = ask(&lab, &address, &some).ended(0).stdout.clone();
    assert_eq!(paths.lines().last(), Some("some/command/f002.out"));
    let names = ["f000.out", "f000_command.json", "f002.out"];
    assert_eq!(lab.results_in("some/command"), names);
    let unknown = ["result", "get", "1", "f000.txt", "nothing.txt", "--out", "none"];
    ask(&lab, &address, &unknown).ended(1).said("nothing.txt").said("windlass result ls 1");
    assert!(!lab.path("none").exists(), "nothing is written where a word means nothing");
    ask(&lab, &address, &["result", "get", "1", "--out", "-"]).ended(2).said("one FILE");
    ask(&lab, &address, &["result", "get", "1", "--out", "all"]).ended(0);
    assert_eq!(lab.results_in("all/command").len(), 8);
    ask(&lab, &address, &["result", "ls", "7"]).ended(1).said("windlass job list");
}

#[test]
fn results_are_fetched_by_the_names_that_are_listed() {
    use std::os::unix::ffi::OsStrExt;
    let lab = Lab::new();
    let name = std::ffi::OsStr::from_bytes(b"bad\xff\xfename.txt");
    lab.input(name, "odd");
    lab.run(&["run", "in", "--op", "command", "--param", "cmd=cat"]).ended(0);
    let listed = lab.run(&["result", "ls", "1"]).ended(0).stdout.clone();
    let listed = listed.lines().filter_map(|line| line.split_whitespace().nth(1));
    let out = listed.filter(|name| name.ends_with(".out")).collect::<Vec<&str>>();
    assert_eq!(out, [r"command/bad\xff\xfename.out"]);
    for said in [out[0], r"bad\xff\xfename.out"] {
        let got = lab.run(&["result", "get", "1", said, "--out", "-"]);
        assert_eq!(got.ended(0).stdout, "odd", "{said}");
    }
    let input = ["result", "get", "1", r"bad\xff\xfename.txt", "--out", "some"];
    assert_eq!(lab.run(&input).ended(0).stdout.lines().count(), 2);
}
