//! Does nothing, on purpose: for measuring the system itself.
//!
//! With files it reports each file's size without opening it; with `--param result=copy` it gives
//! each back as it is, so that what remains is the way of the bytes. Without files,
//! `--param count=N` makes N tasks that have neither input nor result, so that what remains is the
//! cost of scheduling. `--param sleep_ms=N` lets every task take that long, to watch workers at
//! work.
//!
//! Result: `{base}_noop.json` with `{"size": bytes}` for a file, or `{base}_noop.bin` with its
//! bytes; nothing for a task without one.

use crate::{Operation, Work};
use std::time::{Duration, Instant};
use windlass_core::Failure;
use windlass_core::catalogue::{Accepts, Cacheable, Home, OperationSpec};
use windlass_core::params::{ParamKind, ParamSpec, Params};

pub(crate) const OPERATION: Operation = Operation {
    spec: &SPEC,
    source: include_str!("noop.rs"),
    run: Some(run),
    is_instant: Some(is_instant),
};

static SPEC: OperationSpec = OperationSpec {
    name: "noop",
    version: 1,
    summary: "do nothing, for measuring",
    accepts: Accepts::FilesOrCount,
    params: &[
        ParamSpec {
            name: "count",
            kind: ParamKind::Int { min: 1, max: 10_000_000 },
            default: None,
            required: false,
            doc: "Without files: how many tasks to make.",
        },
        ParamSpec {
            name: "result",
            kind: ParamKind::Choice(&["size", "copy"]),
            default: Some("size"),
            required: false,
            doc: "Of a file: its size, or the file as it is, up to 32 MB.",
        },
        ParamSpec {
            name: "sleep_ms",
            kind: ParamKind::Int { min: 0, max: 600_000 },
            default: Some("0"),
            required: false,
            doc: "How long each task takes, in milliseconds.",
        },
    ],
    home: Home::Worker,
    cacheable: Cacheable::Never,
    attempt_ms_max: 660_000,
    progress_ms_max: None,
    memory_bytes_max: 64 << 20,
    output_bytes_max: COPY_BYTES_MAX,
    steps: &[],
};

/// Largest file that is given back: it is in memory on its way.
const COPY_BYTES_MAX: u64 = 32 << 20;
/// How soon a sleeping task notices that it is cancelled.
const SLICE: Duration = Duration::from_millis(50);

fn is_instant(params: &Params) -> bool {
    params.text("sleep_ms").is_none_or(|ms| ms == "0")
}

fn run(work: &mut Work<'_>) -> Result<(), Failure> {
    let sleep_ms = work.params.int("sleep_ms").and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0);
    let until = Instant::now() + Duration::from_millis(sleep_ms);
    while Instant::now() < until && !work.output.is_cancelled() {
        std::thread::sleep(SLICE.min(until.saturating_duration_since(Instant::now())));
    }
    if let Some(source) = &mut work.source {
        if work.params.text("result") == Some("copy") {
            let bytes = source.read(COPY_BYTES_MAX)?;
            return work.output.artifact_of("{base}_noop.bin", "application/octet-stream", bytes);
        }
        let json = format!("{{\"size\":{}}}\n", source.size);
        work.output.artifact("{base}_noop.json", "application/json", json.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Output, Source};
    use std::io::Write;
    use windlass_core::BlobId;
    use windlass_core::media::Media;

    struct Cancelled;

    impl Output for Cancelled {
        fn artifact(&mut self, _: &str, _: &str, _: &[u8]) -> Result<(), Failure> {
            panic!("a task without a file has no artifact")
        }

        fn note(&mut self, _: String) {}

        fn progress(&mut self, _: u64, _: u64) {}

        fn is_cancelled(&self) -> bool {
            true
        }
    }

    /// What it gives: names, and bytes.
    #[derive(Default)]
    struct Given(Vec<(String, Vec<u8>)>);

    impl Output for Given {
        fn artifact(&mut self, name: &str, _: &str, bytes: &[u8]) -> Result<(), Failure> {
            self.0.push((name.to_owned(), bytes.to_vec()));
            Ok(())
        }

        fn note(&mut self, _: String) {}

        fn progress(&mut self, _: u64, _: u64) {}
    }

    #[test]
    fn a_file_is_given_back_when_asked_for() {
        let given = |result: &str| {
            let mut file = tempfile::tempfile().expect("a file");
            file.write_all(b"a file").expect("written");
            let hash = Some(BlobId::of(b"a file"));
            let source = Source::new(file, "a.txt".to_owned(), Media::Text, 6, hash);
            let params = Params([("result".to_owned(), result.to_owned())].into());
            let mut given = Given::default();
            run(&mut Work::new(Some(source), &params, &mut given)).expect("ends");
            given.0
        };
        assert_eq!(given("size"), [("{base}_noop.json".to_owned(), b"{\"size\":6}\n".to_vec())]);
        assert_eq!(given("copy"), [("{base}_noop.bin".to_owned(), b"a file".to_vec())]);
    }

    #[test]
    fn a_cancelled_task_does_not_sleep_on() {
        let params = Params([("sleep_ms".to_owned(), "600000".to_owned())].into());
        run(&mut Work::new(None, &params, &mut Cancelled)).expect("ends");
    }

    #[test]
    fn only_what_does_not_sleep_is_instant() {
        let params = |ms: &str| Params([("sleep_ms".to_owned(), ms.to_owned())].into());
        assert!(is_instant(&Params::default()) && is_instant(&params("0")));
        assert!(!is_instant(&params("1")) && !is_instant(&params("soon")));
    }
}
