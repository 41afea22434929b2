//! Inputs that lie on the master's disk, for workers that do not see them.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Seek};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use windlass_core::input::Input;
use windlass_wire::{HostError, LocalFile};

/// An input's file, if it is what was submitted. Whoever submits a job names paths: without having
/// the content already nobody gets a file of the master's by that.
pub(crate) fn open(input: &Input) -> Result<File, HostError> {
    let path = Path::new(OsStr::from_bytes(&input.path));
    let gone = |error: io::Error| {
        HostError::NotFound(format!("the master cannot read it either: {error}"))
    };
    let facts = path.metadata().map_err(gone)?;
    // What is no file, as a pipe, may not even be opened.
    if facts.is_file() && facts.len() == input.size {
        let mut file = File::open(path).map_err(gone)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(&mut file).map_err(gone)?;
        if *hasher.finalize().as_bytes() == input.hash.0 {
            file.rewind().map_err(gone)?;
            return Ok(file);
        }
    }
    Err(HostError::Refused("what lies there is not what was submitted".to_owned()))
}

/// Whether this is a file here too, which can be read.
pub(crate) fn is_seen(file: &LocalFile) -> bool {
    let is_it = file.path.metadata().is_ok_and(|facts| {
        facts.is_file() && (facts.dev(), facts.ino()) == (file.device, file.inode)
    });
    is_it && File::open(&file.path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use windlass_core::BlobId;
    use windlass_core::media::Media;

    /// What a worker gets of a file with this content, submitted as another one perhaps.
    fn got(content: &[u8], submitted: &[u8]) -> Result<Vec<u8>, HostError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("authority.pem");
        std::fs::write(&path, content).expect("written");
        let input = Input {
            path: path.as_os_str().as_bytes().to_vec(),
            base: b"authority".to_vec(),
            media: Media::Text,
            size: submitted.len() as u64,
            hash: BlobId::of(submitted),
        };
        let mut bytes = Vec::new();
        open(&input)?.read_to_end(&mut bytes).expect("read");
        Ok(bytes)
    }

    #[test]
    fn only_who_has_the_content_gets_it() {
        assert_eq!(got(b"secret", b"secret").expect("it is that"), b"secret");
        for guess in [b"secreT".as_slice(), b"", b"longer than it"] {
            assert!(matches!(got(b"secret", guess), Err(HostError::Refused(_))));
        }
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().as_os_str().as_bytes().to_vec();
        let (base, media) = (b"a".to_vec(), Media::Text);
        let input = Input { path, base, media, size: 0, hash: BlobId::of(b"") };
        assert!(matches!(open(&input), Err(HostError::Refused(_))));
        let gone = Input { path: b"/nowhere".to_vec(), ..input };
        assert!(matches!(open(&gone), Err(HostError::NotFound(_))));
    }

    #[test]
    fn a_file_is_seen_that_is_the_one_meant_and_can_be_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let [path, other] = ["a", "b"].map(|name| folder.path().join(name));
        std::fs::write(&path, "some words").expect("written");
        std::fs::write(&other, "some words").expect("written");
        let facts = path.metadata().expect("it is there");
        let meant = |path: &Path| {
            is_seen(&LocalFile { path: path.into(), device: facts.dev(), inode: facts.ino() })
        };
        assert!(meant(&path));
        assert!(!meant(&other), "another one");
        assert!(!meant(&folder.path().join("gone")));
        assert!(!meant(folder.path()), "a folder");
    }
}
