//! Folders that environment variables name: an executor reads libraries and their data there.

use rustix::fs::{Mode, OFlags};
use std::ffi::OsString;
use std::os::fd::IntoRawFd;
use std::path::{Path, PathBuf};

/// Those that are named to the loader of libraries, which has read its variable by now.
const LOADER_VARIABLE: &str = "LD_LIBRARY_PATH";
/// Variables that name folders, one or several with a colon between.
pub(crate) const FOLDER_VARIABLES: &[&str] = &[LOADER_VARIABLE, "TESSDATA_PREFIX", "WINDLASS_LIB"];

/// All folders that the variables name.
pub(crate) fn named() -> Vec<PathBuf> {
    let values = FOLDER_VARIABLES.iter().filter_map(std::env::var_os);
    values.flat_map(|value| folders(&value)).collect()
}

fn folders(value: &OsString) -> Vec<PathBuf> {
    std::env::split_paths(value).filter(|folder| folder.is_absolute()).collect()
}

/// Has the variables name the folders by descriptors that stay open: what lies in root's home is
/// out of reach for the user that an executor of root becomes. To be called before that, by the
/// only thread.
#[expect(unsafe_code, reason = "the environment belongs to all threads")]
pub(crate) fn hold() {
    for name in FOLDER_VARIABLES.iter().filter(|name| **name != LOADER_VARIABLE) {
        let Some(value) = std::env::var_os(name) else { continue };
        let held: Vec<PathBuf> = folders(&value).iter().map(|folder| held(folder)).collect();
        let Ok(value) = std::env::join_paths(held) else { continue };
        // SAFETY: there is no other thread yet.
        unsafe { std::env::set_var(name, value) };
    }
}

/// Another path to a folder, which needs no right to the folders above it; the same path for one
/// that is not there.
fn held(folder: &Path) -> PathBuf {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match rustix::fs::open(folder, flags, Mode::empty()) {
        // For as long as the process lives.
        Ok(descriptor) => PathBuf::from(format!("/proc/self/fd/{}", descriptor.into_raw_fd())),
        Err(_) => folder.to_owned(),
    }
}
