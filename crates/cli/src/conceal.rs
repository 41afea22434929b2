//! A token on the command line goes where nobody looks: every user, and the command of every job,
//! may read the command line of a process, but not its environment.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::process::Command;

const OPTION: &str = "--token";
/// What the option may also be given as.
const VARIABLE: &str = "WINDLASS_TOKEN";

/// Becomes the same program again with the token as a variable, if the option has it. To be called
/// with arguments that were understood.
pub(crate) fn conceal_token() {
    let (rest, token) = without_token(std::env::args_os());
    let (Some(token), Some((name, rest)), Ok(program)) =
        (token, rest.split_first(), std::env::current_exe())
    else {
        return;
    };
    // Where it fails, as without /proc, the token shows as long as this runs, and works.
    let _ = Command::new(program).arg0(name).args(rest).env(VARIABLE, token).exec();
}

/// The arguments without the option, and what it had.
fn without_token(arguments: impl Iterator<Item = OsString>) -> (Vec<OsString>, Option<OsString>) {
    let (mut rest, mut token) = (Vec::new(), None);
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            rest.push(argument);
            rest.extend(arguments);
            break;
        }
        if argument == OPTION {
            token = arguments.next();
        } else if let Some(value) = argument.as_bytes().strip_prefix(b"--token=") {
            token = Some(OsString::from_vec(value.to_vec()));
        } else {
            rest.push(argument);
        }
    }
    (rest, token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_goes_and_nothing_else() {
        let check = |line: &str, rest: &str, token: Option<&str>| {
            let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
            let expected = (words(rest), token.map(OsString::from));
            assert_eq!(without_token(words(line).into_iter()), expected, "{line}");
        };
        check("windlass worker --join a:1", "windlass worker --join a:1", None);
        check("windlass worker --token x --name w", "windlass worker --name w", Some("x"));
        check("windlass run --token=x in", "windlass run in", Some("x"));
        check("windlass run -- --token x", "windlass run -- --token x", None);
        check("windlass token list", "windlass token list", None);
    }
}
