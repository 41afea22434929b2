//! Tokens as they are listed.

use super::words::Malformed;
use crate::generated as pb;
use windlass_core::LogTime;
use windlass_core::tokens::{Token, TokenId};

impl From<(TokenId, Token)> for pb::ListedToken {
    fn from((id, token): (TokenId, Token)) -> pb::ListedToken {
        pb::ListedToken {
            id: id.0,
            role: token.role.name().to_owned(),
            name: token.name,
            added_at_ms: token.added_at.0,
            expires_at_ms: token.expires_at.0,
            revoked_at_ms: token.revoked_at.map_or(0, |at| at.0),
        }
    }
}

impl TryFrom<pb::ListedToken> for (TokenId, Token) {
    type Error = Malformed;

    fn try_from(listed: pb::ListedToken) -> Result<(TokenId, Token), Malformed> {
        let role = listed.role.parse().map_err(|_| Malformed("a role that does not exist"))?;
        let token = Token {
            // The hash stays with the master.
            hash: [0; 32],
            role,
            name: listed.name,
            added_at: LogTime(listed.added_at_ms),
            expires_at: LogTime(listed.expires_at_ms),
            revoked_at: (listed.revoked_at_ms > 0).then_some(LogTime(listed.revoked_at_ms)),
        };
        Ok((TokenId(listed.id), token))
    }
}
