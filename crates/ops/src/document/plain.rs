//! A document as plain text: blocks an empty line apart, cells by tabs, pages by form feeds.

use super::model::{Block, BreakKind, Document};

/// The text of a whole document.
pub(super) fn text(document: &Document) -> String {
    let mut text = String::with_capacity(document.blocks.len() * 32);
    let mut is_after_item = false;
    let mut is_page_start = true;
    for block in &document.blocks {
        let is_item = matches!(block, Block::Item { .. });
        if let Block::Break(found) = block {
            if !text.is_empty() {
                text.push('\u{C}');
            }
            is_page_start = true;
            if found.kind == BreakKind::Sheet
                && let Some(name) = &found.name
            {
                text.push_str(name);
                text.push('\n');
                is_page_start = false;
            }
            is_after_item = false;
            continue;
        }
        let is_joined = is_page_start || (is_item && is_after_item);
        if !is_joined {
            text.push('\n');
        }
        push_block(&mut text, block);
        is_after_item = is_item;
        is_page_start = false;
    }
    text
}

fn push_block(text: &mut String, block: &Block) {
    match block {
        Block::Heading(_, line) | Block::Paragraph(line) => {
            text.push_str(&line.text);
            text.push('\n');
        }
        Block::Item { depth, marker, line } => {
            text.extend(std::iter::repeat_n("  ", usize::from(*depth)));
            text.push_str(marker);
            text.push(' ');
            text.push_str(&line.text);
            text.push('\n');
        }
        Block::Table(table) => text.push_str(&table.0),
        Block::Break(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::model::{Line, Table};

    #[test]
    fn lists_stay_together_and_sheets_begin_with_their_name() {
        let mut document = Document::default();
        document.push(Block::Heading(1, Line::plain("Title")));
        for depth in [0, 1] {
            let marker = "\u{2022}".to_owned();
            document.push(Block::Item { depth, marker, line: Line::plain("item") });
        }
        document.push_break(BreakKind::Sheet, 1, Some("Crew".to_owned()));
        document.push(Block::Table(Table("a\tb\n".to_owned())));
        let wanted = "Title\n\n\u{2022} item\n  \u{2022} item\n\u{C}Crew\n\na\tb\n";
        assert_eq!(text(&document), wanted);
    }
}
