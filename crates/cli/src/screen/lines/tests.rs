//! The display's lines in rooms of every size.

use super::*;
use expect_test::{Expect, expect};

fn slot(label: &str, name: &str, operation: &str, tenths: u64, stalled: Option<u64>) -> SlotView {
    let doing = Doing {
        name: name.to_owned(),
        operation: operation.to_owned(),
        since: Duration::from_millis(tenths * 100),
        stalled: stalled.map(Duration::from_secs),
    };
    SlotView { label: label.to_owned(), doing: Some(doing) }
}

fn busy() -> (View, Pace) {
    let view = View {
        total: 500,
        done: 312,
        failed: 2,
        bytes_done: 800_000_000,
        bytes_total: 1_200_000_000,
        slots: vec![
            slot("w1", "report-2024.pdf", "document", 8, None),
            slot("w2", "photo\n\x1b[2J日本語の写真.jpg", "image", 71, Some(6)),
            SlotView { label: "w3".to_owned(), doing: None },
            slot("w4", &format!("{}-last-page.docx", "long".repeat(30)), "document", 1_300, None),
        ],
        note: Some("3 tasks wait: no worker offers ocr".to_owned()),
    };
    let pace =
        Pace { per_second: Some((41.23, 12_300_000.0)), left: Some(Duration::from_millis(4_500)) };
    (view, pace)
}

fn frame(columns: usize, rows: usize) -> Frame {
    Frame { columns, rows, colour: false }
}

fn check(columns: usize, rows: usize, expect: Expect) {
    let (view, pace) = busy();
    expect.assert_eq(&(block(&view, &pace, 0, frame(columns, rows)).join("\n") + "\n"));
}

#[test]
fn a_busy_run_at_80_columns() {
    check(
        80,
        24,
        expect![[r#"
            ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━───────────────────  62%  312/500 files
            2 failed · 41.2 files/s · 12.3 MB/s · about 5 s left
              w1  document  report-2024.pdf                                            0.8 s
              w2  image     photo\n\x1b[2J日本語の写真.jpg      …no progress for 6 s · 7.1 s
              w3  idle
              w4  document  longlonglonglonglonglonglong…glonglonglong-last-page.docx  3 min
            3 tasks wait: no worker offers ocr
        "#]],
    );
}

#[test]
fn a_small_terminal_shows_the_file_names_first() {
    check(
        30,
        24,
        expect![[r#"
            ━━━━━━────  62%  312/500 files
            2 failed · 41.2 files/s · 12.…
              report-2024.pdf        0.8 s
              photo\n\x1b…の写真.jpg  …6 s
              idle
              longlonglo…-page.docx  3 min
            3 tasks wait: no worker offer…
        "#]],
    );
}

#[test]
fn a_low_terminal_cuts_the_slots() {
    check(
        80,
        5,
        expect![[r#"
        ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━───────────────────  62%  312/500 files
        2 failed · 41.2 files/s · 12.3 MB/s · about 5 s left
          w1  document  report-2024.pdf                                            0.8 s
          … and 3 more slots
        3 tasks wait: no worker offers ocr
    "#]],
    );
}

#[test]
fn the_first_moment() {
    // Two of three workers have not joined yet; their rows are kept.
    let view = View { total: 1, slots: vec![SlotView::default()], ..View::default() };
    let lines = block(&view, &Pace::default(), 3, frame(40, 10));
    expect![[r#"
        ─────────────────────────   0%  0/1 file
        0 failed
          idle


    "#]]
    .assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn no_room_is_too_small_and_no_line_too_wide() {
    let (view, pace) = busy();
    for columns in 1..120 {
        for rows in 1..9 {
            let lines = block(&view, &pace, 0, frame(columns, rows));
            assert!(!lines.is_empty() && lines.len() <= rows, "{columns}x{rows}");
            for line in lines {
                assert!(width(&line) <= columns, "{columns}x{rows}: {line}");
                assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
            }
        }
        let line = phase("Looking at files\n: 12", Duration::from_secs(1), frame(columns, 3));
        assert!(width(&line) <= columns && !line.contains('\n'));
    }
}

#[test]
fn what_ctrl_c_echoes_fits_behind_every_line() {
    let (view, pace) = busy();
    for columns in 20..120 {
        for line in block(&view, &pace, 0, Frame::of((24, columns), false)) {
            assert!(width(&format!("{line}^C")) < usize::from(columns), "{columns}: {line}");
        }
    }
}

#[test]
fn colours_take_no_room() {
    let (view, pace) = busy();
    let plain = block(&view, &pace, 0, frame(60, 9));
    let coloured = block(&view, &pace, 0, Frame { colour: true, ..frame(60, 9) });
    let stripped: Vec<_> =
        coloured.iter().map(|line| console::strip_ansi_codes(line).into_owned()).collect();
    assert_ne!(coloured, plain);
    assert_eq!(stripped, plain);
}

#[test]
fn a_log_line_says_it_all_without_control_codes() {
    let (view, pace) = busy();
    expect![[r#"
        312 of 500 files (62%),
        2 failed,
        41.2 files/s,
        12.3 MB/s,
        about 5 s left,
        photo\n\x1b[2J日本語の写真.jpg: no progress for 6 s,
        3 tasks wait: no worker offers ocr"#]]
    .assert_eq(&plain(&view, &pace).replace(", ", ",\n"));
}

#[test]
fn guesses_are_round() {
    let texts = [0, 89, 90, 5_399, 5_400, 200_000].map(|s| roughly(Duration::from_secs(s)));
    assert_eq!(texts, ["0 s", "89 s", "2 min", "90 min", "2 h", "3 days"]);
}
