//! One round: the operation's function over every file, its failures gathered.

use crate::LoopError;
use crate::files::{Input, Outlet};
use crate::model::OpenModel;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use windlass_core::catalogue::OperationSpec;
use windlass_core::params::Params;
use windlass_core::plan::StepInput;
use windlass_core::{Failure, FailureKind};
use windlass_ops::{Source, Work};

/// What is done with each file.
pub(crate) struct Job<'a> {
    pub(crate) spec: &'static OperationSpec,
    pub(crate) function: fn(&mut Work<'_>) -> Result<(), Failure>,
    pub(crate) params: &'a Params,
    pub(crate) model: Option<&'a OpenModel>,
}

impl Job<'_> {
    /// Runs all files once, in order, or what needs none; a bad one harms none of the others. Work
    /// on files that is divided goes step by step.
    pub(crate) fn round(
        &self,
        inputs: &[Input],
        outlet: &mut Outlet,
    ) -> Result<Vec<(PathBuf, Failure)>, LoopError> {
        if self.spec.steps.iter().any(|step| step.input == StepInput::Files) {
            return self.steps(inputs, outlet);
        }
        let mut failures = Vec::new();
        if inputs.is_empty()
            && let Err(failure) = self.attempt(None, outlet)
        {
            failures.push((PathBuf::new(), failure));
        }
        for input in inputs {
            if let Err(failure) = self.one(input, outlet)? {
                failures.push((input.path.clone(), failure));
            }
        }
        Ok(failures)
    }

    fn one(&self, input: &Input, outlet: &mut Outlet) -> Result<Result<(), Failure>, LoopError> {
        outlet.turn_to(&input.path);
        Ok(self.open(input)?.and_then(|source| self.attempt(Some(source), outlet)))
    }

    /// The file, if the operation takes its kind.
    pub(crate) fn open(&self, input: &Input) -> Result<Result<Source, Failure>, LoopError> {
        let source = input.open().map_err(|source| LoopError::File {
            act: "read",
            path: input.path.clone(),
            source,
        })?;
        if !self.spec.accepts_media(source.media) {
            let cause = format!("{} does not take: {}", self.spec.name, source.media.label());
            return Ok(Err(Failure::rejected("media_not_accepted", cause, "")));
        }
        Ok(Ok(source))
    }

    fn attempt(&self, source: Option<Source>, outlet: &mut Outlet) -> Result<(), Failure> {
        self.run(&mut Work::new(source, self.params, outlet))
    }

    /// The function once; a panic is a failure.
    pub(crate) fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let done = catch_unwind(AssertUnwindSafe(|| (self.function)(work)));
        done.unwrap_or_else(|_| {
            Err(Failure::new(FailureKind::Crashed, "panicked", "the operation panicked", ""))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifacts_are_written_and_a_bad_file_is_told() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (good, bad) = (folder.path().join("good.txt"), folder.path().join("empty.txt"));
        std::fs::write(&good, "one two two\n").expect("written");
        std::fs::write(&bad, "").expect("written");
        let out = folder.path().join("out");

        let operation = windlass_ops::find("word_count").expect("a built-in operation");
        let params = Params::normalise("word_count", operation.spec.params, &Default::default())
            .expect("defaults are valid");
        let function = operation.run.expect("word_count is a function");
        let job = Job { spec: operation.spec, function, params: &params, model: None };
        let mut outlet = Outlet::open(Some(&out)).expect("opened");
        let inputs = [good, bad.clone()].map(|path| Input::of(path).expect("looked at"));
        let failures = job.round(&inputs, &mut outlet).expect("ran");

        assert_eq!(failures.len(), 1);
        assert_eq!((&failures[0].0, failures[0].1.code.as_str()), (&bad, "media_not_accepted"));
        let names: Vec<_> = std::fs::read_dir(&out)
            .expect("listed")
            .map(|entry| entry.expect("entry").file_name().into_string().expect("UTF-8"))
            .collect();
        assert!(names.iter().all(|name| name.starts_with("good")), "{names:?}");
        assert!(!names.is_empty());
    }

    #[test]
    fn steps_build_on_each_other_and_only_the_last_ones_write() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let written = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            Input::of(path).expect("looked at")
        };
        let inputs = [written("a.txt", "red wine"), written("b.txt", ""), written("c.txt", "wine")];
        let out = folder.path().join("out");
        let operation = windlass_ops::find("embedding").expect("a built-in operation");
        let params = Params::normalise("embedding", operation.spec.params, &Default::default())
            .expect("defaults are valid");
        let function = operation.run.expect("a function");
        let job = Job { spec: operation.spec, function, params: &params, model: None };
        let mut outlet = Outlet::open(Some(&out)).expect("opened");
        let failures = job.round(&inputs, &mut outlet).expect("ran");
        assert_eq!(failures.len(), 1);
        let read = |name: &str| std::fs::read_to_string(out.join(name)).expect("read");
        assert!(read("a_embedding.json").contains(r#"["red","wine"]"#));
        assert!(read("nearest.json").contains(r#"{"name":"c","nearest":[["a","#));
        assert_eq!(std::fs::read_dir(&out).expect("listed").count(), 3);
    }
}
