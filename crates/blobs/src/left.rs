//! Blobs that another process of this machine leaves in a store: whole, as what has come of a named
//! blob, for the store's owner to take by [`Blobs::resume`] from their end on.
//!
//! [`Blobs::resume`]: crate::Blobs::resume

use crate::error::BlobError;
use crate::partial::PARTIAL_DIR;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, linkat, open, openat, statat, unlinkat};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use windlass_core::BlobId;

/// Where blobs can be left with another process of this machine.
#[derive(Clone, Debug)]
pub struct Doorstep {
    /// The store's `partial/`.
    dir: Arc<File>,
    path: PathBuf,
}

/// A blob that was left.
#[derive(Debug)]
pub struct Left {
    dir: Arc<File>,
    name: String,
    /// Open: else another file may get its number.
    file: File,
}

impl Doorstep {
    /// That of a store.
    ///
    /// # Errors
    /// `Io`: there is no store, or this folder of it is not the store's own.
    pub fn of(store: &Path) -> Result<Doorstep, BlobError> {
        let opened = || {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let store = File::from(open(store, flags, Mode::empty())?);
            // Whoever tells where the store lies must not have it lead elsewhere.
            let dir = openat(&store, PARTIAL_DIR, flags | OFlags::NOFOLLOW, Mode::empty())?;
            let dir = File::from(dir);
            match dir.metadata()?.uid() == store.metadata()?.uid() {
                true => Ok(dir),
                false => Err(io::ErrorKind::PermissionDenied.into()),
            }
        };
        let path = store.join(PARTIAL_DIR);
        let dir = opened().map_err(BlobError::io("open", &path))?;
        Ok(Doorstep { dir: Arc::new(dir), path })
    }

    /// Leaves a blob of so many bytes, which `write` writes; `None`: it lay there already. Its name
    /// appears when it is whole.
    ///
    /// # Errors
    /// `Io`: the folder is another user's, has something else of that name, or takes no such file.
    /// Nothing is left then.
    pub fn leave(
        &self,
        id: BlobId,
        bytes: u64,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<Option<Left>, BlobError> {
        let left = || {
            let (dir, name) = (&self.dir, id.to_hex());
            // The store's owner could not read a file of another user's.
            let owner = dir.metadata()?.uid();
            match statat(dir, &name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(it) => {
                    let is_file = FileType::from_raw_mode(it.st_mode) == FileType::RegularFile;
                    let is_whole = u64::try_from(it.st_size) == Ok(bytes);
                    return match is_file && is_whole && it.st_uid == owner {
                        true => Ok(None),
                        false => Err(io::ErrorKind::AlreadyExists.into()),
                    };
                }
                Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
            let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
            let mut file = File::from(openat(dir, ".", flags, Mode::RUSR | Mode::WUSR)?);
            if file.metadata()?.uid() != owner {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            write(&mut file)?;
            if file.metadata()?.len() != bytes {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let nameless = format!("/proc/self/fd/{}", file.as_raw_fd());
            linkat(CWD, nameless, dir, &name, AtFlags::SYMLINK_FOLLOW)?;
            Ok(Some(Left { dir: Arc::clone(dir), name, file }))
        };
        left().map_err(BlobError::io("leave a blob in", &self.path))
    }
}

impl Left {
    /// Removes it, unless it was taken.
    pub fn take_back(self) {
        let there = statat(&self.dir, &self.name, AtFlags::SYMLINK_NOFOLLOW);
        let own = self.file.metadata().map(|it| it.ino());
        if there.is_ok_and(|it| own.is_ok_and(|own| own == it.st_ino)) {
            // What cannot be removed now goes with what has not come whole within a day.
            let _ = unlinkat(&self.dir, &self.name, AtFlags::empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Blobs, PARTIAL_GRACE};
    use std::io::Write;
    use std::os::unix::fs::{chown, symlink};

    const BYTES: &[u8] = b"bytes";

    fn store() -> (tempfile::TempDir, Blobs) {
        let dir = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::open(dir.path().join("blobs")).expect("opens");
        (dir, blobs)
    }

    /// Leaves these as the five bytes of [`BYTES`]; whether they are new there, `None`: refused.
    fn left(store: &Path, bytes: &[u8]) -> Option<Option<Left>> {
        Doorstep::of(store).ok()?.leave(BlobId::of(BYTES), 5, |file| file.write_all(bytes)).ok()
    }

    #[test]
    fn what_is_left_whole_is_taken_without_a_byte_also_after_a_restart() {
        let (dir, blobs) = store();
        let id = BlobId::of(BYTES);
        let first = left(blobs.dir(), BYTES).expect("left").expect("new");
        assert!(left(blobs.dir(), b"").expect("it is there").is_none());
        drop(blobs);
        let blobs = Blobs::open(dir.path().join("blobs")).expect("opens");
        blobs.remove_leftovers().expect("there are none");
        blobs.forget_partials(PARTIAL_GRACE).expect("none is old");
        let writer = blobs.resume(id, 5).expect("opens").expect("is there");
        assert_eq!(writer.finish().expect("is put"), (id, 5));
        first.take_back();
        assert_eq!(blobs.read(id, 5).expect("stays"), BYTES);
    }

    #[test]
    fn other_bytes_than_the_names_are_refused_and_gone() {
        let (_dir, blobs) = store();
        left(blobs.dir(), b"butes").expect("left").expect("new");
        let writer = blobs.resume(BlobId::of(BYTES), 5).expect("opens").expect("is there");
        let error = writer.finish().expect_err("is refused");
        assert!(matches!(error, BlobError::Damaged { .. }), "{error}");
        assert_eq!(blobs.partial_bytes(BlobId::of(BYTES)), 0);
    }

    #[test]
    fn what_nobody_took_is_taken_back_and_nothing_else_of_that_name() {
        let (_dir, blobs) = store();
        let id = BlobId::of(BYTES);
        left(blobs.dir(), BYTES).expect("left").expect("new").take_back();
        assert_eq!(blobs.partial_bytes(id), 0);
        let mine = left(blobs.dir(), BYTES).expect("left").expect("new");
        blobs.forget_partials(std::time::Duration::ZERO).expect("all go");
        let mut coming = blobs.resume(id, 0).expect("opens").expect("is free");
        coming.write_all(b"by").expect("written");
        drop(coming);
        mine.take_back();
        assert_eq!(blobs.partial_bytes(id), 2);
        assert!(left(blobs.dir(), BYTES).is_none(), "somebody sends it");
    }

    #[test]
    fn nothing_is_left_half_nor_where_no_store_is() {
        let (dir, blobs) = store();
        assert!(left(blobs.dir(), b"by").is_none());
        assert_eq!(blobs.partial_bytes(BlobId::of(BYTES)), 0);
        let elsewhere = dir.path().join("elsewhere");
        assert!(left(&elsewhere, BYTES).is_none() && !elsewhere.exists());
        std::fs::create_dir(&elsewhere).expect("made");
        assert!(left(&elsewhere, BYTES).is_none());
        assert_eq!(std::fs::read_dir(&elsewhere).expect("listed").count(), 0);
        symlink(blobs.dir().join(PARTIAL_DIR), elsewhere.join(PARTIAL_DIR)).expect("linked");
        assert!(left(&elsewhere, BYTES).is_none(), "a link leads elsewhere");
    }

    #[test]
    fn nothing_is_left_with_another_user() {
        let (_dir, blobs) = store();
        // Only root can give a folder away.
        if chown(blobs.dir().join(PARTIAL_DIR), Some(65_534), None).is_err() {
            return;
        }
        assert!(left(blobs.dir(), BYTES).is_none(), "half of it is another user's");
        chown(blobs.dir(), Some(65_534), None).expect("given away");
        assert!(left(blobs.dir(), BYTES).is_none(), "all of it is another user's");
        assert_eq!(blobs.partial_bytes(BlobId::of(BYTES)), 0);
        for path in [blobs.dir().join(PARTIAL_DIR), blobs.dir().to_owned()] {
            chown(path, Some(0), None).expect("taken back");
        }
        drop(left(blobs.dir(), BYTES).expect("left").expect("new"));
        let file = blobs.dir().join(PARTIAL_DIR).join(BlobId::of(BYTES).to_hex());
        chown(file, Some(65_534), None).expect("given away");
        assert!(left(blobs.dir(), BYTES).is_none(), "what lies there is another user's");
    }
}
