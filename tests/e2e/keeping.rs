//! What a state keeps, for how long, and what its owner can say about that.

use crate::lab::{Lab, signal, until};
use rustix::process::Signal;
use serde_json::Value;
use std::fs::{File, FileTimes};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Makes every file below a folder look last used two hours ago.
fn age(path: &Path) {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).expect("a folder");
        entries.for_each(|entry| age(&entry.expect("an entry").path()));
        return;
    }
    let times =
        FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(2 * 3_600 + 60));
    let file = File::options().write(true).open(path).expect("opens");
    file.set_times(times).expect("it is ours");
}

fn json(lab: &Lab, args: &[&str]) -> Value {
    let ran = lab.run(&[&["state"], args, &["--json"]].concat());
    ran.ended(0);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

fn lines(lab: &Lab) -> Vec<Value> {
    let ran = lab.run(&["state", "export"]);
    ran.ended(0);
    ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The blob files of results, without memo and trash.
fn blobs(lab: &Lab) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(lab.path("state/blobs")).expect("a store");
    let folders = folders.map(|entry| entry.expect("an entry").path());
    let buckets = folders.filter(|path| path.file_name().is_some_and(|name| name.len() == 2));
    buckets
        .flat_map(|bucket| std::fs::read_dir(bucket).expect("a bucket"))
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

#[test]
fn what_is_beyond_the_limits_goes_and_the_rest_stays_whole() {
    let lab = Lab::new();
    // Results that are too large for a manifest.
    for number in 0..8 {
        lab.input("a.txt", format!("word{number} ").repeat(10_000));
        lab.run(&["run", "in", "--op", "document"]).ended(0);
    }
    assert!(blobs(&lab).len() >= 16);
    let limits = ["settled_task_count_max=1", "memo_mb_max=0", "blob_grace_hours=1"];
    let set = json(&lab, &[&["set"], &limits[..]].concat());
    assert_eq!(set["settings"]["memo_mb_max"], 0);
    assert_eq!(json(&lab, &["show"])["settings"], set["settings"]);
    assert_eq!(json(&lab, &["show"])["jobs"], 1, "the newest is kept");
    // Nothing is old enough yet.
    let compacted = json(&lab, &["compact"]);
    assert_eq!(compacted["removed_blobs"]["count"], 0);
    age(&lab.path("state/blobs"));
    let compacted = json(&lab, &["compact"]);
    assert!(compacted["removed_blobs"]["bytes"].as_u64().expect("a number") > 7 * 60_000);
    let before = compacted["bytes_before"]["blobs"].as_u64().expect("a number");
    let after = compacted["bytes_after"]["blobs"].as_u64().expect("a number");
    assert!(after < before / 2 && before > 7 * 60_000, "{compacted:#}");
    // Memorandum or chunk, manifest, text.
    assert!(blobs(&lab).len() <= 4, "{:?}", blobs(&lab));
    lab.run(&["state", "verify"]).ended(0);
    // What is left can be read: the export names a result whose blob is there.
    let exported = lines(&lab);
    let task = exported.iter().find(|line| line["kind"] == "task").expect("a task");
    let artifacts = task["artifacts"].as_array().expect("artifacts");
    let blob = artifacts.iter().find_map(|one| one["blob"].as_str()).expect("a blob");
    let text = std::fs::read_to_string(lab.path("state/blobs").join(&blob[..2]).join(&blob[2..]));
    assert_eq!(text.expect("a text"), "word7 ".repeat(10_000));
    // What has gone is made again.
    lab.input("a.txt", "word0 ".repeat(10_000));
    lab.run(&["run", "in", "--op", "document"]).ended(0);
}

#[test]
fn an_export_has_every_task_and_an_end() {
    let lab = Lab::new();
    lab.input("a.txt", "one two");
    lab.input("b.pdf", b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog");
    lab.run(&["run", "in"]).ended(3);
    let lines = lines(&lab);
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line["kind"].as_str()).collect();
    assert_eq!((kinds.first(), kinds.last()), (Some(&"state"), Some(&"end")));
    let tasks: Vec<&Value> = lines.iter().filter(|line| line["kind"] == "task").collect();
    assert_eq!(tasks.len(), 2);
    let of = |name: &str| {
        let is_it =
            |task: &&&Value| task["input"]["path"].as_str().is_some_and(|p| p.ends_with(name));
        *tasks.iter().find(is_it).expect("a task")
    };
    assert_eq!(of("a.txt")["state"], "succeeded");
    let content = of("a.txt")["artifacts"][0]["content"].as_str().expect("a small result");
    assert!(content.contains('{'), "{content}");
    assert_eq!(
        (&of("b.pdf")["state"], &of("b.pdf")["failure"]["kind"]),
        (&"failed".into(), &"rejected".into())
    );
}

#[test]
fn limits_are_listed_checked_and_kept() {
    let lab = Lab::new();
    let unknown = lab.run(&["state", "set", "memo_mb_max=5", "pancakes=1"]);
    unknown.ended(2).said("no setting pancakes").said("blob_grace_hours").said("hours for which");
    lab.run(&["state", "set", "blob_grace_hours=0"]).ended(2).said("from 1 to 10000");
    lab.run(&["state", "set", "blob_grace_hours=soon"]).ended(2).said("a whole number");
    lab.run(&["state", "compact"]).ended(4).said("nothing was run there yet");
    let ran = lab.run(&["state", "set", "job_kept_days_max=3"]);
    ran.ended(0);
    assert!(ran.stdout.contains("job_kept_days_max = 3"), "{}", ran.stdout);
    let listed = json(&lab, &["set"]);
    assert_eq!(listed["settings"]["job_kept_days_max"], 3);
    assert_eq!(listed["settings"]["memo_mb_max"], 10_240, "what is refused changes nothing");
}

#[test]
fn a_held_state_is_changed_by_who_holds_it() {
    let lab = Lab::new();
    lab.input("a.txt", "x");
    let mut child = lab.start(&["run", "in", "--op", "command", "--param", "cmd=sleep 60"]);
    until("the job is recorded", || {
        let ran = lab.run(&["state", "show", "--json"]);
        let shown: Option<Value> = serde_json::from_str(&ran.stdout).ok();
        shown.is_some_and(|shown| shown["open_jobs"] == 1)
    });
    let set = json(&lab, &["set", "memo_mb_max=5"]);
    assert_eq!(set["settings"]["memo_mb_max"], 5);
    lab.run(&["state", "set", "memo_mb_max=none"]).ended(2);
    let compacted = json(&lab, &["compact"]);
    assert_eq!(compacted["forgotten_jobs"], 0);
    assert!(compacted["kept_blobs"]["count"].as_u64() > Some(0), "{compacted:#}");
    assert_eq!(lines(&lab).last().expect("an end")["kind"], "end");
    signal(&child, Signal::KILL);
    child.wait().expect("it ended");
    assert_eq!(json(&lab, &["set"])["settings"]["memo_mb_max"], 5, "it was recorded");
}
