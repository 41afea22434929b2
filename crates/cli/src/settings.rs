//! What the command line means here: folders, choices and parameters, checked before anything
//! starts.

use crate::arguments::AskArguments;
use crate::cluster::SECRETS;
use crate::{CliError, credentials, models};
use rustix::fs::{Access, access};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use windlass_client::gather::{AUTO_OPERATIONS, Choice};
use windlass_client::memorandum::Asked;
use windlass_core::catalogue::{Accepts, OperationSpec};
use windlass_core::params::{ParamKind, Params};

/// The word for "by content" in place of an operation.
const AUTO: &str = "auto";

/// The state folder: the flag, else the variable, else the user's state folder.
pub(crate) fn state_dir(given: Option<&Path>) -> Result<PathBuf, CliError> {
    if let Some(given) = given {
        return absolute(given, "--state");
    }
    if let Some(given) = path_variable("WINDLASS_STATE") {
        return absolute(&given, "WINDLASS_STATE");
    }
    let nowhere = || CliError::usage("no home folder is known: say where with --state DIR");
    home_state().ok_or_else(nowhere)
}

/// The state of who names none.
pub(crate) fn home_state() -> Option<PathBuf> {
    let base = path_variable("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let base = base.or_else(|| path_variable("HOME").map(|home| home.join(".local/state")));
    base.map(|base| base.join("windlass"))
}

/// A folder of the environment; an empty one is none.
pub(crate) fn path_variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Where secrets lie, or may once lie, that a user's commands are not to read: in this state, and
/// in the one of who names none.
pub(crate) fn secret_folders(state: Option<&Path>) -> Vec<PathBuf> {
    let mut states: Vec<PathBuf> = state_dir(state).ok().into_iter().chain(home_state()).collect();
    states.dedup();
    states
        .iter()
        .flat_map(|state| [SECRETS, credentials::FOLDER].map(|folder| state.join(folder)))
        .collect()
}

/// A variable of the environment; an empty one is none.
pub(crate) fn variable(name: &str) -> Result<Option<String>, CliError> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty());
    let no_text = |_| CliError::usage(format!("{name} is no text"));
    value.map(|value| value.into_string().map_err(no_text)).transpose()
}

/// What the user asks for; `None`: only `--failed`, of the newest run whatever it was.
pub(crate) fn asked(arguments: &AskArguments) -> Result<Option<Asked>, CliError> {
    if arguments.failed && arguments.paths.is_empty() && arguments.op == AUTO {
        return Ok(None);
    }
    let choice = choice(arguments)?;
    let params = params(arguments, &choice)?;
    check_files(arguments, &choice)?;
    let paths: Result<Vec<OsString>, CliError> = arguments
        .paths
        .iter()
        .map(|path| absolute(Path::new(path), "PATHS").map(Into::into))
        .collect();
    let (out, fresh) = (absolute(&arguments.out, "--out")?, arguments.fresh);
    Ok(Some(Asked { paths: paths?, choice, params, out, fresh }))
}

/// Every operation's spec.
pub(crate) fn operations() -> Vec<&'static OperationSpec> {
    windlass_ops::OPERATIONS.iter().map(|operation| operation.spec).collect()
}

/// The operations for which this machine lacks something.
pub(crate) fn lacking() -> Vec<&'static str> {
    let lacking = windlass_ops::OPERATIONS.iter().filter(|operation| operation.lack().is_some());
    lacking.map(|operation| operation.spec.name).collect()
}

/// An operation by name, or an error that lists what there is.
pub(crate) fn operation(name: &str) -> Result<&'static windlass_ops::Operation, CliError> {
    windlass_ops::named(name).ok_or_else(|| {
        let names: Vec<&str> = windlass_ops::OPERATIONS.iter().map(|op| op.spec.name).collect();
        let plain: Vec<&str> = windlass_ops::PLAIN_NAMES.iter().map(|(plain, _)| *plain).collect();
        CliError::usage(format!(
            "there is no operation {name:?}: choose {} (or by their plain names {})",
            names.join(", "),
            plain.join(", ")
        ))
    })
}

fn choice(arguments: &AskArguments) -> Result<Choice, CliError> {
    let skip = arguments.skip.iter().map(|name| operation(name).map(|it| it.spec.name.to_owned()));
    let skip = skip.collect::<Result<Vec<String>, CliError>>()?;
    if arguments.op == AUTO {
        return Ok(Choice::Auto { skip });
    }
    if !arguments.skip.is_empty() {
        return Err(CliError::usage("--skip goes with --op auto only"));
    }
    Ok(Choice::One(operation(&arguments.op)?.spec.name.to_owned()))
}

/// Whether files are given where they are wanted, and only there.
fn check_files(arguments: &AskArguments, choice: &Choice) -> Result<(), CliError> {
    let spec = match choice {
        Choice::Auto { .. } => None,
        Choice::One(name) => windlass_ops::find(name).map(|operation| operation.spec),
    };
    if arguments.paths.is_empty() && !spec.is_some_and(OperationSpec::runs_without_files) {
        return Err(CliError::usage(
            "no files given: name files, folders or patterns; `windlass run --help` shows how",
        ));
    }
    match spec.filter(|spec| spec.accepts == Accepts::Nothing && !arguments.paths.is_empty()) {
        Some(OperationSpec { name, .. }) => Err(CliError::usage(format!(
            "--op {name} takes no files: its parameters say everything, \
             `windlass ops show {name}` lists them"
        ))),
        None => Ok(()),
    }
}

/// Values `@FILE` of parameters that are lists of words, replaced by what is in the file: who runs
/// the operation has no such file.
fn with_lists_read(
    mut given: BTreeMap<String, String>,
    specs: &[&OperationSpec],
) -> Result<BTreeMap<String, String>, CliError> {
    let lists = specs.iter().flat_map(|spec| spec.params);
    let lists = lists.filter(|param| param.kind == ParamKind::Words);
    for list in lists {
        let Some(value) = given.get_mut(list.name) else { continue };
        let Some(path) = value.strip_prefix('@') else { continue };
        let read = std::fs::read_to_string(path).map_err(|error| {
            let name = list.name;
            CliError::usage(format!("--param {name}=@{path}: the file cannot be read: {error}"))
        });
        *value = read?;
    }
    Ok(given)
}

/// Names and folders of models, replaced by what says which model it is.
fn with_models_found(
    mut given: BTreeMap<String, String>,
    specs: &[&OperationSpec],
) -> Result<BTreeMap<String, String>, CliError> {
    let params = specs.iter().flat_map(|spec| spec.params);
    for param in params.filter(|param| param.kind == ParamKind::Model) {
        if let Some(value) = given.get_mut(param.name) {
            *value = models::resolved(value)?.to_string();
        }
    }
    Ok(given)
}

/// The parameters, each known to an operation that may run and accepted by all that know it.
fn params(arguments: &AskArguments, choice: &Choice) -> Result<BTreeMap<String, String>, CliError> {
    let given: BTreeMap<String, String> = arguments.params.iter().cloned().collect();
    let may_run: Vec<&OperationSpec> = operations()
        .into_iter()
        .filter(|spec| match choice {
            Choice::One(name) => spec.name == name,
            Choice::Auto { skip } => {
                AUTO_OPERATIONS.contains(&spec.name) && !skip.iter().any(|s| s == spec.name)
            }
        })
        .collect();
    for name in given.keys() {
        if !may_run.iter().any(|spec| spec.params.iter().any(|param| param.name == name)) {
            let known: BTreeSet<&str> =
                may_run.iter().flat_map(|spec| spec.params).map(|param| param.name).collect();
            let known: Vec<&str> = known.into_iter().collect();
            let hint = if known.is_empty() {
                "it takes none".to_owned()
            } else {
                format!("there are {}", known.join(", "))
            };
            let op = &arguments.op;
            return Err(CliError::usage(format!("--op {op} has no parameter {name:?}: {hint}")));
        }
    }
    let given = with_models_found(with_lists_read(given, &may_run)?, &may_run)?;
    for spec in may_run {
        Params::normalise(spec.name, spec.params, &given).map_err(|error| match choice {
            Choice::One(_) => CliError::usage(error.to_string()),
            // Several operations may know it, and not all of them mean the same by it.
            Choice::Auto { .. } => CliError::usage(format!(
                "{}: {error}; name the operation that is meant with --op",
                spec.name
            )),
        })?;
    }
    Ok(given)
}

/// A path from the root on; `argument` is how the user gave it.
pub(crate) fn absolute(path: &Path, argument: &str) -> Result<PathBuf, CliError> {
    if path.as_os_str().is_empty() {
        return Err(CliError::usage(format!(
            "{argument}: an empty path is given, and it names nothing; perhaps a variable is empty"
        )));
    }
    std::path::absolute(path).map_err(|error| {
        // Relative ones need it, and nothing else can fail.
        CliError::failed(format!("{argument}: find {path:?} from the current folder: {error}"))
    })
}

/// Whether results can be put into a folder that may have to be made: better known before the work
/// than after it.
pub(crate) fn check_out(out: &Path) -> Result<(), CliError> {
    let is_missing = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
    };
    let there =
        out.ancestors().find(|path| !path.symlink_metadata().is_err_and(|it| is_missing(&it)));
    let Some(there) = there else { return Ok(()) };
    let why = match there.metadata() {
        Err(error) if is_missing(&error) => format!("is a link that leads nowhere ({error})"),
        Err(error) => format!("cannot be looked at ({error})"),
        Ok(metadata) if !metadata.is_dir() => "is no folder".to_owned(),
        Ok(_) => match access(there, Access::WRITE_OK | Access::EXEC_OK) {
            Err(error) => format!("cannot be written to ({error})"),
            Ok(()) => return Ok(()),
        },
    };
    let (out, there) = (out.display(), there.display());
    Err(CliError::usage(format!("--out {out}: {there} {why}; name another folder for the results")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_path_is_told_with_its_argument() {
        let error = absolute(Path::new(""), "PATHS").expect_err("is none");
        assert!(error.text.starts_with("PATHS: an empty path"), "{error}");
        assert_eq!(error.code, crate::EXIT_USAGE);
    }

    #[test]
    fn results_need_a_folder_and_not_one_that_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("a file");
        for good in [folder.path(), &folder.path().join("a/b/c")] {
            assert!(check_out(good).is_ok(), "{good:?}");
        }
        for bad in [file.clone(), file.join("a/b")] {
            let error = check_out(&bad).expect_err("is none");
            assert!(error.text.contains(&format!("{} is no folder", file.display())), "{error}");
        }
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).expect("a link");
        let error = check_out(&link.join("a")).expect_err("is none");
        assert!(error.text.contains("link is a link that leads nowhere"), "{error}");
        let ring = folder.path().join("ring");
        std::os::unix::fs::symlink("ring", &ring).expect("a link");
        let error = check_out(&ring).expect_err("is none");
        assert!(error.text.contains("ring cannot be looked at"), "{error}");
        let long = folder.path().join("x".repeat(300));
        let error = check_out(&long.join("a")).expect_err("is none");
        assert!(error.text.contains("cannot be looked at"), "{error}");
        // Not even root writes there.
        let error = check_out(Path::new("/proc/1/a")).expect_err("is none");
        assert!(error.text.contains("cannot be written to"), "{error}");
    }
}
