//! White space as Python's `str.split()` and `str.strip()` see it.

/// Unicode's white space and the four separators before the blank.
pub(crate) fn is_space(character: char) -> bool {
    match character {
        '\t'..='\r' | '\u{1C}'..=' ' => true,
        '!'..='\u{7F}' => false,
        _ => character.is_whitespace(),
    }
}
