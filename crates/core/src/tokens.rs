//! Tokens: who may do what from another machine, for how long, and until when it is revoked.
//!
//! The ledger has a token's hash alone; the text with its secret is shown once and kept nowhere.

mod base32;
mod register;
mod text;

pub use register::{Token, TokenRefusal, Tokens};
pub use text::{BadTokenText, SECRET_BYTES, TokenText};

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Names a token, drawn at random.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct TokenId(pub u32);

/// What a token is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Role {
    /// To join as a worker.
    Worker,
    /// To submit jobs, fetch results and ask how things stand.
    Client,
}

/// A group of things that can be asked of a master.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Right {
    /// A certificate for a worker's key.
    Enrol,
    /// A worker's session.
    Session,
    /// Blobs, in and out.
    Blobs,
    /// Jobs, calls and the state of the cluster.
    Cluster,
    /// Tokens themselves: on the master's own machine only, else a token could outlive itself by
    /// making another one.
    Tokens,
}

/// Text that names nothing of this kind.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("there is no {what} {text:?}: {hint}")]
pub struct UnknownWord {
    what: &'static str,
    text: String,
    hint: &'static str,
}

impl Role {
    /// Both.
    pub const ALL: [Role; 2] = [Role::Worker, Role::Client];

    /// As users write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Worker => "worker",
            Role::Client => "client",
        }
    }

    /// Whether a token of this role gives this right.
    #[must_use]
    pub fn may(self, right: Right) -> bool {
        match right {
            Right::Enrol | Right::Session => self == Role::Worker,
            Right::Cluster => self == Role::Client,
            Right::Blobs => true,
            Right::Tokens => false,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Role, UnknownWord> {
        Role::ALL.into_iter().find(|role| role.name() == text).ok_or_else(|| UnknownWord {
            what: "role",
            text: text.to_owned(),
            hint: "choose worker or client",
        })
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl FromStr for TokenId {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<TokenId, UnknownWord> {
        let is_plain = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = u32::from_str_radix(text, 16).ok().filter(|_| is_plain);
        id.map(TokenId).ok_or_else(|| UnknownWord {
            what: "token",
            text: text.to_owned(),
            hint: "`windlass token list` shows their ids, of eight characters",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_go_by_role_and_nobody_elsewhere_makes_tokens() {
        let all = [Right::Enrol, Right::Session, Right::Blobs, Right::Cluster, Right::Tokens];
        let of = |role: Role| all.map(|right| role.may(right));
        assert_eq!(of(Role::Worker), [true, true, true, false, false]);
        assert_eq!(of(Role::Client), [false, false, true, true, false]);
    }

    #[test]
    fn roles_and_ids_read_what_they_show() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        let id = TokenId(0x00ab_cdef);
        assert_eq!((id.to_string().as_str(), id.to_string().parse()), ("00abcdef", Ok(id)));
        for wrong in ["", "abcdef", "+0abcdef", "00abcdeg", "000abcdef"] {
            assert!(wrong.parse::<TokenId>().is_err(), "{wrong}");
        }
        assert!("master".parse::<Role>().is_err());
    }
}
