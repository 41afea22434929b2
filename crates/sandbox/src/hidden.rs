//! What a command may not read although its user may: the folders of the worker's secrets.
//!
//! Landlock allows from a folder downwards, and excepts nothing. So what lies beside the way
//! to a hidden folder is allowed entry by entry, and looked up again once a folder on that way has
//! changed. What is made there while a command runs, it cannot read.

use crate::landlock::{Files, Handled, READ_BESIDE, Ruleset};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// A folder's time of change moves in steps of the kernel's clock, of at most 10 ms: within two of
/// them, a second change may not show.
const CHANGE_STEP: Duration = Duration::from_millis(20);
/// What is mounted anew changes no folder. Also how long a ruleset is kept for the next command.
pub(crate) const AGE_MAX: Duration = Duration::from_secs(1);

/// The ruleset that each command gets on top of its launcher's: with it, it signals nobody outside
/// and reads nothing hidden.
#[derive(Debug)]
pub(crate) struct Scope {
    hidden: Vec<PathBuf>,
    /// The commands' own, also where what lies beside it cannot be listed.
    own: Vec<PathBuf>,
    landlock_abi: u32,
    made: Option<Made>,
}

#[derive(Debug)]
struct Made {
    ruleset: Option<OwnedFd>,
    way: Vec<Step>,
    began: Instant,
}

/// A folder above a hidden one, as it was before its entries were read.
#[derive(Debug)]
struct Step {
    folder: PathBuf,
    changed: Option<SystemTime>,
    /// Whether another change would show.
    is_settled: bool,
}

impl Scope {
    pub(crate) fn new(landlock_abi: u32, hidden: Vec<PathBuf>, own: Vec<PathBuf>) -> Scope {
        Scope { hidden, own, landlock_abi, made: None }
    }

    /// The ruleset as it is now; `None`: the kernel has nothing for it.
    pub(crate) fn ruleset(&mut self) -> io::Result<Option<BorrowedFd<'_>>> {
        if !self.made.as_ref().is_some_and(Made::is_fresh) {
            self.made = Some(self.make()?);
        }
        Ok(self.made.as_ref().and_then(|made| made.ruleset.as_ref()).map(AsFd::as_fd))
    }

    /// Whether a ruleset is kept for the next command.
    pub(crate) fn is_kept(&self) -> bool {
        self.made.is_some()
    }

    /// Lets the ruleset go. Each file that it names stays on its disk as long as it is there, also
    /// when it is deleted.
    pub(crate) fn forget(&mut self) {
        self.made = None;
    }

    fn make(&self) -> io::Result<Made> {
        let began = Instant::now();
        let handled = Handled {
            files: if self.hidden.is_empty() { Files::Free } else { Files::ReadBeside },
            devices: false,
            tcp: false,
            sockets_outside: false,
            signals_outside: true,
        };
        let mut way = Vec::new();
        let ruleset = Ruleset::new(self.landlock_abi, handled)?;
        if let Some(ruleset) = &ruleset
            && !self.hidden.is_empty()
        {
            // Moving files is the launcher's own ruleset's to forbid.
            ruleset.allow_moves(Path::new("/"))?;
            let hidden: Vec<PathBuf> = self.hidden.iter().map(|path| resolved(path)).collect();
            self.own.iter().try_for_each(|path| ruleset.allow(path, READ_BESIDE))?;
            allow_beside(ruleset, Path::new("/"), &hidden, &mut way)?;
        }
        Ok(Made { ruleset: ruleset.map(Ruleset::into_descriptor), way, began })
    }
}

impl Made {
    fn is_fresh(&self) -> bool {
        let is_same = |step: &Step| step.is_settled && step.changed == changed_at(&step.folder);
        self.way.is_empty() || self.began.elapsed() < AGE_MAX && self.way.iter().all(is_same)
    }
}

impl Step {
    fn at(folder: &Path) -> Step {
        let changed = changed_at(folder);
        let age = changed.and_then(|changed| SystemTime::now().duration_since(changed).ok());
        let is_settled = age.is_some_and(|age| age > CHANGE_STEP);
        Step { folder: folder.to_owned(), changed, is_settled }
    }
}

fn changed_at(folder: &Path) -> Option<SystemTime> {
    folder.metadata().and_then(|data| data.modified()).ok()
}

/// A path without links as far as it is there: what is not there yet is no link.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    for there in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (there.canonicalize(), path.strip_prefix(there)) {
            // Joining nothing would add a slash.
            return if rest.as_os_str().is_empty() { real } else { real.join(rest) };
        }
    }
    path.to_owned()
}

/// Allows reading what is in `folder`, which lies above something hidden, but for that.
fn allow_beside(
    ruleset: &Ruleset,
    folder: &Path,
    hidden: &[PathBuf],
    way: &mut Vec<Step>,
) -> io::Result<()> {
    // Before its entries are read: what comes meanwhile is a change.
    way.push(Step::at(folder));
    let below = |path: &Path| hidden.iter().any(|it| it.starts_with(path));
    let Ok(entries) = std::fs::read_dir(folder) else {
        // A folder that its user may pass but not list: only the way is known.
        let mut next: Vec<&Path> = hidden.iter().filter_map(|it| step_below(folder, it)).collect();
        next.sort();
        next.dedup();
        return next
            .into_iter()
            .filter(|path| !hidden.iter().any(|it| it == path) && path.is_dir())
            .try_for_each(|path| allow_beside(ruleset, path, hidden, way));
    };
    for entry in entries {
        let path = entry?.path();
        match below(&path) {
            true if hidden.contains(&path) => {}
            true => allow_beside(ruleset, &path, hidden, way)?,
            // A link is none: what it leads to is judged by where that lies.
            false => ruleset.allow_entry(&path, READ_BESIDE)?,
        }
    }
    Ok(())
}

/// The entry of `folder` that `path` lies in or is.
fn step_below<'a>(folder: &Path, path: &'a Path) -> Option<&'a Path> {
    path.ancestors().find(|it| it.parent() == Some(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_path_is_resolved_as_far_as_it_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let real = folder.path().canonicalize().expect("is there").join("real");
        std::fs::create_dir(&real).expect("a folder");
        let link = folder.path().join("link");
        symlink(&real, &link).expect("a link");
        assert_eq!(resolved(&link.join("not/there")), real.join("not/there"));
        assert_eq!(resolved(&link), real);
        assert_eq!(resolved(Path::new("/")), Path::new("/"));
    }

    #[test]
    fn the_next_step_of_a_way_is_known_without_a_list() {
        let path = Path::new("/home/user/state/secrets");
        let step = |folder: &str| step_below(Path::new(folder), path).and_then(Path::to_str);
        assert_eq!(step("/home"), Some("/home/user"));
        assert_eq!(step("/home/user/state"), Some("/home/user/state/secrets"));
        assert_eq!(step("/srv"), None);
    }
}
