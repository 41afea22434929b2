//! The frame as lines: never wider than the terminal, never more than fit on it.

mod lists;

use super::model::Model;
use lists::{Drawn, jobs, operations, work, workers};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use windlass_client::report::text::{cut_end, printable, width, wrap};
use windlass_core::overview::Overview;

const HELP: &str = "q quit  tab list  ↑↓jk choose  d drain  r resume  c cancel";
/// Before each row; the chosen one is marked there.
const GUTTER: usize = 2;

/// The room there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Area {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// How things look that matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ink {
    Plain,
    Bold,
    Dim,
    Warn,
    Bad,
}

impl Ink {
    fn style(self, has_colour: bool) -> Style {
        let colour = |colour| if has_colour { Style::new().fg(colour) } else { Style::new() };
        match self {
            Ink::Plain => Style::new(),
            Ink::Bold => Style::new().add_modifier(Modifier::BOLD),
            Ink::Dim => Style::new().add_modifier(Modifier::DIM),
            Ink::Warn => colour(Color::Yellow),
            Ink::Bad => colour(Color::Red).add_modifier(Modifier::BOLD),
        }
    }
}

/// Everything that there is, as a program's output.
pub(super) fn report(model: &Model, columns: usize) -> Vec<Line<'static>> {
    let Some(overview) = &model.overview else { return Vec::new() };
    let canvas = Canvas { columns, has_colour: false };
    let mut lines = vec![canvas.line(Ink::Plain, &header(model, overview))];
    lines.extend(canvas.stalls(overview, usize::MAX));
    for list in lists(model, overview, columns) {
        lines.push(Line::default());
        lines.extend(canvas.list(&list, usize::MAX, None));
    }
    lines
}

/// The frame of a terminal.
pub(super) fn frame(model: &Model, area: Area, has_colour: bool) -> Vec<Line<'static>> {
    let Area { columns, rows } = area;
    let canvas = Canvas { columns, has_colour };
    let Some(overview) = &model.overview else {
        let text = model.trouble.as_ref().map_or("Looking at the cluster …", String::as_str);
        return canvas.line_of_at_most(rows, Ink::Plain, text);
    };
    let mut above = vec![canvas.line(Ink::Bold, &header(model, overview))];
    if let Some(trouble) = &model.trouble {
        // The reason is last: a narrow terminal cuts it.
        let text = format!("! Looking again; what follows is how it was: {trouble}");
        above.push(canvas.line(Ink::Bad, &text));
    }
    above.extend(canvas.stalls(overview, (rows / 6).max(1)));
    let below = canvas.below(model);
    let room = rows.saturating_sub(above.len() + below.len());
    let lists = lists(model, overview, columns);
    let wants: Vec<usize> = lists.iter().map(|list| list.lines.len()).collect();
    let heights = share(&wants, room);
    let shown = heights.iter().filter(|height| **height > 0).count();
    let mut blanks = room.saturating_sub(heights.iter().sum()).min(shown);
    let mut lines = above;
    for (list, height) in lists.iter().zip(heights).filter(|(_, height)| *height > 0) {
        if blanks > 0 {
            lines.push(Line::default());
            blanks -= 1;
        }
        let chosen = list.list.filter(|it| *it == model.focus).map(|it| model.position(it));
        lines.extend(canvas.list(list, height, chosen));
    }
    lines.truncate(rows.saturating_sub(below.len()));
    lines.resize(rows.saturating_sub(below.len()), Line::default());
    lines.extend(below);
    lines.truncate(rows);
    lines
}

fn lists(model: &Model, overview: &Overview, columns: usize) -> Vec<Drawn> {
    let columns = columns.saturating_sub(GUTTER);
    let operations = operations(model, overview, columns);
    let work = work(model, overview, columns);
    let lists = [Some(workers(overview, columns)), Some(work), operations];
    lists.into_iter().flatten().chain([jobs(overview, columns)]).collect()
}

/// `windlass top  127.0.0.1:5000  epoch 3  2 workers  3 of 4 slots at work  12.3 tasks/s`
fn header(model: &Model, overview: &Overview) -> String {
    let workers = &overview.cluster.workers;
    let slots: u32 = workers.iter().map(|worker| worker.slots).sum();
    let busy: usize = workers.iter().map(|worker| worker.running.len()).sum();
    let count = workers.len();
    let workers = if count == 1 { "worker" } else { "workers" };
    let pace = model.rates.all().map_or_else(|| "-".to_owned(), lists::rate);
    let (epoch, place) = (overview.cluster.epoch, printable(model.place.as_bytes()));
    let calls = match overview.cluster.calls.open_count {
        0 => String::new(),
        1 => "  1 call open".to_owned(),
        count => format!("  {count} calls open"),
    };
    format!(
        "{pace} tasks/s  {busy} of {slots} slots at work  {count} {workers}{calls}  epoch {epoch}  \
         {place}"
    )
}

/// How many rows each gets of those that there are: a head and a row at first, in their order, then
/// a row at a time to each that wants more.
fn share(wants: &[usize], room: usize) -> Vec<usize> {
    let mut left = room;
    let mut heights: Vec<usize> = wants
        .iter()
        .map(|want| {
            let least = *want.min(&2);
            let height = if least <= left { least } else { 0 };
            left -= height;
            height
        })
        .collect();
    while left > 0 {
        let before = left;
        for (height, want) in heights.iter_mut().zip(wants) {
            if left > 0 && *height > 0 && *height < *want {
                *height += 1;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    heights
}

#[derive(Clone, Copy)]
struct Canvas {
    columns: usize,
    has_colour: bool,
}

impl Canvas {
    fn line(self, ink: Ink, text: &str) -> Line<'static> {
        Line::styled(cut_end(text, self.columns), ink.style(self.has_colour))
    }

    fn line_of_at_most(self, rows: usize, ink: Ink, text: &str) -> Vec<Line<'static>> {
        if rows == 0 { Vec::new() } else { vec![self.line(ink, text)] }
    }

    /// Why something does not move, the gravest first, as many as fit.
    fn stalls(self, overview: &Overview, rows_max: usize) -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        let stalls = overview.cluster.stalls.iter();
        for stall in stalls.filter(|stall| stall.kind.stands_still()) {
            let text = printable(format!("! {} → {}", stall.told, stall.next_step).as_bytes());
            lines.extend(wrap(&text, self.columns.max(1)));
        }
        let mut told: Vec<Line<'static>> =
            lines.iter().take(rows_max).map(|text| self.line(Ink::Warn, text)).collect();
        if lines.len() > rows_max
            && let Some(last) = told.last_mut()
        {
            let kept = cut_end(&lines[rows_max - 1], self.columns.saturating_sub(2));
            *last = self.line(Ink::Warn, &format!("{kept} …"));
        }
        told
    }

    /// The line at the bottom: a question, what came of a key, or what keys there are.
    fn below(self, model: &Model) -> Vec<Line<'static>> {
        let (ink, text) = match (&model.asked, &model.note) {
            (Some(job), _) => (Ink::Warn, format!("Cancel job {job}?  y: yes  any other key: no")),
            (None, Some(note)) => (Ink::Bold, printable(note.as_bytes())),
            (None, None) => (Ink::Dim, HELP.to_owned()),
        };
        vec![self.line(ink, &text)]
    }

    /// The head and as many rows as fit, the chosen one among them.
    fn list(self, list: &Drawn, height: usize, chosen: Option<usize>) -> Vec<Line<'static>> {
        let rows = list.lines.len().saturating_sub(1);
        let room = height.saturating_sub(1);
        let is_whole = rows <= room;
        // The last line tells how many are not shown.
        let shown = if is_whole { rows } else { room.saturating_sub(1).max(1) };
        let first = chosen.map_or(0, |at| (at + 1).saturating_sub(shown)).min(rows - shown);
        let mut lines = Vec::new();
        for (at, line) in list.lines.iter().enumerate() {
            let (mark, mut style) = match at.checked_sub(1) {
                None => ("", Ink::Bold.style(self.has_colour)),
                Some(row) if row < first || row >= first + shown => continue,
                Some(row) => {
                    let style = list.inks[row].style(self.has_colour);
                    if chosen == Some(row) && !list.is_empty {
                        ("> ", style.add_modifier(Modifier::REVERSED))
                    } else {
                        ("", style)
                    }
                }
            };
            if at == 0 && chosen.is_some() {
                style = style.add_modifier(Modifier::UNDERLINED);
            }
            let text = cut_end(&format!("{mark:<GUTTER$}{line}"), self.columns);
            let pad = " ".repeat(self.columns.saturating_sub(width(&text)));
            lines.push(Line::from(Span::styled(text + &pad, style)));
        }
        if !is_whole && room > 1 {
            let more = rows - shown;
            lines.push(self.line(Ink::Dim, &format!("{:GUTTER$}and {more} more", "")));
        }
        lines
    }
}

#[cfg(test)]
mod tests;
