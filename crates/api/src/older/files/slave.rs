//! One slave of that service as a worker: `POST /get_task` with a form of files, answered by
//! `{"results": [{"filename", "image_data" | "analysis_data" | …}]}`, base64 of pictures or JSON.
//!
//! It shows no progress: the time for a request is its one limit. A file that is missing from its
//! answer has failed there, and is tried elsewhere.

mod form;
mod results;

use super::kinds::Kind;
use super::together::{Held, Share, Together};
use crate::node::Node;
use crate::older::foreign::{Ended, Order, Piece, Program};
use crate::older::http::{Ask, Target, Unanswered};
use crate::older::known::{Presence, Registered};
use crate::older::signs::{self, AtWork, SIGN_TIME_MAX, Sign};
use axum::body::Bytes;
use axum::http::{Method, StatusCode};
use form::{Sent, SlaveForm};
pub(super) use results::Returned;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use windlass_core::input::Input;
use windlass_core::media::{Media, Sample, sniff};
use windlass_core::older::OLDER_VERSION;
use windlass_core::{Failure, FailureKind, PhaseId, TaskIndex, WorkerName};

/// Longest answer: it is held in memory.
const ANSWER_BYTES_MAX: usize = 256 << 20;
/// What of an answer that is none is told.
const TOLD_BYTES_MAX: usize = 120;

const RETRY: &str = "See what the slave's own log says; the file is tried elsewhere first.";

/// A slave.
pub(super) struct Slave {
    node: Node,
    target: Target,
    name: WorkerName,
    limit: Duration,
    held: Held,
    presence: Presence,
    /// Requests that it is at work on.
    busy: AtomicU32,
}

/// A request without an answer to use.
enum Failing {
    Gone(String),
    Fell(Failure),
    Failed(Failure),
}

impl From<Failing> for Ended {
    fn from(failing: Failing) -> Ended {
        match failing {
            Failing::Gone(why) => Ended::Gone(why),
            Failing::Fell(failure) => Ended::Fell(failure),
            Failing::Failed(failure) => Ended::Failed(failure),
        }
    }
}

impl Program for Slave {
    async fn make(self: Arc<Self>, order: Order) -> Ended {
        let Some(kind) = Kind::of_operation(&order.operation) else { return Ended::NotForIt };
        let made = match kind.is_together {
            true => self.of_all(kind, &order).await,
            false => self.alone(kind, &order).await,
        };
        made.unwrap_or_else(Ended::from)
    }

    fn close(&self, phase: PhaseId) {
        self.held.close(phase);
    }

    fn close_all(&self) {
        self.held.close_all();
    }

    async fn end(self: Arc<Self>) -> String {
        let is_busy = || self.busy.load(Ordering::Relaxed) > 0;
        signs::lack(is_busy, || self.gives_a_sign()).await
    }
}

impl Registered for Slave {
    fn presence(&self) -> &Presence {
        &self.presence
    }

    async fn gives_a_sign(&self) -> Sign {
        match self.target.ask(Ask::get("/check_status", SIGN_TIME_MAX)).await {
            Ok((status, _)) if status.is_success() => Ok(()),
            Ok((status, _)) => Err(format!("{} answers /check_status by {status}", self.target)),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Slave {
    pub(super) fn new(
        node: Node,
        target: Target,
        name: WorkerName,
        limit: Duration,
        together: Arc<Together>,
    ) -> Slave {
        let (held, presence, busy) = (Held::of(together), Presence::new(), AtomicU32::new(0));
        Slave { node, target, name, limit, held, presence, busy }
    }

    /// Has it work on one file.
    async fn alone(&self, kind: &Kind, order: &Order) -> Result<Ended, Failing> {
        let sent = vec![sent(order.task.index, &order.input)];
        let mut returned = self.get_task(kind, order.task.phase_id(), sent).await?;
        match returned.remove(&order.task.index) {
            Some(bytes) => self.piece(kind, bytes),
            None => Err(self.missing(order)),
        }
    }

    /// Has it work on all files of the request, unless that was done for another one of them.
    async fn of_all(&self, kind: &Kind, order: &Order) -> Result<Ended, Failing> {
        let phase = order.task.phase_id();
        let share = self.held.share(phase);
        // Whoever else is about to ask for the same waits here.
        let mut share = share.lock().await;
        if let Some(made) = share.made(order.task.index) {
            return self.piece(kind, made);
        }
        if share.tell_missing(order.task.index, &self.name) {
            return Err(self.missing(order));
        }
        let node = self.node.clone();
        let inputs = tokio::task::spawn_blocking(move || node.inputs(phase)).await;
        let inputs = inputs.map_err(|error| self.failed(&error.to_string()))?;
        let inputs = inputs.map_err(|error| self.failed(&error.to_string()))?;
        let files = (0..).map(TaskIndex).zip(&inputs).map(|(index, input)| sent(index, input));
        let made = self.get_task(kind, phase, files.collect()).await?;
        *share = Share::new(self.name.clone(), made);
        match share.made(order.task.index) {
            Some(made) => self.piece(kind, made),
            None => {
                share.tell_missing(order.task.index, &self.name);
                Err(self.missing(order))
            }
        }
    }

    /// Sends files and reads what it made of each.
    async fn get_task(
        &self,
        kind: &Kind,
        phase: PhaseId,
        files: Vec<Sent>,
    ) -> Result<Returned, Failing> {
        let form = SlaveForm::new(kind, &files);
        let ask = Ask {
            method: Method::POST,
            path: "/get_task".to_owned(),
            content_type: Some(form.content_type()),
            body_bytes: form.bytes(),
            body: form.body(self.node.clone(), phase, &files),
            limit: self.limit,
            answer_bytes_max: ANSWER_BYTES_MAX,
        };
        let at_work = AtWork::new(&self.busy);
        let answered = self.target.ask(ask).await;
        drop(at_work);
        let (status, body) = answered.map_err(|error| self.unanswered(&error))?;
        if !status.is_success() {
            return Err(Failing::Failed(self.failure(&refusal(status, &body))));
        }
        let read = tokio::task::spawn_blocking({
            let (kind, names) = (*kind, files.into_iter().map(|it| (it.index, it.name)).collect());
            move || results::read(&kind, names, &body)
        });
        let read = read.await.map_err(|error| self.failed(&error.to_string()))?;
        read.map_err(|why| Failing::Failed(self.failure(&why)))
    }

    /// What it made of a file as a result.
    fn piece(&self, kind: &Kind, bytes: Vec<u8>) -> Result<Ended, Failing> {
        let name = |suffix: &str| format!("{}.{suffix}", kind.artifact);
        let (name, media_type) = if kind.is_picture() {
            let size = bytes.len() as u64;
            match sniff(&Sample { head: &bytes, tail: &[], size }) {
                media @ Media::Png => (name("png"), media.mime()),
                media @ Media::Jpeg => (name("jpg"), media.mime()),
                media @ Media::WebP => (name("webp"), media.mime()),
                media @ Media::Gif => (name("gif"), media.mime()),
                media @ Media::Bmp => (name("bmp"), media.mime()),
                media @ Media::Tiff => (name("tiff"), media.mime()),
                _ => return Err(self.failed("what it made is no picture")),
            }
        } else {
            match serde_json::from_slice::<serde::de::IgnoredAny>(&bytes) {
                Ok(_) => (name("json"), "application/json"),
                Err(_) => return Err(self.failed("what it made is no JSON")),
            }
        };
        let note = format!(
            "made by {}, a slave of the older file service, by version {OLDER_VERSION} of {}",
            self.target, kind.operation
        );
        Ok(Ended::Made(Piece { name, media_type, bytes }, vec![note]))
    }

    fn missing(&self, order: &Order) -> Failing {
        let what = format!("its answer has nothing about {}", sent_name(&order.input));
        self.failed(&what)
    }

    fn failed(&self, what: &str) -> Failing {
        Failing::Failed(self.failure(what))
    }

    fn failure(&self, what: &str) -> Failure {
        let cause = format!("the slave {}: {what}", self.target);
        Failure::new(FailureKind::Crashed, "older_worker_failed", cause, RETRY)
    }

    fn unanswered(&self, error: &Unanswered) -> Failing {
        let cause = format!("the slave {error}");
        match error {
            Unanswered::Unreached(..) => Failing::Gone(cause),
            Unanswered::Broken(..) => {
                let kind = FailureKind::Crashed;
                Failing::Fell(Failure::new(kind, "older_worker_fell", cause, RETRY))
            }
            Unanswered::Late(..) => {
                let kind = FailureKind::TimedOut;
                Failing::Fell(Failure::new(kind, "older_worker_late", cause, RETRY))
            }
        }
    }
}

/// What an answer says that is none.
fn refusal(status: StatusCode, body: &Bytes) -> String {
    let said = String::from_utf8_lossy(&body[..body.len().min(TOLD_BYTES_MAX)]);
    let said: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("it answered {status}: {said}")
}

fn sent(index: TaskIndex, input: &Input) -> Sent {
    Sent { index, name: sent_name(input), media: input.media, size: input.size }
}

/// The name of a file as a slave gets it: of its own among those of the request.
fn sent_name(input: &Input) -> String {
    let base = String::from_utf8_lossy(&input.base).into_owned();
    let path = String::from_utf8_lossy(&input.path).into_owned();
    let file = path.rsplit('/').next().unwrap_or_default();
    match file.rsplit_once('.') {
        Some((stem, suffix)) if !stem.is_empty() => format!("{base}.{suffix}"),
        _ => base,
    }
}
