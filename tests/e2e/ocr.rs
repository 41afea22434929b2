//! Text recognition by the real binary: what goes to it, what it gives, and what is without it.

use crate::lab::{Lab, Ran, not_run};
use std::path::Path;

fn samples(folder: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/heap");
    root.join(folder).to_str().expect("a plain path").to_owned()
}

/// Whether Tesseract is on this machine; said aloud if not.
fn is_there(lab: &Lab) -> bool {
    let listed = lab.run(&["ops"]).stdout;
    let is_there = !listed.contains("not on this machine");
    if !is_there {
        not_run("tesseract", "its library or its English data is not installed");
    }
    is_there
}

#[test]
fn prints_are_read_and_photographs_are_not() {
    let lab = Lab::new();
    if !is_there(&lab) {
        return;
    }
    let ran = lab.run(&["run", &samples("scans"), &samples("images")]);
    ran.ended(0).said("looks like printed paper and was read; --skip ocr or --op image");
    let summary = lab.summary();
    for row in summary["rows"].as_array().expect("rows") {
        let is_scan = row["input"].as_str().expect("a path").contains("/scans/");
        assert_eq!(row["operation"], if is_scan { "ocr" } else { "image" }, "{row:#}");
    }
    // A slot has one executor, whose engine read several pages: none left traces in another.
    let read = |name: &str| {
        let text = lab.result("ocr", name)["extracted_text"].clone();
        text.as_str().expect("text").to_owned()
    };
    assert!(read("page_ocr.json").starts_with("Alice was beginning to get very tired"));
    assert!(read("slanting_ocr.json").contains("a large rabbit-hole under the hedge"));
    assert!(read("two-pages_ocr.json").contains("\u{c}Now we are engaged"));
    assert!(read("receipt_ocr.json").contains("34.70"));
    assert!(read("letter_ocr.json").contains("dedicated to the proposition"));
    // The user decides otherwise.
    lab.run(&["run", &samples("scans"), "--skip", "ocr", "--out", "pictures"]).ended(0);
    assert!(lab.results_in("pictures/image").iter().any(|name| name == "processed_page.png"));
    // And what is read may be searched.
    let page = Path::new(&samples("scans")).join("page.png");
    let page = page.to_str().expect("plain");
    lab.run(&["run", page, "--op", "ocr", "--param", "format=pdf", "--out", "pdf"]).ended(0);
    let pdf = std::fs::read(lab.path("pdf/ocr/page.pdf")).expect("a PDF");
    lab.input("page.pdf", pdf);
    lab.run(&["run", "in", "--out", "again"]).ended(0);
    let text = std::fs::read_to_string(lab.path("again/document/page.txt")).expect("its text");
    assert!(text.contains("Alice was beginning to get very tired of sitting by her"), "{text}");
}

/// Without data of any language there is nothing to read with.
#[test]
fn without_tesseract_the_operation_is_withdrawn_and_the_user_told_what_to_install() {
    const INSTALL: &str = "apt-get install tesseract-ocr";
    let lab = Lab::new();
    std::fs::create_dir(lab.path("no-data")).expect("a folder");
    let run = |args: &[&str]| {
        let mut command = lab.command(args);
        command.env("TESSDATA_PREFIX", lab.path("no-data"));
        Ran::of(command.output().expect("the binary starts"))
    };
    let scans = samples("scans");
    let ran = run(&["run", &scans, "--op", "ocr"]);
    ran.ended(3).said("no worker offers ocr").said(INSTALL);
    assert_eq!(lab.row("page.png")["code"], "operation_withdrawn");
    // By content they are pictures, and nothing is said to those who did not ask for reading.
    let ran = run(&["run", &scans, "--out", "pictures"]);
    ran.ended(0);
    assert!(!ran.stderr.contains("ithdrawn"), "{}", ran.stderr);
    assert!(lab.results_in("pictures/image").iter().any(|name| name == "processed_page.png"));
    assert!(run(&["ops"]).stdout.contains(INSTALL));
    assert!(run(&["ops", "show", "ocr"]).stdout.contains(INSTALL));
    let ran = run(&["doctor", "--json"]);
    let doctor: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let findings = doctor["findings"].as_array().expect("findings");
    let is_fault = |it: &&serde_json::Value| it["ok"] == false && it["optional"] == false;
    // What is optional and missing is a hint.
    ran.ended(u8::from(findings.iter().any(|it| is_fault(&it))).into());
    let ocr = findings.iter().find(|finding| finding["name"] == "ocr").expect("a line");
    assert_eq!(ocr["ok"], false);
    assert!(ocr["missing"].as_str().expect("what to do").contains(INSTALL), "{ocr}");
}

/// Whether the accurate engine is on this machine; said aloud if not.
fn accurate_is_there(lab: &Lab) -> bool {
    let doctor = lab.run(&["doctor", "--json"]).stdout;
    let doctor: serde_json::Value = serde_json::from_str(&doctor).expect("JSON");
    let mut findings = doctor["findings"].as_array().expect("findings").iter();
    let is_it = |it: &serde_json::Value| it.to_string().contains("engine=accurate");
    let found = findings.find(|it| is_it(it)).expect("a line");
    let is_there = found["missing"].is_null();
    if !is_there {
        not_run("accurate-ocr", found["found"].as_str().unwrap_or_default());
    }
    is_there
}

/// In a confined executor, which loads library and networks itself.
#[test]
fn the_accurate_engine_reads_in_an_executor() {
    let lab = Lab::new();
    if !is_there(&lab) || !accurate_is_there(&lab) {
        return;
    }
    lab.run(&["run", &samples("scans"), "--op", "ocr", "--param", "engine=accurate"]).ended(0);
    let receipt = lab.result("ocr", "receipt_ocr.json");
    assert!(receipt["engine"].as_str().expect("a name").starts_with("PP-OCRv6"), "{receipt}");
    assert!(receipt["extracted_text"].as_str().expect("text").contains("34.70"), "{receipt}");
    let page = lab.result("ocr", "page_ocr.json")["extracted_text"].clone();
    assert!(page.as_str().expect("text").contains("peeped into the book"), "{page}");
}

#[test]
fn without_the_accurate_engine_auto_does_without_and_accurate_says_what_to_do() {
    let lab = Lab::new();
    if !is_there(&lab) {
        return;
    }
    std::fs::create_dir(lab.path("no-library")).expect("a folder");
    let run = |args: &[&str]| {
        let mut command = lab.command(args);
        command.env("WINDLASS_LIB", lab.path("no-library"));
        Ran::of(command.output().expect("the binary starts"))
    };
    let doctor = run(&["doctor"]).stdout;
    assert!(doctor.contains("no receipts and photographs by engine=accurate"), "{doctor}");
    let receipt = Path::new(&samples("scans")).join("receipt.jpg");
    let receipt = receipt.to_str().expect("plain");
    run(&["run", receipt, "--op", "ocr", "--param", "engine=accurate"]).ended(3);
    let row = lab.row("receipt.jpg");
    assert_eq!(row["code"], "accurate_unavailable", "{row:#}");
    let cause = row["cause"].as_str().expect("a cause");
    assert!(cause.contains("no-library/accurate-ocr"), "{cause}");
    assert!(row["next_step"].as_str().expect("a step").contains("make deps"), "{row:#}");
    run(&["run", receipt, "--op", "ocr", "--param", "engine=auto"]).ended(0);
    let read = lab.result("ocr", "receipt_ocr.json");
    assert!(read["engine"].as_str().expect("a name").starts_with("Tesseract"), "{read}");
}
