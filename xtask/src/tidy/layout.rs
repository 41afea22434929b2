//! The shape of source files: sizes, headers, columns, what `lib.rs` and `mod.rs` hold.

use super::report::Finding;
use super::tree::{TextFile, Tree};

/// A file longer than this should be split soon.
const LINES_SOFT: usize = 400;
/// A file longer than this must be split.
const LINES_MAX: usize = 800;
/// Tests are read one by one: their files may be longer.
const TEST_LINES_MAX: usize = 1_500;
/// Lines of a module's opening comment.
const HEADER_LINES_MAX: usize = 5;
/// Width that fits two files side by side.
const COLUMNS_MAX: usize = 100;

/// Files over [`LINES_MAX`] that are known. This list only shrinks.
const LONG_FILES: &[&str] = &[];
/// Module roots that hold more than docs, `mod` and `use`: here the operations are joined.
const FULL_ROOTS: &[&str] = &["crates/ops/src/lib.rs"];
/// An operation's opening comment is its help page and may be long.
const HELP_PAGES: &str = "crates/ops/src/";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in &tree.texts {
        if file.is_rust() || file.path.ends_with(".py") {
            found.extend(size(file));
            columns(file, &mut found);
        }
        if file.is_rust() {
            found.extend(header(file));
            found.extend(module_root(file));
        }
        trailing_whitespace(file, &mut found);
    }
    found
}

fn size(file: &TextFile) -> Option<Finding> {
    let count = file.text.lines().count();
    let max = if file.is_test() { TEST_LINES_MAX } else { LINES_MAX };
    if LONG_FILES.contains(&file.path.as_str()) || count <= LINES_SOFT {
        return None;
    }
    let mend = "split it by noun: each part owns its fields and its transitions";
    if count > max {
        return Some(Finding::error(
            &file.path,
            max + 1,
            format!("{count} lines, more than {max}"),
            mend,
        ));
    }
    if file.is_test() {
        return None;
    }
    let what = format!("{count} lines, more than {LINES_SOFT}");
    Some(Finding::error(&file.path, LINES_SOFT + 1, what, mend).warning())
}

fn header(file: &TextFile) -> Option<Finding> {
    // A script's own first line may stand before it.
    let lines = file.text.lines().skip_while(|line| line.starts_with("#!/"));
    let count = lines.take_while(|line| line.starts_with("//!")).count();
    if count == 0 {
        let mend = "open it with 1-5 `//!` lines: what it owns, what it must not do";
        return Some(Finding::error(&file.path, 1, "no module comment", mend));
    }
    if count > HEADER_LINES_MAX && !file.path.starts_with(HELP_PAGES) {
        let what = format!("a module comment of {count} lines");
        let mend = "keep it to 5 lines; the rest belongs to the items or to docs/";
        return Some(Finding::error(&file.path, HEADER_LINES_MAX + 1, what, mend));
    }
    None
}

fn columns(file: &TextFile, found: &mut Vec<Finding>) {
    for (number, line) in file.lines() {
        let count = line.chars().count();
        // Texts and addresses break where they must, not where a page ends.
        let is_text = line.contains('"') || line.contains('\'') && file.path.ends_with(".py");
        let is_comment = line.trim_start().starts_with("//");
        let is_excepted = line.contains("://") || (is_text && !is_comment);
        if count > COLUMNS_MAX && !is_excepted && !in_snapshot(file, line) {
            let what = format!("{count} columns");
            found.push(Finding::error(&file.path, number, what, "wrap it at 100"));
        }
    }
}

/// Expected output inside a test is as the program prints it.
fn in_snapshot(file: &TextFile, line: &str) -> bool {
    file.text.contains("expect![[") && !line.trim_start().starts_with("//")
}

fn module_root(file: &TextFile) -> Option<Finding> {
    let name = file.path.rsplit('/').next();
    if !matches!(name, Some("lib.rs" | "mod.rs")) || FULL_ROOTS.contains(&file.path.as_str()) {
        return None;
    }
    // Whether a `use` that began on an earlier line is still open.
    let mut in_use = false;
    for (number, line) in file.lines() {
        let line = line.trim();
        let item = strip_visibility(line);
        if in_use || item.starts_with("use ") {
            in_use = !line.ends_with(';');
        } else if !(line.is_empty()
            || line.starts_with("//")
            || line.starts_with("#[")
            || line.starts_with("#![")
            || item.starts_with("mod ") && item.ends_with(';'))
        {
            let what = format!("`{line}` in a module root");
            let mend = "move it into a module; a root holds docs, `mod` and `use` only";
            return Some(Finding::error(&file.path, number, what, mend));
        }
    }
    None
}

fn strip_visibility(line: &str) -> &str {
    let Some(rest) = line.strip_prefix("pub") else { return line };
    match rest.strip_prefix('(') {
        Some(scope) => scope.split_once(") ").map_or(line, |(_, item)| item),
        None => rest.trim_start(),
    }
}

fn trailing_whitespace(file: &TextFile, found: &mut Vec<Finding>) {
    // In a patch an empty line of context is one space.
    if file.path.ends_with(".patch") {
        return;
    }
    for (number, line) in file.lines() {
        if line.ends_with([' ', '\t']) {
            let mend = "delete it";
            found.push(Finding::error(&file.path, number, "whitespace at the end", mend));
        }
    }
}
