//! Names of results. A base name stands for `{base}` in an artifact's name, fixed at submission.
//!
//! Results lie flat in one folder per operation, so inputs of equal name are told apart by number.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Longest file name (`NAME_MAX`).
pub const FILE_NAME_BYTES_MAX: usize = 255;
/// Longest base. The longest decoration that an operation adds is `_document_analysis.json` (23),
/// and 55 leaves room for longer ones to come.
pub const BASE_BYTES_MAX: usize = FILE_NAME_BYTES_MAX - 55;

/// Names the results of these inputs, given by path and in order: the file name without its last
/// extension; the second input of a name becomes `<base>-2`, the third `<base>-3`.
///
/// No name is given twice, none is in `taken`, and a numbered name never is the own name of another
/// input: beside two `a.txt`, a file `a-2.txt` keeps `a-2` and the second `a.txt` becomes `a-3`.
#[must_use]
pub fn assign<P: AsRef<[u8]>>(paths: &[P], taken: &BTreeSet<Vec<u8>>) -> Vec<Vec<u8>> {
    let own: Vec<Vec<u8>> = paths.iter().map(|path| base_of(path.as_ref())).collect();
    let reserved: BTreeSet<&[u8]> = own.iter().map(Vec::as_slice).collect();
    let mut given: BTreeSet<Vec<u8>> = taken.clone();
    let mut next_number: BTreeMap<&[u8], u64> = BTreeMap::new();
    let mut names = Vec::with_capacity(own.len());
    for base in &own {
        let mut name = base.clone();
        while given.contains(&name) {
            let number = next_number.entry(base).or_insert(2);
            let candidate = numbered(base, *number);
            *number += 1;
            if !reserved.contains(candidate.as_slice()) {
                name = candidate;
            }
        }
        given.insert(name.clone());
        names.push(name);
    }
    names
}

/// The file name of `path` without its last extension, made safe as part of a file name: control
/// characters become `_`, as do the dots of a name of dots only. Other bytes stay, UTF-8 or not.
#[must_use]
pub fn base_of(path: &[u8]) -> Vec<u8> {
    let stem = Path::new(OsStr::from_bytes(path)).file_stem().unwrap_or_default();
    let is_unsafe = |byte: u8| byte.is_ascii_control() || byte == b'/';
    let mut base: Vec<u8> =
        stem.as_bytes().iter().map(|&byte| if is_unsafe(byte) { b'_' } else { byte }).collect();
    if base.iter().all(|&byte| byte == b'.') {
        base.fill(b'_');
    }
    if base.is_empty() {
        base.push(b'_');
    }
    base.truncate(cut(&base, BASE_BYTES_MAX).len());
    base
}

/// A file's name with a number: `report-2.json` of `report.json`.
#[must_use]
pub fn numbered_file(name: &[u8], number: u64) -> Vec<u8> {
    let (stem, extension) = split_extension(name);
    let suffix = [format!("-{number}").as_bytes(), extension].concat();
    [cut(stem, FILE_NAME_BYTES_MAX.saturating_sub(suffix.len())), &suffix].concat()
}

/// A file's name before its last dot, and the rest of it; a dot at the beginning is none.
pub(crate) fn split_extension(name: &[u8]) -> (&[u8], &[u8]) {
    let dot = name.iter().rposition(|byte| *byte == b'.').filter(|at| *at > 0);
    name.split_at(dot.unwrap_or(name.len()))
}

fn numbered(base: &[u8], number: u64) -> Vec<u8> {
    let suffix = format!("-{number}");
    [cut(base, BASE_BYTES_MAX - suffix.len()), suffix.as_bytes()].concat()
}

/// The first `bytes_max` bytes, or a few less: none cuts through a UTF-8 character.
pub(crate) fn cut(name: &[u8], bytes_max: usize) -> &[u8] {
    if name.len() <= bytes_max {
        return name;
    }
    let is_continuation = |byte: u8| byte & 0b1100_0000 == 0b1000_0000;
    // A character has at most three continuation bytes; more of them are no UTF-8 at all.
    let end = (bytes_max.saturating_sub(3)..=bytes_max)
        .rev()
        .find(|&end| !is_continuation(name[end]))
        .unwrap_or(bytes_max);
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(paths: &[&str], taken: &[&str], names: &[&str]) {
        let taken = taken.iter().map(|name| name.as_bytes().to_vec()).collect();
        let assigned = assign(paths, &taken);
        let assigned: Vec<_> =
            assigned.into_iter().map(|name| String::from_utf8(name).expect("UTF-8")).collect();
        assert_eq!(assigned, names);
    }

    #[test]
    fn equal_names_are_numbered_in_order() {
        check(&["/x/a.txt", "/y/a.md", "/z/a", "/z/b.txt"], &[], &["a", "a-2", "a-3", "b"]);
    }

    #[test]
    fn a_numbered_name_never_takes_a_real_one() {
        check(&["/x/a.txt", "/y/a.txt", "/z/a-2.txt"], &[], &["a", "a-3", "a-2"]);
        check(&["/x/a-2.txt", "/y/a-2.txt", "/z/a.txt"], &[], &["a-2", "a-2-2", "a"]);
    }

    #[test]
    fn files_are_numbered_before_their_extension() {
        let numbered = |name: &str| String::from_utf8(numbered_file(name.as_bytes(), 2)).unwrap();
        assert_eq!(numbered("report.json"), "report-2.json");
        assert_eq!(numbered("a.b.c"), "a.b-2.c");
        assert_eq!(numbered("none"), "none-2");
        assert_eq!(numbered(".hidden"), ".hidden-2");
        let long = numbered(&format!("{}é.json", "x".repeat(248)));
        assert_eq!(long, format!("{}-2.json", "x".repeat(248)));
    }

    #[test]
    fn names_of_an_earlier_job_stay_its_own() {
        check(&["/x/a.txt", "/y/a.txt"], &["a", "a-2"], &["a-3", "a-4"]);
    }

    #[test]
    fn only_the_last_extension_goes() {
        check(&["/x/a.tar.gz", "/x/.env", "/x/b."], &[], &["a.tar", ".env", "b"]);
    }

    #[test]
    fn unsafe_names_become_safe_ones() {
        check(&["/x/a\nb.txt", "/x/...", "/", ""], &[], &["a_b", "__", "_", "_-2"]);
        assert_eq!(base_of(b"/x/caf\xe9.txt"), b"caf\xe9");
    }

    #[test]
    fn long_names_are_cut_between_characters_and_stay_distinct() {
        let long = format!("/x/a{}.txt", "é".repeat(120));
        let names = assign(&[long.clone(), long], &BTreeSet::new());
        assert_eq!(names[0].len(), BASE_BYTES_MAX - 1);
        assert!(names.iter().all(|name| std::str::from_utf8(name).is_ok()));
        assert!(names[1].ends_with(b"-2") && names[1].len() <= BASE_BYTES_MAX);
    }

    proptest! {
        #[test]
        fn names_are_distinct_safe_and_short(
            paths in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20),
            few in prop::collection::vec("[ab](-[23])?\\.txt", 0..20),
            taken in prop::collection::btree_set("[ab](-[23])?".prop_map(String::into_bytes), 0..5),
        ) {
            let paths: Vec<Vec<u8>> =
                paths.into_iter().chain(few.into_iter().map(String::into_bytes)).collect();
            let names = assign(&paths, &taken);
            let distinct: BTreeSet<_> = names.iter().collect();
            prop_assert_eq!(distinct.len(), paths.len());
            for name in &names {
                prop_assert!(!taken.contains(name));
                prop_assert!(!name.is_empty() && name.len() <= BASE_BYTES_MAX);
                prop_assert!(!name.contains(&b'/') && !name.contains(&0) && name != b"..");
            }
        }
    }
}
