//! Whose result a file is, so that none overwrites another's.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use windlass_core::BlobId;
use windlass_core::manifest::{Artifact, Base, Content};
use windlass_core::names::numbered_file;

/// Whose results files are.
#[derive(Default)]
pub(super) struct Owners(Mutex<Known>);

/// By hashes, as there may be millions.
#[derive(Default)]
struct Known {
    /// By file: whose result it is.
    owners: HashMap<u128, u128>,
    /// By the file that a result should be: the next number of those that came too late.
    next: HashMap<u128, u64>,
    /// By both: the number that it got.
    given: HashMap<(u128, u128), u64>,
}

impl Owners {
    /// The path where nobody else has a result there, else the next one that is free.
    pub(super) fn own(&self, path: PathBuf, base: &Base, artifact: &Artifact) -> PathBuf {
        let owner = owner(base, artifact);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { owners, next, given } = &mut *known;
        let key = |path: &Path| hash([path.as_os_str().as_bytes()]);
        let wanted = key(&path);
        if *owners.entry(wanted).or_insert(owner) == owner {
            return path;
        }
        let name = path.file_name().unwrap_or_default().as_bytes();
        let other = |number| path.with_file_name(OsStr::from_bytes(&numbered_file(name, number)));
        if let Some(number) = given.get(&(wanted, owner)) {
            return other(*number);
        }
        let next = next.entry(wanted).or_insert(2);
        loop {
            let (number, path) = (*next, other(*next));
            *next += 1;
            if *owners.entry(key(&path)).or_insert(owner) == owner {
                given.insert((wanted, owner), number);
                return path;
            }
        }
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
