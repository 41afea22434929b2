//! What the command line says.

use crate::lab::Lab;

#[test]
fn the_operations_are_listed_and_shown() {
    let lab = Lab::new();
    let list = lab.run(&["ops"]);
    list.ended(0);
    for name in ["document", "image", "text", "word_count", "factorial", "command", "noop"] {
        assert!(list.stdout.lines().any(|line| line.starts_with(name)), "{name}");
        let page = lab.run(&["ops", "show", name]);
        page.ended(0);
        assert!(page.stdout.len() > 200, "the page of {name} is short");
    }
    assert!(lab.run(&["ops", "show", "image"]).stdout.contains("width"));
}

#[test]
fn help_names_the_commands_and_the_exit_codes() {
    let lab = Lab::new();
    let help = lab.run(&["--help"]);
    help.ended(0);
    assert!(help.stdout.contains("run") && help.stdout.contains("Exit codes"));
}

#[test]
fn mistakes_are_usage_errors_that_say_what_there_is() {
    let lab = Lab::new();
    lab.input("a.txt", "x");
    lab.run(&["run", "in", "--op", "pancake"]).ended(2).said("word_count");
    lab.run(&["run", "in", "--param", "pancake=1"]).ended(2).said("width");
    lab.run(&["run", "in", "--param", "width=wide"]).ended(2).said("whole number");
    lab.run(&["run", "in", "--op", "command"]).ended(2).said("cmd");
    lab.run(&["run"]).ended(2).said("no files given");
    lab.run(&["run", "in", "--op", "text", "--skip", "text"]).ended(2).said("--skip");
    assert!(!lab.path("processed_results").exists());
}

#[test]
fn the_doctor_names_what_holds_and_what_does_not() {
    let lab = Lab::new();
    let ran = lab.run(&["doctor", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let findings = json["findings"].as_array().expect("a list");
    let names: Vec<&str> = findings.iter().filter_map(|f| f["name"].as_str()).collect();
    let all =
        ["executor", "user", "files and signals", "system calls", "commands", "state", "disk"];
    assert_eq!(names[..all.len()], all);
    // What operations use beside this program: without it all that was promised is kept.
    assert_eq!(names[all.len()..], ["document", "image", "ocr", "ocr"]);
    let is_kept =
        |finding: &serde_json::Value| finding["ok"] == true || finding["optional"] == true;
    let is_whole = findings.iter().all(is_kept);
    ran.ended(if is_whole { 0 } else { 1 });
    let text = lab.run(&["doctor"]).stdout;
    assert!(all.iter().all(|name| text.contains(name)), "{text}");
    assert_eq!(std::fs::read_dir(lab.path("state")).expect("made").count(), 0, "nothing is left");
}
