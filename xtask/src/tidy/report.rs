//! What tidy finds, and the run over all rules.

use super::tree::Tree;
use super::{documents, layers, layout, words};
use crate::{ChoreError, say};
use std::fmt;
use std::path::Path;
use std::process::ExitCode;

/// Whether a finding fails the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Weight {
    Warning,
    Error,
}

/// One place that breaks a rule.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) path: String,
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) weight: Weight,
    pub(crate) what: String,
    /// How to mend it.
    pub(crate) mend: &'static str,
}

impl Finding {
    pub(crate) fn error(
        path: &str,
        line: usize,
        what: impl Into<String>,
        mend: &'static str,
    ) -> Finding {
        Finding { path: path.to_owned(), line, weight: Weight::Error, what: what.into(), mend }
    }

    pub(crate) fn warning(self) -> Finding {
        Finding { weight: Weight::Warning, ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = if self.weight == Weight::Warning { "warning: " } else { "" };
        write!(out, "{}:{}: {prefix}{} ({})", self.path, self.line, self.what, self.mend)
    }
}

/// Every rule over the whole tree, in order of path and line.
pub(crate) fn findings(root: &Path) -> Result<Vec<Finding>, ChoreError> {
    let tree = Tree::read(root)?;
    let mut found = layout::check(&tree);
    found.extend(words::check(&tree));
    found.extend(documents::check(&tree));
    found.extend(layers::check(&layers::packages(root)?));
    found.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    Ok(found)
}

/// Prints the findings; fails where one is an error.
pub(crate) fn run(root: &Path) -> Result<ExitCode, ChoreError> {
    let found = findings(root)?;
    for finding in &found {
        say(&format!("{finding}\n"));
    }
    let error_count = found.iter().filter(|finding| finding.weight == Weight::Error).count();
    say(&format!("tidy: {error_count} errors, {} warnings\n", found.len() - error_count));
    Ok(if error_count == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
