//! Glob patterns over paths of bytes: `*`, `?`, `[a-z]`, `[!a-z]` and `**` for any depth.
//!
//! As in a shell, a wildcard never matches the dot of a hidden name. Expansion never follows `**`
//! through symbolic links, so that it ends.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Whether the path has a character that a pattern gives a meaning.
pub(super) fn is_pattern(path: &OsStr) -> bool {
    path.as_bytes().iter().any(|byte| b"*?[".contains(byte))
}

/// Every existing path that an absolute pattern matches; folders that cannot be read match nothing.
/// Wildcards never match what is excluded, but the pattern may name it in letters.
pub(super) fn expand(pattern: &Path, is_excluded: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut matched = vec![PathBuf::from("/")];
    let parts = pattern.as_os_str().as_bytes().split(|&byte| byte == b'/');
    for part in parts.filter(|part| !part.is_empty()) {
        matched = matched.iter().flat_map(|folder| step(folder, part, is_excluded)).collect();
        matched.sort();
        matched.dedup();
    }
    matched
}

/// What one component of a pattern matches inside `folder`.
fn step(folder: &Path, part: &[u8], is_excluded: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    if part == b"**" {
        return folders_below(folder, is_excluded);
    }
    // What exists as written is meant as written: a folder may well be called `[old]`.
    let literal = folder.join(OsStr::from_bytes(part));
    if literal.symlink_metadata().is_ok() {
        return vec![literal];
    }
    let names = entries(folder).map(|entry| entry.file_name());
    let matched = names.filter(|name| matches(part, name.as_bytes())).map(|name| folder.join(name));
    matched.filter(|path| !is_excluded(path)).collect()
}

/// `folder` and every folder below it that is neither hidden nor a symbolic link nor excluded.
fn folders_below(folder: &Path, is_excluded: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    let mut next = 0;
    while next < found.len() {
        let is_plain = |entry: &std::fs::DirEntry| {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            is_folder && !entry.file_name().as_bytes().starts_with(b".")
        };
        let below = entries(&found[next]).filter(is_plain).map(|entry| entry.path());
        let below: Vec<_> = below.filter(|path| !is_excluded(path)).collect();
        found.extend(below);
        next += 1;
    }
    found
}

fn entries(folder: &Path) -> impl Iterator<Item = std::fs::DirEntry> {
    std::fs::read_dir(folder).into_iter().flatten().flatten()
}

/// Whether one component of a pattern matches a file name.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.starts_with(b".") && !pattern.starts_with(b".") {
        return false;
    }
    // Where the last `*` stands, and how much of the name it has taken so far: going back to the
    // last one alone suffices, so the time is at most the product of the lengths.
    let mut star: Option<(usize, usize)> = None;
    let (mut at, mut taken) = (0, 0);
    while taken < name.len() {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at, taken));
            at += 1;
        } else if let Some((pattern_bytes, name_bytes)) = one(&pattern[at..], &name[taken..]) {
            at += pattern_bytes;
            taken += name_bytes;
        } else if let Some((star_at, star_taken)) = star {
            let longer = star_taken + first_character(&name[star_taken..]).1;
            star = Some((star_at, longer));
            at = star_at + 1;
            taken = longer;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

/// Matches one character of a name: the bytes used of pattern and name.
fn one(pattern: &[u8], name: &[u8]) -> Option<(usize, usize)> {
    let (character, length) = first_character(name);
    match pattern.first()? {
        b'?' => Some((1, length)),
        b'[' => match class(pattern, character) {
            Some((true, used)) => Some((used, length)),
            Some((false, _)) => None,
            // An unclosed bracket means itself, as in a shell.
            None => (name[0] == b'[').then_some((1, 1)),
        },
        &byte => (byte == name[0]).then_some((1, 1)),
    }
}

/// Whether the bracket expression at the start of `pattern` holds the character, and its length;
/// `None` where no bracket closes it.
fn class(pattern: &[u8], character: u32) -> Option<(bool, usize)> {
    let is_negated = matches!(pattern.get(1), Some(b'!' | b'^'));
    let start = if is_negated { 2 } else { 1 };
    let mut at = start;
    let mut is_member = false;
    loop {
        let rest = pattern.get(at..).filter(|rest| !rest.is_empty())?;
        // A `]` in the first place is a member, not the end.
        if rest[0] == b']' && at > start {
            return Some((is_member != is_negated, at + 1));
        }
        let (low, used) = first_character(rest);
        at += used;
        let mut high = low;
        if pattern.get(at) == Some(&b'-') && pattern.get(at + 1).is_some_and(|&end| end != b']') {
            let (end, used) = first_character(&pattern[at + 1..]);
            high = end;
            at += 1 + used;
        }
        is_member |= (low..=high).contains(&character);
    }
}

/// The first character and its length; a byte that is no UTF-8 stands for itself, above all
/// characters. `bytes` must not be empty.
fn first_character(bytes: &[u8]) -> (u32, usize) {
    const NO_CHARACTER: u32 = char::MAX as u32 + 1;
    let head = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
    };
    match valid.chars().next() {
        Some(character) => (u32::from(character), character.len_utf8()),
        None => (NO_CHARACTER + u32::from(bytes[0]), 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        for name in yes {
            assert!(matches(pattern.as_bytes(), name.as_bytes()), "{pattern} matches {name}");
        }
        for name in no {
            assert!(!matches(pattern.as_bytes(), name.as_bytes()), "{pattern} leaves {name}");
        }
    }

    #[test]
    fn components_match_as_in_a_shell() {
        check("*.pdf", &["a.pdf", "a.b.pdf"], &["a.pdf.txt", ".pdf", "pdf"]);
        check("a*b*c", &["abc", "aXbXbc"], &["abX", "ac"]);
        check("?.txt", &["a.txt", "é.txt"], &["ab.txt", ".txt"]);
        check("[a-cé].txt", &["a.txt", "c.txt", "é.txt"], &["d.txt"]);
        check("[!a-c].txt", &["d.txt"], &["a.txt"]);
        check("[]]", &["]"], &["["]);
        check("[a", &["[a"], &["a"]);
        check("[a-]", &["a", "-"], &["b"]);
        check(".*", &[".env"], &["env"]);
    }

    #[test]
    fn bytes_that_are_no_text_match_too() {
        assert!(matches(b"caf?.txt", b"caf\xe9.txt"));
        assert!(matches(b"[\xe9]", b"\xe9"));
        assert!(!matches(b"[\xe9]", b"\xe8"));
    }

    #[test]
    fn a_pattern_of_many_stars_ends_quickly() {
        let pattern = b"*a".repeat(100);
        assert!(!matches(&pattern, &[b"a".repeat(2_000).as_slice(), b"b"].concat()));
    }

    #[test]
    fn expansion_goes_any_depth_and_stays_out_of_hidden_folders() {
        let root = tempfile::tempdir().expect("a folder");
        for name in
            ["a/b/one.txt", "a/two.txt", "three.txt", "a/.git/four.txt", "a/five.md", "out/x/y.txt"]
        {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, "x").expect("a file");
        }
        std::os::unix::fs::symlink(root.path(), root.path().join("a/loop")).expect("a link");
        let found = |pattern: &str| -> Vec<String> {
            let relative = |path: PathBuf| {
                path.strip_prefix(root.path()).expect("inside").to_str().expect("UTF-8").to_owned()
            };
            let is_excluded = |path: &Path| path.ends_with("out");
            expand(&root.path().join(pattern), &is_excluded).into_iter().map(relative).collect()
        };
        assert_eq!(found("**/*.txt"), ["a/b/one.txt", "a/two.txt", "three.txt"]);
        assert_eq!(found("a/*.txt"), ["a/two.txt"]);
        assert_eq!(found("*/b"), ["a/b"]);
        assert_eq!(found("*/x/*"), [""; 0]);
        assert_eq!(found("out/*/*.txt"), ["out/x/y.txt"]);
        assert!(found("*.pdf").is_empty());
        std::fs::create_dir(root.path().join("[a]")).expect("a folder");
        std::fs::write(root.path().join("[a]/six.txt"), "x").expect("a file");
        assert_eq!(found("[a]/*.txt"), ["[a]/six.txt"]);
    }
}
