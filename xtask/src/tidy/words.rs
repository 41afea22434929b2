//! Words that must not stand in the project: promises instead of code, one machine's paths, and in
//! `core` whatever would make it impure.

use super::report::Finding;
use super::tree::{TextFile, Tree};

/// A word and where it is banned.
struct Ban {
    word: &'static str,
    is_in: fn(&TextFile) -> bool,
    mend: &'static str,
}

const BANS: &[Ban] = &[
    Ban { word: "todo!", is_in: TextFile::is_rust, mend: "write it, or leave it out" },
    Ban { word: "unimplemented!", is_in: TextFile::is_rust, mend: "write it, or leave it out" },
    Ban { word: "for now", is_in: everywhere, mend: "say what holds and why" },
    Ban { word: "<<<<<<< ", is_in: everywhere, mend: "finish the merge" },
    Ban { word: ">>>>>>> ", is_in: everywhere, mend: "finish the merge" },
    Ban { word: "/work/", is_in: everywhere, mend: "name no path of one machine" },
    Ban { word: "/root/", is_in: everywhere, mend: "name no path of one machine" },
    Ban {
        word: "#[allow",
        is_in: TextFile::is_rust,
        mend: "use #[expect(.., reason = \"…\")]: it goes away with its cause",
    },
    Ban {
        word: "#![allow",
        is_in: TextFile::is_rust,
        mend: "use #[expect(.., reason = \"…\")]: it goes away with its cause",
    },
    Ban { word: "HashMap", is_in: in_core, mend: "use BTreeMap: no hash order may reach output" },
    Ban { word: "HashSet", is_in: in_core, mend: "use BTreeSet: no hash order may reach output" },
    Ban { word: "std::time", is_in: in_core, mend: "take the time as an argument" },
];

/// This rule and its tests have to spell the words.
const SPELLING: &[&str] = &["xtask/src/tidy/words.rs", "xtask/src/tidy/tests.rs"];

fn everywhere(_: &TextFile) -> bool {
    true
}

fn in_core(file: &TextFile) -> bool {
    file.path.starts_with("crates/core/") && file.is_rust()
}

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.texts.iter().filter(|file| !SPELLING.contains(&file.path.as_str())) {
        let bans: Vec<&Ban> = BANS.iter().filter(|ban| (ban.is_in)(file)).collect();
        for (number, line) in file.lines() {
            for ban in bans.iter().filter(|ban| holds_word(line, ban.word)) {
                let what = format!("`{}`", ban.word);
                found.push(Finding::error(&file.path, number, what, ban.mend));
            }
        }
    }
    found
}

/// Whether `word` stands in the line and is not the end of a longer word (`my_todo!`, `at/work/`).
fn holds_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.')
            && !line[at + word.len()..]
                .starts_with(|c: char| c.is_alphanumeric() && word == "for now")
    })
}
