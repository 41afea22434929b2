//! The folder with the user's models: a file `NAME.model` each.

use crate::{CliError, settings};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use windlass_core::model::is_name;
use windlass_ops::models::Pack;

const SUFFIX: &str = ".model";

/// The user's models.
#[derive(Debug)]
pub(crate) struct Library {
    folder: PathBuf,
}

impl Library {
    /// The folder that the user's environment names.
    pub(super) fn of_user() -> Result<Library, CliError> {
        let given = settings::path_variable("WINDLASS_MODELS");
        let folder = given.or_else(|| {
            let base = settings::path_variable("XDG_DATA_HOME").filter(|path| path.is_absolute());
            let home = || settings::path_variable("HOME").map(|home| home.join(".local/share"));
            base.or_else(home).map(|base| base.join("windlass/models"))
        });
        let nowhere = || CliError::usage("no home folder is known: name one in WINDLASS_MODELS");
        Ok(Library { folder: folder.ok_or_else(nowhere)? })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The names of all models, sorted.
    pub(super) fn names(&self) -> Result<Vec<String>, CliError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| self.failed("list", &error))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(|error| self.failed("list", &error))?.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
            names.extend(name.filter(|name| is_name(name)).map(str::to_owned));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// A model.
    pub(super) fn read(&self, name: &str) -> Result<Pack, CliError> {
        let bytes = match self.path(name).map(fs::read) {
            None => return Err(self.unknown(name)),
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Err(self.unknown(name));
            }
            Some(bytes) => {
                bytes.map_err(|error| CliError::failed(format!("read model {name}: {error}")))?
            }
        };
        Pack::read(bytes).ok_or_else(|| {
            CliError::failed(format!(
                "read model {name}: its file is damaged; `windlass models add --replace` renews it"
            ))
        })
    }

    /// Puts a model in place, whole or not at all.
    pub(super) fn write(&self, name: &str, pack: &Pack) -> Result<(), CliError> {
        let path = self.path(name).ok_or_else(|| self.unknown(name))?;
        let written = windlass_blobs::place(&path, |file| file.write_all(pack.bytes()));
        let synced = written.and_then(|()| fs::File::open(&path)?.sync_all());
        synced.map_err(|error| CliError::failed(format!("write {}: {error}", path.display())))
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), CliError> {
        match self.path(name).map(fs::remove_file) {
            None => Err(self.unknown(name)),
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => Err(self.unknown(name)),
            Some(done) => {
                done.map_err(|error| CliError::failed(format!("remove model {name}: {error}")))
            }
        }
    }

    /// That there is no model of this name, with those that there are.
    pub(super) fn unknown(&self, name: &str) -> CliError {
        let names = self.names().unwrap_or_default();
        let there = match names.is_empty() {
            true => format!("there is none in {}", self.folder.display()),
            false => format!("there are {}", names.join(", ")),
        };
        CliError::usage(format!(
            "there is no model {name:?}, and no folder with one: {there}; \
             `windlass models add DIR|FILE` adds one"
        ))
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        is_name(name).then(|| self.folder.join(format!("{name}{SUFFIX}")))
    }

    fn failed(&self, doing: &str, error: &io::Error) -> CliError {
        CliError::failed(format!("{doing} the models in {}: {error}", self.folder.display()))
    }
}
