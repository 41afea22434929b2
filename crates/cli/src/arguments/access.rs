//! The part of the command line that is about other machines: tokens, and what is shown to a
//! master.

use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::time::Duration;
use windlass_core::tokens::{Role, TokenId};

/// Longest life of a token: who needs one for longer makes another one.
const TOKEN_LIFE_MAX: Duration = Duration::from_secs(366 * 24 * 3_600);
const TOKEN_LIFE_MIN: Duration = Duration::from_secs(60);

/// How a master on another machine is spoken to.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct AccessArguments {
    /// The token for a master on another machine [default: what `windlass login` kept]
    ///
    /// It shows in the list of processes for a moment, which the variable does not.
    #[arg(long, value_name = "TOKEN", env = "WINDLASS_TOKEN", hide_env_values = true)]
    #[arg(global = true)]
    pub(crate) token: Option<String>,
    /// Speak to a master on another machine without encryption or checks, if it was started so
    #[arg(long, global = true, conflicts_with = "token")]
    pub(crate) insecure: bool,
}

const TOKEN_AFTER_HELP: &str = "\
On the other machine:
  windlass worker --join HOST:PORT --token TOKEN     a worker's token
  windlass login HOST:PORT                           a client's token; then run --master HOST:PORT

A worker gets a certificate of a day for its token, and renews it by itself. Expiry ends joining:
who has joined stays. `windlass token rm` ends everything that uses the token within a second,
workers that joined with it included: their certificates are worth nothing from then on.";

/// Make, list and revoke the tokens with which other machines come in
///
/// On the master's own machine, for the user who started it; it need not run.
#[derive(Debug, Args)]
#[command(after_help = TOKEN_AFTER_HELP)]
pub(crate) struct TokenArguments {
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
    /// The state of the master [default: $XDG_STATE_HOME/windlass]
    #[arg(long, value_name = "DIR", env = "WINDLASS_STATE", hide_env_values = true, global = true)]
    pub(crate) state: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make one and print it; it is shown only now
    Create {
        /// `worker`: joins and works. `client`: submits, calls, looks and fetches results
        #[arg(long, value_name = "ROLE", default_value = "worker")]
        role: Role,
        /// How long it may be used, as 30m, 24h, 7d
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = parse_life)]
        expires: Duration,
        /// A name for it, to know it again
        #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
        name: String,
        /// Print JSON to stdout
        #[arg(long)]
        json: bool,
    },
    /// List them with their ids; the tokens themselves are known to their holders alone
    List {
        /// Print JSON to stdout
        #[arg(long)]
        json: bool,
    },
    /// Revoke one: what uses it is cut off within a second, workers that joined with it too
    #[command(visible_alias = "revoke")]
    Rm {
        /// Its id, as `windlass token list` shows it
        #[arg(value_name = "ID")]
        id: TokenId,
    },
}

/// Keep a client's token for a master on another machine, so that commands need none
///
/// The token is read from stdin unless --token or WINDLASS_TOKEN has it, tried, and kept in the
/// state folder in a file that only its user reads.
#[derive(Debug, Args)]
pub(crate) struct LoginArguments {
    /// The master's address
    #[arg(value_name = "HOST:PORT")]
    pub(crate) master: String,
    /// The token
    #[arg(long, value_name = "TOKEN", env = "WINDLASS_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Where it is kept [default: $XDG_STATE_HOME/windlass]
    #[arg(long, value_name = "DIR", env = "WINDLASS_STATE", hide_env_values = true)]
    pub(crate) state: Option<PathBuf>,
}

fn parse_life(text: &str) -> Result<Duration, String> {
    let wrong = || "write it as 30m, 24h or 7d, from 1m to 366d".to_owned();
    let unit_s = match text.bytes().last() {
        Some(b'm') => 60,
        Some(b'h') => 3_600,
        Some(b'd') => 24 * 3_600,
        _ => return Err(wrong()),
    };
    let count: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    let life = Duration::from_secs(count.checked_mul(unit_s).ok_or_else(wrong)?);
    match (TOKEN_LIFE_MIN..=TOKEN_LIFE_MAX).contains(&life) {
        true => Ok(life),
        false => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_are_read_and_none_lies_in_the_past() {
        assert_eq!(parse_life("30m"), Ok(Duration::from_secs(1_800)));
        assert_eq!(parse_life("24h"), Ok(Duration::from_secs(86_400)));
        assert_eq!(parse_life("366d"), Ok(TOKEN_LIFE_MAX));
        for wrong in
            ["", "h", "0m", "-1h", "367d", "5", "5s", "1.5h", "99999999999999999999d", "1é"]
        {
            assert!(parse_life(wrong).is_err(), "{wrong}");
        }
    }
}
