//! A worker of an older system as an ordinary worker here: a session that its gateway holds for it.
//!
//! It answers calls of one operation, which only its own system's gateway asks for.

use super::BUSY_PAUSE;
use crate::node::Node;
use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use windlass_core::calls::Answering;
use windlass_core::limits::ATTEMPT_MS_MAX;
use windlass_core::params::Params;
use windlass_core::session::{AnswerPiece, Offer, Seat, SeatEffect, SeatEvent, ToMaster, ToWorker};
use windlass_core::{CallId, Failure, FailureKind, Incarnation, Tick, WorkerName};
use windlass_master::{Gone, Session, Unsent};

/// Messages of the master that may wait.
const MESSAGE_COUNT_MAX: usize = 1_024;

/// An answer, or why there is none.
pub(super) type Made = Result<Vec<u8>, Failure>;

/// How a worker is known.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) name: WorkerName,
    /// Where it is, for people.
    pub(super) place: String,
    /// What it does.
    pub(super) operation: &'static str,
}

/// Holds a session until the worker fails, or the master will not have it; answers why.
pub(super) async fn work<F>(
    node: &Node,
    identity: &Identity,
    ask: impl Fn(Params) -> F + Send,
) -> String
where
    F: Future<Output = Made> + Send + 'static,
{
    let (say, mut heard) = mpsc::channel(MESSAGE_COUNT_MAX);
    let deliver = Box::new(move |message| say.try_send(message).map_err(|_| Gone));
    let session = match node.handle.connect_from(&identity.place, deliver) {
        Ok(session) => session,
        Err(error) => return error.to_string(),
    };
    let mut host = Host::new(session, identity);
    let mut events = vec![SeatEvent::Connected];
    loop {
        for event in events.drain(..) {
            if let Err(why) = host.on(event, &ask).await {
                return why;
            }
        }
        let tick = host.next_tick();
        tokio::select! {
            message = heard.recv() => match message {
                Some(message) => events.push(SeatEvent::Message(message)),
                None => return "the master does not want it any more".to_owned(),
            },
            Some(made) = host.at_work.join_next() => {
                // One that was aborted is no longer waited for.
                let Ok((call, made)) = made else { continue };
                if let Some(why) = host.on_made(call, made).await {
                    let _ = host.say(ToMaster::Goodbye).await;
                    return why;
                }
            }
            () = sleep_until(tick) => events.push(SeatEvent::Tick),
        }
    }
}

/// An answer on its way.
struct Open {
    answering: Answering,
    bytes: Vec<u8>,
    work: AbortHandle,
}

struct Host {
    session: Session,
    seat: Seat,
    open: BTreeMap<CallId, Open>,
    at_work: JoinSet<(CallId, Made)>,
    began: Instant,
}

impl Host {
    fn new(session: Session, identity: &Identity) -> Host {
        let offer = Offer {
            operation: identity.operation.to_owned(),
            version: 1,
            attempt_ms_max: ATTEMPT_MS_MAX,
            quiet_ms_max: None,
        };
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let incarnation = Incarnation(u64::try_from(started.as_micros()).unwrap_or(u64::MAX));
        let name = identity.name.clone();
        Host {
            session,
            seat: Seat::new(name, incarnation, false, 1, vec![offer]),
            open: BTreeMap::new(),
            at_work: JoinSet::new(),
            began: Instant::now(),
        }
    }

    fn now(&self) -> Tick {
        Tick(u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn next_tick(&self) -> Instant {
        let deadline = self.seat.next_deadline().unwrap_or(Tick(u64::MAX / 1_000_000));
        self.began + Duration::from_micros(deadline.0).min(Duration::from_secs(86_400))
    }

    async fn on<F>(&mut self, event: SeatEvent, ask: &impl Fn(Params) -> F) -> Result<(), String>
    where
        F: Future<Output = Made> + Send + 'static,
    {
        let mut effects = Vec::new();
        self.seat.on(self.now(), event, &mut effects);
        for effect in effects {
            match effect {
                SeatEffect::Send(message) => self.say(message).await?,
                SeatEffect::Refused(why) => return Err(why),
                SeatEffect::Call(ToWorker::Call { call, params, .. }) => {
                    let work = ask(params);
                    let work = self.at_work.spawn(async move { (call, work.await) });
                    let open = Open { answering: Answering::new(), bytes: Vec::new(), work };
                    self.open.insert(call, open);
                }
                SeatEffect::Call(ToWorker::CallMore { call, taken_bytes }) => {
                    if let Some(open) = self.open.get_mut(&call) {
                        open.answering.on_taken(taken_bytes);
                    }
                    self.send_pieces(call).await?;
                }
                SeatEffect::Call(ToWorker::CallCancelled(call)) => {
                    if let Some(open) = self.open.remove(&call) {
                        open.work.abort();
                    }
                }
                // It has no tasks and no records: nobody but its own gateway asks it.
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes an answer; answers why the worker is given up, where it is.
    async fn on_made(&mut self, call: CallId, made: Made) -> Option<String> {
        let open = self.open.get_mut(&call)?;
        match made {
            Ok(bytes) => {
                open.answering.on_made(bytes.len() as u64);
                open.bytes = bytes;
                self.send_pieces(call).await.err()
            }
            Err(failure) => {
                self.open.remove(&call);
                let why = failure.cause.to_string();
                let is_its_fault = failure.kind != FailureKind::Rejected;
                let said = self.say(ToMaster::CallAnswer { call, answer: Err(failure) }).await;
                said.err().or_else(|| is_its_fault.then_some(why))
            }
        }
    }

    async fn send_pieces(&mut self, call: CallId) -> Result<(), String> {
        loop {
            let Some(open) = self.open.get_mut(&call) else { return Ok(()) };
            let Some((range, is_last)) = open.answering.next_piece() else { return Ok(()) };
            let part = |at: u64| usize::try_from(at).expect("within an answer in memory");
            let bytes = open.bytes[part(range.start)..part(range.end)].to_vec();
            let piece = AnswerPiece { offset: range.start, bytes, is_last };
            if is_last {
                self.open.remove(&call);
            }
            self.say(ToMaster::CallAnswer { call, answer: Ok(piece) }).await?;
        }
    }

    async fn say(&self, message: ToMaster) -> Result<(), String> {
        let mut message = message;
        loop {
            match self.session.try_send(message) {
                Ok(()) => return Ok(()),
                Err(Unsent::Busy(again)) => message = again,
                Err(Unsent::Ended) => return Err("the master has ended".to_owned()),
            }
            sleep(BUSY_PAUSE).await;
        }
    }
}
