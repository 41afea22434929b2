//! The operation as its users see it: files built here go in, artifacts and notes come out.

mod books;
mod docx;
mod fonts;
mod hostile;
mod mail;
mod pages;
mod pdf;
mod rich;
mod sheets;
mod slides;
mod text;
mod word;

use super::*;
use crate::Source;
use crate::kept::Kept;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use windlass_core::params::Params;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

impl Kept {
    fn json(&self) -> Value {
        assert_eq!(self.artifacts[0].0, "{base}_document_analysis.json");
        serde_json::from_slice(&self.artifacts[0].1).unwrap()
    }

    fn text(&self) -> &str {
        assert_eq!(self.artifacts[1].0, "{base}.txt");
        std::str::from_utf8(&self.artifacts[1].1).unwrap()
    }
}

/// Runs the operation on a file of these bytes.
fn process(media: Media, bytes: &[u8]) -> Result<Kept, Failure> {
    process_as(media, bytes, &[])
}

/// With parameters.
fn process_as(media: Media, bytes: &[u8], params: &[(&str, &str)]) -> Result<Kept, Failure> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let source = Source::new(file, "input".to_owned(), media, bytes.len() as u64, None);
    let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let (params, mut given) = (Params(params.collect::<BTreeMap<_, _>>()), Kept::default());
    let mut work = Work::new(Some(source), &params, &mut given);
    run(&mut work).map(|()| given)
}

fn read(media: Media, bytes: &[u8]) -> Kept {
    process(media, bytes).unwrap()
}

/// The document as Markdown.
fn markdown(media: Media, bytes: &[u8]) -> String {
    let given = process_as(media, bytes, &[("format", "markdown")]).unwrap();
    assert_eq!(given.artifacts[1].0, "{base}.md");
    String::from_utf8(given.artifacts[1].1.clone()).unwrap()
}

/// The document as JSON.
fn structure(media: Media, bytes: &[u8]) -> Value {
    let given = process_as(media, bytes, &[("format", "json")]).unwrap();
    assert_eq!(given.artifacts[1].0, "{base}.json");
    serde_json::from_slice(&given.artifacts[1].1).unwrap()
}

/// A ZIP archive of these entries.
fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in parts {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn refused(media: Media, bytes: &[u8]) -> Failure {
    process(media, bytes).err().expect("the file is refused")
}

#[test]
fn a_locked_office_file_asks_for_its_password() {
    let failure = refused(Media::OfficeLocked, b"\xd0\xcf\x11\xe0");
    assert_eq!(failure.code, "password_required");
}
