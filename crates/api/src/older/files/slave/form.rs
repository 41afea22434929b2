//! The form of a request to a slave, as Python's `requests` writes one: the kind of work, then the
//! files, which are read from where they lie while they are sent.

use super::super::kinds::Kind;
use crate::node::Node;
use crate::older::unique::unique;
use axum::body::{Body, Bytes};
use std::io::{self, Read};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use windlass_core::media::Media;
use windlass_core::{PhaseId, TaskIndex};
use windlass_wire::BlobHost;

/// Bytes of a file that are read at once, and pieces that wait to be sent.
const PIECE_BYTES: usize = 64 << 10;
const PIECE_COUNT_MAX: usize = 4;

/// A file to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sent {
    /// Its task.
    pub(super) index: TaskIndex,
    pub(super) name: String,
    pub(super) media: Media,
    pub(super) size: u64,
}

/// A form without the files' bytes.
pub(super) struct SlaveForm {
    boundary: String,
    /// What stands before each file.
    heads: Vec<String>,
    end: String,
    file_bytes: u64,
}

impl SlaveForm {
    pub(super) fn new(kind: &Kind, files: &[Sent]) -> SlaveForm {
        // It stands in no file but by chance.
        SlaveForm::with(format!("{:032x}", unique()), kind, files)
    }

    fn with(boundary: String, kind: &Kind, files: &[Sent]) -> SlaveForm {
        let mut before = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"task_type\"\r\n\r\n{}\r\n",
            kind.name
        );
        let mut heads = Vec::with_capacity(files.len());
        for file in files {
            heads.push(format!(
                "{before}--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"; \
                 filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
                kind.field,
                quoted(&file.name),
                file.media.mime()
            ));
            before = "\r\n".to_owned();
        }
        let end = format!("{before}--{boundary}--\r\n");
        let file_bytes = files.iter().map(|file| file.size).sum();
        SlaveForm { boundary, heads, end, file_bytes }
    }

    pub(super) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// Length of all of it.
    pub(super) fn bytes(&self) -> u64 {
        let heads: usize = self.heads.iter().map(String::len).sum();
        (heads + self.end.len()) as u64 + self.file_bytes
    }

    /// All of it, with the inputs of these tasks.
    pub(super) fn body(&self, node: Node, phase: PhaseId, files: &[Sent]) -> Body {
        let (say, said) = mpsc::channel::<io::Result<Bytes>>(PIECE_COUNT_MAX);
        let tasks = files.iter().map(|file| phase.task(file.index));
        let parts: Vec<_> = self.heads.clone().into_iter().zip(tasks).collect();
        let end = self.end.clone();
        // The disk may take its time: it has a thread of its own.
        tokio::task::spawn_blocking(move || {
            for (head, task) in parts {
                if say.blocking_send(Ok(head.into())).is_err() {
                    return;
                }
                let source =
                    node.read_input(task).map_err(|error| io::Error::other(error.to_string()));
                if let Err(error) = source.and_then(|source| send(source, &say)) {
                    let _ = say.blocking_send(Err(error));
                    return;
                }
            }
            let _ = say.blocking_send(Ok(end.into()));
        });
        Body::from_stream(ReceiverStream::new(said))
    }
}

fn send(mut source: impl Read, say: &mpsc::Sender<io::Result<Bytes>>) -> io::Result<()> {
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        let count = source.read(&mut piece)?;
        if count == 0 {
            return Ok(());
        }
        piece.truncate(count);
        say.blocking_send(Ok(piece.into())).map_err(io::Error::other)?;
    }
}

/// A name within quotes, as browsers and Python's `urllib3` write it.
fn quoted(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
    name.replace('"', "%22")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_as_long_as_it_says_and_as_python_writes_it() {
        let file = |index, name: &str, size| {
            let (index, name, media) = (TaskIndex(index), name.to_owned(), Media::Text);
            Sent { index, name, media, size }
        };
        let kind = Kind::of("text").expect("it is one");
        let form =
            SlaveForm::with("b".to_owned(), kind, &[file(0, "a.txt", 3), file(1, "\"é\n", 2)]);
        let whole = format!("{}abc{}de{}", form.heads[0], form.heads[1], form.end);
        let expected = "--b\r\nContent-Disposition: form-data; name=\"task_type\"\r\n\r\ntext\r\n\
             --b\r\nContent-Disposition: form-data; name=\"texts\"; filename=\"a.txt\"\r\n\
             Content-Type: text/plain\r\n\r\nabc\r\n\
             --b\r\nContent-Disposition: form-data; name=\"texts\"; filename=\"%22é_\"\r\n\
             Content-Type: text/plain\r\n\r\nde\r\n--b--\r\n";
        assert_eq!(whole, expected);
        assert_eq!(form.bytes(), whole.len() as u64);
    }
}
