//! `cargo xtask sim`: the simulator, built with the profile that the tests use.

use crate::{ChoreError, cargo};
use std::path::Path;
use std::process::{Command, ExitCode};

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
