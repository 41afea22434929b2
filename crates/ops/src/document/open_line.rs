//! The line that is being read: its words, its links, and what it will be.

use super::model::{Block, Line, Link};
use std::mem::take;

/// Lists within lists that are told apart: each depth is an indentation.
const ITEM_DEPTH_MAX: u8 = 15;

/// What the open line will be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Paragraph,
    Heading(u8),
    Item {
        depth: u8,
        marker: String,
    },
}

/// A line before its end.
#[derive(Debug, Default)]
pub(super) struct OpenLine {
    pub(super) kind: Kind,
    line: Line,
    /// Where an open link begins, and where it leads.
    link: Option<(usize, String)>,
    /// White space was met, and shows if a word follows.
    is_space_owed: bool,
}

impl OpenLine {
    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.line.text.is_empty()
    }

    /// Adds text as it is.
    pub(super) fn push(&mut self, text: &str) {
        self.pay_space();
        self.line.text.extend(text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')));
    }

    /// Adds text in which any white space is one space.
    pub(super) fn push_collapsed(&mut self, text: &str) {
        for c in text.chars() {
            // A no-break space is meant as it is; other white space only parts words.
            if c.is_whitespace() && c != '\u{A0}' || c.is_control() {
                self.is_space_owed = true;
                continue;
            }
            self.pay_space();
            self.line.text.push(if c == '\u{A0}' { ' ' } else { c });
        }
    }

    fn pay_space(&mut self) {
        if take(&mut self.is_space_owed)
            && !self.line.text.is_empty()
            && !self.line.text.ends_with([' ', '\n', '\t'])
        {
            self.line.text.push(' ');
        }
    }

    /// A line break within the block.
    pub(super) fn push_break(&mut self) {
        self.is_space_owed = false;
        let end = self.line.text.trim_end_matches(' ').len();
        self.line.text.truncate(end);
        if !self.line.text.is_empty() {
            self.line.text.push('\n');
        }
    }

    /// Where the open link leads.
    pub(super) fn link_target(&self) -> Option<&str> {
        self.link.as_ref().map(|(_, target)| target.as_str())
    }

    /// A link begins.
    pub(super) fn open_link(&mut self, target: String) {
        self.pay_space();
        self.link = Some((self.line.text.len(), target));
    }

    /// The open link ends; it is returned with its words.
    pub(super) fn close_link(&mut self) -> Option<Link> {
        let (start, target) = self.link.take()?;
        let start = start.min(self.line.text.len());
        let text = self.line.text[start..].trim().to_owned();
        if start < self.line.text.len() {
            self.line.links.push((start..self.line.text.len(), target.clone()));
        }
        Some(Link { text, target, page: None })
    }

    /// Puts a number before its words.
    pub(super) fn prefix(&mut self, number: &str) {
        let added = number.len() + 1;
        self.line.text.insert_str(0, &format!("{number} "));
        for (range, _) in &mut self.line.links {
            *range = range.start + added..range.end + added;
        }
        self.link.iter_mut().for_each(|(start, _)| *start += added);
    }

    /// The block that it becomes; `None` for a blank line.
    pub(super) fn into_block(self) -> Option<Block> {
        let OpenLine { kind, mut line, .. } = self;
        trim(&mut line);
        if line.text.is_empty() {
            return None;
        }
        Some(match kind {
            Kind::Paragraph => Block::Paragraph(line),
            Kind::Heading(level) => Block::Heading(level, line),
            Kind::Item { depth, marker } => {
                Block::Item { depth: depth.min(ITEM_DEPTH_MAX), marker, line }
            }
        })
    }
}

/// Cuts white space at both ends, and the links with it.
fn trim(line: &mut Line) {
    line.text.truncate(line.text.trim_end().len());
    let cut = line.text.len() - line.text.trim_start().len();
    line.text.drain(..cut);
    let end = line.text.len();
    for (range, _) in &mut line.links {
        *range = range.start.saturating_sub(cut).min(end)..range.end.saturating_sub(cut).min(end);
    }
    line.links.retain(|(range, _)| !line.text[range.clone()].trim().is_empty());
}
