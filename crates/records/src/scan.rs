//! Finds the end of a JSON value in pieces of a stream, without judging what lies inside it.

use memchr::memchr2;

/// How far into a value the scan is.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    depth: u64,
    is_in_text: bool,
    is_escaped: bool,
}

impl Scan {
    /// Goes on with a piece; returns how many of its bytes belong to the value if it ends there.
    ///
    /// A value that is neither text, object nor array ends before the first byte that cannot
    /// belong to it: so the first byte of the first piece must be the value's own.
    pub(crate) fn end(&mut self, piece: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < piece.len() {
            if self.is_in_text {
                at = self.skip_text(piece, at)?;
                if self.depth == 0 {
                    return Some(at);
                }
                continue;
            }
            match piece[at] {
                b'"' => self.is_in_text = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 1 => self.depth -= 1,
                b'}' | b']' if self.depth == 1 => return Some(at + 1),
                b',' | b':' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r' if self.depth == 0 => {
                    return Some(at);
                }
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// The position behind the text's closing quote; `None` where the piece ends before.
    fn skip_text(&mut self, piece: &[u8], mut at: usize) -> Option<usize> {
        while at < piece.len() {
            if self.is_escaped {
                self.is_escaped = false;
                at += 1;
                continue;
            }
            at += memchr2(b'"', b'\\', &piece[at..])? + 1;
            if piece[at - 1] == b'"' {
                self.is_in_text = false;
                return Some(at);
            }
            self.is_escaped = true;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end found in pieces of each size.
    fn ends(text: &str) -> Vec<Option<usize>> {
        let scan_in = |size: usize| {
            let mut scan = Scan::default();
            let pieces = text.as_bytes().chunks(size).enumerate();
            pieces.fold(None, |found, (index, piece)| {
                found.or_else(|| scan.end(piece).map(|end| index * size + end))
            })
        };
        (1..=text.len()).map(scan_in).collect()
    }

    #[test]
    fn the_end_does_not_depend_on_where_the_stream_is_cut() {
        let cases = [
            (r#"{"a":"}\"]\\","b":[{}]} ,"#, Some(23)),
            (r#""a\\\"b"x"#, Some(8)),
            ("[[],{}]]", Some(7)),
            ("12.5e3,", Some(6)),
            ("true}", Some(4)),
            (r#"{"a":1"#, None),
            (r#""\"#, None),
        ];
        for (text, end) in cases {
            assert!(ends(text).iter().all(|found| *found == end), "{text}: {:?}", ends(text));
        }
    }
}
