//! `windlass call --each`: a call for each line, many of them open at once.

use super::{Asking, attach, place, without_answer};
use crate::arguments::CallArguments;
use crate::{CliError, EXIT_FAILED_FILES, say};
use serde_json::json;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use windlass_client::calls::{Answered, CallsNews};
use windlass_client::cluster::ClusterError;
use windlass_core::calls::CallRequest;

/// Characters of a message about a line, which may be long.
const TOLD_CHARACTER_COUNT: usize = 300;

pub(super) fn call_each(
    asking: Asking,
    arguments: &CallArguments,
    lines: &Path,
) -> Result<u8, CliError> {
    let source: Box<dyn BufRead + Send> = if lines == Path::new("-") {
        Box::new(BufReader::new(io::stdin()))
    } else {
        let opened = open(lines).map_err(|error| {
            CliError::failed(format!("read the calls of --each {}: {error}", lines.display()))
        });
        Box::new(BufReader::new(opened?))
    };
    let place = place(arguments)?;
    let attached = attach(&place)?;
    let requests = requests(source, asking);
    let to = BufWriter::new(io::stdout().lock());
    let mut out = Out { to, json: arguments.json, failed_count: 0 };
    let called = attached.cluster().call_each(requests, &mut |news| out.on(news));
    let called = called.and_then(|()| out.to.flush().map_err(ClusterError::Take));
    attached.stop(&mut || {}, &|| false);
    match called {
        Ok(()) if out.failed_count > 0 => Ok(EXIT_FAILED_FILES),
        Ok(()) => Ok(0),
        // A reader that has seen enough (`| head`) is no error.
        Err(ClusterError::Take(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
        Err(error) => Err(without_answer(&place, error)),
    }
}

/// A folder can be opened as well, and fails only when it is read.
fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    match file.metadata()?.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => Ok(file),
    }
}

/// A line of the calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Line {
    number: usize,
    /// Whether it asks for nothing; it keeps its place in the answers.
    is_blank: bool,
}

/// The calls with their lines. A line whose values make no sense is a call that fails, and so is
/// one that cannot be read, which is the last; a blank one is a call that is not made.
fn requests(
    source: impl BufRead + Send + 'static,
    asking: Asking,
) -> impl Iterator<Item = (Line, Result<CallRequest, String>)> + Send + 'static {
    let mut is_broken = false;
    let lines = source.split(b'\n').take_while(move |line| {
        let follows_a_broken_one = is_broken;
        is_broken = line.is_err();
        !follows_a_broken_one
    });
    (1..).zip(lines).map(move |(number, line)| {
        let is_blank = line.as_ref().is_ok_and(|line| line.trim_ascii().is_empty());
        let request = match line.map(String::from_utf8) {
            Ok(_) if is_blank => Err("the line is empty".to_owned()),
            Ok(Ok(line)) => {
                let values: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
                asking.request(&values).map_err(|error| shortened(&error.text))
            }
            Ok(Err(_)) => Err("the line is not UTF-8".to_owned()),
            Err(error) => Err(format!("the line cannot be read: {error}")),
        };
        (Line { number, is_blank }, request)
    })
}

/// A text for people that may repeat a whole line.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(TOLD_CHARACTER_COUNT) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}

/// What is written of the answers.
struct Out<W> {
    to: W,
    json: bool,
    failed_count: u64,
}

impl<W: Write> Out<W> {
    fn on(&mut self, news: CallsNews<Line>) -> io::Result<()> {
        match news {
            CallsNews::Answer(line, answered) => self.answer(line, answered),
            CallsNews::Pause => self.to.flush(),
        }
    }

    fn answer(&mut self, line: Line, answered: Answered) -> io::Result<()> {
        let Line { number, is_blank } = line;
        if is_blank {
            return match self.json {
                true => writeln!(self.to, "{}", json!({ "line": number, "empty": true })),
                false => self.to.write_all(b"\n"),
            };
        }
        if answered.is_err() {
            self.failed_count += 1;
        }
        match (answered, self.json) {
            (Ok(answer), true) => {
                let answer = String::from_utf8_lossy(&answer);
                writeln!(self.to, "{}", json!({ "line": number, "answer": answer.trim_end() }))
            }
            (Err(why), true) => writeln!(self.to, "{}", json!({ "line": number, "error": why })),
            (Ok(answer), false) => {
                self.to.write_all(answer.trim_ascii_end())?;
                self.to.write_all(b"\n")
            }
            (Err(why), false) => {
                say(&format!("windlass: line {number}: {why}\n"));
                self.to.write_all(b"\n")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize) -> Line {
        Line { number, is_blank: false }
    }

    fn written(json: bool, answers: &[(Line, Answered)]) -> (String, u64) {
        let mut out = Out { to: Vec::new(), json, failed_count: 0 };
        for (line, answered) in answers {
            out.answer(*line, answered.clone()).expect("memory takes all");
        }
        (String::from_utf8(out.to).expect("text"), out.failed_count)
    }

    #[test]
    fn a_line_that_makes_no_sense_is_a_call_that_fails() {
        let spec = windlass_ops::find("factorial").expect("known").spec;
        let asking = Asking { spec, params: Vec::new(), limit_ms: None };
        let lines: &[u8] = b"5\n\nfive\n \xff\n6\n";
        let requests: Vec<_> = requests(lines, asking).collect();
        let told: Vec<(usize, bool, bool)> = requests
            .iter()
            .map(|(line, request)| (line.number, line.is_blank, request.is_ok()))
            .collect();
        let (good, bad) = (|number| (number, false, true), |number| (number, false, false));
        assert_eq!(told, [good(1), (2, true, false), bad(3), bad(4), good(5)]);
    }

    #[test]
    fn a_message_does_not_repeat_a_long_line() {
        assert_eq!(shortened("n=é"), "n=é");
        let long = shortened(&"é".repeat(1_000));
        assert_eq!(long, format!("{} …", "é".repeat(TOLD_CHARACTER_COUNT)));
    }

    #[test]
    fn each_line_has_a_line_also_an_empty_one() {
        let blank = Line { number: 2, is_blank: true };
        let nothing = || Err("the line is empty".to_owned());
        let answers = [
            (line(1), Ok(b"6\n".to_vec())),
            (blank, nothing()),
            (line(3), Err("n: no number".to_owned())),
        ];
        assert_eq!(written(false, &answers), ("6\n\n\n".to_owned(), 1));
        let told = concat!(
            "{\"answer\":\"6\",\"line\":1}\n",
            "{\"empty\":true,\"line\":2}\n",
            "{\"error\":\"n: no number\",\"line\":3}\n"
        );
        assert_eq!(written(true, &answers), (told.to_owned(), 1));
    }

    #[test]
    fn a_folder_has_no_lines() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = open(folder.path()).expect_err("is none");
        assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
    }
}
