//! The live display on stderr: a block redrawn in place, or plain lines where no terminal is.
//!
//! It shows what it is handed and decides nothing; what a line says is in `lines`, how fast the run
//! goes in `rates`.

mod block;
mod lines;
mod rates;

use block::Block;
use rates::{Pace, Rates};
use std::io::Write;
use std::time::{Duration, Instant};

/// What goes on before there are tasks is told for every file, and drawn this often at most.
const PHASE_INTERVAL: Duration = Duration::from_millis(66);
/// Without a terminal: a line at most this often.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// How a run is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ScreenMode {
    /// Redrawn in place, for terminals; plain on one that cannot.
    Live,
    /// A plain line every few seconds, for logs and pipes.
    Plain,
}

/// What a run is doing now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct View {
    /// Files of the run.
    pub(crate) total: u64,
    /// Of those, ended one way or the other.
    pub(crate) done: u64,
    /// Of those, failed.
    pub(crate) failed: u64,
    /// Bytes of the files that ended.
    pub(crate) bytes_done: u64,
    /// Bytes of all files.
    pub(crate) bytes_total: u64,
    /// One line each.
    pub(crate) slots: Vec<SlotView>,
    /// Something that the user should know at once.
    pub(crate) note: Option<String>,
}

/// What a slot is doing now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct SlotView {
    /// The worker's name.
    pub(crate) label: String,
    /// `None`: nothing.
    pub(crate) doing: Option<Doing>,
}

/// An attempt at work.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Doing {
    /// The file's name.
    pub(crate) name: String,
    /// The operation's name.
    pub(crate) operation: String,
    /// How long it has been at it.
    pub(crate) since: Duration,
    /// How long it has shown no progress, where that is long enough to tell.
    pub(crate) stalled: Option<Duration>,
}

/// The display; it clears its live part when dropped.
pub(crate) struct Screen {
    drawing: Drawing,
    rates: Rates,
    started: Instant,
}

enum Drawing {
    Live(Live),
    Plain(Plain),
    Finished,
}

/// A block of lines at the bottom of the terminal.
struct Live {
    block: Block,
    term: console::Term,
    has_colour: bool,
    /// Rows kept for slots from the start, so that nothing jumps while workers join.
    slot_count: usize,
    phase_drawn: Option<Duration>,
}

/// Lines without control codes, few enough for a log.
struct Plain {
    out: Box<dyn Write + Send>,
    written: Option<Duration>,
    /// The newest line, not written yet.
    waiting: Option<String>,
    /// The note of the last line: a new one does not wait.
    note: Option<String>,
}

impl Screen {
    /// A display on stderr that shows nothing yet, for about so many slots.
    pub(crate) fn new(mode: ScreenMode, slot_count: usize) -> Screen {
        Screen::with(match mode {
            ScreenMode::Live if can_redraw() => Drawing::Live(Live::on_stderr(slot_count)),
            ScreenMode::Live | ScreenMode::Plain => {
                Drawing::Plain(Plain::on(Box::new(std::io::stderr())))
            }
        })
    }

    fn with(drawing: Drawing) -> Screen {
        Screen { drawing, rates: Rates::default(), started: Instant::now() }
    }

    /// Says what goes on before there are tasks; cheap enough to be called for every file.
    pub(crate) fn phase(&mut self, text: &str) {
        let now = self.started.elapsed();
        match &mut self.drawing {
            Drawing::Live(live) => live.phase(now, text),
            Drawing::Plain(plain) => plain.offer(now, None, || lines::phase_plain(text)),
            Drawing::Finished => {}
        }
    }

    /// Says before there are tasks why nothing goes on; a log gets it at once.
    pub(crate) fn notice(&mut self, text: &str) {
        let now = self.started.elapsed();
        match &mut self.drawing {
            Drawing::Live(live) => live.phase(now, text),
            Drawing::Plain(plain) => plain.offer(now, Some(text), || lines::phase_plain(text)),
            Drawing::Finished => {}
        }
    }

    /// Writes a line that stays, above whatever is redrawn.
    pub(crate) fn remark(&mut self, text: &str) {
        if let Drawing::Live(live) = &mut self.drawing {
            live.block.clear();
        }
        // A log that cannot be written must not end the run.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// Shows the run as it is now; to be called about ten times a second.
    pub(crate) fn update(&mut self, view: &View) {
        self.update_at(view, self.started.elapsed());
    }

    fn update_at(&mut self, view: &View, now: Duration) {
        self.rates.observe(now, view.done, view.bytes_done);
        let pace = self.rates.pace(view);
        match &mut self.drawing {
            Drawing::Live(live) => live.update(view, &pace),
            Drawing::Plain(plain) => {
                plain.offer(now, view.note.as_deref(), || lines::plain(view, &pace));
            }
            Drawing::Finished => {}
        }
    }

    /// Clears the live part; without a terminal, writes how it stood at last.
    pub(crate) fn finish(&mut self) {
        match &mut self.drawing {
            Drawing::Live(live) => live.block.clear(),
            Drawing::Plain(plain) => plain.flush(),
            Drawing::Finished => {}
        }
        self.drawing = Drawing::Finished;
    }
}

/// Whether the terminal can move its cursor.
pub(crate) fn can_redraw() -> bool {
    std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Live {
    fn on_stderr(slot_count: usize) -> Live {
        let block = Block::on(Box::new(std::io::stderr()));
        let term = console::Term::stderr();
        // Says no to NO_COLOR and to terminals without colours.
        let has_colour = console::colors_enabled_stderr();
        Live { block, term, has_colour, slot_count, phase_drawn: None }
    }

    fn phase(&mut self, now: Duration, text: &str) {
        if self.phase_drawn.is_none_or(|before| now >= before + PHASE_INTERVAL) {
            self.phase_drawn = Some(now);
            let line = lines::phase(text, now, self.frame());
            self.block.draw(&[line]);
        }
    }

    fn update(&mut self, view: &View, pace: &Pace) {
        let lines = lines::block(view, pace, self.slot_count, self.frame());
        self.block.draw(&lines);
    }

    fn frame(&self) -> lines::Frame {
        lines::Frame::of(self.term.size(), self.has_colour)
    }
}

impl Plain {
    fn on(out: Box<dyn Write + Send>) -> Plain {
        Plain { out, written: None, waiting: None, note: None }
    }

    /// Writes the line if the last one is old enough or the note is new, else keeps it for the end.
    fn offer(&mut self, now: Duration, note: Option<&str>, line: impl FnOnce() -> String) {
        if self.note.as_deref() != note {
            self.note = note.map(str::to_owned);
            self.written = self.written.filter(|_| note.is_none());
        }
        self.waiting = Some(line());
        if self.written.is_none_or(|before| now >= before + PLAIN_INTERVAL) {
            self.written = Some(now);
            self.flush();
        }
    }

    fn flush(&mut self) {
        if let Some(line) = self.waiting.take() {
            self.write(&line);
        }
    }

    fn write(&mut self, line: &str) {
        // A log that cannot be written must not end the run.
        let _ = writeln!(self.out, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        pub(super) fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("not poisoned").clone()).expect("UTF-8")
        }
    }

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn plain_lines_come_at_the_start_every_few_seconds_and_at_the_end() {
        let log = Log::default();
        let mut screen = Screen::with(Drawing::Plain(Plain::on(Box::new(log.clone()))));
        for tenth in 0..=120 {
            let view = View { total: 121, done: tenth, ..View::default() };
            screen.update_at(&view, Duration::from_millis(tenth * 100));
        }
        screen.finish();
        screen.finish();
        let log = log.text();
        let done: Vec<_> = log.lines().map(|line| line.split(' ').next().unwrap_or("")).collect();
        assert_eq!(done, ["0", "50", "100", "120"]);
    }

    #[test]
    fn a_note_does_not_wait_and_is_not_repeated() {
        let log = Log::default();
        let mut screen = Screen::with(Drawing::Plain(Plain::on(Box::new(log.clone()))));
        for tenth in 0..30 {
            let note = (10..20).contains(&tenth).then(|| "the disk is full".to_owned());
            let view = View { total: 30, done: tenth, note, ..View::default() };
            screen.update_at(&view, Duration::from_millis(tenth * 100));
        }
        let log = log.text();
        let lines: Vec<_> = log.lines().collect();
        assert_eq!(lines.len(), 2, "{log}");
        assert!(lines[1].starts_with("10 of 30") && lines[1].contains("the disk is full"), "{log}");
    }
}
