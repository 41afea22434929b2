//! The operation as its users see it: files built here go in, artifacts and notes come out.

mod docx;
mod pdf;
mod text;

use super::*;
use crate::Source;
use std::io::Write;
use windlass_core::params::Params;

/// What an attempt gave.
#[derive(Default)]
struct Given {
    artifacts: Vec<(String, Vec<u8>)>,
    notes: Vec<String>,
    progress: Vec<(u64, u64)>,
}

impl Output for Given {
    fn artifact(&mut self, name: &str, _: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.artifacts.push((name.to_owned(), bytes.to_vec()));
        Ok(())
    }

    fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    fn progress(&mut self, done: u64, total: u64) {
        self.progress.push((done, total));
    }
}

impl Given {
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
fn process(media: Media, bytes: &[u8]) -> Result<Given, Failure> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let source = Source::new(file, "input".to_owned(), media, bytes.len() as u64, None);
    let (params, mut given) = (Params::default(), Given::default());
    let mut work = Work::new(Some(source), &params, &mut given);
    run(&mut work).map(|()| given)
}

fn read(media: Media, bytes: &[u8]) -> Given {
    process(media, bytes).unwrap()
}

fn refused(media: Media, bytes: &[u8]) -> Failure {
    process(media, bytes).err().expect("the file is refused")
}

#[test]
fn a_locked_office_file_asks_for_its_password() {
    let failure = refused(Media::OfficeLocked, b"\xd0\xcf\x11\xe0");
    assert_eq!(failure.code, "password_required");
}
