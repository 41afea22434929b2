//! What can be read only once: pipes and standard input. Their bytes are kept, since the fields are
//! looked for before the rows are read.

use crate::CliError;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";

/// By path, files without names.
pub(super) type Streams = BTreeMap<PathBuf, File>;

/// Reads those of these files to their ends that are none.
pub(super) fn kept(files: &[PathBuf]) -> Result<Streams, CliError> {
    let mut streams = Streams::new();
    for path in files {
        let kept = read(path);
        let failed = |error| CliError::failed(format!("read {}: {error}", path.display()));
        if let Some(stream) = kept.map_err(failed)? {
            streams.insert(path.clone(), stream);
        }
    }
    Ok(streams)
}

fn read(path: &Path) -> io::Result<Option<File>> {
    let mut kept = tempfile::tempfile()?;
    if path.as_os_str() == STANDARD_INPUT {
        io::copy(&mut io::stdin().lock(), &mut kept)?;
    } else {
        let facts = path.metadata();
        // Files and folders are told of by whoever opens them.
        if facts.is_ok_and(|facts| facts.is_file() || facts.is_dir()) || !path.exists() {
            return Ok(None);
        }
        io::copy(&mut File::open(path)?, &mut kept)?;
    }
    kept.rewind()?;
    Ok(Some(kept))
}
