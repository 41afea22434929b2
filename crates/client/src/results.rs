//! The results of a job, wherever its cluster is: listed, fetched one by one, or all exported as a
//! run would have.

use crate::cluster::{Cluster, ClusterError};
use crate::export::{self, Exporter};
use crate::follow::Follower;
use crate::memorandum::Memorandum;
use crate::parallel::try_map;
use crate::report::Report;
use crate::report::text::{printable, reversible};
use crate::run::RunError;
use crate::submission::read_job;
use crate::submitted::{Submission, SubmittedPhase};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use windlass_core::ledger::{FailedTask, TaskState};
use windlass_core::limits::MANIFEST_BYTES_MAX;
use windlass_core::manifest::{Artifact, Base, Bases, Content, Manifest};
use windlass_core::view::{HistoryView, JobView, TaskView};
use windlass_core::{PhaseId, TaskIndex};

/// Tasks whose lists of artifacts are in memory at once.
const COUNT_AT_ONCE: usize = 64;
/// Nobody stops it.
static GOES_ON: AtomicBool = AtomicBool::new(false);

/// The results of one job.
pub struct JobResults<'a> {
    cluster: &'a Cluster,
    phases: BTreeMap<PhaseId, SubmittedPhase>,
    bases: BTreeMap<String, Arc<Bases>>,
}

/// A task of the job, with what it made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaskResult {
    /// The operation: the folder of its results.
    pub operation: String,
    /// The input's path; empty for a task without one.
    pub input: Vec<u8>,
    /// What stands for `{base}` in the names of its artifacts.
    base: Base,
    /// Those of the inputs whose results lie beside it.
    others: Arc<Bases>,
    /// Where it stands.
    pub state: TaskState,
    /// Why it failed, where it did.
    pub failed: Option<FailedTask>,
    /// What it made, main one first; only of a task that succeeded.
    pub artifacts: Vec<Artifact>,
}

impl TaskResult {
    /// The file name of one of its artifacts.
    #[must_use]
    pub fn name(&self, artifact: &Artifact) -> Vec<u8> {
        artifact.file_name_among(&self.base, &self.others)
    }

    /// Which of its artifacts somebody means who says this: a result's name, with its operation's
    /// folder or without, or an input's path or the end of it, as its file name.
    fn meant(&self, said: &Said<'_>) -> Vec<Artifact> {
        if self.is_input(said) {
            return self.artifacts.clone();
        }
        let is_meant = |artifact: &&Artifact| {
            let name = self.name(artifact);
            said.is(&name) || said.is(&[self.operation.as_bytes(), b"/", &name].concat())
        };
        self.artifacts.iter().filter(is_meant).cloned().collect()
    }

    fn is_input(&self, said: &Said<'_>) -> bool {
        let input = &self.input;
        let starts = input.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let mut ends = starts.map(|(at, _)| &input[at + 1..]);
        said.is(input) || ends.any(|end| said.is(end))
    }

    /// Whether it could be meant, as far as that is known without its list of artifacts.
    fn may_be_meant(&self, said: &Said<'_>) -> bool {
        said.has_within(self.base.bytes()) || self.is_input(said)
    }
}

/// A name as somebody gives it: its bytes, or, where it is `escaped`, as it is listed.
struct Said<'s> {
    text: &'s [u8],
    is_escaped: bool,
}

impl<'s> Said<'s> {
    /// The bytes; then, where there may be escapes, what they stand for in a list and in JSON.
    fn readings(text: &'s [u8]) -> impl Iterator<Item = Said<'s>> {
        let may_be_escaped = text.contains(&b'\\');
        let readings = std::iter::once(false).chain(may_be_escaped.then_some(true));
        readings.map(move |is_escaped| Said { text, is_escaped })
    }

    fn is(&self, name: &[u8]) -> bool {
        let escaped = || [printable(name), reversible(name)];
        let is_it = match self.is_escaped {
            false => self.text == name,
            true => escaped().iter().any(|name| self.text == name.as_bytes()),
        };
        is_it && !self.text.is_empty()
    }

    fn has_within(&self, base: &[u8]) -> bool {
        let has = |base: &[u8]| self.text.windows(base.len().max(1)).any(|part| part == base);
        match self.is_escaped {
            false => has(base),
            true => [printable(base), reversible(base)].iter().any(|base| has(base.as_bytes())),
        }
    }
}

impl<'a> JobResults<'a> {
    /// The results of a job as it is now.
    ///
    /// # Errors
    /// The cluster cannot tell what its inputs were.
    pub fn of(cluster: &'a Cluster, job: &JobView) -> Result<JobResults<'a>, RunError> {
        let mut submission = Submission::default();
        read_job(cluster, job, &mut submission)?;
        submission.phases.retain(|_, phase| !phase.is_intermediate);
        let bases = submission.bases();
        Ok(JobResults { cluster, phases: submission.phases, bases })
    }

    /// Shows every task with its artifacts, in order.
    ///
    /// # Errors
    /// The cluster cannot tell, a result is lost, or what `take` fails with.
    pub fn each<E: From<RunError>>(
        &self,
        take: &mut dyn FnMut(TaskResult) -> Result<(), E>,
    ) -> Result<(), E> {
        self.some_of(&|_| true, &mut |results| results.into_iter().try_for_each(&mut *take))
    }

    /// Shows some tasks at a time; of those that are not wanted nothing is read.
    fn some_of<E: From<RunError>>(
        &self,
        is_wanted: &dyn Fn(&TaskResult) -> bool,
        take: &mut dyn FnMut(Vec<TaskResult>) -> Result<(), E>,
    ) -> Result<(), E> {
        for (id, phase) in &self.phases {
            let mut from = TaskIndex(0);
            loop {
                let tasks = self.cluster.tasks(*id, from).map_err(RunError::from)?;
                let Some(last) = tasks.last() else { break };
                from = TaskIndex(last.index.0 + 1);
                let others = self.bases.get(&phase.operation).cloned().unwrap_or_default();
                let results = tasks.iter().map(|view| (view, bare(phase, view, &others)));
                let wanted: Vec<_> = results.filter(|(_, result)| is_wanted(result)).collect();
                for some in wanted.chunks(COUNT_AT_ONCE) {
                    let whole = |(view, result): &(&TaskView, TaskResult)| {
                        let artifacts = self.artifacts(view)?;
                        Ok::<_, RunError>(TaskResult { artifacts, ..result.clone() })
                    };
                    take(try_map(some, whole)?)?;
                }
            }
        }
        Ok(())
    }

    fn artifacts(&self, view: &TaskView) -> Result<Vec<Artifact>, RunError> {
        let Some(id) = view.manifest.filter(|_| view.state == TaskState::Succeeded) else {
            return Ok(Vec::new());
        };
        let bytes = self.cluster.read_blob(id, MANIFEST_BYTES_MAX).map_err(RunError::of_result)?;
        Ok(Manifest::decode(&bytes)?.artifacts)
    }

    /// The tasks and artifacts that are meant by one word, each task with those that are. A name is
    /// given by its bytes, or else as it is listed, with escapes.
    ///
    /// # Errors
    /// As [`JobResults::each`].
    pub fn meant(&self, said: &[u8]) -> Result<Vec<TaskResult>, RunError> {
        let mut found = Vec::new();
        for said in Said::readings(said) {
            let may_be = |result: &TaskResult| result.may_be_meant(&said);
            self.some_of(&may_be, &mut |results| {
                for result in results {
                    let artifacts = result.meant(&said);
                    if !artifacts.is_empty() || result.is_input(&said) {
                        found.push(TaskResult { artifacts, ..result });
                    }
                }
                Ok::<(), RunError>(())
            })?;
            if !found.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    /// Writes all artifacts to `<out>/<operation>/` and shows where they are, in order; see
    /// [`Exporter::export`].
    ///
    /// # Errors
    /// See [`RunError`].
    pub fn write_all(&self, out: &Path, show: &mut dyn FnMut(&Path)) -> Result<(), RunError> {
        let exporter = self.exporter(out);
        self.some_of(&|_| true, &mut |results| write(&exporter, &results, show))
    }

    /// The same of these tasks, and of those of their artifacts that are there.
    ///
    /// # Errors
    /// See [`RunError`].
    pub fn write(
        &self,
        results: &[TaskResult],
        out: &Path,
        show: &mut dyn FnMut(&Path),
    ) -> Result<(), RunError> {
        let exporter = self.exporter(out);
        results.chunks(COUNT_AT_ONCE).try_for_each(|some| write(&exporter, some, show))
    }

    fn exporter(&self, out: &Path) -> Exporter<'a> {
        Exporter::new(self.cluster.origin(), out, &GOES_ON, self.bases.clone())
    }

    /// Writes the bytes of an artifact; what was written is worth nothing when this fails.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn copy(&self, artifact: &Artifact, into: &mut dyn Write) -> Result<(), ClusterError> {
        let mut into = into;
        match &artifact.content {
            Content::Inline(bytes) => into.write_all(bytes).map_err(ClusterError::Take),
            Content::Blob { id, .. } => self.cluster.copy_blob(*id, &mut into),
        }
    }
}

fn write(
    exporter: &Exporter<'_>,
    results: &[TaskResult],
    show: &mut dyn FnMut(&Path),
) -> Result<(), RunError> {
    let export = |result: &TaskResult, manifest: &Manifest| {
        exporter.export(&result.operation, &result.base, manifest)
    };
    let manifest = |result: &TaskResult| {
        let artifacts = result.artifacts.clone();
        Manifest { artifacts, ..Manifest::default() }
    };
    let paths = try_map(results, |result| {
        let manifest = manifest(result);
        let is_alone = exporter.is_better_alone(&manifest);
        (!is_alone).then(|| export(result, &manifest)).transpose()
    })?;
    for (result, paths) in results.iter().zip(paths) {
        let paths = paths.map_or_else(|| export(result, &manifest(result)), Ok)?;
        paths.iter().for_each(|path| show(path));
    }
    Ok(())
}

/// A task before its artifacts are known.
fn bare(phase: &SubmittedPhase, view: &TaskView, others: &Arc<Bases>) -> TaskResult {
    let input = phase.inputs.get(view.index.0 as usize);
    TaskResult {
        operation: phase.operation.clone(),
        input: input.map(|input| input.path.clone()).unwrap_or_default(),
        base: phase.base(view.index),
        others: Arc::clone(others),
        state: view.state,
        failed: view.failure.clone().filter(|_| view.state == TaskState::Failed),
        artifacts: Vec::new(),
    }
}

/// Writes all results that a job has so far to a folder, as the run would have that submitted it;
/// what is there and equal is left alone. The report tells of every task, and of every file that
/// was left out when the job was submitted; its summaries are not written yet.
///
/// # Errors
/// See [`RunError`].
pub fn export_all(
    cluster: &Cluster,
    history: &HistoryView,
    out: &Path,
    current_folder: PathBuf,
) -> Result<Report, RunError> {
    let job = &history.job;
    export::sweep(out);
    for phase in &job.phases {
        export::sweep(&out.join(&phase.spec.operation));
    }
    let mut submission = Submission::default();
    read_job(cluster, job, &mut submission)?;
    let mut follower = Follower::new(cluster, out, submission, &GOES_ON)?;
    follower.catch_up(None)?;
    let step_seconds = follower.step_seconds()?;
    let mut rows = follower.into_rows();
    let memorandum = Memorandum::of(cluster, job)?;
    let unnamed_count = memorandum.as_ref().map_or(0, |it| it.unnamed_count);
    rows.extend(memorandum.into_iter().flat_map(|it| it.left_out));
    rows.sort_by(|a, b| (&a.input, &a.operation).cmp(&(&b.input, &b.operation)));
    let ended_at = job.ended_at.unwrap_or(history.told_at);
    Ok(Report {
        rows,
        step_seconds,
        unnamed_count,
        withdrawn: Vec::new(),
        job_ids: vec![job.id.0],
        wall_seconds: ended_at.0.saturating_sub(job.submitted_at.0) as f64 / 1_000.0,
        out: out.to_path_buf(),
        current_folder,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result() -> TaskResult {
        let artifact = |name: &str| Artifact {
            name: name.to_owned(),
            media_type: "text/plain".to_owned(),
            content: Content::Inline(Vec::new()),
        };
        TaskResult {
            operation: "document".to_owned(),
            input: b"/home/a/report.pdf".to_vec(),
            base: Base::OfInput(b"report".to_vec()),
            others: Arc::default(),
            state: TaskState::Succeeded,
            failed: None,
            artifacts: vec![artifact("{base}.txt"), artifact("{base}.json")],
        }
    }

    /// How many of its artifacts are meant, by the first reading that means some.
    fn count(result: &TaskResult, said: &[u8]) -> usize {
        let count = |said: Said<'_>| {
            let count = result.meant(&said).len();
            let shown = printable(said.text);
            assert!(result.may_be_meant(&said) || count == 0, "{shown} is passed over");
            count
        };
        Said::readings(said).map(count).find(|count| *count > 0).unwrap_or(0)
    }

    #[test]
    fn results_are_meant_by_their_names_or_by_their_input() {
        let count = |said: &str| count(&result(), said.as_bytes());
        assert_eq!(count("report.txt"), 1);
        assert_eq!(count("document/report.json"), 1);
        for input in ["report.pdf", "a/report.pdf", "home/a/report.pdf", "/home/a/report.pdf"] {
            assert_eq!(count(input), 2, "{input}");
        }
        for other in ["", "report", "text/report.txt", "b/report.pdf", "/report.pdf", "x"] {
            assert_eq!(count(other), 0, "{other}");
        }
    }

    #[test]
    fn results_are_meant_by_their_names_as_they_are_listed() {
        let odd = TaskResult {
            input: b"/home/a/b\xff\\\n.pdf".to_vec(),
            base: Base::OfInput(b"b\xff\\\n".to_vec()),
            ..result()
        };
        let (bytes, listed, json) = (b"b\xff\\\n".as_slice(), br"b\xff\\n", b"b\\xff\\\\\n");
        for base in [bytes, listed, json] {
            let said = |before: &[u8], after: &[u8]| [before, base, after].concat();
            let shown = printable(base);
            assert_eq!(count(&odd, &said(b"", b".txt")), 1, "{shown}");
            assert_eq!(count(&odd, &said(b"document/", b".json")), 1, "{shown}");
            assert_eq!(count(&odd, &said(b"", b".pdf")), 2, "{shown}");
            assert_eq!(count(&odd, &said(b"/home/a/", b".pdf")), 2, "{shown}");
            assert_eq!(count(&odd, &said(b"a/", b".pdf")), 2, "{shown}");
            assert_eq!(count(&odd, &said(b"text/", b".txt")), 0, "{shown}");
        }
        let plain = TaskResult { base: Base::OfInput(br"b\xff".to_vec()), ..result() };
        assert_eq!(count(&plain, br"b\xff.txt"), 1, "it is its name");
    }
}
