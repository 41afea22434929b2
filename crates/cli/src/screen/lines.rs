//! The display's lines as text: never wider than the terminal, never more than fit on it.

use super::rates::Pace;
use super::{Doing, SlotView, View};
use std::time::Duration;
use windlass_client::report::text::{cut_end, cut_middle, printable, width};

/// The bar at most.
const BAR_COLUMNS_MAX: usize = 48;
/// Columns of a worker's name and of an operation's name at most.
const LABEL_COLUMNS_MAX: usize = 14;
/// A file name gets at least so many columns; what stands before it gives way.
const NAME_COLUMNS_MIN: usize = 12;

/// The room there is, and whether colours may be used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    columns: usize,
    rows: usize,
    colour: bool,
}

#[derive(Clone, Copy)]
enum Ink {
    Bold,
    Dim,
    Red,
    Yellow,
    Cyan,
}

impl Frame {
    /// In a terminal of so many rows and columns.
    pub(super) fn of((rows, columns): (u16, u16), colour: bool) -> Frame {
        // Some terminals wrap as soon as the last column is written, and Ctrl-C is echoed as two
        // more behind the block: a block that moves down a row by itself cannot be cleared.
        let columns = usize::from(columns).saturating_sub(3).max(1);
        // So does a row, for the cursor.
        let rows = usize::from(rows).saturating_sub(1).max(1);
        Frame { columns, rows, colour }
    }

    fn paint(self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Red => "31",
            Ink::Yellow => "33",
            Ink::Cyan => "36",
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Pieces of a line one after the other, cut where the terminal ends.
    fn line(self, pieces: &[(Option<Ink>, &str)]) -> String {
        let mut line = String::new();
        let mut left = self.columns;
        for (ink, text) in pieces {
            let shown = cut_end(text, left);
            left -= width(&shown);
            match ink {
                Some(ink) if !shown.is_empty() => line.push_str(&self.paint(*ink, &shown)),
                _ => line.push_str(&shown),
            }
        }
        line
    }
}

/// One line for what goes before the tasks.
pub(super) fn phase(text: &str, now: Duration, frame: Frame) -> String {
    const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
    let turn = (now.as_millis() / 100) as usize % SPINNER.len();
    frame.line(&[
        (Some(Ink::Cyan), SPINNER[turn]),
        (None, " "),
        (None, &printable(text.as_bytes())),
    ])
}

/// The same for logs.
pub(super) fn phase_plain(text: &str) -> String {
    printable(text.as_bytes())
}

/// The live block: progress, pace, a line a slot, the note. Rows are kept for `slot_count` slots.
pub(super) fn block(view: &View, pace: &Pace, slot_count: usize, frame: Frame) -> Vec<String> {
    let mut lines = vec![progress(view, frame), state(view, pace, frame)];
    let note_rows = usize::from(view.note.is_some());
    let room = frame.rows.saturating_sub(lines.len() + note_rows);
    let slots = slots(&view.slots, room, frame);
    let missing = slot_count.min(room).saturating_sub(slots.len());
    lines.extend(slots);
    let note = view.note.as_ref().map(|note| printable(note.as_bytes()));
    lines.extend(note.map(|note| frame.line(&[(Some(Ink::Yellow), &note)])));
    lines.extend(std::iter::repeat_n(String::new(), missing));
    lines.truncate(frame.rows);
    lines
}

/// `━━━━━━━━━━──────────  62%  312/500 files`
fn progress(view: &View, frame: Frame) -> String {
    let share = share(view);
    let percent = format!("{:3.0}%", (share * 100.0).floor());
    let count = format!("  {}/{} {}", view.done, view.total, file_word(view.total));
    let text_columns = 1 + width(&percent) + width(&count);
    let bar_columns = frame.columns.saturating_sub(text_columns).min(BAR_COLUMNS_MAX);
    let full = ((share * bar_columns as f64) as usize).min(bar_columns);
    frame.line(&[
        (Some(Ink::Cyan), &"━".repeat(full)),
        (Some(Ink::Dim), &"─".repeat(bar_columns - full)),
        (None, " "),
        (Some(Ink::Bold), &percent),
        (None, &count),
    ])
}

fn share(view: &View) -> f64 {
    if view.total == 0 { 0.0 } else { (view.done as f64 / view.total as f64).min(1.0) }
}

fn file_word(count: u64) -> &'static str {
    if count == 1 { "file" } else { "files" }
}

/// `2 failed · 41.2 files/s · 12.3 MB/s · about 5 s left`
fn state(view: &View, pace: &Pace, frame: Frame) -> String {
    let failed = format!("{} failed", view.failed);
    let failed_ink = if view.failed == 0 { Ink::Dim } else { Ink::Red };
    let mut rest = String::new();
    for part in pace_parts(pace) {
        rest.push_str(" · ");
        rest.push_str(&part);
    }
    frame.line(&[(Some(failed_ink), &failed), (None, &rest)])
}

fn pace_parts(pace: &Pace) -> Vec<String> {
    let Some((files, bytes)) = pace.per_second else {
        return Vec::new();
    };
    let mut parts = vec![format!("{} files/s", figure(files))];
    // Below that it would read as if nothing moved.
    const MB_SHOWN_MIN: f64 = 0.05;
    if bytes / 1e6 >= MB_SHOWN_MIN {
        parts.push(format!("{} MB/s", figure(bytes / 1e6)));
    }
    parts.extend(pace.left.map(|left| format!("about {} left", roughly(left))));
    parts
}

fn figure(number: f64) -> String {
    if number < 100.0 { format!("{number:.1}") } else { format!("{number:.0}") }
}

/// A time as exact as a guess can be.
fn roughly(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil() as u64;
    match seconds {
        0..90 => format!("{seconds} s"),
        90..5_400 => format!("{} min", seconds.div_ceil(60)),
        5_400..172_800 => format!("{} h", seconds.div_ceil(3_600)),
        _ => format!("{} days", seconds.div_ceil(86_400)),
    }
}

/// A line a slot in at most `room` rows.
fn slots(slots: &[SlotView], room: usize, frame: Frame) -> Vec<String> {
    let shown_count = if slots.len() <= room { slots.len() } else { room.saturating_sub(1) };
    let columns = SlotColumns::of(&slots[..shown_count], frame);
    let mut lines: Vec<String> =
        slots[..shown_count].iter().map(|slot| columns.line(slot, frame)).collect();
    if shown_count < slots.len() && room > 0 {
        let more = format!("  … and {} more slots", slots.len() - shown_count);
        lines.push(frame.line(&[(Some(Ink::Dim), &more)]));
    }
    lines
}

/// Where the parts of slot lines stand.
struct SlotColumns {
    label: usize,
    operation: usize,
    /// Whether a stalled slot has room for the whole sentence.
    has_sentences: bool,
}

impl SlotColumns {
    fn of(slots: &[SlotView], frame: Frame) -> SlotColumns {
        let widest = |texts: &mut dyn Iterator<Item = &str>| {
            texts.map(|text| width(&printable(text.as_bytes()))).max().unwrap_or(0)
        };
        let doing = || slots.iter().filter_map(|slot| slot.doing.as_ref());
        let mut label = widest(&mut slots.iter().map(|slot| slot.label.as_str()));
        let mut operation = widest(&mut doing().map(|doing| doing.operation.as_str()));
        label = label.min(LABEL_COLUMNS_MAX);
        operation = operation.min(LABEL_COLUMNS_MAX);
        let time = |has_sentences| {
            doing().map(|doing| width(&time_of(doing, has_sentences))).max().unwrap_or(0)
        };
        // The gaps: two columns before each part.
        let is_too_wide = |label, operation, has_sentences| {
            label + operation + NAME_COLUMNS_MIN + time(has_sentences) + 8 > frame.columns
        };
        let has_sentences = !is_too_wide(label, operation, true);
        if is_too_wide(label, operation, has_sentences) {
            label = 0;
        }
        if is_too_wide(label, operation, has_sentences) {
            operation = 0;
        }
        SlotColumns { label, operation, has_sentences }
    }

    /// `  w1  document  report.pdf                     0.8 s`
    fn line(&self, slot: &SlotView, frame: Frame) -> String {
        let label = self.part(&slot.label, self.label);
        let Some(doing) = &slot.doing else {
            return frame.line(&[(Some(Ink::Dim), &label), (Some(Ink::Dim), "  idle")]);
        };
        let operation = self.part(&doing.operation, self.operation);
        let time = time_of(doing, self.has_sentences);
        let used = width(&label) + width(&operation) + width(&time) + 4;
        let name_columns = frame.columns.saturating_sub(used);
        let name = cut_middle(&printable(doing.name.as_bytes()), name_columns);
        let space = " ".repeat(name_columns - width(&name));
        let time_ink = if doing.stalled.is_some() { Ink::Yellow } else { Ink::Dim };
        frame.line(&[
            (Some(Ink::Dim), &label),
            (Some(Ink::Cyan), &operation),
            (None, &format!("  {name}{space}")),
            (Some(time_ink), &format!("  {time}")),
        ])
    }

    fn part(&self, text: &str, columns: usize) -> String {
        if columns == 0 {
            return String::new();
        }
        let shown = cut_end(&printable(text.as_bytes()), columns);
        let space = " ".repeat(columns - width(&shown));
        format!("  {shown}{space}")
    }
}

fn time_of(doing: &Doing, has_sentences: bool) -> String {
    let since = doing.since.as_secs_f64();
    let since = if since < 100.0 { format!("{since:.1} s") } else { roughly(doing.since) };
    match doing.stalled {
        Some(stalled) if has_sentences => {
            format!("…no progress for {} s · {since}", stalled.as_secs())
        }
        Some(stalled) => format!("…{} s", stalled.as_secs()),
        None => since,
    }
}

/// The state in one line for logs.
pub(super) fn plain(view: &View, pace: &Pace) -> String {
    let percent = (share(view) * 100.0).floor();
    let word = file_word(view.total);
    let mut parts = vec![
        format!("{} of {} {word} ({percent:.0}%)", view.done, view.total),
        format!("{} failed", view.failed),
    ];
    parts.extend(pace_parts(pace));
    let stalled = view.slots.iter().filter_map(|slot| slot.doing.as_ref());
    for (doing, time) in stalled.filter_map(|doing| Some((doing, doing.stalled?))) {
        let name = printable(doing.name.as_bytes());
        parts.push(format!("{name}: no progress for {} s", time.as_secs()));
    }
    parts.extend(view.note.as_ref().map(|note| printable(note.as_bytes())));
    parts.join(", ")
}

#[cfg(test)]
mod tests;
