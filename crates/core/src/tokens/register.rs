//! The tokens of a cluster, as entries build them, and whether one of them still holds.

use super::{Role, TokenId};
use crate::limits::{TOKEN_COUNT_MAX, TOKEN_NAME_BYTES_MAX};
use crate::time::LogTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// What is known of a token.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Token {
    /// SHA-256 of its secret.
    pub hash: [u8; 32],
    /// What it is for.
    pub role: Role,
    /// For people; may be empty.
    pub name: String,
    /// When it was made.
    pub added_at: LogTime,
    /// From when on nobody joins with it, and no client uses it.
    pub expires_at: LogTime,
    /// When it was revoked, if it was.
    pub revoked_at: Option<LogTime>,
}

/// The tokens of a cluster.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tokens {
    tokens: BTreeMap<TokenId, Token>,
}

/// Why a token gives no right.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum TokenRefusal {
    /// There is none of this id, or another secret goes with it.
    #[error("token {0} is not one of this cluster's")]
    Unknown(TokenId),
    /// It was revoked.
    #[error("token {0} was revoked")]
    Revoked(TokenId),
    /// Its time is over.
    #[error("token {0} has expired")]
    Expired(TokenId),
}

impl Tokens {
    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = (TokenId, &Token)> {
        self.tokens.iter().map(|(id, token)| (*id, token))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The token of this id, if the hash of the secret that was shown is its own and it holds at
    /// this time.
    ///
    /// # Errors
    /// Why it gives no right. Comparing hashes may take a time that tells how much of them is
    /// equal: nobody can choose a secret by its hash.
    pub fn shown(
        &self,
        id: TokenId,
        hash: &[u8; 32],
        now: LogTime,
    ) -> Result<&Token, TokenRefusal> {
        let known = self.tokens.get(&id).filter(|token| token.hash == *hash);
        let token = known.ok_or(TokenRefusal::Unknown(id))?;
        self.held(id)?;
        if token.expires_at <= now {
            return Err(TokenRefusal::Expired(id));
        }
        Ok(token)
    }

    /// The token of this id, unless it was revoked: what was given for it outlives its expiry.
    ///
    /// # Errors
    /// `Unknown`, `Revoked`
    pub fn held(&self, id: TokenId) -> Result<&Token, TokenRefusal> {
        match self.tokens.get(&id) {
            None => Err(TokenRefusal::Unknown(id)),
            Some(token) if token.revoked_at.is_some() => Err(TokenRefusal::Revoked(id)),
            Some(token) => Ok(token),
        }
    }

    /// Whether what uses a token may go on using it at this time: a worker has its certificate, a
    /// client nothing but the token.
    ///
    /// # Errors
    /// Why it may not.
    pub fn in_use(&self, id: TokenId, now: LogTime) -> Result<(), TokenRefusal> {
        let token = self.held(id)?;
        match token.role == Role::Client && token.expires_at <= now {
            true => Err(TokenRefusal::Expired(id)),
            false => Ok(()),
        }
    }

    /// Adds one; `false`: the id is taken, there are too many, its name is too long, or its end
    /// lies before its beginning. Where there is no room, those go that give no right any more.
    pub(crate) fn add(&mut self, id: TokenId, token: Token) -> bool {
        let is_sound = token.name.len() <= TOKEN_NAME_BYTES_MAX
            && token.added_at < token.expires_at
            && !self.tokens.contains_key(&id);
        if is_sound && self.tokens.len() >= TOKEN_COUNT_MAX {
            let now = token.added_at;
            self.tokens.retain(|_, old| {
                old.revoked_at.is_none() && (old.role == Role::Worker || now < old.expires_at)
            });
        }
        let fits = is_sound && self.tokens.len() < TOKEN_COUNT_MAX;
        if fits {
            self.tokens.insert(id, token);
        }
        fits
    }

    /// Revokes one; `false`: there is none, or it is revoked already.
    pub(crate) fn revoke(&mut self, id: TokenId, at: LogTime) -> bool {
        let token = self.tokens.get_mut(&id).filter(|token| token.revoked_at.is_none());
        token.map(|token| token.revoked_at = Some(at)).is_some()
    }

    /// As a snapshot has them.
    pub(crate) fn map(&self) -> &BTreeMap<TokenId, Token> {
        &self.tokens
    }

    /// From a snapshot; `None` for what entries cannot build.
    pub(crate) fn of_map(tokens: BTreeMap<TokenId, Token>) -> Option<Tokens> {
        let is_sound = |token: &Token| {
            token.name.len() <= TOKEN_NAME_BYTES_MAX
                && token.added_at < token.expires_at
                && token.revoked_at.is_none_or(|at| token.added_at <= at)
        };
        let fits = !tokens.is_empty() && tokens.len() <= TOKEN_COUNT_MAX;
        (fits && tokens.values().all(is_sound)).then_some(Tokens { tokens })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: [u8; 32] = [1; 32];

    fn token(role: Role, added: u64, expires: u64) -> Token {
        let (added_at, expires_at) = (LogTime(added), LogTime(expires));
        Token { hash: HASH, role, name: String::new(), added_at, expires_at, revoked_at: None }
    }

    fn with(role: Role) -> Tokens {
        let mut tokens = Tokens::default();
        assert!(tokens.add(TokenId(5), token(role, 10, 20)));
        tokens
    }

    #[test]
    fn a_token_holds_until_its_last_millisecond_and_for_its_secret_alone() {
        let tokens = with(Role::Worker);
        let id = TokenId(5);
        assert!(tokens.shown(id, &HASH, LogTime(19)).is_ok());
        assert_eq!(tokens.shown(id, &HASH, LogTime(20)), Err(TokenRefusal::Expired(id)));
        assert_eq!(tokens.shown(id, &[2; 32], LogTime(15)), Err(TokenRefusal::Unknown(id)));
        let other = TokenId(6);
        assert_eq!(tokens.shown(other, &HASH, LogTime(15)), Err(TokenRefusal::Unknown(other)));
    }

    #[test]
    fn expiry_ends_joining_and_clients_and_revoking_ends_everything() {
        let id = TokenId(5);
        let late = LogTime(20);
        assert_eq!(with(Role::Worker).in_use(id, late), Ok(()));
        assert_eq!(with(Role::Client).in_use(id, LogTime(19)), Ok(()));
        assert_eq!(with(Role::Client).in_use(id, late), Err(TokenRefusal::Expired(id)));
        for role in Role::ALL {
            let mut tokens = with(role);
            assert!(tokens.revoke(id, LogTime(12)));
            assert!(!tokens.revoke(id, LogTime(13)), "it is revoked already");
            let revoked = TokenRefusal::Revoked(id);
            assert_eq!(tokens.shown(id, &HASH, LogTime(15)).err(), Some(revoked));
            assert_eq!(tokens.in_use(id, LogTime(15)), Err(revoked));
        }
    }

    #[test]
    fn a_token_that_has_expired_already_or_has_a_taken_id_is_not_added() {
        let mut tokens = with(Role::Worker);
        assert!(!tokens.add(TokenId(5), token(Role::Client, 10, 20)), "its id is taken");
        assert!(!tokens.add(TokenId(6), token(Role::Client, 20, 20)), "it has expired");
        let mut named = token(Role::Client, 10, 20);
        named.name = "n".repeat(TOKEN_NAME_BYTES_MAX + 1);
        assert!(!tokens.add(TokenId(6), named), "its name is too long");
    }

    #[test]
    fn where_there_is_no_room_the_useless_go_and_joined_workers_keep_theirs() {
        let mut tokens = Tokens::default();
        let count = u32::try_from(TOKEN_COUNT_MAX).unwrap();
        for id in 0..count {
            let role = if id == 0 { Role::Client } else { Role::Worker };
            assert!(tokens.add(TokenId(id), token(role, 10, 20)));
        }
        assert!(!tokens.add(TokenId(count), token(Role::Worker, 19, 30)), "all of them hold");
        assert!(
            tokens.add(TokenId(count), token(Role::Worker, 20, 30)),
            "the client's has expired"
        );
        assert!(!tokens.add(TokenId(count + 1), token(Role::Worker, 20, 30)));
        tokens.revoke(TokenId(7), LogTime(21));
        assert!(tokens.add(TokenId(count + 1), token(Role::Worker, 22, 30)), "one was revoked");
    }
}
