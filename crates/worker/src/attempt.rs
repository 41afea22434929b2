//! One attempt: where its operation's function runs, and what comes of it.

use crate::command;
use crate::earlier::Listed;
use crate::frames::{Answer, Request, Section, SourceFacts};
use crate::health::Health;
use crate::in_worker;
use crate::keeper::Stored;
use crate::memo::{self, Recalled};
use crate::models::Models;
use crate::options::Options;
use crate::outcome::{of_death, of_input};
use crate::parcel::Parcel;
use crate::pulse::Pulse;
use crate::slot::{Job, SlotNews};
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use windlass_core::Failure;
use windlass_core::catalogue::{Home, OperationSpec};
use windlass_core::input::Input;
use windlass_core::limits::ARTIFACT_INLINE_BYTES_MAX;
use windlass_core::manifest::{Artifact, Content, Manifest};
use windlass_core::model::ModelRef;
use windlass_core::session::Ending;
use windlass_ops::Operation;
use windlass_sandbox::{Cancel, Executor, Launcher, Limits, Outcome};

/// Makes the attempts of one slot, with one executor that is started anew after every death.
pub(crate) struct Attempts {
    options: Arc<Options>,
    health: Arc<Health>,
    models: Arc<Models>,
    pulse: Pulse,
    executor: Option<Executor>,
    launcher: Option<Launcher>,
}

/// An attempt without a result.
pub(crate) enum Unfinished {
    Failed(Failure),
    /// Its operation is offered no more.
    Unmade,
}

impl From<Failure> for Unfinished {
    fn from(failure: Failure) -> Unfinished {
        Unfinished::Failed(failure)
    }
}

/// What an attempt made, before its blobs are durable.
pub(crate) struct Made {
    pub(crate) artifacts: Vec<Artifact>,
    pub(crate) notes: Vec<String>,
    pub(crate) parcel: Parcel,
}

/// What came of an attempt.
pub(crate) enum Done {
    /// All is said.
    Ended(Ending),
    /// It has a result that is to be made durable before anybody hears of it.
    Stored(Stored),
}

impl Attempts {
    pub(crate) fn new(
        options: Arc<Options>,
        health: Arc<Health>,
        models: Arc<Models>,
        pulse: Pulse,
    ) -> Attempts {
        Attempts { options, health, models, pulse, executor: None, launcher: None }
    }

    /// Makes one attempt; `tell` hears of it meanwhile.
    pub(crate) fn run(&mut self, job: &Job, cancel: &Cancel, tell: &dyn Fn(SlotNews)) -> Done {
        self.result(job, cancel, tell).unwrap_or_else(|unfinished| {
            Done::Ended(match unfinished {
                Unfinished::Failed(failure) => {
                    Ending::Failed(of_input(failure, job.order.input.as_ref()))
                }
                Unfinished::Unmade => Ending::Unmade,
            })
        })
    }

    /// The task's manifest: of an earlier result where the memo has one, else of a new one.
    fn result(
        &mut self,
        job: &Job,
        cancel: &Cancel,
        tell: &dyn Fn(SlotNews),
    ) -> Result<Done, Unfinished> {
        let began = Instant::now();
        let order = &job.order;
        let Some(operation) = windlass_ops::find(&order.operation) else {
            return Err(Failure::unavailable(
                "operation_unknown",
                format!("this worker does not know the operation {}", order.operation),
                "Run the same version of windlass everywhere.",
            )
            .into());
        };
        let earlier = Listed::of(&self.options.store, &order.outputs)?;
        let key = memo::key(operation, order, job.task.index, &earlier);
        if let Some(key) = key.filter(|_| !order.fresh)
            && let Some(known) = memo::recall(&self.options.store, key)
        {
            return Ok(match known {
                Recalled::Durable(manifest) => Done::Ended(Ending::Succeeded(Some(manifest))),
                Recalled::Stored(stored) => Done::Stored(stored),
            });
        }
        let made = self.make(operation, job, &earlier, cancel, tell)?;
        let Made { artifacts, notes, mut parcel } = made;
        let Some(manifest) = manifest(artifacts, notes, began.elapsed()) else {
            return Ok(Done::Ended(Ending::Succeeded(None)));
        };
        let note = key.map(|key| (key, manifest.size()));
        let manifest = self.options.store.put(manifest.encode(), &mut parcel)?;
        Ok(Done::Stored(Stored { manifest, parcel, note }))
    }

    fn make(
        &mut self,
        operation: &Operation,
        job: &Job,
        earlier: &Listed,
        cancel: &Cancel,
        tell: &dyn Fn(SlotNews),
    ) -> Result<Made, Unfinished> {
        Ok(match operation.spec.home {
            Home::Executor => self.in_executor(operation.spec, job, earlier, cancel, tell)?,
            Home::Worker => {
                let _working = self.pulse.begin();
                in_worker::run(operation, job, earlier, &self.options, cancel)?
            }
            Home::Command if !earlier.is_empty() => return Err(no_file().into()),
            Home::Command => {
                let made = command::run(&self.options, &mut self.launcher, job, cancel);
                self.launcher.iter().for_each(|it| self.health.on_layers(it.layers()));
                made?
            }
        })
    }

    fn in_executor(
        &mut self,
        spec: &OperationSpec,
        job: &Job,
        earlier: &Listed,
        cancel: &Cancel,
        tell: &dyn Fn(SlotNews),
    ) -> Result<Made, Unfinished> {
        let withdrawn = |withdrawal| tell(SlotNews::Withdrawn(withdrawal));
        if self.health.is_withdrawn(spec.name) {
            return Err(Unfinished::Unmade);
        }
        let order = &job.order;
        // Those that build on results of earlier steps have used it there.
        let model = ModelRef::of(spec, &order.params).filter(|_| order.input.is_some());
        let (inputs, earlier_at) = self.inputs(job, earlier, model.as_ref(), cancel)?;
        let output = windlass_sandbox::output_file(&self.options.scratch).map_err(unstartable)?;
        let request = Request {
            operation: order.operation.to_string(),
            params: order.params.as_ref().clone(),
            index: job.task.index.0,
            source: order.input.as_ref().map(facts),
            earlier_at,
            model,
            output_bytes_max: spec.output_bytes_max,
        };
        let frame = request.encode();
        let limits = Limits {
            total: Duration::from_millis(spec.attempt_ms_max),
            progress: spec.progress_ms_max.map(Duration::from_millis),
            memory_bytes: spec.memory_bytes_max,
            output_bytes: spec.output_bytes_max,
        };
        let kept = output.try_clone().map_err(unstartable)?;
        let asked = windlass_sandbox::Request { frame, inputs, output };
        // One that died while idle died of nothing that is asked of it now.
        let alive = self.executor.take().and_then(|mut it| it.is_alive().then_some(it));
        let mut executor = match alive {
            Some(executor) => executor,
            None => self.health.start(&self.options.executor, spec.name, cancel, &withdrawn)?,
        };
        let answer = match executor.run(asked, &limits, &mut |_| tell(SlotNews::Progress), cancel) {
            Outcome::Done(frame) => {
                self.executor = Some(executor);
                let output_bytes = kept.metadata().map_err(unstartable)?.len();
                Answer::decode(&frame, output_bytes)
            }
            Outcome::Died(death) => Err(of_death(&order.operation, &death)),
            Outcome::Cancelled => return Err(cancelled().into()),
        };
        let hash = order.input.as_ref().map(|input| input.hash);
        self.health.on_end(spec.name, hash, &answer).into_iter().for_each(withdrawn);
        let answer = answer?;
        let mut parcel = Parcel::default();
        let artifacts = self.collect(&kept, answer.artifacts, &mut parcel)?;
        Ok(Made { artifacts, notes: answer.notes, parcel })
    }

    /// What an executor is given to read, and where in the first of these files the list of what
    /// earlier phases made begins.
    fn inputs(
        &self,
        job: &Job,
        earlier: &Listed,
        model: Option<&ModelRef>,
        cancel: &Cancel,
    ) -> Result<(Vec<File>, Option<u64>), Failure> {
        let Options { store, scratch, .. } = &*self.options;
        let (input, earlier_at) = match earlier.is_empty() {
            true => (self.options.open_input(job)?, None),
            false => {
                let (file, at) = earlier.bring_with_sizes(store, scratch, cancel)?;
                (Some(file), Some(at))
            }
        };
        let model = model.map(|model| self.models.file(model, store, scratch)).transpose()?;
        Ok((input.into_iter().chain(model).collect(), earlier_at))
    }

    /// The artifacts out of the output file: small ones as they are, large ones as blobs. The
    /// sections were checked to lie within it.
    fn collect(
        &self,
        output: &File,
        sections: Vec<Section>,
        parcel: &mut Parcel,
    ) -> Result<Vec<Artifact>, Failure> {
        let mut offset = 0;
        let mut artifacts = Vec::with_capacity(sections.len());
        for Section { name, media_type, size } in sections {
            let content = content(&self.options, output, offset, size, parcel)?;
            artifacts.push(Artifact { name, media_type, content });
            offset += size;
        }
        Ok(artifacts)
    }
}

/// What lists the artifacts; `None` where there is nothing to list.
fn manifest(artifacts: Vec<Artifact>, notes: Vec<String>, took: Duration) -> Option<Manifest> {
    let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let is_empty = artifacts.is_empty() && notes.is_empty();
    (!is_empty).then_some(Manifest { artifacts, notes, duration_us, from_memo: false })
}

/// A part of an output file as an artifact's content.
pub(crate) fn content(
    options: &Options,
    output: &File,
    offset: u64,
    size: u64,
    parcel: &mut Parcel,
) -> Result<Content, Failure> {
    use std::os::unix::fs::FileExt;
    let inline = usize::try_from(size).ok().filter(|size| *size <= ARTIFACT_INLINE_BYTES_MAX);
    if let Some(size) = inline {
        let mut bytes = vec![0; size];
        output.read_exact_at(&mut bytes, offset).map_err(unstartable)?;
        return Ok(Content::Inline(bytes));
    }
    let id = options.store.put_from(output, offset, size, parcel)?;
    Ok(Content::Blob { id, size })
}

/// Bytes as an artifact's content.
pub(crate) fn stored(
    options: &Options,
    bytes: Vec<u8>,
    parcel: &mut Parcel,
) -> Result<Content, Failure> {
    if bytes.len() <= ARTIFACT_INLINE_BYTES_MAX {
        return Ok(Content::Inline(bytes));
    }
    let size = bytes.len() as u64;
    let id = options.store.put(bytes, parcel)?;
    Ok(Content::Blob { id, size })
}

/// Opens an input where it lies.
pub(crate) fn open(input: &Input) -> Result<File, Failure> {
    let path = Path::new(OsStr::from_bytes(&input.path));
    // Opening a pipe would wait for whoever writes into it.
    let is_file = path.metadata().map(|facts| facts.is_file());
    let opened = match is_file {
        Ok(false) => Err(std::io::Error::other("it is no regular file")),
        Ok(true) => File::open(path),
        Err(error) => Err(error),
    };
    opened.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::rejected(
            "input_gone",
            "the file is no longer there",
            "Put it back, then run again with --failed.",
        ),
        _ => Failure::rejected(
            "input_unreadable",
            format!("the file cannot be opened: {error}"),
            "Check its permissions, then run again with --failed.",
        ),
    })
}

/// What the operation is told of an input.
fn facts(input: &Input) -> SourceFacts {
    SourceFacts {
        name: file_name(input),
        base: base(input),
        media: input.media,
        size: input.size,
        hash: Some(input.hash),
    }
}

/// The file name, for messages.
pub(crate) fn file_name(input: &Input) -> String {
    let name = input.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

/// What its results are named by, as text.
pub(crate) fn base(input: &Input) -> String {
    String::from_utf8_lossy(&input.base).into_owned()
}

/// A user's program is fed a file, not results of earlier phases.
fn no_file() -> Failure {
    Failure::rejected(
        "nothing_to_feed",
        "the command builds on results of earlier phases, and there is no file to feed it",
        "Submit a job whose commands work on files.",
    )
}

/// The attempt was ended on request; nobody reads this but the seat, which drops it.
pub(crate) fn cancelled() -> Failure {
    Failure::unavailable("cancelled", "the attempt was cancelled", "")
}

/// Something of this machine's own is in the way.
pub(crate) fn unstartable(error: impl std::fmt::Display) -> Failure {
    Failure::unavailable(
        "executor_unavailable",
        format!("the attempt cannot be started: {error}"),
        "Check free memory, processes and disk on this machine.",
    )
}
