//! A heap of mixed files, as a new user has it.

use crate::lab::Lab;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

fn samples(folder: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    root.join(folder).to_str().expect("a plain path").to_owned()
}

#[test]
fn the_samples_are_processed_by_their_content() {
    let lab = Lab::new();
    lab.run(&["run", &samples("heap")]).ended(0);
    let summary = lab.summary();
    assert_eq!(summary["version"], 1);
    let rows = summary["rows"].as_array().expect("rows");
    for operation in ["audio", "document", "image", "text"] {
        let count = rows.iter().filter(|row| row["operation"] == operation).count();
        assert!(count > 0, "nothing went to {operation}");
        assert!(!lab.results(operation).is_empty());
    }
    for row in rows {
        assert_ne!(row["outcome"], "failed", "{row:#}");
        for output in row["outputs"].as_array().expect("outputs") {
            let path = Path::new(output.as_str().expect("a path"));
            assert!(path.is_file(), "{output} is missing");
        }
    }
    assert!(lab.path("processed_results/summary.csv").is_file());
}

#[test]
fn bad_inputs_fail_with_a_cause_and_harm_nobody() {
    let lab = Lab::new();
    let good = lab.input("good.txt", "A good day.");
    let ran = lab.run(&["run", &samples("hard"), good.to_str().expect("plain")]);
    ran.ended(3);
    assert_eq!(lab.row("good.txt")["outcome"], "succeeded");
    let summary = lab.summary();
    for row in summary["rows"].as_array().expect("rows") {
        if row["outcome"] == "failed" {
            assert!(!row["cause"].as_str().expect("a cause").is_empty(), "{row:#}");
            assert!(!row["next_step"].as_str().expect("a step").is_empty(), "{row:#}");
        }
    }
    for (name, outcome) in [
        ("empty.txt", "failed"),
        ("fake.png", "failed"),
        ("bomb.png", "failed"),
        ("broken.pdf", "failed"),
        ("locked.pdf", "failed"),
        ("header-only.wav", "failed"),
        ("bells.spx", "failed"),
        ("unknown.bin", "skipped"),
    ] {
        assert_eq!(lab.row(name)["outcome"], outcome, "{name}");
    }
    assert!(lab.row("locked.pdf")["cause"].as_str().expect("a cause").contains("password"));
}

#[test]
fn a_sound_is_measured_and_drawn() {
    let lab = Lab::new();
    let sounds = samples("heap/sounds/bells.flac");
    let drawn = ["--param", "waveform=true", "--param", "spectrogram=true"];
    lab.run(&[&["run", &sounds, "--op", "audio"][..], &drawn].concat()).ended(0);
    let results = lab.results("audio");
    let names = ["bells_audio_analysis.json", "bells_spectrogram.png", "bells_waveform.png"];
    assert_eq!(results, names);
    let path = lab.path("processed_results/audio/bells_audio_analysis.json");
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path).expect("a report")).expect("JSON");
    assert_eq!(report["duration_seconds"], 0.9);
    assert_eq!(report["channels"], 2);
    assert_eq!(report["tags"]["title"], "Two bells");
}

#[test]
fn a_missing_path_fails_and_the_rest_is_done() {
    let lab = Lab::new();
    lab.input("a.txt", "one two");
    lab.run(&["run", "in/a.txt", "in/nowhere.txt"]).ended(3).said("nowhere.txt");
    assert_eq!(lab.results("text"), ["a_analysis.json"]);
}

#[test]
fn inputs_of_one_name_get_results_of_their_own() {
    let lab = Lab::new();
    lab.input("x/a.txt", "one");
    lab.input("y/a.txt", "one two");
    lab.input("z/a.txt", "one two three");
    lab.run(&["run", "in", "--op", "word_count"]).ended(0);
    for (name, total) in
        [("a_word_count.json", 1), ("a-2_word_count.json", 2), ("a-3_word_count.json", 3)]
    {
        assert_eq!(lab.result("word_count", name)["total"], total, "{name}");
    }
}

#[test]
fn strange_names_are_processed_and_shown_safely() {
    let lab = Lab::new();
    lab.input("new\nline.txt", "one");
    lab.input(OsStr::from_bytes(b"caf\xe9.txt"), "two");
    lab.input("\u{1b}[31mred.txt", "three");
    let ran = lab.run(&["run", "in"]);
    ran.ended(0);
    assert!(!ran.stderr.contains("\u{1b}[31m"));
    assert_eq!(lab.results("text").len(), 3);
    assert_eq!(lab.summary()["rows"].as_array().expect("rows").len(), 3);
}

#[test]
fn a_symlink_loop_is_told_and_ends() {
    let lab = Lab::new();
    lab.input("a.txt", "one");
    symlink("..", lab.path("in/loop")).expect("a link");
    let ran = lab.run(&["run", "in"]);
    assert!(ran.code == 0 || ran.code == 3, "{}", ran.stderr);
    assert_eq!(lab.results("text"), ["a_analysis.json"]);
    assert!(lab.summary().to_string().contains("/in/loop"), "the loop is not told");
}

#[test]
fn patterns_are_expanded() {
    let lab = Lab::new();
    lab.input("a.txt", "one");
    lab.input("deep/er/b.txt", "two");
    lab.input("c.md", "three");
    lab.run(&["run", "in/**/*.txt"]).ended(0);
    assert_eq!(lab.results("text"), ["a_analysis.json", "b_analysis.json"]);
}

#[test]
fn the_summary_goes_to_stdout_as_json() {
    let lab = Lab::new();
    lab.input("a.txt", "one");
    let ran = lab.run(&["run", "in", "--json"]);
    ran.ended(0);
    let summary: serde_json::Value = serde_json::from_str(&ran.stdout).expect("only JSON");
    assert_eq!(summary, lab.summary());
}

#[test]
fn ten_thousand_tasks_without_files() {
    let lab = Lab::new();
    lab.run(&["run", "--op", "noop", "--param", "count=10000"]).ended(0);
    let summary = lab.summary();
    assert_eq!(summary["rows"].as_array().expect("rows").len(), 10_000);
}
