//! Which crate may depend on which of ours: downward only, never a sibling.

use super::report::Finding;
use crate::{ChoreError, cargo};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// One package of the workspace with its dependencies among them.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its manifest, below the root.
    pub(crate) manifest: String,
    /// Names of our own packages that it depends on, in any way.
    pub(crate) ours: Vec<String>,
}

const PREFIX: &str = "windlass-";

/// A package, and the packages that it may depend on; both without the prefix, layer by layer.
const TABLE: &[(&str, &[&str])] = &[
    // 1: pure
    ("core", &[]),
    // 2: parts
    ("ops", &["core", "native"]),
    ("native", &[]),
    ("journal", &["core"]),
    ("blobs", &["core"]),
    ("sandbox", &["core"]),
    ("wire", &["core"]),
    ("records", &["core"]),
    // 3: hosts
    ("master", &["blobs", "core", "journal"]),
    ("worker", &["core", "blobs", "ops", "records", "sandbox", "wire"]),
    // 4: edges
    ("api", &["core", "blobs", "master", "wire"]),
    ("client", &["core", "blobs", "master", "records", "wire"]),
    // 5: the program, the only one that joins hosts
    (
        "cli",
        &[
            "core", "api", "blobs", "client", "journal", "master", "ops", "records", "wire",
            "worker",
        ],
    ),
    // beside: nobody depends on these
    ("sim", &["core", "journal", "master", "wire"]),
    ("bench", &["core", "blobs", "journal", "master", "ops", "records", "wire", "worker"]),
    ("fuzz", &["client", "core", "journal", "ops", "records", "sandbox", "wire", "worker"]),
    ("xtask", &[]),
];

/// The packages of the workspace, as cargo sees them.
pub(crate) fn packages(root: &Path) -> Result<Vec<Package>, ChoreError> {
    const PROGRAM: &str = "cargo metadata";
    let output = Command::new(cargo())
        .current_dir(root)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .output()
        .map_err(ChoreError::starting(PROGRAM))?;
    let failed = |text: String| ChoreError::Program { program: PROGRAM.to_owned(), text };
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))?;
    Ok(list(&metadata["packages"]).iter().map(|package| read_package(package, root)).collect())
}

fn read_package(package: &Value, root: &Path) -> Package {
    let manifest = Path::new(text(&package["manifest_path"]));
    let mut ours: Vec<String> = list(&package["dependencies"])
        .iter()
        // Only our own packages are named by a path.
        .filter(|dependency| dependency["path"].is_string())
        .map(|dependency| text(&dependency["name"]).to_owned())
        .collect();
    ours.sort();
    ours.dedup();
    Package {
        name: text(&package["name"]).to_owned(),
        manifest: manifest.strip_prefix(root).unwrap_or(manifest).to_string_lossy().into_owned(),
        ours,
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn short(name: &str) -> &str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

pub(crate) fn check(packages: &[Package]) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in packages {
        let Some((_, below)) = TABLE.iter().find(|(name, _)| *name == short(&package.name)) else {
            let what = format!("package {} has no layer", package.name);
            let mend = "give it a row in xtask/src/tidy/layers.rs";
            found.push(Finding::error(&package.manifest, 1, what, mend));
            continue;
        };
        for name in package.ours.iter().filter(|name| !below.contains(&short(name))) {
            let what = format!("{} depends on {name}", package.name);
            let mend = "move what both need downward; the table is in xtask/src/tidy/layers.rs";
            found.push(Finding::error(&package.manifest, 1, what, mend));
        }
    }
    found
}
