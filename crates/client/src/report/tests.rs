//! The report of a mixed run, as people and programs see it.

use super::*;
use expect_test::{Expect, expect};

fn row(input: &str, operation: &str, outcome: Outcome) -> Row {
    let mut row = Row::new(input.as_bytes().to_vec(), operation, outcome);
    if !operation.is_empty() {
        row.seconds = 0.125;
        row.bytes = 1_500_000;
        row.attempts = 1;
    }
    row
}

fn failed(input: &str, operation: &str, code: &str, cause: &str, next_step: &str) -> Row {
    Row {
        kind: "rejected".to_owned(),
        code: code.to_owned(),
        cause: cause.to_owned(),
        next_step: next_step.to_owned(),
        ..row(input, operation, Outcome::Failed)
    }
}

fn skipped(input: &str, reason: &str) -> Row {
    Row { cause: reason.to_owned(), ..row(input, "", Outcome::Skipped) }
}

fn report(rows: Vec<Row>) -> Report {
    Report {
        rows,
        step_seconds: BTreeMap::new(),
        unnamed_count: 0,
        withdrawn: Vec::new(),
        job_ids: vec![7],
        wall_seconds: 2.5,
        out: PathBuf::from("/home/ada/processed_results"),
        current_folder: PathBuf::from("/home/ada"),
    }
}

fn mixed() -> Report {
    let unlock = "Remove the password, for example with `qpdf --decrypt`, then run again.";
    let mut rows = vec![
        row("/home/ada/scans/one.png", "image", Outcome::Succeeded),
        row("/home/ada/scans/two.png", "image", Outcome::Succeeded),
        row("/home/ada/letter.docx", "document", Outcome::Succeeded),
        row("/mnt/far/notes.txt", "text", Outcome::Succeeded),
        failed("/home/ada/a.pdf", "document", "password_required", "password required", unlock),
        failed("/home/ada/b\n.pdf", "document", "password_required", "password required", unlock),
        failed("/home/ada/big.png", "image", "too_large", "65535 x 65535 pixels", "Scale it down."),
        failed("/home/ada/wide.png", "image", "too_large", "9 x 65535 pixels", "Scale it down."),
        failed("/home/ada/gone.txt", "", "not_found", "no such file or folder", "Check it."),
        skipped("/home/ada/t1.xlsx", "Excel (XLSX): no operation for this kind yet"),
        skipped("/home/ada/t2.xlsx", "Excel (XLSX): no operation for this kind yet"),
        skipped("/home/ada/pipe", "a named pipe, not a file"),
    ];
    rows[2].outputs = vec!["out/document/letter.json".into(), "b.txt".into()];
    rows[2].notes = vec![
        "page 3 has no text layer, which means that its text can be read only by looking at it; \
         OCR comes with the ocr operation"
            .to_owned(),
    ];
    rows[6].attempts = 3;
    rows[1].memo = true;
    report(rows)
}

fn check(report: &Report, width: usize, expect: Expect) {
    let shown = report.render(Style { width, colour: false });
    assert!(!shown.contains('\x1b'));
    expect.assert_eq(&shown);
}

#[test]
fn a_mixed_run_at_80_columns() {
    check(
        &mixed(),
        80,
        expect![[r#"
            operation       files  succeeded  failed  skipped    MB    work  files/s
            document            3          1       2        -   4.5  0.38 s      1.2
            image               4          2       2        -   6.0  0.50 s      1.6
            text                1          1       -        -   1.5  0.12 s      0.4
            (no operation)      4          -       1        3     -       -      0.4
            total              12          4       5        3  12.0  1.00 s      3.6

            ✗ password required (2 files)
                a.pdf
                b\n.pdf
              → Remove the password, for example with `qpdf --decrypt`, then run again.

            ✗ too large (2 files)
                big.png (3 attempts): 65535 x 65535 pixels
                wide.png: 9 x 65535 pixels
              → Scale it down.

            ✗ not found (1 file)
              no such file or folder
                gone.txt
              → Check it.

            Skipped
              2 files: Excel (XLSX): no operation for this kind yet
              pipe: a named pipe, not a file

            Notes
              letter.docx: page 3 has no text layer, which means that its text can be read
              only by looking at it; OCR comes with the ocr operation

            1 of 4 results were known from earlier runs; --fresh does all anew
            12 files in 2.50 s; results in processed_results
        "#]],
    );
}

#[test]
fn narrow_terminals_lose_columns_from_the_right() {
    check(
        &mixed(),
        40,
        expect![[r#"
            operation       files  succeeded  failed
            document            3          1       2
            image               4          2       2
            text                1          1       -
            (no operation)      4          -       1
            total              12          4       5

            ✗ password required (2 files)
                a.pdf
                b\n.pdf
              → Remove the password, for example
                with `qpdf --decrypt`, then run
                again.

            ✗ too large (2 files)
                big.png (3 attempts): 65535 x 65535 pixels
                wide.png: 9 x 65535 pixels
              → Scale it down.

            ✗ not found (1 file)
              no such file or folder
                gone.txt
              → Check it.

            Skipped
              2 files: Excel (XLSX): no operation
              for this kind yet
              pipe: a named pipe, not a file

            Notes
              letter.docx: page 3 has no text layer,
              which means that its text can be read
              only by looking at it; OCR comes with
              the ocr operation

            1 of 4 results were known from earlier
            runs; --fresh does all anew
            12 files in 2.50 s; results in processed_results
        "#]],
    );
}

#[test]
fn a_run_of_one_operation_without_trouble() {
    let rows = vec![row("/home/ada/a.png", "image", Outcome::Succeeded)];
    check(
        &report(rows),
        80,
        expect![[r#"
        operation  files  succeeded  failed  skipped   MB    work  files/s
        image          1          1       -        -  1.5  0.12 s      0.4

        1 file in 2.50 s; results in processed_results
    "#]],
    );
}

#[test]
fn an_interrupted_run_counts_what_is_not_done() {
    let rows = vec![
        row("/home/ada/a.png", "image", Outcome::Succeeded),
        row("/home/ada/b.png", "image", Outcome::Unfinished),
        row("/home/ada/c.png", "image", Outcome::Cancelled),
    ];
    check(
        &report(rows),
        80,
        expect![[r#"
            operation  files  succeeded  failed  skipped  not done   MB    work  files/s
            image          3          1       -        -         2  1.5  0.38 s      0.4

            3 files in 2.50 s; results in processed_results
        "#]],
    );
}

#[test]
fn long_lists_are_cut() {
    let mut rows: Vec<Row> = (0..25)
        .map(|n| failed(&format!("/home/ada/{n}.pdf"), "document", "damaged", "no page", ""))
        .collect();
    rows.extend((0..5).map(|n| Row {
        notes: vec!["the same".to_owned()],
        ..row(&format!("/home/ada/n{n}.pdf"), "document", Outcome::Succeeded)
    }));
    let shown = report(rows).render(Style { width: 80, colour: false });
    assert!(shown.contains("    19.pdf\n    … and 5 more files, all in summary.csv\n"), "{shown}");
    assert!(shown.contains("    … and 2 more files, all in summary.json\n"), "{shown}");
    assert!(!shown.contains("20.pdf"));
}

#[test]
fn colours_come_only_when_asked_for_and_change_no_text() {
    let plain = mixed().render(Style { width: 80, colour: false });
    let mut coloured = mixed().render(Style { width: 80, colour: true });
    assert!(coloured.contains("\x1b[31m✗ password required (2 files)\x1b[0m"));
    for code in ["0", "1", "2", "31", "32", "33", "36"] {
        coloured = coloured.replace(&format!("\x1b[{code}m"), "");
    }
    let trimmed: Vec<_> = coloured.lines().map(str::trim_end).collect();
    assert_eq!(trimmed, plain.lines().collect::<Vec<_>>());
}

#[test]
fn nothing_found_is_said() {
    assert_eq!(
        report(Vec::new()).render(Style { width: 80, colour: false }),
        "nothing to do: no files were found\n"
    );
}

#[test]
fn exit_code_is_3_when_anything_failed() {
    assert_eq!(mixed().exit_code(), 3);
    assert_eq!(report(vec![skipped("a", "b")]).exit_code(), 0);
    assert_eq!(report(vec![row("/a", "text", Outcome::Cancelled)]).exit_code(), 3);
}

#[test]
#[expect(clippy::too_many_lines, reason = "the expected file, whole")]
fn json_has_every_field() {
    let mut report = mixed();
    report.rows = vec![report.rows.remove(2), report.rows.remove(3)];
    report.rows[0].notes = vec!["page 3 has no text layer".to_owned()];
    report.rows[1].next_step = "Remove the password.".to_owned();
    report.rows[1].input = b"/a/caf\xe9\\.pdf".to_vec();
    let mut json = Vec::new();
    report.write_json(&mut json).expect("writing to memory");
    expect![[r#"
        {
          "version": 1,
          "windlass": "0.1.0",
          "jobs": [
            7
          ],
          "exit_code": 3,
          "wall_seconds": 2.5,
          "totals": {
            "files": 2,
            "succeeded": 1,
            "memo": 0,
            "failed": 1,
            "skipped": 0,
            "cancelled": 0,
            "unfinished": 0,
            "bytes": 3000000,
            "seconds": 0.25
          },
          "operations": [
            {
              "operation": "document",
              "totals": {
                "files": 2,
                "succeeded": 1,
                "memo": 0,
                "failed": 1,
                "skipped": 0,
                "cancelled": 0,
                "unfinished": 0,
                "bytes": 3000000,
                "seconds": 0.25
              }
            }
          ],
          "withdrawn": [],
          "rows": [
            {
              "input": "/home/ada/letter.docx",
              "operation": "document",
              "outcome": "succeeded",
              "kind": "",
              "code": "",
              "cause": "",
              "next_step": "",
              "notes": [
                "page 3 has no text layer"
              ],
              "seconds": 0.125,
              "bytes": 1500000,
              "attempts": 1,
              "memo": false,
              "outputs": [
                "out/document/letter.json",
                "b.txt"
              ]
            },
            {
              "input": "/a/caf\\xe9\\\\.pdf",
              "operation": "document",
              "outcome": "failed",
              "kind": "rejected",
              "code": "password_required",
              "cause": "password required",
              "next_step": "Remove the password.",
              "notes": [],
              "seconds": 0.125,
              "bytes": 1500000,
              "attempts": 1,
              "memo": false,
              "outputs": []
            }
          ]
        }
    "#]]
    .assert_eq(&String::from_utf8(json).expect("UTF-8"));
}

#[test]
fn csv_is_quoted_by_the_rfc() {
    let mut csv = Vec::new();
    mixed().write_csv(&mut csv).expect("writing to memory");
    let csv = String::from_utf8(csv).expect("UTF-8");
    assert!(csv.ends_with("\r\n"));
    expect![[r#"
        input,operation,outcome,cause,seconds,outputs<end>
        /home/ada/scans/one.png,image,succeeded,,0.125000,<end>
        /home/ada/scans/two.png,image,succeeded,,0.125000,<end>
        /home/ada/letter.docx,document,succeeded,,0.125000,out/document/letter.json;b.txt<end>
        /mnt/far/notes.txt,text,succeeded,,0.125000,<end>
        /home/ada/a.pdf,document,failed,password required,0.125000,<end>
        "/home/ada/b
        .pdf",document,failed,password required,0.125000,<end>
        /home/ada/big.png,image,failed,65535 x 65535 pixels,0.125000,<end>
        /home/ada/wide.png,image,failed,9 x 65535 pixels,0.125000,<end>
        /home/ada/gone.txt,,failed,no such file or folder,0.000000,<end>
        /home/ada/t1.xlsx,,skipped,Excel (XLSX): no operation for this kind yet,0.000000,<end>
        /home/ada/t2.xlsx,,skipped,Excel (XLSX): no operation for this kind yet,0.000000,<end>
        /home/ada/pipe,,skipped,"a named pipe, not a file",0.000000,<end>
    "#]]
    .assert_eq(&csv.replace("\r\n", "<end>\n"));
}

#[test]
fn summaries_are_written_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut report = mixed();
    report.out = folder.path().join("deep/out");
    let [json, csv] = report.write().expect("written");
    let mut expected = Vec::new();
    report.write_json(&mut expected).expect("writing to memory");
    assert_eq!(std::fs::read(json).expect("read"), expected);
    assert!(std::fs::read(csv).expect("read").starts_with(b"input,operation,"));
    assert_eq!(std::fs::read_dir(&report.out).expect("a folder").count(), 2);
}

#[test]
fn withdrawn_operations_are_told() {
    let withdrawn = vec![Withdrawn {
        operation: "image".to_owned(),
        workers: vec!["w1".to_owned(), "w2".to_owned()],
        cause: "20 crashes in a row".to_owned(),
    }];
    let report = Report { withdrawn, ..report(vec![row("a.png", "image", Outcome::Succeeded)]) };
    let text = report.render(Style { width: 80, colour: false });
    assert!(text.contains("\n  w1, w2 withdrew image after 20 crashes in a row\n"), "{text}");
    let mut json = Vec::new();
    report.write_json(&mut json).expect("written");
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(json["withdrawn"][0]["workers"][1], "w2");
}

#[test]
fn steps_on_the_way_count_as_work_and_not_as_files() {
    let last = Row { seconds: 0.5, ..row("", "factorial", Outcome::Succeeded) };
    let report =
        Report { step_seconds: [("factorial".to_owned(), 4.0)].into(), ..report(vec![last]) };
    assert_eq!((report.totals().seconds, report.totals().files), (4.5, 1));
    assert_eq!(report.totals_by_operation()["factorial"].seconds, 4.5);
}
