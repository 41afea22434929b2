//! What is kept of masters on other machines: a client's token for each, a certificate for each
//! worker and master; a file each, that only its user reads.

use crate::CliError;
use serde_json::{Value, json};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use windlass_core::tokens::TokenText;
use windlass_core::{BlobId, WorkerName};
use windlass_wire::Address;
use windlass_wire::trust::WorkerCertificate;

/// Folder in the state.
pub(crate) const FOLDER: &str = "credentials";
/// Version of a worker's file.
const WORKER_VERSION: u64 = 2;
/// What is kept has about 2 KiB.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// Nobody but the owner.
const OWN_FILE: u32 = 0o600;
const OWN_FOLDER: u32 = 0o700;

/// The folder of what is kept.
#[derive(Clone)]
pub(crate) struct Credentials {
    folder: PathBuf,
}

/// A worker's name that no other process of this state takes by itself; dropped, it is free.
#[derive(Debug)]
pub(crate) struct Claim {
    /// Locked.
    _file: File,
}

impl Credentials {
    pub(crate) fn of_state(state: &Path) -> Credentials {
        Credentials { folder: state.join(FOLDER) }
    }

    /// An address has no slash in it.
    fn path_of_client(&self, address: &Address) -> PathBuf {
        self.folder.join(format!("client-{address}"))
    }

    /// A name has neither slash nor `@`.
    fn path_of_worker(&self, name: &WorkerName, address: &Address) -> PathBuf {
        self.folder.join(format!("worker-{name}@{address}"))
    }

    /// The client's token for the master there.
    pub(crate) fn token(&self, address: &Address) -> Result<Option<TokenText>, CliError> {
        let path = self.path_of_client(address);
        let Some(text) = read(&path)? else { return Ok(None) };
        let token = text.trim().parse();
        token.map(Some).map_err(|error| unreadable(&path, &error))
    }

    /// Keeps a client's token; answers where.
    pub(crate) fn keep_token(
        &self,
        address: &Address,
        token: &TokenText,
    ) -> Result<PathBuf, CliError> {
        let path = self.path_of_client(address);
        self.put(&path, &format!("{}\n", token.reveal()))?;
        Ok(path)
    }

    /// The names of workers with a certificate for the master there, sorted.
    pub(crate) fn workers(&self, address: &Address) -> Vec<WorkerName> {
        let address = address.to_string();
        // Without the folder nothing is kept; whatever else is wrong shows when a file is read.
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut names: Vec<WorkerName> = entries
            .filter_map(|entry| {
                let file = entry.file_name().into_string().ok()?;
                let (name, of) = file.strip_prefix("worker-")?.split_once('@')?;
                (of == address).then(|| name.parse().ok()).flatten()
            })
            .collect();
        names.sort();
        names
    }

    /// Claims a worker's name; `None`: another process has it.
    pub(crate) fn claim(&self, name: &WorkerName) -> Result<Option<Claim>, CliError> {
        let path = self.folder.join(format!("worker-{name}.lock"));
        let open = || -> io::Result<File> {
            self.make_folder()?;
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false).mode(OWN_FILE);
            options.open(&path)
        };
        let file = open().map_err(|error| unkept(&path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Claim { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(unkept(&path, &error)),
        }
    }

    /// The certificate of the worker of this name for the master there.
    pub(crate) fn worker(
        &self,
        name: &WorkerName,
        address: &Address,
    ) -> Result<Option<WorkerCertificate>, CliError> {
        let path = self.path_of_worker(name, address);
        let Some(text) = read(&path)? else { return Ok(None) };
        let value: Value =
            serde_json::from_str(&text).map_err(|error| unreadable(&path, &error))?;
        let kept = certificate(&value);
        kept.map(Some)
            .ok_or_else(|| unreadable(&path, &"a field is missing, or of another version"))
    }

    /// Keeps a worker's certificate.
    pub(crate) fn keep_worker(
        &self,
        address: &Address,
        kept: &WorkerCertificate,
    ) -> Result<(), CliError> {
        let value = json!({
            "version": WORKER_VERSION,
            "worker": kept.worker.0,
            "authority": BlobId(kept.authority).to_hex(),
            "token": kept.token.to_string(),
            "renew_at_s": kept.renew_at_s,
            "ends_at_s": kept.ends_at_s,
            "certificate": kept.certificate_pem,
            "key": kept.key_pem,
        });
        self.put(&self.path_of_worker(&kept.worker, address), &format!("{value:#}\n"))
    }

    /// Puts a file in place, whole or not at all.
    fn put(&self, path: &Path, text: &str) -> Result<(), CliError> {
        let put = || -> io::Result<()> {
            self.make_folder()?;
            // Two workers may do so at once.
            let unfinished = self.folder.join(format!(".new-{}", std::process::id()));
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(OWN_FILE);
            let mut file = options.open(&unfinished)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(unfinished, path)
        };
        put().map_err(|error| unkept(path, &error))
    }

    fn make_folder(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(OWN_FOLDER).create(&self.folder)
    }
}

fn certificate(value: &Value) -> Option<WorkerCertificate> {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    if value["version"].as_u64()? != WORKER_VERSION {
        return None;
    }
    Some(WorkerCertificate {
        worker: value["worker"].as_str()?.parse().ok()?,
        authority: BlobId::from_hex(value["authority"].as_str()?)?.0,
        token: value["token"].as_str()?.parse().ok()?,
        renew_at_s: value["renew_at_s"].as_u64()?,
        ends_at_s: value["ends_at_s"].as_u64()?,
        certificate_pem: text("certificate")?,
        key_pem: text("key")?,
    })
}

fn read(path: &Path) -> Result<Option<String>, CliError> {
    let mut text = String::new();
    match File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text)) {
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unkept(path: &Path, why: &io::Error) -> CliError {
    let path = path.display();
    CliError::failed(format!("keep {path}: {why}; name another folder with --state DIR"))
}

fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> CliError {
    let path = path.display();
    CliError::failed(format!("read {path}: {why}; remove it and use a new token"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use windlass_core::tokens::{Role, SECRET_BYTES, TokenId};

    #[test]
    fn what_is_kept_comes_back_and_is_its_users_alone() {
        let state = tempfile::tempdir().unwrap();
        let kept = Credentials::of_state(state.path());
        let address = Address::Tcp("[fd00::2]:5000".to_owned());
        assert_eq!(kept.token(&address).unwrap(), None);
        let (role, id, secret) = (Role::Client, TokenId(7), [1; SECRET_BYTES]);
        let token = TokenText { role, id, secret, authority: [9; 32] };
        let path = kept.keep_token(&address, &token).unwrap();
        assert_eq!(kept.token(&address).unwrap(), Some(token));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let name = WorkerName("w.1".to_owned());
        let certificate = WorkerCertificate {
            worker: name.clone(),
            authority: [3; 32],
            token: id,
            key_pem: "key".to_owned(),
            certificate_pem: "certificate".to_owned(),
            renew_at_s: 5,
            ends_at_s: 9,
        };
        kept.keep_worker(&address, &certificate).unwrap();
        assert_eq!(kept.worker(&name, &address).unwrap(), Some(certificate));
        std::fs::write(kept.path_of_worker(&name, &address), "{}").unwrap();
        assert!(kept.worker(&name, &address).is_err());
    }

    #[test]
    fn names_are_known_by_master_and_claimed_once() {
        let state = tempfile::tempdir().unwrap();
        let kept = Credentials::of_state(state.path());
        let [here, there] = ["10.0.0.1:5000", "[fd00::2]:5000"].map(|place| {
            let address: Address = place.parse().unwrap();
            address
        });
        assert_eq!(kept.workers(&here), []);
        let [a, b] = ["a", "b"].map(|name| WorkerName(name.to_owned()));
        kept.put(&kept.path_of_worker(&b, &here), "").unwrap();
        kept.put(&kept.path_of_worker(&a, &here), "").unwrap();
        kept.put(&kept.path_of_worker(&a, &there), "").unwrap();
        let claim = kept.claim(&a).unwrap();
        assert!(claim.is_some() && kept.claim(&a).unwrap().is_none());
        assert!(kept.claim(&b).unwrap().is_some());
        assert_eq!(kept.workers(&here), [a.clone(), b]);
        assert_eq!(kept.workers(&there), std::slice::from_ref(&a));
        drop(claim);
        assert!(kept.claim(&a).unwrap().is_some());
    }
}
