//! The files that tidy looks at: what git tracks or would track, as text.

use crate::ChoreError;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Folders of a copy without git that are no part of the project.
const MADE_FOLDERS: &[&str] = &["target", "processed_results", "__pycache__", ".git", ".tools"];

/// Code made of the files in `proto/`.
const GENERATED: &str = "crates/wire/src/generated/windlass.";

/// One text file.
#[derive(Debug)]
pub(crate) struct TextFile {
    /// Below the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The project's files.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Every path, also of files that are no text.
    pub(crate) paths: Vec<String>,
    /// Those that are UTF-8 and ours: inputs for samples and fuzzing are as they must be, and so is
    /// generated code.
    pub(crate) texts: Vec<TextFile>,
}

impl Tree {
    pub(crate) fn read(root: &Path) -> Result<Tree, ChoreError> {
        let mut paths = match tracked(root) {
            Some(paths) => paths,
            None => walked(root)?,
        };
        // A file deleted but not yet committed is still listed.
        paths.retain(|path| root.join(path).is_file());
        paths.sort();
        paths.dedup();
        let mut texts = Vec::new();
        for path in &paths {
            let is_input = ["samples/", "fuzz/corpus/", GENERATED]
                .iter()
                .any(|folder| path.starts_with(folder));
            if is_input && !path.ends_with(".py") {
                continue;
            }
            let full = root.join(path);
            let bytes = fs::read(&full).map_err(ChoreError::at(&full))?;
            if let Ok(text) = String::from_utf8(bytes) {
                texts.push(TextFile { path: path.clone(), text });
            }
        }
        Ok(Tree { paths, texts })
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }

    /// Whether a file or a folder of this path is there.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.paths.iter().any(|known| {
            known.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

impl TextFile {
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    pub(crate) fn is_test(&self) -> bool {
        let path = &self.path;
        path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("tests.rs")
    }

    /// Lines, counted from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// `None` where git is absent or the folder is no clone of its own.
fn tracked(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .current_dir(root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .ok()?;
    if !output.status.success() || !root.join(".git").exists() {
        return None;
    }
    let listed = String::from_utf8_lossy(&output.stdout);
    Some(listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

fn walked(root: &Path) -> Result<Vec<String>, ChoreError> {
    let mut paths = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(ChoreError::at(&folder))? {
            let entry = entry.map_err(ChoreError::at(&folder))?;
            let kind = entry.file_type().map_err(ChoreError::at(&entry.path()))?;
            let is_made = MADE_FOLDERS.iter().any(|name| entry.file_name() == *name);
            if kind.is_dir() && !is_made {
                folders.push(entry.path());
            } else if kind.is_file()
                && let Ok(below) = entry.path().strip_prefix(root)
            {
                paths.push(below.to_string_lossy().into_owned());
            }
        }
    }
    Ok(paths)
}
