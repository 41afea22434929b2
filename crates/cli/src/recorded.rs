//! Whether a folder holds a state, for commands that look at one or change it and never make one.

use crate::{CliError, EXIT_UNREACHABLE};
use rustix::fs::{Access, access};
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The folder in a state that every use of it makes.
const JOURNAL: &str = "journal";

/// Whether there is a state; it is an error where nobody can tell, as in a folder that may not be
/// entered.
pub(crate) fn is_there(state: &Path) -> Result<bool, CliError> {
    let unusable = |why: &str| CliError {
        text: format!("failed to use the state {}: {why}", state.display()),
        code: EXIT_UNREACHABLE,
    };
    match state.join(JOURNAL).metadata() {
        Ok(_) => Ok(true),
        Err(error) => match error.kind() {
            ErrorKind::NotFound => Ok(false),
            ErrorKind::PermissionDenied => Err(unusable(&closed(state))),
            ErrorKind::NotADirectory => {
                Err(unusable("it is no folder; name another state with --state DIR"))
            }
            _ => Err(unusable(&error.to_string())),
        },
    }
}

/// It is an error where nobody can tell whether there is one.
pub(crate) fn check_known(state: &Path) -> Result<(), CliError> {
    is_there(state).map(drop)
}

/// It is an error where there is none.
pub(crate) fn check(state: &Path) -> Result<(), CliError> {
    if is_there(state)? { Ok(()) } else { Err(none(state)) }
}

/// Says that there is none, and how there will be one.
pub(crate) fn none(state: &Path) -> CliError {
    let text = format!(
        "failed to find a state in {}: nothing was run there yet; `windlass up` or `windlass run` \
         makes one, --state DIR names another one",
        state.display()
    );
    CliError { text, code: EXIT_UNREACHABLE }
}

/// Says which folder is in the way, where it is on the path: a link may lead to others.
fn closed(state: &Path) -> String {
    let mut folders =
        state.ancestors().filter_map(|folder| Some((folder, folder.metadata().ok()?)));
    let in_the_way = folders.find(|(folder, _)| access(*folder, Access::EXEC_OK).is_err());
    let why = match in_the_way {
        Some((folder, metadata)) => why_closed(folder, &metadata),
        None => "permission denied".to_owned(),
    };
    format!("{why}; work as its user, or name another state with --state DIR")
}

fn why_closed(folder: &Path, metadata: &Metadata) -> String {
    format!(
        "this user may not enter {}, which belongs to uid {} (mode {:04o}: permission x is missing)",
        folder.display(),
        metadata.uid(),
        metadata.mode() & 0o7777,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_there_once_it_has_a_journal_and_looking_makes_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state");
        let error = check(&state).expect_err("is none");
        assert_eq!(error.code, EXIT_UNREACHABLE);
        assert!(error.text.contains(&state.display().to_string()), "{error}");
        assert!(!state.exists());
        std::fs::create_dir_all(state.join(JOURNAL)).expect("a folder");
        assert!(check(&state).is_ok());
    }

    #[test]
    fn the_folder_in_the_way_is_named_with_whose_it_is() {
        let root = Path::new("/");
        let why = why_closed(root, &root.metadata().expect("is there"));
        assert!(why.contains("may not enter /, which belongs to uid 0 (mode 0"), "{why}");
    }
}
