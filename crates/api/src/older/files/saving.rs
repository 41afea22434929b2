//! Results as files, where clients of that service look for them.

use super::processing::Made;
use crate::node::Node;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use windlass_core::manifest::{Artifact, Base, Content, is_file_name};

/// Writes all that was made of a file into a folder; answers where its main result is.
pub(super) fn save(node: &Node, folder: &Path, made: &Made) -> Result<PathBuf, String> {
    let mut main = None;
    for artifact in &made.manifest.artifacts {
        let path = put(node, folder, artifact, &made.base)?;
        main.get_or_insert(path);
    }
    main.ok_or_else(|| "a task has made nothing".to_owned())
}

fn put(node: &Node, folder: &Path, artifact: &Artifact, base: &Base) -> Result<PathBuf, String> {
    let name = artifact.file_name(base);
    let path = folder.join(OsStr::from_bytes(&name));
    if !is_file_name(&name) {
        return Err(format!("{} is not usable as a file name", path.display()));
    }
    let placed = windlass_blobs::place(&path, |file| match &artifact.content {
        Content::Inline(bytes) => file.write_all(bytes),
        Content::Blob { id, .. } => {
            node.blobs.copy_to(*id, file).map(drop).map_err(io::Error::other)
        }
    });
    placed.map_err(|error| format!("write {}: {error}", path.display()))?;
    Ok(path)
}
