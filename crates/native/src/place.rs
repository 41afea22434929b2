//! Where a shared library lies, told without opening it: opening runs the library's own code, and
//! whoever only asks whether it is there should not have to trust or pay for that.

use std::path::{Path, PathBuf};

/// What the loader knows of installed libraries (ldconfig(8)).
const CACHE: &str = "/etc/ld.so.cache";
/// Where loaders look without a cache, and where Debian's and Fedora's libraries lie.
const FOLDERS: &[&str] = &[
    "/lib",
    "/usr/lib",
    "/lib64",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
];

/// The file that the loader would open for one of these names, the first one that is there.
pub(crate) fn library(names: &[&str]) -> Option<PathBuf> {
    let cache = std::fs::read(CACHE).unwrap_or_default();
    let asked = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    names.iter().find_map(|name| {
        let asked = std::env::split_paths(&asked).map(|folder| folder.join(name));
        let usual = FOLDERS.iter().map(|folder| Path::new(folder).join(name));
        asked.chain(in_cache(&cache, name)).chain(usual).find(|path| path.is_file())
    })
}

/// The path that the cache holds for a name. Its texts end in a zero byte each; of a library there
/// are two, the name and the path (`struct cache_file_new` of glibc).
fn in_cache(cache: &[u8], name: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let wanted = [b"/", name.as_bytes()].concat();
    let texts = cache.split(|byte| *byte == 0);
    let found = texts.into_iter().find(|text| text.starts_with(b"/") && text.ends_with(&wanted))?;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(found)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_library_stands_in_the_loaders_cache() {
        let cache = b"glibc-ld.so.cache1.1\x03\0\0libz.so.1\0/usr/lib/libz.so.1\0libxz.so.1\0";
        assert_eq!(in_cache(cache, "libz.so.1"), Some(PathBuf::from("/usr/lib/libz.so.1")));
        assert_eq!(in_cache(cache, "z.so.1"), None);
        assert_eq!(in_cache(cache, "libxz.so.1"), None);
        assert_eq!(in_cache(b"", "libz.so.1"), None);
    }

    #[test]
    fn what_is_nowhere_is_not_found() {
        assert_eq!(library(&["libwindlass-nowhere.so.1"]), None);
    }
}
