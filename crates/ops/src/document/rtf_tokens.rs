//! Rich Text cut into braces, control words, bytes and plain text. Total on any bytes.

/// Longest control word; the specification's longest has 32 letters.
const WORD_BYTES_MAX: usize = 32;

/// One piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Open,
    Close,
    /// A control word with its number; signs that are words of their own have one byte.
    Word(&'a [u8], Option<i32>),
    /// `\'hh`.
    Byte(u8),
    /// Bytes that stand for themselves, without line ends.
    Text(&'a [u8]),
    /// `\*`: who does not know the word that follows leaves the group out.
    Star,
}

/// The pieces of a file, one after another.
pub(super) struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Tokens<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Tokens<'a> {
        Tokens { rest: bytes }
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// What follows a backslash.
    fn control(&mut self) -> Option<Token<'a>> {
        let first = *self.rest.first()?;
        if !first.is_ascii_alphabetic() {
            return Some(self.sign(first));
        }
        let letters = self.rest.iter().take(WORD_BYTES_MAX);
        let length = letters.take_while(|byte| byte.is_ascii_alphabetic()).count();
        let word = self.take(length);
        let value = self.number();
        if self.rest.first() == Some(&b' ') {
            self.take(1);
        }
        if word == b"bin" {
            // So many bytes are a picture's or a program's.
            self.take(usize::try_from(value.unwrap_or(0)).unwrap_or(0));
        }
        Some(Token::Word(word, value))
    }

    fn number(&mut self) -> Option<i32> {
        let minus = usize::from(self.rest.first() == Some(&b'-'));
        let digits = self.rest[minus..].iter().take(10);
        let digits = digits.take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        let text = self.take(minus + digits);
        std::str::from_utf8(text).ok()?.parse::<i64>().ok().map(|value| {
            i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX })
        })
    }

    fn sign(&mut self, first: u8) -> Token<'a> {
        let sign = self.take(1);
        match first {
            b'\'' => {
                let digits = self.take(2);
                let code = std::str::from_utf8(digits).ok();
                let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
                Token::Byte(byte.unwrap_or(b'?'))
            }
            b'*' => Token::Star,
            b'\\' | b'{' | b'}' => Token::Text(sign),
            // A line end behind a backslash ends a paragraph.
            b'\n' | b'\r' => Token::Word(b"par", None),
            _ => Token::Word(sign, None),
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let is_end = |byte: &u8| matches!(byte, b'{' | b'}' | b'\\' | b'\r' | b'\n' | 0);
            match self.rest.iter().position(is_end) {
                None if self.rest.is_empty() => return None,
                None => return Some(Token::Text(self.take(usize::MAX))),
                Some(0) => {}
                Some(end) => return Some(Token::Text(self.take(end))),
            }
            match self.take(1) {
                b"{" => return Some(Token::Open),
                b"}" => return Some(Token::Close),
                b"\\" => return self.control(),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_told() {
        let pieces: Vec<Token<'_>> =
            Tokens::new(b"{\\rtf1\\u-10 ?\\'e4 a\r\nb\\bin3 }}}\\*\\~").collect();
        let wanted = [
            Token::Open,
            Token::Word(b"rtf", Some(1)),
            Token::Word(b"u", Some(-10)),
            Token::Text(b"?"),
            Token::Byte(0xE4),
            Token::Text(b" a"),
            Token::Text(b"b"),
            Token::Word(b"bin", Some(3)),
            Token::Star,
            Token::Word(b"~", None),
        ];
        assert_eq!(pieces, wanted);
    }

    #[test]
    fn any_bytes_come_to_an_end() {
        for bytes in [&b"\\"[..], b"\\'", b"\\u", b"\\u-", b"\\bin99999999999 x", b"\\'g", b"{\\"] {
            assert!(Tokens::new(bytes).count() <= bytes.len());
        }
    }
}
