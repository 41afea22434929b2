//! `cargo xtask gen`: the Rust code of the files in `proto/`, committed so that whoever builds
//! needs neither this step nor a compiler for such files.

use crate::ChoreError;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where the files of the contract are.
const PROTO: &str = "proto/windlass/v1";
/// Where the code made of them is committed.
const GENERATED: &str = "crates/wire/src/generated/windlass.v1.rs";

/// Writes the code anew.
pub(crate) fn run(root: &Path) -> Result<ExitCode, ChoreError> {
    let path = root.join(GENERATED);
    std::fs::write(&path, generate(root)?).map_err(ChoreError::at(&path))?;
    Ok(ExitCode::SUCCESS)
}

/// The code as it should be.
fn generate(root: &Path) -> Result<String, ChoreError> {
    let failed = |text: String| ChoreError::Program { program: PROTO.to_owned(), text };
    let folder = root.join(PROTO);
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(ChoreError::at(&folder))? {
        files.push(entry.map_err(ChoreError::at(&folder))?.path());
    }
    files.sort();
    let described = protox::compile(files, [root.join("proto")]);
    let described = described.map_err(|error| failed(format!("{error:?}")))?;
    let out = tempfile::tempdir().map_err(ChoreError::at(Path::new("a temporary folder")))?;
    tonic_prost_build::configure()
        .bytes(".windlass.v1")
        .out_dir(out.path())
        .compile_fds(described)
        .map_err(|error| failed(error.to_string()))?;
    let made = out.path().join("windlass.v1.rs");
    std::fs::read_to_string(&made).map_err(ChoreError::at(&made))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_code_is_what_the_contract_says() {
        let root = crate::root();
        let committed = std::fs::read_to_string(root.join(GENERATED)).expect("is committed");
        let fresh = generate(&root).expect("the contract is sound");
        assert!(committed == fresh, "proto/ has changed: run `cargo xtask gen`");
    }
}
