//! Inputs of tasks as data, and the chunks in which they are stored.

use crate::ids::BlobId;
use crate::media::Media;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One input file of a task.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Input {
    /// Absolute path, in bytes as the file system has it.
    #[serde(with = "bytes")]
    pub path: Vec<u8>,
    /// Size in bytes at submission.
    pub size: u64,
    /// BLAKE3 of its content at submission; the executor's read verifies it.
    pub hash: BlobId,
    /// What its bytes are.
    pub media: Media,
    /// Name of its results without extension, unique among the operation's results of the job
    /// (`report`, `report-2`); bytes, no `/`.
    #[serde(with = "bytes")]
    pub base: Vec<u8>,
}

/// The inputs of consecutive tasks of a phase, at most [`crate::limits::CHUNK_TASK_COUNT_MAX`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Chunk {
    /// In task order.
    pub inputs: Vec<Input>,
}

/// A stored chunk that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ChunkError {
    /// Written by another version.
    #[error("chunk format {0} is not known to this version")]
    Version(u8),
    /// Not a chunk.
    #[error("chunk is damaged: {0}")]
    Damaged(String),
}

const CHUNK_VERSION: u8 = 1;

impl Chunk {
    /// One version byte, then postcard.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let out = vec![CHUNK_VERSION];
        postcard::to_extend(self, out).expect("writing to memory cannot fail")
    }

    /// The reverse of [`Chunk::encode`].
    ///
    /// # Errors
    /// An unknown version, or bytes that are no chunk.
    pub fn decode(bytes: &[u8]) -> Result<Chunk, ChunkError> {
        match bytes.split_first() {
            None => Err(ChunkError::Damaged("no bytes".to_owned())),
            Some((&CHUNK_VERSION, body)) => {
                postcard::from_bytes(body).map_err(|error| ChunkError::Damaged(error.to_string()))
            }
            Some((version, _)) => Err(ChunkError::Version(*version)),
        }
    }
}

/// serde for `Vec<u8>` as one byte string rather than a sequence of numbers.
pub(crate) mod bytes {
    use serde::de::{Error, SeqAccess, Visitor};
    use serde::{Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a byte string")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }

            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<u8>, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = seq.next_element()? {
                    bytes.push(byte);
                }
                Ok(bytes)
            }
        }
        source.deserialize_byte_buf(Bytes)
    }
}
