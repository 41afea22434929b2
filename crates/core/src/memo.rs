//! Earlier results are found by key: everything that decides what a task's result is.

use crate::ids::BlobId;
use crate::media::Media;
use crate::params::Params;
use serde::Serialize;
use std::fmt;

/// Raised when the encoding below changes: no key of before is found then.
const KEY_VERSION: u8 = 1;
/// Keeps keys apart from every other use of the hash.
const KEY_CONTEXT: &str = "windlass memo key, version 1";

/// The name of a result before it is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemoKey(pub [u8; 32]);

/// What decides a task's result.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct MemoFacts<'a> {
    /// The operation's name.
    pub operation: &'a str,
    /// The operation's version, as the worker runs it.
    pub version: u32,
    /// Versions of what the operation is made with, its languages and its models, each under a name
    /// (`windlass 0.1.0`, `language deu`); sorted.
    pub basis: &'a [(String, String)],
    /// Normalised parameters.
    pub params: &'a Params,
    /// What each input's bytes are, and their hash; in the order in which the task has them.
    pub inputs: &'a [(Media, BlobId)],
    /// Names that the result may depend on; empty where the operation is never told any.
    #[serde(with = "names")]
    pub names: &'a [&'a [u8]],
}

impl MemoFacts<'_> {
    /// The key: BLAKE3 of a version byte and the facts in a canonical encoding (postcard: lengths
    /// before everything of variable length, maps in key order).
    #[must_use]
    pub fn key(&self) -> MemoKey {
        let bytes = postcard::to_extend(self, vec![KEY_VERSION]);
        let bytes = bytes.expect("writing to memory cannot fail");
        MemoKey(blake3::derive_key(KEY_CONTEXT, &bytes))
    }
}

impl MemoKey {
    /// 64 lowercase hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        BlobId(self.0).to_hex()
    }
}

impl fmt::Debug for MemoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoKey({}…)", &self.to_hex()[..8])
    }
}

/// serde for names as byte strings rather than sequences of numbers.
mod names {
    use serde::Serializer;
    use serde::ser::SerializeSeq;

    pub(super) fn serialize<S: Serializer>(
        names: &&[&[u8]],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(names.len()))?;
        for name in *names {
            sequence.serialize_element(&Bytes(name))?;
        }
        sequence.end()
    }

    struct Bytes<'a>(&'a [u8]);

    impl serde::Serialize for Bytes<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn every_fact_counts() {
        let params = Params([("width".to_owned(), "5".to_owned())].into());
        let basis = [("windlass".to_owned(), "0.1.0".to_owned())];
        let inputs = [(Media::Png, BlobId::of(b"a"))];
        let facts = MemoFacts {
            operation: "image",
            version: 1,
            basis: &basis,
            params: &params,
            inputs: &inputs,
            names: &[],
        };
        let others = [
            MemoFacts { operation: "text", ..facts.clone() },
            MemoFacts { version: 2, ..facts.clone() },
            MemoFacts { basis: &[], ..facts.clone() },
            MemoFacts { params: &Params::default(), ..facts.clone() },
            MemoFacts { inputs: &[(Media::Jpeg, BlobId::of(b"a"))], ..facts.clone() },
            MemoFacts { inputs: &[(Media::Png, BlobId::of(b"b"))], ..facts.clone() },
            MemoFacts { names: &[b"a.png"], ..facts.clone() },
        ];
        assert!(others.iter().all(|other| other.key() != facts.key()));
        assert_eq!(facts.key(), facts.clone().key());
        // A key of today must be found tomorrow: whoever changes this raises KEY_VERSION.
        expect!["3054e4fbbc0076655d780b3dc60e1fa81ea61152fecec3b4a931d84ffd4d0c80"]
            .assert_eq(&facts.key().to_hex());
    }

    #[test]
    fn what_moves_from_one_fact_to_the_next_makes_another_key() {
        let params = Params::default();
        let facts = MemoFacts {
            operation: "ab",
            version: 1,
            basis: &[],
            params: &params,
            inputs: &[],
            names: &[b"ab", b"c"],
        };
        let moved = MemoFacts { names: &[b"a", b"bc"], ..facts.clone() };
        assert_ne!(facts.key(), moved.key());
    }
}
