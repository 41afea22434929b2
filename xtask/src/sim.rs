//! `cargo xtask sim`: the simulator, built with the profile that the tests use.

use crate::{ChoreError, cargo};
use std::path::Path;
use std::process::{Command, ExitCode};

/// First seed where there is no commit to take it from.
const BASE_DEFAULT: &str = "0";
/// Hexadecimal digits of the commit that make the first seed.
const BASE_DIGIT_COUNT: usize = 8;

/// Hands the arguments on and ends as the simulator ends.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<ExitCode, ChoreError> {
    let status = Command::new(cargo())
        .current_dir(root)
        .args(["run", "--quiet", "--locked", "--profile", "ci"])
        .args(["-p", "windlass-sim", "--bin", "sim", "--"])
        .args(arguments)
        .status()
        .map_err(ChoreError::starting("cargo"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The seed that the checked-out commit stands for: every commit tries others, and each can be
/// tried again.
pub(crate) fn base_of_commit(root: &Path) -> String {
    let head = Command::new("git").current_dir(root).args(["rev-parse", "HEAD"]).output();
    let hash = head.ok().filter(|output| output.status.success());
    let hash = hash.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    hash.and_then(|hash| base_of(&hash)).unwrap_or_else(|| BASE_DEFAULT.to_owned())
}

fn base_of(hash: &str) -> Option<String> {
    let digits = hash.get(..BASE_DIGIT_COUNT)?;
    u64::from_str_radix(digits, 16).ok().map(|base| base.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_stands_for_a_seed() {
        assert_eq!(base_of("0000001fcc").as_deref(), Some("31"));
        assert_eq!(base_of("ffffffffcc").as_deref(), Some("4294967295"));
        assert_eq!(base_of("no hash at all"), None);
        assert_eq!(base_of("12"), None);
    }
}
