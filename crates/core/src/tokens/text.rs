//! A token as its holder has it: one word to paste, with the secret and what the master is known
//! by.

use super::{Role, TokenId, base32};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Bytes of a secret: 160 bits, beyond guessing.
pub const SECRET_BYTES: usize = 20;
/// Version of the text.
const TEXT_VERSION: u8 = 1;
/// Bytes of the check at its end, which tells a word that was cut or mistyped from a wrong one.
const CHECK_BYTES: usize = 4;
const BODY_BYTES: usize = 1 + 4 + SECRET_BYTES + 32;
const PREFIX_WORKER: &str = "wlw_";
const PREFIX_CLIENT: &str = "wlc_";

/// A token as its holder has it.
///
/// `wlw_` or `wlc_` by role, then base32 of: version u8, id u32, secret, the SHA-256 of the CA's
/// certificate, and the first four bytes of the BLAKE3 hash of all that with the prefix before it;
/// numbers are little-endian.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText {
    /// What it is for.
    pub role: Role,
    /// Its name.
    pub id: TokenId,
    /// What only its holder knows.
    pub secret: [u8; SECRET_BYTES],
    /// SHA-256 of the CA's certificate (DER): whoever answers must have one of this CA.
    pub authority: [u8; 32],
}

/// Text that is no token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BadTokenText {
    /// It begins otherwise.
    #[error("it does not begin with wlw_ or wlc_; `windlass token create` on the master makes one")]
    NoToken,
    /// A part of it is missing, or different.
    #[error("it is not whole: copy it again from its first letter to its last")]
    NotWhole,
    /// Made by another version.
    #[error("its version {0} is not known to this version of windlass; use a newer one")]
    Version(u8),
}

fn prefix(role: Role) -> &'static str {
    match role {
        Role::Worker => PREFIX_WORKER,
        Role::Client => PREFIX_CLIENT,
    }
}

fn check(role: Role, body: &[u8]) -> [u8; CHECK_BYTES] {
    let hash = blake3::Hasher::new().update(prefix(role).as_bytes()).update(body).finalize();
    let [a, b, c, d, ..] = *hash.as_bytes();
    [a, b, c, d]
}

impl TokenText {
    /// The word to paste. Whoever has it has the token: it goes to its user and nowhere else.
    #[must_use]
    pub fn reveal(&self) -> String {
        let mut body = vec![TEXT_VERSION];
        body.extend_from_slice(&self.id.0.to_le_bytes());
        body.extend_from_slice(&self.secret);
        body.extend_from_slice(&self.authority);
        body.extend_from_slice(&check(self.role, &body));
        format!("{}{}", prefix(self.role), base32::encode(&body))
    }
}

impl FromStr for TokenText {
    type Err = BadTokenText;

    fn from_str(text: &str) -> Result<TokenText, BadTokenText> {
        let of = |role| text.strip_prefix(prefix(role)).map(|rest| (role, rest));
        let (role, rest) = Role::ALL.into_iter().find_map(of).ok_or(BadTokenText::NoToken)?;
        let bytes = base32::decode(rest).ok_or(BadTokenText::NotWhole)?;
        let (body, given) = bytes.split_last_chunk().ok_or(BadTokenText::NotWhole)?;
        if *given != check(role, body) {
            return Err(BadTokenText::NotWhole);
        }
        match body.first() {
            Some(&TEXT_VERSION) if body.len() == BODY_BYTES => {}
            Some(&TEXT_VERSION) | None => return Err(BadTokenText::NotWhole),
            Some(version) => return Err(BadTokenText::Version(*version)),
        }
        let (id, rest) = body[1..].split_first_chunk().ok_or(BadTokenText::NotWhole)?;
        let (secret, rest) = rest.split_first_chunk().ok_or(BadTokenText::NotWhole)?;
        let authority = rest.try_into().map_err(|_| BadTokenText::NotWhole)?;
        let id = TokenId(u32::from_le_bytes(*id));
        Ok(TokenText { role, id, secret: *secret, authority })
    }
}

/// Without the secret: this is what may stand in a message.
impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenText({} {})", self.role, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn some(role: Role) -> TokenText {
        TokenText { role, id: TokenId(7), secret: [9; SECRET_BYTES], authority: [3; 32] }
    }

    #[test]
    fn texts_come_back_and_every_other_letter_is_noticed() {
        for role in Role::ALL {
            let text = some(role).reveal();
            assert_eq!(text.parse(), Ok(some(role)));
            for at in 0..text.len() {
                let mut other = text.clone().into_bytes();
                other[at] = if other[at] == b'a' { b'b' } else { b'a' };
                let other = String::from_utf8(other).expect("is plain");
                assert!(other.parse::<TokenText>().is_err(), "at {at}");
                assert!(text[..at].parse::<TokenText>().is_err(), "cut at {at}");
            }
        }
    }

    #[test]
    fn a_role_cannot_be_changed_by_its_prefix() {
        let worker = some(Role::Worker).reveal();
        let client = worker.replace(PREFIX_WORKER, PREFIX_CLIENT);
        assert_eq!(client.parse::<TokenText>(), Err(BadTokenText::NotWhole));
    }

    #[test]
    fn what_shows_a_token_hides_its_secret() {
        let text = some(Role::Worker);
        assert_eq!(format!("{text:?}"), "TokenText(worker 00000007)");
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "(wl[wc]_)?[a-z2-7]{0,120}") {
            let _ = text.parse::<TokenText>();
        }
    }
}
