//! A worker of an older system as an ordinary worker here: a session that its gateway holds for it.
//!
//! It offers operations under names of their own (`core::older`), so that it gets only what came in
//! by its own system's calls. What it is asked a [`Program`] passes on as that system spoke.

mod answers;
mod tasks;

pub(super) use tasks::{Ended, Order, Piece};

use super::BUSY_PAUSE;
use crate::node::Node;
use answers::Answers;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tasks::Tasks;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use windlass_core::params::Params;
use windlass_core::session::{Offer, Seat, SeatEffect, SeatEvent, ToMaster, ToWorker};
use windlass_core::{Failure, Incarnation, PhaseId, Tick, WorkerName, older};
use windlass_master::{Gone, Session, Unsent};

/// Messages of the master that may wait.
const MESSAGE_COUNT_MAX: usize = 1_024;
/// Longest sleep of a session.
const TURN_MAX: Duration = Duration::from_secs(86_400);

/// What of a program's own name for itself is seen.
const SHOWN_CHAR_COUNT_MAX: usize = 40;

/// The name of a worker by what it calls itself, which may be anything.
pub(super) fn worker_name(kind: &str, own: &str) -> WorkerName {
    let plain = |c: char| if c.is_ascii_alphanumeric() || ".-".contains(c) { c } else { '_' };
    let seen: String = own.chars().map(plain).take(SHOWN_CHAR_COUNT_MAX).collect();
    let digits = &blake3::hash(own.as_bytes()).to_hex()[..4];
    WorkerName(format!("older-{kind}-{seen}-{digits}"))
}

/// What a program calls itself, in a line.
pub(super) fn shown(own: &str) -> String {
    let plain = |c: char| if c.is_control() { '_' } else { c };
    own.chars().map(plain).take(SHOWN_CHAR_COUNT_MAX).collect()
}

/// An answer to a call, or why there is none.
pub(super) type Made = Result<Vec<u8>, Failure>;

/// How a worker is known.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) name: WorkerName,
    /// Where it is, for people.
    pub(super) place: String,
    /// What it does, each by the name that operation has here.
    pub(super) operations: Vec<String>,
    /// Attempts that it makes at once.
    pub(super) slots: u32,
    /// How long one may take.
    pub(super) limit: Duration,
}

/// A program of an older system, spoken to as it speaks.
pub(super) trait Program: Send + Sync + 'static {
    /// Answers a call.
    fn answer(self: Arc<Self>, params: Params) -> impl Future<Output = Made> + Send + 'static {
        let _ = params;
        async { Err(Failure::unavailable("no_calls", "it takes no calls", "")) }
    }

    /// Makes a task.
    fn make(self: Arc<Self>, order: Order) -> impl Future<Output = Ended> + Send + 'static {
        let _ = order;
        async { Ended::NotForIt }
    }

    /// Nothing of this phase comes any more.
    fn close(&self, phase: PhaseId) {
        let _ = phase;
    }

    /// Nothing at all comes any more: its session has ended.
    fn close_all(&self) {}

    /// Ends when the program is found gone by something else than what it was asked; says why.
    fn end(self: Arc<Self>) -> impl Future<Output = String> + Send + 'static {
        pending()
    }
}

/// Holds a session until the worker fails, or the master will not have it; answers why.
pub(super) async fn work<P: Program>(node: &Node, identity: &Identity, program: &Arc<P>) -> String {
    let (say, mut heard) = mpsc::channel(MESSAGE_COUNT_MAX);
    let deliver = move |message| say.try_send(message).map_err(|_| Gone);
    let session = match node.handle.connect_from(&identity.place, deliver) {
        Ok(session) => session,
        Err(error) => return error.to_string(),
    };
    let mut host = Host::new(session, node, identity, program);
    let why = host.run(&mut heard, Arc::clone(program).end()).await;
    // Whatever it holds goes to others at once.
    let _ = host.line.say(ToMaster::Goodbye).await;
    drop(host);
    program.close_all();
    why
}

/// What is said to the master.
struct Line(Session);

impl Line {
    async fn say(&self, message: ToMaster) -> Result<(), String> {
        let mut message = message;
        loop {
            match self.0.try_send(message) {
                Ok(()) => return Ok(()),
                Err(Unsent::Busy(again)) => message = again,
                Err(Unsent::Ended) => return Err("the master has ended".to_owned()),
            }
            sleep(BUSY_PAUSE).await;
        }
    }
}

struct Host<P> {
    line: Line,
    seat: Seat,
    program: Arc<P>,
    answers: Answers,
    tasks: Tasks<P>,
    began: Instant,
}

impl<P: Program> Host<P> {
    fn new(session: Session, node: &Node, identity: &Identity, program: &Arc<P>) -> Host<P> {
        let offers = identity.operations.iter().map(|operation| Offer {
            operation: older::offered(operation),
            version: 1,
            attempt_ms_max: u64::try_from(identity.limit.as_millis()).unwrap_or(u64::MAX),
            quiet_ms_max: None,
        });
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let incarnation = Incarnation(u64::try_from(started.as_micros()).unwrap_or(u64::MAX));
        let name = identity.name.clone();
        Host {
            line: Line(session),
            seat: Seat::new(name, incarnation, false, identity.slots, offers.collect()),
            program: Arc::clone(program),
            answers: Answers::default(),
            tasks: Tasks::new(node.clone(), Arc::clone(program), identity.slots),
            began: Instant::now(),
        }
    }

    /// Until the worker fails, or the master will not have it; answers why.
    async fn run(
        &mut self,
        heard: &mut mpsc::Receiver<ToWorker>,
        ending: impl Future<Output = String>,
    ) -> String {
        let mut ending = pin!(ending);
        let mut event = SeatEvent::Connected;
        loop {
            if let Err(why) = self.on(event).await {
                return why;
            }
            let tick = self.next_tick();
            event = tokio::select! {
                message = heard.recv() => match message {
                    Some(message) => SeatEvent::Message(message),
                    None => return "the master does not want it any more".to_owned(),
                },
                Some(made) = self.answers.next() => {
                    if let Err(why) = self.answers.take(made, &self.line).await {
                        return why;
                    }
                    SeatEvent::Tick
                }
                Some(done) = self.tasks.next() => {
                    let tasks::Done { event, gone } = done;
                    if let Some(why) = gone {
                        // What it has still said counts.
                        if let Some(event) = event {
                            let _ = self.on(event).await;
                        }
                        return why;
                    }
                    event.unwrap_or(SeatEvent::Tick)
                }
                why = &mut ending => return why,
                () = sleep_until(tick) => SeatEvent::Tick,
            };
        }
    }

    fn now(&self) -> Tick {
        Tick(u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn next_tick(&self) -> Instant {
        let deadline = self.seat.next_deadline().map(|at| Duration::from_micros(at.0));
        self.began + deadline.map_or(TURN_MAX, |at| at.min(self.began.elapsed() + TURN_MAX))
    }

    async fn on(&mut self, event: SeatEvent) -> Result<(), String> {
        let mut effects = Vec::new();
        self.seat.on(self.now(), event, &mut effects);
        for effect in effects {
            match effect {
                SeatEffect::Send(message) => self.line.say(message).await?,
                SeatEffect::Refused(why) => return Err(why),
                SeatEffect::Call(message) => {
                    self.answers.on(message, &self.program, &self.line).await?;
                }
                SeatEffect::Start { slot, assigned } => self.tasks.start(slot, assigned),
                SeatEffect::Kill(slot) => self.tasks.kill(slot),
                SeatEffect::Note(message) => self.tasks.note(message),
                // It has no records: only its own gateway knows how to ask for those.
                SeatEffect::Records(_) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_worker_names_and_tell_programs_apart() {
        for own in ["localhost:9001", "http://127.0.0.1:9001/", "", "ä\n", &"x".repeat(500)] {
            let name = worker_name("searcher", own).0;
            assert!(name.parse::<WorkerName>().is_ok(), "{name}");
        }
        assert_ne!(worker_name("x", "a/b"), worker_name("x", "a_b"));
    }
}
