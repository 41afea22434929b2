//! The operator's tokens, and their oracle: what was told issued is let in until it expires, what
//! was told revoked never again, by whoever reigns.

use crate::client::Answered;
use std::collections::{BTreeMap, BTreeSet};
use windlass_core::LogTime;
use windlass_core::ledger::{Entry, Refusal};
use windlass_core::random::SplitMix64;
use windlass_core::tokens::{Role, TokenId, TokenRefusal, Tokens};

/// Steps of the operator begin here; those of the client lie below.
const FIRST_STEP: u64 = 1 << 40;
/// So few ids that some are drawn twice.
const ID_COUNT: u64 = 24;
/// How long a token holds: some expire within a run.
const HOLDS_MS: [u64; 2] = [3_000, 30 * 86_400_000];

/// A token as its holder has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Held {
    hash: [u8; 32],
    expires_at: LogTime,
}

/// What the operator has asked for.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Issue(TokenId, Held),
    Revoke(TokenId),
}

/// The operator, who issues and revokes, and all that he was told.
#[derive(Debug, Default)]
pub(crate) struct Keyring {
    asked: BTreeMap<u64, Asked>,
    asked_count: u64,
    /// What he was told is issued.
    issued: BTreeMap<TokenId, Held>,
    /// What somebody may have revoked: its answer may be lost.
    maybe_revoked: BTreeSet<TokenId>,
    revoked: BTreeSet<TokenId>,
}

impl Keyring {
    /// Whether an answer is for him.
    pub(crate) fn asked(answer: &Answered) -> bool {
        answer.step >= FIRST_STEP
    }

    /// What he asks for next, and the number of that step.
    pub(crate) fn ask(&mut self, wall: LogTime, random: &mut SplitMix64) -> (u64, Entry) {
        self.asked_count += 1;
        let step = FIRST_STEP + self.asked_count;
        let known: Vec<TokenId> = self.issued.keys().copied().collect();
        let (asked, entry) = if random.below(3) == 0 && !known.is_empty() {
            let id = known[random.below(known.len() as u64) as usize];
            self.maybe_revoked.insert(id);
            (Asked::Revoke(id), Entry::TokenRevoked { id })
        } else {
            let id = TokenId(random.below(ID_COUNT) as u32);
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&step.to_le_bytes());
            let expires_at = LogTime(wall.0 + HOLDS_MS[random.below(2) as usize]);
            let role = if random.below(2) == 0 { Role::Worker } else { Role::Client };
            let name = format!("token {step}");
            let entry = Entry::TokenAdded { id, hash, role, name, expires_at };
            (Asked::Issue(id, Held { hash, expires_at }), entry)
        };
        self.asked.insert(step, asked);
        (step, entry)
    }

    /// He is answered; what the tally calls it.
    pub(crate) fn on_answer(&mut self, answer: &Answered) -> Result<Option<&'static str>, String> {
        let Some(asked) = self.asked.remove(&answer.step) else { return Ok(None) };
        if answer.elsewhere {
            return Ok(None);
        }
        match (asked, answer.refusal) {
            (Asked::Issue(id, held), None) => {
                if self.issued.insert(id, held).is_some() {
                    return Err(format!("token {id} was issued twice"));
                }
                Ok(Some("token: issued"))
            }
            (Asked::Revoke(id), None | Some(Refusal::UnknownToken)) => {
                // Refused: it is revoked already, by a request whose answer was lost.
                self.revoked.insert(id);
                Ok(Some("token: revoked"))
            }
            (Asked::Issue(..), Some(Refusal::BadToken)) => Ok(Some("token: refused")),
            (asked, refusal) => Err(format!("{asked:?} was refused: {refusal:?}")),
        }
    }

    /// Somebody shows each token to a master that reigns; what the tally calls it.
    pub(crate) fn show(&self, tokens: &Tokens, now: LogTime) -> Result<Vec<&'static str>, String> {
        let shown = self.issued.iter().map(|(id, held)| {
            let answer = tokens.shown(*id, &held.hash, now).map(drop);
            let is_over = held.expires_at <= now;
            match answer {
                Ok(()) if self.revoked.contains(id) => {
                    Err(format!("token {id} is let in, and was told revoked"))
                }
                Ok(()) if is_over => Err(format!("token {id} is let in, and has expired")),
                Ok(()) => Ok("token: shown, holds"),
                Err(TokenRefusal::Expired(_)) if is_over => Ok("token: shown, has expired"),
                Err(TokenRefusal::Revoked(_)) if self.maybe_revoked.contains(id) => {
                    Ok("token: shown, is revoked")
                }
                Err(refusal) => Err(format!("a token that was told issued is refused: {refusal}")),
            }
        });
        let stranger = tokens.shown(TokenId(0), &[0xff; 32], now);
        if stranger.is_ok() {
            return Err("a secret that nobody made is let in".to_owned());
        }
        shown.collect()
    }
}
