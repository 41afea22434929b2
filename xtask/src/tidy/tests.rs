//! Every rule can fail, and the project itself breaks none.

use super::layers::{self, Package};
use super::report::{Finding, Weight, findings};
use super::tree::{TextFile, Tree};
use super::{documents, layout, words};

const HEADER: &str = "//! Owns a thing.\n";

fn tree(files: &[(&str, &str)]) -> Tree {
    let file = |(path, text): &(&str, &str)| TextFile {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    };
    let texts: Vec<TextFile> = files.iter().map(file).collect();
    Tree { paths: texts.iter().map(|file| file.path.clone()).collect(), texts }
}

fn shown(found: &[Finding]) -> Vec<String> {
    found.iter().map(Finding::to_string).collect()
}

/// What the rules for one file say; each finding must contain the text beside it.
fn check(rule: fn(&Tree) -> Vec<Finding>, path: &str, text: &str, expected: &[&str]) {
    let found = shown(&rule(&tree(&[(path, text)])));
    assert_eq!(found.len(), expected.len(), "{path}: {found:?}");
    for (finding, part) in found.iter().zip(expected) {
        assert!(finding.contains(part), "{finding} lacks {part}");
    }
}

fn long(line_count: usize) -> String {
    format!("{HEADER}{}", "fn f() {}\n".repeat(line_count - 1))
}

#[test]
fn the_project_is_tidy() {
    let found = findings(&crate::root()).expect("the tree can be read");
    let errors: Vec<_> = found.iter().filter(|f| f.weight == Weight::Error).collect();
    let shown: Vec<String> = errors.iter().map(|finding| format!("{finding}\n")).collect();
    assert!(errors.is_empty(), "\n{}", shown.concat());
}

#[test]
fn long_files_are_told() {
    check(layout::check, "crates/a/src/b.rs", &long(400), &[]);
    check(layout::check, "crates/a/src/b.rs", &long(401), &["b.rs:401: warning: 401 lines"]);
    check(layout::check, "crates/a/src/b.rs", &long(801), &["b.rs:801: 801 lines, more than 800"]);
    check(layout::check, "crates/a/tests/b.rs", &long(1_500), &[]);
    check(layout::check, "crates/a/src/tests.rs", &long(1_501), &["more than 1500"]);
}

#[test]
fn a_module_comment_is_wanted_and_short() {
    check(layout::check, "a.rs", "fn f() {}\n", &["a.rs:1: no module comment"]);
    check(layout::check, "a.rs", &HEADER.repeat(5), &[]);
    check(layout::check, "a.rs", &HEADER.repeat(6), &["a.rs:6: a module comment of 6 lines"]);
    check(layout::check, "crates/ops/src/image.rs", &HEADER.repeat(60), &[]);
}

#[test]
fn wide_lines_are_told_except_texts_and_addresses() {
    let wide = "x".repeat(99);
    check(layout::check, "a.py", &format!("# {wide}\n"), &["a.py:1: 101 columns"]);
    check(layout::check, "a.rs", &format!("{HEADER}// {wide}\n"), &["a.rs:2: 102 columns"]);
    check(layout::check, "a.rs", &format!("{HEADER}f(\"{wide}\");\n"), &[]);
    check(layout::check, "a.rs", &format!("{HEADER}// https://{wide}\n"), &[]);
    check(layout::check, "a.md", &wide.repeat(2), &[]);
}

#[test]
fn a_module_root_holds_docs_modules_and_uses() {
    let fine =
        "//! A.\n#![doc = \"x\"]\nmod a;\npub(crate) mod b;\n\npub use a::{\n    C,\n    D,\n};\n";
    check(layout::check, "crates/a/src/lib.rs", fine, &[]);
    let full = format!("{fine}pub fn f() {{}}\n");
    check(layout::check, "crates/a/src/lib.rs", &full, &["lib.rs:10: `pub fn f() {}`"]);
    check(layout::check, "crates/a/src/b/mod.rs", &full, &["in a module root"]);
    check(layout::check, "crates/a/src/b.rs", &full, &[]);
    check(layout::check, "crates/ops/src/lib.rs", &full, &[]);
    let inner = format!("{HEADER}mod a {{\n}}\n");
    check(layout::check, "crates/a/src/lib.rs", &inner, &["`mod a {`"]);
}

#[test]
fn whitespace_at_the_end_is_told() {
    check(layout::check, "Makefile", "a:\t\nb: \nc\n", &["Makefile:1", "Makefile:2"]);
    check(layout::check, "a.patch", " \n", &[]);
}

#[test]
fn banned_words_are_told_where_they_are_banned() {
    check(words::check, "a.rs", "todo!()\nunimplemented!()\n", &["`todo!`", "`unimplemented!`"]);
    check(words::check, "a.md", "It is slow for now.\n", &["a.md:1: `for now`"]);
    check(words::check, "a.md", "There is no key for nowhere.\n", &[]);
    check(words::check, "a.sh", "ls /work/x /root/y\n", &["`/work/`", "`/root/`"]);
    check(words::check, "a.sh", "ls ./work/x at/work/x\n", &[]);
    check(words::check, "a.rs", "#[allow(x)]\n", &["use #[expect"]);
    check(words::check, "a.md", "#[allow(x)]\n", &[]);
    check(words::check, "a.md", "<<<<<<< HEAD\n>>>>>>> other\n", &["`<<<<<<< `", "`>>>>>>> `"]);
}

#[test]
fn core_has_no_hash_order_and_no_clock() {
    let impure = "use std::collections::{HashMap, HashSet};\nuse std::time::Instant;\n";
    let expected = &["`HashMap`", "`HashSet`", "`std::time`"];
    check(words::check, "crates/core/src/a.rs", impure, expected);
    check(words::check, "crates/worker/src/a.rs", impure, &[]);
}

fn package(name: &str, ours: &[&str]) -> Package {
    Package {
        name: name.to_owned(),
        manifest: format!("{name}/Cargo.toml"),
        ours: ours.iter().map(|name| (*name).to_owned()).collect(),
    }
}

#[test]
fn dependencies_point_downward() {
    let fine = [package("windlass-core", &[]), package("windlass-worker", &["windlass-ops"])];
    assert!(shown(&layers::check(&fine)).is_empty());
    let bad = [
        package("windlass-core", &["windlass-ops"]),
        package("windlass-journal", &["windlass-blobs"]),
        package("windlass-new", &[]),
    ];
    let found = shown(&layers::check(&bad));
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].contains("windlass-core depends on windlass-ops"));
    assert!(found[1].contains("windlass-journal depends on windlass-blobs"));
    assert!(found[2].contains("windlass-new has no layer"));
}

#[test]
fn the_code_map_names_what_there_is_and_every_crate() {
    let files = |map: &'static str| {
        tree(&[
            ("CHANGELOG.md", ""),
            ("ARCHITECTURE.md", map),
            ("crates/core/Cargo.toml", ""),
            ("crates/core/src/lib.rs", ""),
            ("crates/ops/Cargo.toml", ""),
        ])
    };
    let fine = "`crates/core/`, `crates/core/src/lib.rs:apply`, `ops`, `and/or`, `crates/*/src`";
    assert!(shown(&documents::check(&files(fine))).is_empty());
    let found = shown(&documents::check(&files("a\n`core` `crates/gone/src`\n")));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("ARCHITECTURE.md:2: `crates/gone/src` does not exist"));
    assert!(found[1].contains("crate `ops` is not on the code map"));
}

#[test]
fn a_changelog_and_few_packages_are_wanted() {
    let lock = |count| "[[package]]\nname = \"x\"\n".repeat(count);
    let check = |files: &[(&str, &str)]| shown(&documents::check(&tree(files)));
    assert!(check(&[("CHANGELOG.md", "")]).is_empty());
    assert!(check(&[])[0].contains("CHANGELOG.md:1: missing"));
    assert!(check(&[("CHANGELOG.md", ""), ("Cargo.lock", &lock(600))]).is_empty());
    let found = check(&[("CHANGELOG.md", ""), ("Cargo.lock", &lock(601))]);
    assert!(found[0].contains("601 packages, more than 600"), "{found:?}");
}
