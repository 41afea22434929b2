//! Whose result a file is, so that none overwrites another's.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use windlass_core::BlobId;
use windlass_core::manifest::{Artifact, Base, Content};
use windlass_core::names::numbered_file;

/// By file, whose result it is: hashes, as there may be millions.
#[derive(Default)]
pub(super) struct Owners(Mutex<HashMap<u128, u128>>);

impl Owners {
    /// The path where nobody else has a result there, else the next one that is free.
    pub(super) fn own(&self, path: PathBuf, base: &Base, artifact: &Artifact) -> PathBuf {
        let owner = owner(base, artifact);
        let mut owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_own = |path: &Path| {
            *owners.entry(hash([path.as_os_str().as_bytes()])).or_insert(owner) == owner
        };
        if is_own(&path) {
            return path;
        }
        let name = path.file_name().unwrap_or_default().as_bytes();
        let other = |number| path.with_file_name(OsStr::from_bytes(&numbered_file(name, number)));
        let mut others = (2..).map(other);
        others.find(|path| is_own(path)).expect("there is always a next number")
    }
}

fn owner(base: &Base, artifact: &Artifact) -> u128 {
    let content = match &artifact.content {
        Content::Inline(bytes) => BlobId::of(bytes),
        Content::Blob { id, .. } => *id,
    };
    hash([base.bytes(), b"\0", artifact.name.as_bytes(), b"\0", &content.0])
}

fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u128 {
    let mut hasher = blake3::Hasher::new();
    parts.into_iter().for_each(|part| {
        hasher.update(part);
    });
    let hash = hasher.finalize();
    let (half, _) = hash.as_bytes().split_first_chunk::<16>().expect("a hash has 32 bytes");
    u128::from_le_bytes(*half)
}
