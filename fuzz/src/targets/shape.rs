//! What came of some bytes, in so few words that alike inputs say the same.

/// A message without its numbers, up to what it quotes.
pub(super) fn without_numbers(message: &str) -> String {
    let words = message.split(['"', '\'', '`', '“', ':']).next().unwrap_or_default();
    words.chars().filter(|c| !c.is_ascii_digit()).take(120).collect()
}

/// A count by its order of magnitude.
pub(super) fn magnitude(count: usize) -> u32 {
    usize::BITS - count.leading_zeros()
}
