//! A block of lines at the bottom of the terminal, redrawn in place.

use std::io::Write;

/// The block as it stands on the terminal. The cursor waits behind its last line.
pub(super) struct Block {
    out: Box<dyn Write + Send>,
    row_count: usize,
}

impl Block {
    pub(super) fn on(out: Box<dyn Write + Send>) -> Block {
        Block { out, row_count: 0 }
    }

    /// Replaces what stands there, in one write so that it does not flicker. No line may be as wide
    /// as the terminal: one that wraps is two rows, of which only one would be cleared.
    pub(super) fn draw(&mut self, lines: &[String]) {
        let text = self.cleared() + &lines.join("\n");
        self.row_count = lines.len();
        self.write(&text);
    }

    /// Removes the block; what is written next takes its place.
    pub(super) fn clear(&mut self) {
        let text = self.cleared();
        self.row_count = 0;
        self.write(&text);
    }

    /// What removes the rows that stand there.
    fn cleared(&self) -> String {
        match self.row_count {
            0 => String::new(),
            1 => "\r\x1b[J".to_owned(),
            rows => format!("\x1b[{}A\r\x1b[J", rows - 1),
        }
    }

    fn write(&mut self, text: &str) {
        // A terminal that is gone must not end the run.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::tests::Log;

    #[test]
    fn each_drawing_removes_exactly_the_rows_before() {
        let log = Log::default();
        let mut block = Block::on(Box::new(log.clone()));
        let lines = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect::<Vec<_>>();
        block.draw(&lines(&["one"]));
        block.draw(&lines(&["one", "two", "three"]));
        block.draw(&lines(&["four"]));
        block.clear();
        block.clear();
        let written = log.text();
        assert_eq!(written, "one\r\x1b[Jone\ntwo\nthree\x1b[2A\r\x1b[Jfour\r\x1b[J");
    }
}
