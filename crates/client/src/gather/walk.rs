//! Finds the files behind PATHS: folders walked, links followed, patterns expanded, each file once.

use super::{Outcome, Request, pattern};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{DirEntry, Metadata};
use std::io::{Error, ErrorKind};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// A regular file to look at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Candidate {
    /// Absolute, symbolic links unresolved.
    pub(super) path: PathBuf,
    id: FileId,
}

/// What the walk came upon.
pub(super) struct Walked {
    /// Each file once, in order of path.
    pub(super) files: Vec<Candidate>,
    /// What is no file to look at.
    pub(super) outcomes: Vec<Outcome>,
}

/// Device and inode: equal for two paths of one file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct FileId(u64, u64);

impl FileId {
    fn of(metadata: &Metadata) -> FileId {
        FileId(metadata.dev(), metadata.ino())
    }
}

/// Walks everything that the request names; `found` is told the number of files so far. Incomplete
/// once `interrupted` is set.
pub(super) fn walk(
    request: &Request,
    interrupted: &AtomicBool,
    found: &mut dyn FnMut(u64),
) -> Walked {
    let excluded = request.excluded.iter().filter_map(|path| path.metadata().ok());
    let mut walk = Walk {
        excluded: excluded.map(|metadata| FileId::of(&metadata)).collect(),
        folders: BTreeMap::new(),
        links: BTreeSet::new(),
        files: Vec::new(),
        outcomes: Vec::new(),
        interrupted,
        found,
    };
    for path in &request.paths {
        walk.named(path);
    }
    // Linked folders come last, so that what lies inside a walked folder keeps its own path.
    while let Some(link) = walk.links.pop_first() {
        walk.linked_folder(link);
    }
    let Walk { files, mut outcomes, .. } = walk;
    let files = once_each(files, &mut outcomes);
    outcomes.sort_by(|a, b| a.path().cmp(b.path()));
    outcomes.dedup();
    Walked { files, outcomes }
}

struct Walk<'a> {
    excluded: BTreeSet<FileId>,
    /// Folders entered, with the path by which.
    folders: BTreeMap<FileId, PathBuf>,
    /// Symbolic links to folders, still to follow.
    links: BTreeSet<PathBuf>,
    files: Vec<Candidate>,
    outcomes: Vec<Outcome>,
    interrupted: &'a AtomicBool,
    found: &'a mut dyn FnMut(u64),
}

impl Walk<'_> {
    /// A path as the user gave it.
    fn named(&mut self, given: &OsStr) {
        let path = match std::path::absolute(given) {
            Ok(path) => path,
            Err(error) => return self.refuse_named(PathBuf::from(given), &error),
        };
        match path.metadata() {
            Ok(metadata) => self.named_existing(path, &metadata),
            Err(_) if pattern::is_pattern(given) && path.symlink_metadata().is_err() => {
                self.named_pattern(path);
            }
            Err(error) => self.refuse_named(path, &error),
        }
    }

    fn named_existing(&mut self, path: PathBuf, metadata: &Metadata) {
        if !metadata.is_dir() {
            self.file(path, metadata);
        } else if self.excluded.contains(&FileId::of(metadata)) {
            self.skip(path, "the folder of this run's own results or state");
        } else {
            self.folder(path, FileId::of(metadata));
        }
    }

    fn named_pattern(&mut self, pattern: PathBuf) {
        let is_excluded = |path: &Path| {
            path.metadata().is_ok_and(|metadata| self.excluded.contains(&FileId::of(&metadata)))
        };
        let matched = pattern::expand(&pattern, &is_excluded);
        if matched.is_empty() {
            self.outcomes.push(Outcome::Refused {
                path: pattern.into_os_string().into_vec(),
                code: "not_found",
                cause: "no file matches this pattern".to_owned(),
                next_step: "Check the pattern; * stays in one folder, ** goes to any depth."
                    .to_owned(),
            });
        }
        for path in matched {
            match path.metadata() {
                Ok(metadata) => self.named_existing(path, &metadata),
                Err(error) => self.refuse_named(path, &error),
            }
        }
    }

    /// Walks a folder and all below it, without hidden entries.
    fn folder(&mut self, path: PathBuf, id: FileId) {
        let mut open = vec![(path, id)];
        while let Some((folder, id)) = open.pop() {
            if self.interrupted.load(Ordering::Relaxed) {
                return;
            }
            if !self.enter(&folder, id) {
                continue;
            }
            let entries = match std::fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) => {
                    self.refuse_unreadable(folder, "folder", &error);
                    continue;
                }
            };
            for entry in entries {
                match entry {
                    Ok(entry) if entry.file_name().as_bytes().starts_with(b".") => {}
                    Ok(entry) => open.extend(self.entry(&entry)),
                    Err(error) => {
                        self.refuse_unreadable(folder.clone(), "folder", &error);
                        break;
                    }
                }
            }
        }
    }

    /// Notes that a folder is walked; `false` where it is already, or must not be.
    fn enter(&mut self, folder: &Path, id: FileId) -> bool {
        if self.excluded.contains(&id) {
            return false;
        }
        match self.folders.get(&id) {
            None => {
                self.folders.insert(id, folder.to_owned());
                true
            }
            Some(before) => {
                if before != folder {
                    self.skip(folder.to_owned(), "a folder that is taken by another path already");
                }
                false
            }
        }
    }

    /// An entry of a walked folder; a folder is returned to be walked next.
    fn entry(&mut self, entry: &DirEntry) -> Option<(PathBuf, FileId)> {
        let path = entry.path();
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        match path.metadata() {
            Ok(metadata) if !metadata.is_dir() => self.file(path, &metadata),
            Ok(metadata) if !is_link => return Some((path, FileId::of(&metadata))),
            Ok(_) => {
                self.links.insert(path);
            }
            Err(error) if is_link && error.kind() == ErrorKind::NotFound => {
                self.skip(path, "a symbolic link to nothing");
            }
            Err(error) if is_link && is_link_loop(&error) => {
                self.skip(path, "a symbolic link that leads back to itself");
            }
            // Removed since the folder was read.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => self.refuse_unreadable(path, "file", &error),
        }
        None
    }

    fn linked_folder(&mut self, link: PathBuf) {
        let Ok(metadata) = link.metadata() else { return };
        let real = link.canonicalize().unwrap_or_default();
        let parent = link.parent().and_then(|parent| parent.canonicalize().ok());
        if parent.is_some_and(|parent| parent.starts_with(&real)) {
            self.skip(link, "a symbolic link back to a folder that it lies in");
        } else {
            self.folder(link, FileId::of(&metadata));
        }
    }

    fn file(&mut self, path: PathBuf, metadata: &Metadata) {
        if metadata.is_file() {
            self.files.push(Candidate { path, id: FileId::of(metadata) });
            (self.found)(self.files.len() as u64);
        } else {
            self.skip(path, special_name(metadata));
        }
    }

    fn skip(&mut self, path: PathBuf, reason: &str) {
        let path = path.into_os_string().into_vec();
        self.outcomes.push(Outcome::Skipped { path, reason: reason.to_owned() });
    }

    fn refuse_named(&mut self, path: PathBuf, error: &Error) {
        let is_missing = matches!(
            error.kind(),
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidInput
        );
        if !is_missing {
            return self.refuse_unreadable(path, "file", error);
        }
        let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        let cause = if is_link { "a symbolic link to nothing" } else { "no such file or folder" };
        self.outcomes.push(Outcome::Refused {
            path: path.into_os_string().into_vec(),
            code: "not_found",
            cause: cause.to_owned(),
            next_step: "Check the spelling and the folder that you are in.".to_owned(),
        });
    }

    fn refuse_unreadable(&mut self, path: PathBuf, what: &str, error: &Error) {
        self.outcomes.push(unreadable(&path, what, error));
    }
}

/// The outcome of what exists but cannot be read.
pub(super) fn unreadable(path: &Path, what: &str, error: &Error) -> Outcome {
    let (cause, next_step) = match error.kind() {
        ErrorKind::PermissionDenied => (
            format!("no permission to read this {what}"),
            "Give yourself the right to read it (chmod u+r), or run as a user who has it.",
        ),
        _ if is_link_loop(error) => (
            "a symbolic link that leads back to itself".to_owned(),
            "Name the file itself instead of the link.",
        ),
        _ => (
            format!("this {what} cannot be read: {error}"),
            "Check the disk and the network folder, then run the same command again.",
        ),
    };
    Outcome::Refused {
        path: path.as_os_str().as_bytes().to_vec(),
        code: "unreadable",
        cause,
        next_step: next_step.to_owned(),
    }
}

/// `ErrorKind::FilesystemLoop` is not stable yet.
fn is_link_loop(error: &Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// Why something that is neither file nor folder is skipped.
pub(super) fn special_name(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    if kind.is_fifo() {
        "a named pipe, not a file"
    } else if kind.is_socket() {
        "a socket, not a file"
    } else {
        "a device, not a file"
    }
}

/// Sorts by path and keeps one path of each file: hard links are files of their own, names that
/// symbolic links add are not. The real path wins, else the first.
fn once_each(mut files: Vec<Candidate>, outcomes: &mut Vec<Outcome>) -> Vec<Candidate> {
    files.sort_by(|a, b| a.path.as_os_str().as_bytes().cmp(b.path.as_os_str().as_bytes()));
    files.dedup();
    let mut by_id: BTreeMap<FileId, Vec<usize>> = BTreeMap::new();
    for (index, file) in files.iter().enumerate() {
        by_id.entry(file.id).or_default().push(index);
    }
    let mut surplus: BTreeSet<usize> = BTreeSet::new();
    for same in by_id.into_values().filter(|same| same.len() > 1) {
        let mut by_real_path: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
        for index in same {
            let path = &files[index].path;
            let real = path.canonicalize().unwrap_or_else(|_| path.clone());
            by_real_path.entry(real).or_default().push(index);
        }
        for (real, same) in by_real_path {
            let kept = same.iter().find(|&&index| files[index].path == real).unwrap_or(&same[0]);
            surplus.extend(same.iter().filter(|&index| index != kept).copied());
        }
    }
    let mut kept = Vec::with_capacity(files.len() - surplus.len());
    for (index, file) in files.into_iter().enumerate() {
        if surplus.contains(&index) {
            let path = file.path.into_os_string().into_vec();
            let reason = "a file that is taken by another path already".to_owned();
            outcomes.push(Outcome::Skipped { path, reason });
        } else {
            kept.push(file);
        }
    }
    kept
}
