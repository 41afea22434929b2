//! Names as text: escaped so that no file name can move a cursor, forge a line or hide its end.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A name for people: control characters, line breaks and marks that reorder text become escapes
/// (`\n`, `\x1b`, `\u{202e}`), bytes that are no UTF-8 become `\xNN`. Not reversible.
#[must_use]
pub fn printable(name: &[u8]) -> String {
    let mut shown = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            push_printable(&mut shown, character);
        }
        push_bytes(&mut shown, chunk.invalid());
    }
    shown
}

/// A path for machines, in one line of summaries: text as it is, a backslash doubled, a byte that
/// is no UTF-8 as `\xNN`. Undone by replacing `\\` and `\xNN` from left to right.
#[must_use]
pub fn reversible(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        text.push_str(&chunk.valid().replace('\\', r"\\"));
        push_bytes(&mut text, chunk.invalid());
    }
    text
}

fn push_bytes(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push_str(&format!("\\x{byte:02x}"));
    }
}

fn push_printable(text: &mut String, character: char) {
    match character {
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        _ if character.is_ascii_control() => push_bytes(text, &[character as u8]),
        // C1 controls, line and paragraph separators, and what reorders or hides neighbours.
        '\u{80}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => text.extend(character.escape_unicode()),
        _ => text.push(character),
    }
}

/// Columns that a text takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// At most `columns` of a text, its end replaced by `…` where it is longer.
#[must_use]
pub fn cut_end(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let (kept, _) = take(text.chars(), columns.saturating_sub(1));
    if columns == 0 { String::new() } else { kept + "…" }
}

/// At most `columns` of a text, its middle replaced by `…`: of a file name, start and extension
/// stay.
#[must_use]
pub fn cut_middle(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    if columns < 5 {
        return cut_end(text, columns);
    }
    let (end, end_columns) = take(text.chars().rev(), (columns - 1) / 2);
    let (start, _) = take(text.chars(), columns - 1 - end_columns);
    let end: String = end.chars().rev().collect();
    format!("{start}…{end}")
}

/// The first characters within `columns`, and the columns that they take.
fn take(characters: impl Iterator<Item = char>, columns: usize) -> (String, usize) {
    let mut taken = String::new();
    let mut used = 0;
    for character in characters {
        let wide = character.width().unwrap_or(0);
        if used + wide > columns {
            break;
        }
        used += wide;
        taken.push(character);
    }
    (taken, used)
}

/// Breaks a text at spaces into lines of at most `columns`; a longer word stays whole.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(word);
        } else if width(line) + 1 + width(word) <= columns {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_move_the_cursor_or_reorder_text() {
        assert_eq!(printable(b"a\nb\x1b[2J\xe9\t.txt"), r"a\nb\x1b[2J\xe9\t.txt");
        assert_eq!(printable("x\u{202e}fdp.exe\u{9b}".as_bytes()), r"x\u{202e}fdp.exe\u{9b}");
        assert_eq!(printable("naïve 日本.pdf".as_bytes()), "naïve 日本.pdf");
    }

    #[test]
    fn paths_in_summaries_are_unambiguous() {
        assert_eq!(reversible(b"/a/caf\xe9"), r"/a/caf\xe9");
        assert_eq!(reversible(br"/a/caf\xe9"), r"/a/caf\\xe9");
        assert_eq!(reversible("/a/é\n".as_bytes()), "/a/é\n");
    }

    #[test]
    fn cuts_count_columns_not_characters() {
        assert_eq!(cut_end("日本語", 5), "日本…");
        assert_eq!(cut_end("日本語", 6), "日本語");
        assert_eq!(cut_end("日本語", 4), "日…");
        assert_eq!(cut_middle("a-long-name-of-a-file.pdf", 13), "a-long…le.pdf");
        for columns in 0..12 {
            assert!(width(&cut_middle("日本語の長い名前.pdf", columns)) <= columns);
            assert!(width(&cut_end("日本語の長い名前.pdf", columns)) <= columns);
        }
    }

    #[test]
    fn wrapping_keeps_every_word() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("averylongword x", 5), ["averylongword", "x"]);
    }
}
