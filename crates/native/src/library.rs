//! Where a shared library lies that may be the user's own: in the folder of libraries that
//! `$WINDLASS_LIB` names or that is the user's, else among those of the system.

use crate::place;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Names the folder of libraries. Executors have it in their environment, and may read the folder.
pub const FOLDER_VARIABLE: &str = "WINDLASS_LIB";
/// Where a process finds what it has open (proc_pid_fd(5)).
const DESCRIPTORS: &str = "/proc/self/fd";
/// Where an administrator puts what all users of a machine are to have.
const MACHINE_FOLDERS: &[&str] = &["/usr/local/lib/windlass", "/usr/lib/windlass"];

/// Why a library is of no use.
#[derive(Clone, Debug, Error)]
pub enum LoadError {
    /// It is nowhere.
    #[error("find {0}")]
    Missing(&'static str),
    /// It cannot be opened, or lacks a function.
    #[error("open {}: {why}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// In the loader's words.
        why: String,
    },
}

/// The folder of the user's own libraries: `$WINDLASS_LIB`, else `windlass/lib` where the user's
/// data lies. `make deps` puts there what it fetches.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    folder_of(&|name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))
}

/// By an environment (XDG Base Directory Specification).
fn folder_of(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let data = || variable("XDG_DATA_HOME").filter(|folder| folder.is_absolute());
    let home = || Some(variable("HOME")?.join(".local/share"));
    variable(FOLDER_VARIABLE).or_else(|| Some(data().or_else(home)?.join("windlass/lib")))
}

/// The folders of libraries that Windlass alone uses: the user's, then the machine's.
#[must_use]
pub fn folders() -> Vec<PathBuf> {
    folder().into_iter().chain(MACHINE_FOLDERS.iter().map(PathBuf::from)).collect()
}

/// A folder by the name that people know: an executor has those of its environment by descriptors.
#[must_use]
pub fn shown(folder: &Path) -> PathBuf {
    let held = folder.ancestors().find(|above| above.parent() == Some(Path::new(DESCRIPTORS)));
    let named = held.and_then(|held| {
        Some(std::fs::read_link(held).ok()?.join(folder.strip_prefix(held).ok()?))
    });
    named.unwrap_or_else(|| folder.to_owned())
}

/// The first file of these names: in these folders, else where the loader of libraries looks.
/// A name may begin with folders (`pdfium-5.15.2/libpdfium.so`); the system is asked for its last
/// part.
#[must_use]
pub fn find(names: &[&str]) -> Option<PathBuf> {
    folders().iter().find_map(|folder| in_folder(folder, names)).or_else(|| {
        let files: Vec<&str> = names.iter().filter_map(|name| name.rsplit('/').next()).collect();
        place::library(&files)
    })
}

fn in_folder(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    names.iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(given: &[(&str, &str)]) -> Option<PathBuf> {
        folder_of(&|asked| {
            given.iter().find(|(name, _)| *name == asked).map(|(_, value)| PathBuf::from(value))
        })
    }

    #[test]
    fn the_folder_is_named_or_lies_with_the_users_data() {
        let all = [("WINDLASS_LIB", "/lib-of-mine"), ("XDG_DATA_HOME", "/data"), ("HOME", "/home")];
        assert_eq!(told(&all), Some("/lib-of-mine".into()));
        assert_eq!(told(&all[1..]), Some("/data/windlass/lib".into()));
        assert_eq!(told(&all[2..]), Some("/home/.local/share/windlass/lib".into()));
        let relative = [("XDG_DATA_HOME", "data"), ("HOME", "/home")];
        assert_eq!(told(&relative), Some("/home/.local/share/windlass/lib".into()));
        assert_eq!(told(&[]), None);
    }

    #[test]
    fn a_folder_that_is_held_open_is_shown_by_its_name() {
        use std::os::fd::AsRawFd;
        let folder = std::fs::canonicalize(env!("CARGO_MANIFEST_DIR")).expect("is there");
        let held = std::fs::File::open(&folder).expect("opens");
        let by_descriptor = Path::new(DESCRIPTORS).join(held.as_raw_fd().to_string());
        assert_eq!(shown(&by_descriptor.join("src")), folder.join("src"));
        assert_eq!(shown(Path::new("/usr/lib")), Path::new("/usr/lib"));
    }

    #[test]
    fn the_first_name_that_is_a_file_counts() {
        // What surely lies in a folder: this file.
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let names = ["src", "nothing.so", "src/library.rs", "Cargo.toml"];
        assert_eq!(in_folder(folder, &names), Some(folder.join("src/library.rs")));
        assert_eq!(in_folder(folder, &names[..2]), None);
    }
}
