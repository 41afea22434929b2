//! Every target over its corpus and over a thousand damaged copies of it.

use std::sync::{Mutex, PoisonError};
use windlass_fuzz::{TARGETS, replay};

/// The memory that is measured is the process's: where the tests share one, they take turns.
static TURN: Mutex<()> = Mutex::new(());

/// Enough to see each branch of the small decoders; `make soak` goes on for minutes.
const MUTANT_COUNT: usize = 1_000;

fn check(name: &str, mutant_count: usize) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    if let Err(fault) = replay(target, 1, mutant_count) {
        panic!("{}: {}: {:?}", fault.target, fault.what, fault.bytes);
    }
}

macro_rules! targets {
    ($($name:ident: $count:expr,)*) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name), $count);
            }
        )*

        #[test]
        fn every_target_is_replayed() {
            let replayed = [$(stringify!($name)),*];
            let known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(replayed.as_slice(), known);
        }
    };
}

targets! {
    batch: MUTANT_COUNT,
    chunk: MUTANT_COUNT,
    manifest: MUTANT_COUNT,
    params: MUTANT_COUNT,
    media: MUTANT_COUNT,
    snapshot: MUTANT_COUNT,
    // Each opens a log of files twice and syncs it.
    journal: 50,
    memorandum: MUTANT_COUNT,
    // Each walks and hashes a folder of its own.
    pattern: 200,
    answer: MUTANT_COUNT,
    request: MUTANT_COUNT,
    child_frame: MUTANT_COUNT,
    parent_frame: MUTANT_COUNT,
    to_master: MUTANT_COUNT,
    to_worker: MUTANT_COUNT,
    session: MUTANT_COUNT,
    text: MUTANT_COUNT,
    word_count: MUTANT_COUNT,
    docx: MUTANT_COUNT,
    pdf_string: MUTANT_COUNT,
    office: MUTANT_COUNT,
    rich_text: MUTANT_COUNT,
    web_page: MUTANT_COUNT,
    mail: MUTANT_COUNT,
    // Some claim millions of pixels, which are unpacked.
    picture: 100,
    // Each decodes and measures a second.
    sound: 200,
    shard: MUTANT_COUNT,
    rows: MUTANT_COUNT,
}
