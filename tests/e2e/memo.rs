//! Earlier results are taken where they are the same, and only there.

use crate::cluster::{master, run_on};
use crate::lab::{Lab, Ran};
use crate::service::Service;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Which rows of the last run came from the memo, by file name.
fn known(lab: &Lab) -> Vec<(String, bool)> {
    let summary = lab.summary();
    let row = |row: &Value| {
        let input = row["input"].as_str().expect("a path").rsplit('/').next().expect("a name");
        (input.to_owned(), row["memo"].as_bool().expect("a flag"))
    };
    summary["rows"].as_array().expect("rows").iter().map(row).collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn what_is_known_is_not_done_again_and_reads_the_same() {
    let lab = Lab::new();
    lab.input("a.txt", "one two");
    lab.input("b.txt", "three");
    lab.run(&["run", "in"]).ended(0);
    let first = std::fs::read(lab.path("processed_results/text/a_analysis.json")).expect("a file");
    assert_eq!(known(&lab), [("a.txt".to_owned(), false), ("b.txt".to_owned(), false)]);
    // Another name and folder, the same content: it is the content that counts.
    lab.input("new/other.txt", "one two");
    lab.input("b.txt", "four");
    std::fs::remove_dir_all(lab.path("processed_results")).expect("removed");
    lab.run(&["run", "in"]).ended(0).said("2 of 3 results were known from earlier runs");
    let flags = [("a.txt", true), ("b.txt", false), ("other.txt", true)];
    assert_eq!(known(&lab), flags.map(|(name, flag)| (name.to_owned(), flag)));
    for name in ["a_analysis.json", "other_analysis.json"] {
        let path = lab.path("processed_results/text").join(name);
        assert_eq!(std::fs::read(path).expect("a file"), first, "{name}");
    }
    let totals = &lab.summary()["totals"];
    assert_eq!((&totals["memo"], &totals["succeeded"]), (&2.into(), &3.into()));
}

#[test]
fn parameters_and_fresh_make_it_anew() {
    let lab = Lab::new();
    lab.input("a.txt", "one two");
    let count = |more: &[&str]| {
        let mut args = vec!["run", "in", "--op", "word_count"];
        args.extend(more);
        lab.run(&args).ended(0);
        known(&lab)[0].1
    };
    assert!(!count(&[]));
    assert!(count(&[]));
    assert!(!count(&["--param", "tokens=ws"]));
    assert!(!count(&["--fresh"]));
    // What was made anew is known from then on.
    assert!(count(&[]));
}

#[test]
fn failures_are_tried_again() {
    let lab = Lab::new();
    lab.input("a.pdf", b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog");
    for _ in 0..2 {
        lab.run(&["run", "in"]).ended(3);
        assert!(!known(&lab)[0].1);
    }
}

#[test]
fn a_command_runs_each_time_unless_the_user_says_that_it_need_not() {
    let lab = Lab::new();
    lab.input("a.txt", "x");
    let log = lab.path("open/log");
    let cmd = format!("cmd=echo x >> '{}'; cat", log.display());
    let write = format!("write={}", lab.path("open").display());
    let run = |more: &[&str]| {
        let mut args = vec!["run", "in", "--op", "command", "--param", cmd.as_str()];
        args.extend(["--param", write.as_str()]);
        args.extend(more);
        lab.run(&args).ended(0);
        std::fs::read_to_string(&log).expect("a log").lines().count()
    };
    assert_eq!((run(&[]), run(&[])), (1, 2));
    let memo = ["--param", "memo=true"];
    assert_eq!((run(&memo), run(&memo)), (3, 3));
    // It is told the names of its file: another name is another task.
    std::fs::rename(lab.path("in/a.txt"), lab.path("in/b.txt")).expect("renamed");
    assert_eq!(run(&memo), 4);
    assert_eq!(lab.result("command", "b_command.json")["stdout"], "x");
}

/// A worker that has nothing but the master's address.
fn far_worker(lab: &Lab, name: &str, master: &str) -> Service {
    let mut command = lab.command(&["worker", "--join", master, "--name", name, "--slots", "2"]);
    command.env("WINDLASS_STATE", lab.path(format!("state of {name}")));
    let worker = Service::start(&mut command);
    worker.wait_for("works for the master");
    worker
}

#[test]
fn workers_elsewhere_know_what_others_have_made() {
    let lab = Lab::new();
    lab.input("a.txt", "one two");
    // More than lies in a manifest: its text is a blob of its own.
    lab.input("long.txt", "word ".repeat(10_000));
    let (_master, address) = master(&lab);
    let run = |more: &[&str]| {
        let mut args = vec!["in", "--op", "document"];
        args.extend(more);
        Ran::of(run_on(&lab, &address, &args).output().expect("starts")).ended(0);
        known(&lab).into_iter().map(|(_, memo)| memo).collect::<Vec<_>>()
    };
    let first = far_worker(&lab, "first", &address);
    assert_eq!(run(&[]), [false, false]);
    drop(first);
    let _second = far_worker(&lab, "second", &address);
    // Other names and another worker, the same content.
    std::fs::rename(lab.path("in/a.txt"), lab.path("in/b.txt")).expect("renamed");
    std::fs::remove_dir_all(lab.path("processed_results")).expect("removed");
    assert_eq!(run(&[]), [true, true]);
    let text = std::fs::read(lab.path("processed_results/document/b.txt")).expect("a result");
    assert_eq!(text, b"one two");
    assert_eq!(run(&["--fresh"]), [false, false]);
    // Nobody waits for this one; its results are fetched.
    let id = lab.run(&["submit", "in", "--op", "document"]).ended(0).stdout.trim().to_owned();
    lab.run(&["job", "wait", &id]).ended(0);
    lab.run(&["result", "export", &id, "--out", "processed_results"]).ended(0);
    assert_eq!(known(&lab).into_iter().map(|(_, memo)| memo).collect::<Vec<_>>(), [true, true]);
}

/// Without its manifest, or a blob that the manifest names, what is known does not count.
#[test]
fn what_is_no_longer_there_is_made_again() {
    let lab = Lab::new();
    // More than lies in a manifest: its text is a blob of its own.
    let text = "word ".repeat(10_000);
    lab.input("a.txt", &text);
    let run = || {
        lab.run(&["run", "in", "--op", "document"]).ended(0);
        known(&lab)[0].1
    };
    assert!(!run());
    assert!(run());
    let of_text = |path: &PathBuf| std::fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes());
    let blobs = files_below(&lab.path("state/blobs"));
    std::fs::remove_file(blobs.iter().find(|path| of_text(path)).expect("a blob")).expect("gone");
    std::fs::remove_dir_all(lab.path("processed_results")).expect("removed");
    assert!(!run());
    assert_eq!(
        std::fs::read(lab.path("processed_results/document/a.txt")).expect("text"),
        text.as_bytes()
    );
    assert!(run());
}

/// Bytes that rotted on the disk are no known result, and are mended.
#[test]
fn a_result_that_rotted_is_made_again() {
    let lab = Lab::new();
    let text = "word ".repeat(10_000);
    lab.input("a.txt", &text);
    let run = || {
        lab.run(&["run", "in", "--op", "document"]).ended(0);
        known(&lab)[0].1
    };
    assert!(!run());
    let of_text = |path: &PathBuf| std::fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes());
    let blobs = files_below(&lab.path("state/blobs"));
    let blob = blobs.iter().find(|path| of_text(path)).expect("a blob");
    std::fs::write(blob, "rot! ".repeat(10_000)).expect("it is ours");
    std::fs::remove_dir_all(lab.path("processed_results")).expect("removed");
    assert!(!run());
    let exported = std::fs::read(lab.path("processed_results/document/a.txt")).expect("text");
    assert_eq!(exported, text.as_bytes());
    assert!(of_text(blob) && run());
}

/// Results of equal files with different names are equal: nothing of the name is in them.
#[test]
fn no_name_is_in_a_result() {
    let lab = Lab::new();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/heap");
    let inputs = files_below(&samples);
    for path in &inputs {
        let name = path.file_name().expect("a name").to_str().expect("plain");
        lab.input(format!("zanzibar-{name}"), std::fs::read(path).expect("a sample"));
    }
    lab.run(&["run", "in"]).ended(0);
    for path in files_below(&lab.path("processed_results")) {
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("summary.")) {
            continue;
        }
        let bytes = std::fs::read(&path).expect("a result");
        assert!(!bytes.windows(8).any(|part| part == b"zanzibar"), "{}", path.display());
    }
    // The originals, with their own names, are known.
    lab.run(&["run", samples.to_str().expect("plain")]).ended(0);
    assert!(known(&lab).iter().all(|(_, memo)| *memo), "{:?}", known(&lab));
}
