//! What can be read only once: pipes and standard input. Their bytes are kept, since the fields are
//! looked for before the rows are read.

use crate::CliError;
use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";

/// By path, what was read of it, in files without names.
pub(super) type Streams = BTreeMap<PathBuf, File>;

/// Bytes that are read at once.
const PIECE_BYTES: usize = 256 << 10;

/// Reads those of these files to their ends that are none.
pub(super) fn kept(files: &[PathBuf]) -> Result<Streams, CliError> {
    let paths: Vec<&PathBuf> = files.iter().filter(|path| is_stream(path)).collect();
    // Before one is opened: who opens a pipe waits for somebody who writes.
    for (position, path) in paths.iter().enumerate() {
        if paths[..position].contains(path) {
            let path = path.display();
            return Err(CliError::usage(format!("{path} is given twice, and can be read once")));
        }
    }
    let mut streams = Streams::new();
    for path in paths {
        let stream: Box<dyn Read> = match path.as_os_str() == STANDARD_INPUT {
            true => Box::new(io::stdin().lock()),
            false => Box::new(File::open(path).map_err(unread(path))?),
        };
        streams.insert(path.clone(), keep(stream, path)?);
    }
    Ok(streams)
}

/// Of what is not there, whoever opens it tells.
fn is_stream(path: &Path) -> bool {
    let is_other = |facts: Metadata| !facts.is_file() && !facts.is_dir();
    path.as_os_str() == STANDARD_INPUT || path.metadata().is_ok_and(is_other)
}

fn keep(mut stream: Box<dyn Read>, path: &Path) -> Result<File, CliError> {
    let full = |error| {
        let path = path.display();
        let text = "a temporary folder with more room: TMPDIR=DIR";
        CliError::failed(format!("keep what comes from {path}: {error}; {text}"))
    };
    let mut kept = tempfile::tempfile().map_err(full)?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return Ok(kept),
            Ok(count) => kept.write_all(&piece[..count]).map_err(full)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unread(path)(error)),
        }
    }
}

fn unread(path: &Path) -> impl Fn(io::Error) -> CliError {
    move |error| CliError::failed(format!("read {}: {error}", path.display()))
}
