//! The tasks of a foreign worker: each slot makes what it was given, one after another. A result is
//! durable before the master hears of it, and no memo keeps it.

use super::Program;
use crate::node::Node;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;
use tokio::task::{AbortHandle, JoinError, JoinSet, spawn_blocking};
use windlass_blobs::{BlobError, Blobs};
use windlass_core::input::Input;
use windlass_core::limits::ARTIFACT_INLINE_BYTES_MAX;
use windlass_core::manifest::{Artifact, Content, Manifest};
use windlass_core::session::{Assigned, Ending, SeatEvent, SlotIndex, ToWorker};
use windlass_core::{BlobId, Failure, FailureKind, PhaseId, TaskId, older};

/// A task in full.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) task: TaskId,
    /// The operation, by the name that it has here.
    pub(crate) operation: String,
    pub(crate) input: Input,
}

/// What a program made of a task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Piece {
    /// See [`Artifact::name`].
    pub(crate) name: String,
    pub(crate) media_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// What came of a task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Ended {
    /// What was made, and what the user should know of it.
    Made(Piece, Vec<String>),
    /// It failed.
    Failed(Failure),
    /// It failed, and the program is to be found anew.
    Fell(Failure),
    /// The program was not there, in these words: it never heard of the task.
    Gone(String),
    /// It is nothing for this program: it goes to others.
    NotForIt,
}

/// News of a slot.
pub(super) struct Done {
    /// What the seat is to hear of it.
    pub(super) event: Option<SeatEvent>,
    /// Why the worker is given up, where it is.
    pub(super) gone: Option<String>,
}

/// How an attempt ended, where it did, and why the worker is given up, where it is.
type Outcome = (Option<Ending>, Option<String>);

/// What the slots have.
pub(super) struct Tasks<P> {
    node: Node,
    program: Arc<P>,
    phases: BTreeMap<PhaseId, String>,
    slots: Vec<Slot>,
    at_work: JoinSet<Outcome>,
}

struct Slot {
    /// What it has; the first is at work.
    queue: VecDeque<Assigned>,
    work: Option<AbortHandle>,
    began: Instant,
}

impl<P: Program> Tasks<P> {
    pub(super) fn new(node: Node, program: Arc<P>, slots: u32) -> Tasks<P> {
        let slot = |_| Slot { queue: VecDeque::new(), work: None, began: Instant::now() };
        let slots = (0..slots).map(slot).collect();
        Tasks { node, program, phases: BTreeMap::new(), slots, at_work: JoinSet::new() }
    }

    /// Keeps or forgets what the master says of a phase.
    pub(super) fn note(&mut self, message: ToWorker) {
        match message {
            ToWorker::Phase { phase, operation, .. } => {
                self.phases.insert(phase, operation);
            }
            ToWorker::PhaseClosed(phase) => {
                self.phases.remove(&phase);
                self.program.close(phase);
            }
            // Where its input is it asks when it begins.
            _ => {}
        }
    }

    /// Makes an attempt, after those that the slot has.
    pub(super) fn start(&mut self, slot: SlotIndex, assigned: Assigned) {
        let position = slot.0 as usize;
        let Some(slot) = self.slots.get_mut(position) else { return };
        slot.queue.push_back(assigned);
        if slot.work.is_none() {
            self.begin(position);
        }
    }

    /// Ends the attempt at work.
    pub(super) fn kill(&self, slot: SlotIndex) {
        let slot = self.slots.get(slot.0 as usize);
        slot.and_then(|slot| slot.work.as_ref()).iter().for_each(|work| work.abort());
    }

    /// The next that ends; `None`: none is at work.
    pub(super) async fn next(&mut self) -> Option<Done> {
        let ended = self.at_work.join_next_with_id().await?;
        let (id, (ending, gone)) = ended.unwrap_or_else(|error| (error.id(), unmade(&error)));
        let is_it = |slot: &Slot| slot.work.as_ref().is_some_and(|work| work.id() == id);
        let Some(position) = self.slots.iter().position(is_it) else {
            return Some(Done { event: None, gone });
        };
        let slot = &mut self.slots[position];
        let took_us = u64::try_from(slot.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        slot.work = None;
        slot.queue.pop_front();
        let slot = SlotIndex(u32::try_from(position).unwrap_or(u32::MAX));
        let event = ending.map(|ending| SeatEvent::Finished { slot, ending, took_us });
        // Before the seat hears of it: it may have the next one killed.
        if gone.is_none() {
            self.begin(position);
        }
        Some(Done { event, gone })
    }

    fn begin(&mut self, position: usize) {
        let slot = &mut self.slots[position];
        let Some(assigned) = slot.queue.front() else { return };
        let task = assigned.task;
        let operation = self.phases.get(&task.phase_id()).cloned();
        slot.began = Instant::now();
        let (node, program) = (self.node.clone(), Arc::clone(&self.program));
        slot.work = Some(self.at_work.spawn(attempt(node, program, task, operation)));
    }
}

/// One that was ended on request, or by a fault here.
fn unmade(error: &JoinError) -> Outcome {
    let ending = match error.is_cancelled() {
        true => Ending::Unmade,
        false => Ending::Failed(Failure::new(
            FailureKind::Crashed,
            "gateway_failed",
            format!("what speaks to the older program failed: {error}"),
            "Report it.",
        )),
    };
    (Some(ending), None)
}

async fn attempt<P: Program>(
    node: Node,
    program: Arc<P>,
    task: TaskId,
    operation: Option<String>,
) -> Outcome {
    let began = Instant::now();
    let order = match order(&node, task, operation).await {
        Ok(order) => order,
        Err(failure) => return (Some(Ending::Failed(failure)), None),
    };
    match program.make(order).await {
        Ended::Made(piece, notes) => {
            let kept = spawn_blocking(move || keep(&node.blobs, piece, notes, began)).await;
            let ending = match kept {
                Ok(Ok(manifest)) => Ending::Succeeded(Some(manifest)),
                Ok(Err(error)) => Ending::Failed(unstored(&error)),
                Err(error) => Ending::Failed(unstored(&error)),
            };
            (Some(ending), None)
        }
        Ended::Failed(failure) => (Some(Ending::Failed(failure)), None),
        Ended::Fell(failure) => {
            let why = failure.cause.clone();
            (Some(Ending::Failed(failure)), Some(why))
        }
        Ended::Gone(why) => (None, Some(why)),
        Ended::NotForIt => (Some(Ending::Unmade), None),
    }
}

async fn order(node: &Node, task: TaskId, operation: Option<String>) -> Result<Order, Failure> {
    let unknown = |what: String| Failure::unavailable("order_incomplete", what, "");
    let operation = operation.ok_or_else(|| unknown("its phase was not told".to_owned()))?;
    let operation = older::meant(&operation).unwrap_or(&operation).to_owned();
    let node = node.clone();
    let input = spawn_blocking(move || node.input(task)).await;
    let input = input.map_err(|error| unknown(error.to_string()))?;
    let input = input.map_err(|error| unknown(error.to_string()))?;
    Ok(Order { task, operation, input })
}

/// Makes a result durable; answers its manifest.
fn keep(
    blobs: &Blobs,
    piece: Piece,
    notes: Vec<String>,
    began: Instant,
) -> Result<BlobId, BlobError> {
    let Piece { name, media_type, bytes } = piece;
    let content = match bytes.len() {
        0..=ARTIFACT_INLINE_BYTES_MAX => Content::Inline(bytes),
        size => Content::Blob { id: blobs.put(&bytes)?, size: size as u64 },
    };
    let artifact = Artifact { name, media_type: media_type.to_owned(), content };
    let duration_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    let artifacts = vec![artifact];
    let manifest = Manifest { artifacts, notes, duration_us, from_memo: false };
    let manifest = blobs.put(&manifest.encode())?;
    blobs.sync()?;
    Ok(manifest)
}

fn unstored(error: &dyn std::fmt::Display) -> Failure {
    Failure::unavailable(
        "store_unavailable",
        format!("the result cannot be stored: {error}"),
        "Free space on the state directory's disk; the task is tried again by itself.",
    )
}
