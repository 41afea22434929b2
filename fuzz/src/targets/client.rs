//! What a run keeps beside its job, and how it reads what the user typed.

use super::shape::magnitude;
use crate::target::Target;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use windlass_client::gather;
use windlass_client::memorandum::Memorandum;

pub(super) const MEMORANDUM: Target = Target {
    name: "memorandum",
    run: memorandum,
    seeds,
    // A byte of a path is written as up to four characters, and kept five times.
    fixed_bytes_max: 64 << 10,
    factor_max: 128,
};

fn memorandum(bytes: &[u8]) -> String {
    let Some(memorandum) = Memorandum::decode(bytes) else { return "refused".to_owned() };
    let again = Memorandum::decode(&memorandum.encode());
    assert_eq!(again.as_ref(), Some(&memorandum), "what was kept does not come back");
    let Memorandum { asked, left_out, .. } = memorandum;
    let fingerprint = again.map(|again| again.asked.fingerprint());
    assert_eq!(fingerprint, Some(asked.fingerprint()));
    let (paths, params) = (magnitude(asked.paths.len()), magnitude(asked.params.len()));
    format!("paths {paths} params {params} left out {}", magnitude(left_out.len()))
}

fn seeds() -> Vec<Vec<u8>> {
    let auto = br#"{"version":1,"paths":[[47,97,255],[47]],"operation":null,"skip":["image"],"params":{"width":"5"},"out":[47]}"#;
    let one = br#"{"version":1,"paths":[],"operation":"command","skip":[],"params":{"cmd":"c\"\u00e9\ud83d\ude00"},"out":[]}"#;
    let left_out = br#"{"version":1,"paths":[],"operation":null,"skip":[],"params":{},"out":[],"left_out":[{"path":[47,255],"failed":true,"kind":"rejected","code":"a","cause":"b","next_step":"c"}],"unnamed_count":7}"#;
    vec![auto.to_vec(), one.to_vec(), left_out.to_vec()]
}

/// A pattern of the user's over a small folder.
pub(super) const PATTERN: Target = Target {
    name: "pattern",
    run: pattern,
    seeds: || {
        let patterns: &[&[u8]] =
            &[b"*.txt", b"**/*.[a-c]?t", b"sub/{a,b}.txt", b"sub/../a*", b"[!\xff]*", b"a.txt"];
        patterns.iter().map(|it| it.to_vec()).collect()
    },
    // Files are sniffed and hashed by a thread of its own, with pieces of 256 KiB.
    fixed_bytes_max: 4 << 20,
    factor_max: 512,
};

fn pattern(bytes: &[u8]) -> String {
    // Steps that leave the folder would walk the machine.
    let steps = bytes.split(|byte| *byte == b'/');
    let steps: Vec<&[u8]> = steps.filter(|step| !matches!(*step, b"" | b"..")).collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("sub")).expect("a folder");
    for name in ["a.txt", "sub/a.txt", "sub/b.txt"] {
        std::fs::write(folder.path().join(name), "a word").expect("a file");
    }
    let path = [folder.path().as_os_str().as_bytes(), &steps.join(&b'/')].join(&b'/');
    let request = gather::Request {
        paths: vec![OsString::from_vec(path)],
        choice: gather::Choice::Auto { skip: Vec::new() },
        operations: windlass_ops::OPERATIONS.iter().map(|operation| operation.spec).collect(),
        excluded: Vec::new(),
        reader_count: 1,
    };
    let outcomes = gather::gather(&request, &mut |_| {}).outcomes;
    let accepted = outcomes.iter().filter(|it| matches!(it, gather::Outcome::Accepted { .. }));
    let found = accepted.count();
    assert!(found <= 3, "{found} files in a folder of three");
    format!("found {found} of {}", magnitude(outcomes.len()))
}
