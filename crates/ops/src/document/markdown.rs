//! A document as Markdown (CommonMark, with the tables of GitHub's).

use super::model::{Block, Break, BreakKind, Document, Line, Table};

/// Spaces by which an inner list stands further in: enough below `1. `, too few for code.
const ITEM_INDENT: &str = "    ";

/// The whole document.
pub(super) fn markdown(document: &Document) -> String {
    let mut out = String::new();
    // The depth of the item before; lists begin at the outermost.
    let mut item_depth: Option<u8> = None;
    for block in &document.blocks {
        let is_next_item = matches!(block, Block::Item { .. }) && item_depth.is_some();
        if !out.is_empty() && !is_next_item {
            out.push('\n');
        }
        match block {
            Block::Heading(level, line) => {
                out.extend(std::iter::repeat_n('#', usize::from(*level).clamp(1, 6)));
                out.push(' ');
                push_line(&mut out, line, " ");
                out.push('\n');
            }
            Block::Paragraph(line) => {
                push_line(&mut out, line, "\\\n");
                out.push('\n');
            }
            Block::Item { depth, marker, line } => {
                let depth = (*depth).min(item_depth.map_or(0, |before| before + 1));
                item_depth = Some(depth);
                push_item(&mut out, depth, marker, line);
            }
            Block::Table(table) => push_table(&mut out, table),
            Block::Break(found) => push_break(&mut out, found),
        }
        if !matches!(block, Block::Item { .. }) {
            item_depth = None;
        }
    }
    out
}

fn push_item(out: &mut String, depth: u8, marker: &str, line: &Line) {
    let indent = ITEM_INDENT.repeat(usize::from(depth));
    out.push_str(&indent);
    let number = marker.trim_end_matches(['.', ')']);
    let is_number = number.len() < marker.len()
        && (1..=9).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        out.push_str(number);
        out.push_str(". ");
    } else {
        out.push_str("- ");
        // Bullets look as the reader's program likes; other numbers (iv, 2.1) are kept.
        if marker.chars().any(char::is_alphanumeric) {
            push_escaped(out, marker, "");
            out.push(' ');
        }
    }
    push_line(out, line, &format!("\\\n{indent}   "));
    out.push('\n');
}

/// The first row is the head and as wide as the widest; other rows end with their last cell, which
/// the format allows: a table may be a million rows long and have one wide one.
fn push_table(out: &mut String, table: &Table) {
    let columns = table.rows().map(Iterator::count).max().unwrap_or(0);
    for (index, row) in table.rows().enumerate() {
        let mut count = 0;
        for cell in row {
            out.push_str("| ");
            push_escaped(out, cell, " ");
            out.push(' ');
            count += 1;
        }
        if index == 0 {
            out.extend(std::iter::repeat_n("|  ", columns - count));
            out.push_str("|\n");
            out.extend(std::iter::repeat_n("| --- ", columns));
        }
        out.push_str("|\n");
    }
}

fn push_break(out: &mut String, found: &Break) {
    match (found.kind, &found.name) {
        (BreakKind::Sheet, Some(name)) => {
            out.push_str("## ");
            push_escaped(out, name, " ");
            out.push('\n');
        }
        _ if out.is_empty() => {}
        _ => out.push_str("---\n"),
    }
}

/// A line with its links; its line breaks become `line_end`.
fn push_line(out: &mut String, line: &Line, line_end: &str) {
    let start = out.len();
    let mut position = 0;
    for (range, target) in &line.links {
        push_escaped(out, &line.text[position..range.start], line_end);
        out.push('[');
        push_escaped(out, &line.text[range.clone()], line_end);
        out.push_str("](<");
        // Within angle brackets only these have a meaning.
        out.extend(target.chars().filter(|c| !matches!(c, '<' | '>' | '\n' | '\r' | '\\')));
        out.push_str(">)");
        position = range.end;
    }
    push_escaped(out, &line.text[position..], line_end);
    guard_start(out, start);
}

/// Signs that would begin a heading, a list or a quotation are plain signs here.
fn guard_start(out: &mut String, start: usize) {
    let line = &out[start..];
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    match line.as_bytes().first() {
        Some(b'#' | b'+' | b'-' | b'>' | b'=' | b'~') => out.insert(start, '\\'),
        _ if digits > 0 && line[digits..].starts_with(['.', ')']) => {
            out.insert(start + digits, '\\');
        }
        _ => {}
    }
}

fn push_escaped(out: &mut String, text: &str, line_end: &str) {
    for c in text.chars() {
        match c {
            '\n' => {
                out.push_str(line_end);
                continue;
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '|' | '&' => out.push('\\'),
            _ => {}
        }
        out.push(if c == '\t' { ' ' } else { c });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(blocks: Vec<Block>) -> String {
        let mut document = Document::default();
        blocks.into_iter().for_each(|block| document.push(block));
        markdown(&document)
    }

    fn item(depth: u8, marker: &str) -> Block {
        Block::Item { depth, marker: marker.to_owned(), line: Line::plain("x") }
    }

    #[test]
    fn headings_lists_and_tables_are_marked() {
        let blocks = vec![
            Block::Heading(2, Line::plain("Two\nlines")),
            item(0, "1."),
            item(3, "\u{2022}"),
            item(0, "iv)"),
            Block::Table(Table("a|b\tc\nd\n".to_owned())),
        ];
        let wanted = "## Two lines\n\n1. x\n    - x\n- iv) x\n\n\
                      | a\\|b | c |\n| --- | --- |\n| d |\n";
        assert_eq!(written(blocks), wanted);
    }

    #[test]
    fn a_narrow_first_row_is_widened() {
        let table = Table("a\nb\tc\n".to_owned());
        assert_eq!(written(vec![Block::Table(table)]), "| a |  |\n| --- | --- |\n| b | c |\n");
    }

    #[test]
    fn signs_that_mean_something_are_escaped() {
        let paragraph = |text: &str| vec![Block::Paragraph(Line::plain(text))];
        assert_eq!(written(paragraph("# a*b_c")), "\\# a\\*b\\_c\n");
        assert_eq!(written(paragraph("1. no list")), "1\\. no list\n");
        assert_eq!(written(paragraph("two\nlines")), "two\\\nlines\n");
        let links = vec![(0..3, "a>b".to_owned())];
        let line = Line { text: "see it".to_owned(), links };
        assert_eq!(written(vec![Block::Paragraph(line)]), "[see](<ab>) it\n");
    }
}
