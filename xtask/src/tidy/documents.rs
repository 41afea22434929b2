//! Documents against the tree: the code map names what there is, the changelog is kept, the lock
//! file stays within its budget.

use super::report::Finding;
use super::tree::Tree;
use std::collections::BTreeSet;

/// Locked packages: each is code that we answer for.
const LOCKED_PACKAGES_MAX: usize = 600;

const MAP: &str = "ARCHITECTURE.md";
const CHANGELOG: &str = "CHANGELOG.md";
const LOCK: &str = "Cargo.lock";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    if tree.text(CHANGELOG).is_none() {
        let mend = "write it: what changes for users, newest first";
        found.push(Finding::error(CHANGELOG, 1, "missing", mend));
    }
    if let Some(lock) = tree.text(LOCK) {
        let count = lock.lines().filter(|line| *line == "[[package]]").count();
        if count > LOCKED_PACKAGES_MAX {
            let what = format!("{count} packages, more than {LOCKED_PACKAGES_MAX}");
            let mend = "drop a dependency or its features: `cargo tree --duplicates` shows some";
            found.push(Finding::error(LOCK, 1, what, mend));
        }
    }
    if let Some(map) = tree.text(MAP) {
        code_map(tree, map, &mut found);
    }
    found
}

fn code_map(tree: &Tree, map: &str, found: &mut Vec<Finding>) {
    let folders: BTreeSet<&str> =
        tree.paths.iter().filter_map(|path| path.split_once('/')).map(|(top, _)| top).collect();
    let mut named = BTreeSet::new();
    for (index, line) in map.lines().enumerate() {
        for word in line.split('`').skip(1).step_by(2) {
            named.insert(word.trim_end_matches('/'));
            // `path:function` names a place in a file; patterns name more than one.
            let path = word.split([':', ' ']).next().unwrap_or_default();
            let is_path = path.split_once('/').is_some_and(|(top, _)| folders.contains(top));
            if is_path && !path.contains(['*', '<', '{', '…']) && !tree.has(path) {
                let what = format!("`{path}` does not exist");
                found.push(Finding::error(MAP, index + 1, what, "name what there is"));
            }
        }
    }
    let crates: BTreeSet<&str> = tree
        .paths
        .iter()
        .filter_map(|path| path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml"))
        .collect();
    for name in crates {
        let names = [name.to_owned(), format!("crates/{name}"), format!("windlass-{name}")];
        if !names.iter().any(|name| named.contains(name.as_str())) {
            let what = format!("crate `{name}` is not on the code map");
            found.push(Finding::error(MAP, 1, what, "add a line: what it owns, what it must not"));
        }
    }
}
