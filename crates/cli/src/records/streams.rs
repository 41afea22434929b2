//! What can be read only once: pipes and standard input. Their bytes are kept, since the fields are
//! looked for before the rows are read.

use crate::CliError;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";

/// By path, what was read of it, in files without names.
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
    let mut stream: Box<dyn Read> = match path.metadata() {
        _ if path.as_os_str() == STANDARD_INPUT => Box::new(io::stdin().lock()),
        Ok(facts) if !facts.is_file() && !facts.is_dir() => Box::new(File::open(path)?),
        // Whoever opens it tells what is wrong with it.
        _ => return Ok(None),
    };
    let mut kept = tempfile::tempfile()?;
    io::copy(&mut stream, &mut kept)?;
    Ok(Some(kept))
}
