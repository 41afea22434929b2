//! What a run keeps beside its job.

use super::shape::magnitude;
use crate::target::Target;
use windlass_client::memorandum::Asked;

pub(super) const MEMORANDUM: Target = Target {
    name: "memorandum",
    run: memorandum,
    seeds,
    // A byte of a path is written as up to four characters, and kept five times.
    fixed_bytes_max: 64 << 10,
    factor_max: 128,
};

fn memorandum(bytes: &[u8]) -> String {
    let Some(asked) = Asked::decode(bytes) else { return "refused".to_owned() };
    let again = Asked::decode(&asked.encode());
    assert_eq!(again.as_ref(), Some(&asked), "what was asked does not come back");
    assert_eq!(again.map(|again| again.fingerprint()), Some(asked.fingerprint()));
    format!("paths {} params {}", magnitude(asked.paths.len()), magnitude(asked.params.len()))
}

fn seeds() -> Vec<Vec<u8>> {
    let auto = br#"{"version":1,"paths":[[47,97,255],[47]],"operation":null,"skip":["image"],"params":{"width":"5"},"out":[47]}"#;
    let one = br#"{"version":1,"paths":[],"operation":"command","skip":[],"params":{"cmd":"c\"\u00e9\ud83d\ude00"},"out":[]}"#;
    vec![auto.to_vec(), one.to_vec()]
}
