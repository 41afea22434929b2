//! `cargo xtask gen`: the Rust code of the files in `proto/`, committed so that whoever builds
//! needs neither this step nor a compiler for such files.

use crate::ChoreError;
use prost::Message as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where the files of the contract are.
const PROTO: &str = "proto/windlass/v1";
/// Where the code made of them is committed.
const CODE: &str = "crates/wire/src/generated/windlass.v1.rs";
/// Where the contract is committed as the reflection service tells it: a `FileDescriptorSet`.
const DESCRIPTORS: &str = "crates/wire/src/generated/windlass.v1.bin";

/// Under which feature of the crate connections are built.
const NET: &str = "#[cfg(feature = \"net\")]";

/// What is made of the contract.
struct Generated {
    code: String,
    descriptors: Vec<u8>,
}

/// Writes it anew.
pub(crate) fn run(root: &Path) -> Result<ExitCode, ChoreError> {
    let Generated { code, descriptors } = generate(root)?;
    for (path, bytes) in [(CODE, code.as_bytes()), (DESCRIPTORS, &descriptors)] {
        let path = root.join(path);
        std::fs::write(&path, bytes).map_err(ChoreError::at(&path))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// As it should be.
fn generate(root: &Path) -> Result<Generated, ChoreError> {
    let failed = |text: String| ChoreError::Program { program: PROTO.to_owned(), text };
    let folder = root.join(PROTO);
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(ChoreError::at(&folder))? {
        files.push(entry.map_err(ChoreError::at(&folder))?.path());
    }
    files.sort();
    let described = protox::compile(files, [root.join("proto")]);
    let described = described.map_err(|error| failed(format!("{error:?}")))?;
    let descriptors = described.encode_to_vec();
    let out = tempfile::tempdir().map_err(ChoreError::at(Path::new("a temporary folder")))?;
    tonic_prost_build::configure()
        .bytes(".windlass.v1")
        // Who has no use for connections builds the messages alone.
        .client_mod_attribute(".", NET)
        .server_mod_attribute(".", NET)
        .out_dir(out.path())
        .compile_fds(described)
        .map_err(|error| failed(error.to_string()))?;
    let made = out.path().join("windlass.v1.rs");
    let code = std::fs::read_to_string(&made).map_err(ChoreError::at(&made))?;
    Ok(Generated { code, descriptors })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_code_is_what_the_contract_says() {
        let root = crate::root();
        let committed = |path| std::fs::read(root.join(path)).expect("is committed");
        let Generated { code, descriptors } = generate(&root).expect("the contract is sound");
        assert!(
            committed(CODE) == code.as_bytes() && committed(DESCRIPTORS) == descriptors,
            "proto/ has changed: run `cargo xtask gen`"
        );
    }
}
