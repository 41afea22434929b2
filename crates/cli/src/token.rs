//! `windlass token` and `windlass login`: who comes in from other machines.

use crate::arguments::{LoginArguments, TokenArguments, TokenCommand};
use crate::cluster::{Attached, Plan};
use crate::credentials::Credentials;
use crate::{CliError, access, print, recorded, say, settings};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{IsTerminal, Read};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use windlass_client::report::text::printable;
use windlass_core::tokens::{Role, Token, TokenId, TokenText};
use windlass_wire::trust::Access;
use windlass_wire::{Address, Client, Registrar};

/// Longest text that is read for a token.
const TOKEN_TEXT_BYTES_MAX: u64 = 4_096;

pub(crate) fn token(arguments: &TokenArguments) -> Result<u8, CliError> {
    let state = settings::state_dir(arguments.state.as_deref())?;
    recorded::check(&state)?;
    let attached = Attached::attach(&state, &Plan::alone())?;
    let done = match &arguments.command {
        TokenCommand::Create { role, expires, name, json } => {
            create(&attached, *role, *expires, name).map(|made| {
                let id = made.id.to_string();
                let text = made.reveal();
                let value = json!({
                    "version": 1, "id": id, "role": role.name(), "token": text,
                });
                print(&if *json { format!("{value:#}\n") } else { format!("{text}\n") });
                if !*json {
                    say(&hint(*role));
                }
            })
        }
        TokenCommand::List { json } => list(&attached).map(|tokens| {
            print(&if *json { to_json(&tokens) } else { to_text(&tokens) });
        }),
        TokenCommand::Rm { id } => revoke(&attached, *id),
    };
    attached.stop(&mut || {}, &|| false);
    done.map(|()| 0)
}

fn create(
    attached: &Attached,
    role: Role,
    expires_in: Duration,
    name: &str,
) -> Result<TokenText, CliError> {
    match attached {
        Attached::Own(own) => {
            own.gate.create_token(role, expires_in, name).map_err(|e| failed("make a token", &e))
        }
        Attached::Joined(client) => {
            client.create_token(role, expires_in, name).map_err(CliError::failed)
        }
    }
}

fn list(attached: &Attached) -> Result<Vec<(TokenId, Token)>, CliError> {
    match attached {
        Attached::Own(own) => own.gate.tokens().map_err(|e| failed("list the tokens", &e)),
        Attached::Joined(client) => client.tokens().map_err(CliError::failed),
    }
}

fn revoke(attached: &Attached, id: TokenId) -> Result<(), CliError> {
    let done = match attached {
        Attached::Own(own) => own.gate.revoke_token(id).map_err(|error| error.to_string()),
        Attached::Joined(client) => client.revoke_token(id).map_err(|error| error.to_string()),
    };
    done.map_err(|error| {
        let why = error.strip_prefix("do that: ").unwrap_or(&error);
        CliError::failed(format!("revoke token {id}: {why}; `windlass token list` shows them"))
    })
}

fn failed(doing: &str, error: &dyn std::fmt::Display) -> CliError {
    CliError::failed(format!("{doing}: {error}"))
}

/// What to do with a token.
fn hint(role: Role) -> String {
    let line = match role {
        Role::Worker => "windlass worker --join HOST:PORT --token TOKEN",
        Role::Client => "windlass login HOST:PORT",
    };
    format!("It is shown only now. On the other machine: {line}\n")
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Where a token stands.
fn standing(token: &Token, now_ms: u64) -> &'static str {
    match token.revoked_at {
        Some(_) => "revoked",
        None if token.expires_at.0 <= now_ms => "expired",
        None => "valid",
    }
}

fn to_text(tokens: &[(TokenId, Token)]) -> String {
    if tokens.is_empty() {
        return "There is no token: `windlass token create` makes one.\n".to_owned();
    }
    let now = now_ms();
    let mut text = format!("{:8}  {:6}  {:7}  {:>9}  name\n", "id", "role", "state", "left");
    for (id, token) in tokens {
        let state = standing(token, now);
        let left = match state {
            "valid" => left(token.expires_at.0.saturating_sub(now)),
            _ => "-".to_owned(),
        };
        let name = printable(token.name.as_bytes());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{id}  {:6}  {state:7}  {left:>9}  {name}", token.role.name());
    }
    text
}

/// A time that is left, in its largest unit.
fn left(ms: u64) -> String {
    match ms / 60_000 {
        0 => "under 1m".to_owned(),
        minutes @ 1..=119 => format!("{minutes}m"),
        minutes if minutes < 48 * 60 => format!("{}h", minutes / 60),
        minutes => format!("{}d", minutes / (24 * 60)),
    }
}

fn to_json(tokens: &[(TokenId, Token)]) -> String {
    let now = now_ms();
    let tokens: Vec<Value> = tokens
        .iter()
        .map(|(id, token)| {
            json!({
                "id": id.to_string(),
                "role": token.role.name(),
                "name": token.name,
                "state": standing(token, now),
                "added_at_ms": token.added_at.0,
                "expires_at_ms": token.expires_at.0,
                "revoked_at_ms": token.revoked_at.map(|at| at.0),
            })
        })
        .collect();
    format!("{:#}\n", json!({ "version": 1, "tokens": tokens }))
}

pub(crate) fn login(arguments: &LoginArguments) -> Result<u8, CliError> {
    let address: Address = arguments
        .master
        .parse()
        .map_err(|error: windlass_wire::AddressError| CliError::usage(error.to_string()))?;
    let text = match &arguments.token {
        Some(text) => text.clone(),
        None => typed()?,
    };
    let token = access::token(&text, Role::Client)?;
    let client = Client::connect_as(&address, &Access::Token(token.clone()));
    let view = client.and_then(|client| client.status()).map_err(|e| access::of_wire(&e))?;
    let state = settings::state_dir(arguments.state.as_deref())?;
    let kept = Credentials::of_state(&state).keep_token(&address, &token)?;
    say(&format!(
        "Logged in at {address} (cluster {:032x}); the token is kept in {}\n",
        view.cluster,
        kept.display()
    ));
    Ok(0)
}

fn typed() -> Result<String, CliError> {
    if std::io::stdin().is_terminal() {
        say("Token: ");
    }
    let mut bytes = Vec::new();
    let mut stdin = std::io::stdin().lock().take(TOKEN_TEXT_BYTES_MAX);
    let read = std::io::BufRead::read_until(&mut stdin, b'\n', &mut bytes);
    read.map_err(|error| CliError::failed(format!("read the token from stdin: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_core::LogTime;

    #[test]
    fn a_tokens_standing_and_what_is_left_of_it_are_told() {
        let (added_at, expires_at) = (LogTime(0), LogTime(100));
        let mut token = Token {
            hash: [0; 32],
            role: Role::Worker,
            name: String::new(),
            added_at,
            expires_at,
            revoked_at: None,
        };
        assert_eq!((standing(&token, 99), standing(&token, 100)), ("valid", "expired"));
        token.revoked_at = Some(LogTime(5));
        assert_eq!(standing(&token, 99), "revoked");
        let hours = |count: u64| left(count * 3_600_000);
        assert_eq!((left(1), left(60_000)), ("under 1m".to_owned(), "1m".to_owned()));
        assert_eq!((hours(24), hours(72)), ("24h".to_owned(), "3d".to_owned()));
    }
}
