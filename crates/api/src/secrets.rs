//! The authority of a cluster in its state: one file that only its owner reads.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use thiserror::Error;
use windlass_wire::trust::{Authority, AuthorityError};

/// Certificate and key of the authority.
const AUTHORITY_FILE: &str = "authority.pem";
/// The certificate alone, for programs that check it, as `curl --cacert`.
const CERTIFICATE_FILE: &str = "authority.crt";
/// Nobody but the owner.
const OWN_FILE: u32 = 0o600;
const OWN_FOLDER: u32 = 0o700;
/// Bits of everybody else.
const OTHERS: u32 = 0o077;
/// A certificate and a key are about 1 KiB.
const AUTHORITY_BYTES_MAX: u64 = 64 << 10;

/// Secrets that cannot be kept or read.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The system refuses.
    #[error("use {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others may read it.
    #[error(
        "use {}: others than its owner may read it; if nobody has, `chmod 600` it; else remove the \
         folder, start the master again and make new tokens",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// What it holds is no authority.
    #[error("{error}, in {}; restore the file from a copy, or remove it and make new tokens",
        path.display())]
    Bad {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: AuthorityError,
    },
}

/// The authority in this folder; made where there is none.
pub(crate) fn authority(folder: &Path) -> Result<Authority, SecretError> {
    let path = folder.join(AUTHORITY_FILE);
    let failed = |source| SecretError::Io { path: path.clone(), source };
    let bad = |error| SecretError::Bad { path: path.clone(), error };
    match File::open(&path) {
        Ok(file) => {
            let metadata = file.metadata().map_err(failed)?;
            if metadata.permissions().mode() & OTHERS != 0 {
                return Err(SecretError::Exposed { path });
            }
            let mut pem = String::new();
            file.take(AUTHORITY_BYTES_MAX).read_to_string(&mut pem).map_err(failed)?;
            Authority::read(&pem).map_err(bad)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (authority, pem) = Authority::make(SystemTime::now()).map_err(bad)?;
            let made = DirBuilder::new().recursive(true).mode(OWN_FOLDER).create(folder);
            made.map_err(failed)?;
            let certificate = pem.split_inclusive("-----END CERTIFICATE-----").next();
            let certificate = certificate.unwrap_or_default();
            put(folder, CERTIFICATE_FILE, &format!("{certificate}\n")).map_err(failed)?;
            // The last, and whole or not at all: with it the authority is there.
            put(folder, AUTHORITY_FILE, &pem).map_err(failed)?;
            Ok(authority)
        }
        Err(source) => Err(failed(source)),
    }
}

/// Puts a file in place, durable, for its owner alone.
fn put(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let unfinished = folder.join(format!(".{name}.new"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(OWN_FILE);
    let mut file = options.open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(unfinished, folder.join(name))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_made_once_and_read_by_its_owner_alone() {
        let state = tempfile::tempdir().expect("a folder");
        let folder = state.path().join("secrets");
        let made = authority(&folder).expect("is made");
        assert_eq!(authority(&folder).expect("is there").fingerprint(), made.fingerprint());
        let path = folder.join(AUTHORITY_FILE);
        let mode = |path: &Path| path.metadata().expect("is there").permissions().mode();
        assert_eq!((mode(&folder) & 0o777, mode(&path) & 0o777), (OWN_FOLDER, OWN_FILE));
        let public = std::fs::read_to_string(folder.join(CERTIFICATE_FILE)).expect("is there");
        assert!(public.contains("BEGIN CERTIFICATE") && !public.contains("PRIVATE"), "{public}");
        let opened = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(&path, opened).expect("is ours");
        assert!(matches!(authority(&folder), Err(SecretError::Exposed { .. })));
    }

    #[test]
    fn a_damaged_authority_is_an_error_and_not_a_new_one() {
        let state = tempfile::tempdir().expect("a folder");
        authority(state.path()).expect("is made");
        put(state.path(), AUTHORITY_FILE, "nothing").expect("is written");
        let error = authority(state.path()).err().expect("is damaged").to_string();
        assert!(error.contains(AUTHORITY_FILE), "{error}");
    }
}
