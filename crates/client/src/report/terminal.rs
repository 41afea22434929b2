//! The closing report on a terminal: a table, failures grouped by cause, skipped files, notes.

use super::text::{cut_end, printable, width, wrap};
use super::{Outcome, Report, Row, SUMMARY_CSV, SUMMARY_JSON, Totals};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Files listed of one cause.
const FILES_SHOWN_MAX: usize = 20;
/// Reasons, notes and causes listed.
const GROUPS_SHOWN_MAX: usize = 20;
/// Files named beside a note.
const NOTE_FILES_SHOWN_MAX: usize = 3;
/// The operation's column at most.
const OPERATION_COLUMNS_MAX: usize = 24;
/// Narrower terminals get lines that wrap.
const WIDTH_MIN: usize = 20;

/// How the report is to look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether escape sequences for colours may be used.
    pub colour: bool,
}

#[derive(Clone, Copy)]
enum Ink {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

impl Style {
    fn paint(self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Red => "31",
            Ink::Green => "32",
            Ink::Yellow => "33",
            Ink::Cyan => "36",
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn columns(self) -> usize {
        self.width.max(WIDTH_MIN)
    }

    /// A paragraph: `first` before its first line, spaces of the same width before the others.
    fn paragraph(self, out: &mut String, first: &str, text: &str) {
        let indent = width(first);
        for (index, line) in wrap(text, self.columns().saturating_sub(indent)).iter().enumerate() {
            let start = if index == 0 { first.to_owned() } else { " ".repeat(indent) };
            line_of(out, &format!("{start}{line}"));
        }
    }
}

fn line_of(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}

fn files(count: u64) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}

impl Report {
    /// The whole report as text, lines ended by `\n`.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        if self.rows.is_empty() {
            return "nothing to do: no files were found\n".to_owned();
        }
        let mut out = String::new();
        self.render_table(&mut out, style);
        self.render_failures(&mut out, style);
        self.render_withdrawn(&mut out, style);
        self.render_skipped(&mut out, style);
        self.render_notes(&mut out, style);
        self.render_end(&mut out, style);
        out
    }

    fn render_table(&self, out: &mut String, style: Style) {
        let by_operation = self.totals_by_operation();
        let (unnamed, named): (Vec<_>, Vec<_>) =
            by_operation.into_iter().partition(|(operation, _)| operation.is_empty());
        let mut lines: Vec<(String, Totals)> =
            named.into_iter().map(|(name, totals)| (printable(name.as_bytes()), totals)).collect();
        lines.extend(unnamed.into_iter().map(|(_, totals)| ("(no operation)".to_owned(), totals)));
        if lines.len() > 1 {
            lines.push(("total".to_owned(), self.totals()));
        }
        let mut columns = self.columns(&lines);
        while columns.iter().map(Column::width).sum::<usize>() > style.columns() + COLUMN_GAP
            && columns.len() > 4
        {
            columns.pop();
        }
        let has_total = lines.len() > 1;
        for index in 0..=lines.len() {
            let is_total = has_total && index == lines.len();
            let cells: Vec<String> = columns
                .iter()
                .map(|column| {
                    let cell = column.padded(index);
                    match column.ink.filter(|_| index > 0 && cell.trim() != "-") {
                        Some(ink) => style.paint(ink, &cell),
                        None if index == 0 => style.paint(Ink::Dim, &cell),
                        None if is_total => style.paint(Ink::Bold, &cell),
                        None => cell,
                    }
                })
                .collect();
            line_of(out, &cells.join("  "));
        }
    }

    fn columns(&self, lines: &[(String, Totals)]) -> Vec<Column> {
        let count = |number: u64| if number == 0 { "-".to_owned() } else { number.to_string() };
        let column = |title, ink, cell: &dyn Fn(&Totals) -> String| {
            Column::new(title, ink, lines.iter().map(|(_, totals)| cell(totals)))
        };
        let names = lines.iter().map(|(name, _)| cut_end(name, OPERATION_COLUMNS_MAX));
        let mut columns = vec![
            Column::new("operation", None, names),
            column("files", None, &|totals| count(totals.files)),
            column("succeeded", Some(Ink::Green), &|totals| count(totals.succeeded)),
            column("failed", Some(Ink::Red), &|totals| count(totals.failed)),
            column("skipped", Some(Ink::Yellow), &|totals| count(totals.skipped)),
        ];
        if lines.iter().any(|(_, totals)| totals.cancelled + totals.unfinished > 0) {
            columns.push(column("not done", Some(Ink::Yellow), &|totals| {
                count(totals.cancelled + totals.unfinished)
            }));
        }
        columns.push(column("MB", None, &|totals| megabytes(totals.bytes)));
        columns.push(column("work", None, &|totals| duration(totals.seconds)));
        columns.push(column("files/s", None, &|totals| {
            rate(totals.succeeded + totals.failed, self.wall_seconds)
        }));
        columns
    }

    fn render_failures(&self, out: &mut String, style: Style) {
        let failed = self.rows.iter().filter(|row| row.outcome == Outcome::Failed);
        let groups = grouped(failed, |row| {
            let heading = if row.code.is_empty() { &row.cause } else { &row.code };
            (heading.as_str(), row.next_step.as_str())
        });
        for ((heading, next_step), rows) in groups.iter().take(GROUPS_SHOWN_MAX) {
            let heading = printable(heading.replace('_', " ").as_bytes());
            let count = files(rows.len() as u64);
            let title = format!("✗ {heading} ({count})");
            line_of(out, "");
            line_of(out, &style.paint(Ink::Red, &title));
            let common = rows[0].cause.as_str();
            let is_common = rows.iter().all(|row| row.cause == common);
            if is_common && !common.is_empty() && printable(common.as_bytes()) != heading {
                style.paragraph(out, "  ", &printable(common.as_bytes()));
            }
            for row in rows.iter().take(FILES_SHOWN_MAX) {
                self.render_failed_file(out, row, is_common);
            }
            and_more(out, style, rows.len(), FILES_SHOWN_MAX, "files", SUMMARY_CSV);
            if !next_step.is_empty() {
                let mut step = String::new();
                style.paragraph(&mut step, "  → ", &printable(next_step.as_bytes()));
                for line in step.lines() {
                    line_of(out, &style.paint(Ink::Cyan, line));
                }
            }
        }
        and_more(out, style, groups.len(), GROUPS_SHOWN_MAX, "causes", SUMMARY_CSV);
    }

    fn render_failed_file(&self, out: &mut String, row: &Row, is_cause_told: bool) {
        let mut line = format!("    {}", self.shown(row));
        if row.attempts > 1 {
            let _ = write!(line, " ({} attempts)", row.attempts);
        }
        if !is_cause_told {
            let _ = write!(line, ": {}", printable(row.cause.as_bytes()));
        }
        line_of(out, &line);
    }

    fn render_withdrawn(&self, out: &mut String, style: Style) {
        if self.withdrawn.is_empty() {
            return;
        }
        line_of(out, "");
        line_of(out, &style.paint(Ink::Yellow, "Withdrawn operations"));
        for withdrawn in &self.withdrawn {
            style.paragraph(out, "  ", &printable(withdrawn.told().as_bytes()));
        }
    }

    fn render_skipped(&self, out: &mut String, style: Style) {
        let skipped = self.rows.iter().filter(|row| row.outcome == Outcome::Skipped);
        let groups = grouped(skipped, |row| row.cause.as_str());
        if groups.is_empty() {
            return;
        }
        line_of(out, "");
        line_of(out, &style.paint(Ink::Yellow, "Skipped"));
        for (reason, rows) in groups.iter().take(GROUPS_SHOWN_MAX) {
            let reason = printable(reason.as_bytes());
            let what = match rows.as_slice() {
                [row] => self.shown(row),
                rows => files(rows.len() as u64),
            };
            style.paragraph(out, "  ", &format!("{what}: {reason}"));
        }
        and_more(out, style, groups.len(), GROUPS_SHOWN_MAX, "reasons", SUMMARY_CSV);
    }

    fn render_notes(&self, out: &mut String, style: Style) {
        let mut by_note: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.outcome == Outcome::Succeeded) {
            for note in &row.notes {
                by_note.entry(note).or_default().push(row);
            }
        }
        let groups = largest_first(by_note);
        if groups.is_empty() {
            return;
        }
        line_of(out, "");
        line_of(out, &style.paint(Ink::Bold, "Notes"));
        for (note, rows) in groups.iter().take(GROUPS_SHOWN_MAX) {
            let note = printable(note.as_bytes());
            if let [row] = rows.as_slice() {
                style.paragraph(out, "  ", &format!("{}: {note}", self.shown(row)));
                continue;
            }
            style.paragraph(out, "  ", &format!("{}: {note}", files(rows.len() as u64)));
            for row in rows.iter().take(NOTE_FILES_SHOWN_MAX) {
                line_of(out, &style.paint(Ink::Dim, &format!("    {}", self.shown(row))));
            }
            and_more(out, style, rows.len(), NOTE_FILES_SHOWN_MAX, "files", SUMMARY_JSON);
        }
        and_more(out, style, groups.len(), GROUPS_SHOWN_MAX, "notes", SUMMARY_JSON);
    }

    fn render_end(&self, out: &mut String, style: Style) {
        let count = files(self.rows.len() as u64);
        line_of(out, "");
        let Totals { memo, succeeded, .. } = self.totals();
        if memo > 0 {
            let results = if succeeded == 1 { "result was" } else { "results were" };
            let known = format!("{memo} of {succeeded} {results} known from earlier runs");
            style.paragraph(out, "", &format!("{known}; --fresh does all anew"));
        }
        let out_folder = self.relative(self.out.as_os_str().as_bytes());
        let end = format!("{count} in {}; results in ", took(self.wall_seconds));
        line_of(out, &(end + &style.paint(Ink::Bold, &out_folder)));
    }

    /// A row's file as the user knows it.
    fn shown(&self, row: &Row) -> String {
        if row.input.is_empty() { "(no file)".to_owned() } else { self.relative(&row.input) }
    }

    fn relative(&self, path: &[u8]) -> String {
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        let below = path.strip_prefix(&self.current_folder).ok();
        let below = below.filter(|path| !path.as_os_str().is_empty());
        printable(below.unwrap_or(path).as_os_str().as_bytes())
    }
}

fn and_more(out: &mut String, style: Style, count: usize, max: usize, what: &str, file: &str) {
    if count > max {
        let text = format!("    … and {} more {what}, all in {file}", count - max);
        line_of(out, &style.paint(Ink::Dim, &text));
    }
}

/// Rows by a key, the largest group first, then by key.
fn grouped<'a, K: Ord + Copy>(
    rows: impl Iterator<Item = &'a Row>,
    key: impl Fn(&'a Row) -> K,
) -> Vec<(K, Vec<&'a Row>)> {
    let mut groups: BTreeMap<K, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        groups.entry(key(row)).or_default().push(row);
    }
    largest_first(groups)
}

fn largest_first<K: Ord, V>(groups: BTreeMap<K, Vec<V>>) -> Vec<(K, Vec<V>)> {
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, members)| std::cmp::Reverse(members.len()));
    groups
}

const COLUMN_GAP: usize = 2;

/// A column of the table: the title, then a cell a line.
struct Column {
    cells: Vec<String>,
    ink: Option<Ink>,
}

impl Column {
    fn new(title: &str, ink: Option<Ink>, cells: impl Iterator<Item = String>) -> Column {
        Column { cells: std::iter::once(title.to_owned()).chain(cells).collect(), ink }
    }

    /// With the gap to the next one.
    fn width(&self) -> usize {
        self.content_width() + COLUMN_GAP
    }

    fn content_width(&self) -> usize {
        self.cells.iter().map(|cell| width(cell)).max().unwrap_or(0)
    }

    /// A cell in the column's width: the names to the left, the figures to the right.
    fn padded(&self, index: usize) -> String {
        let cell = &self.cells[index];
        let space = " ".repeat(self.content_width() - width(cell));
        if self.cells[0] == "operation" {
            format!("{cell}{space}")
        } else {
            format!("{space}{cell}")
        }
    }
}

fn megabytes(bytes: u64) -> String {
    match bytes {
        0 => "-".to_owned(),
        1..100_000 => "<0.1".to_owned(),
        _ => format!("{:.1}", bytes as f64 / 1e6),
    }
}

/// Seconds of work in a table's cell.
fn duration(seconds: f64) -> String {
    if seconds <= 0.0 { "-".to_owned() } else { took(seconds) }
}

/// A time for people.
#[must_use]
pub fn took(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{seconds:.2} s"),
        10..100 => format!("{seconds:.1} s"),
        100..3_600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3_600, whole % 3_600 / 60),
    }
}

fn rate(count: u64, seconds: f64) -> String {
    if count == 0 || seconds <= 0.0 {
        return "-".to_owned();
    }
    let rate = count as f64 / seconds;
    if rate < 100.0 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}
