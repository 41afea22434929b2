//! RFC 4648's base32 in lower case without padding: letters and digits alone, which a double click
//! selects and no shell touches.

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bit_count) = (0_u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bit_count += 8;
        while bit_count >= 5 {
            bit_count -= 5;
            text.push(char::from(ALPHABET[(held >> bit_count & 31) as usize]));
        }
        held &= (1 << bit_count) - 1;
    }
    if bit_count > 0 {
        text.push(char::from(ALPHABET[(held << (5 - bit_count) & 31) as usize]));
    }
    text
}

/// `None` for what [`encode`] does not make.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut held, mut bit_count) = (0_u32, 0);
    for letter in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        held = held << 5 | u32::try_from(value).ok()?;
        bit_count += 5;
        if bit_count >= 8 {
            bit_count -= 8;
            bytes.push(u8::try_from(held >> bit_count & 255).ok()?);
        }
        held &= (1 << bit_count) - 1;
    }
    // What is left over is fewer than a letter's bits, and zero.
    (bit_count < 5 && held == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_vectors_of_the_standard_hold() {
        let vectors = [
            ("", ""),
            ("f", "my"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ];
        for (plain, text) in vectors {
            assert_eq!(encode(plain.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(plain.as_bytes()));
        }
        for wrong in ["m", "mz", "MY", "m1", "my=", "mzx"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
    }
}
