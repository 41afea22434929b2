//! Values as JSON.

use serde::Serialize;

/// A value as JSON.
pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    push_json(value, &mut out);
    out
}

/// The same behind what is there.
pub(super) fn push_json(value: &impl Serialize, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("numbers and text can always be written");
}
