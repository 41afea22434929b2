//! The seat's thread: joins the pure seat with the connection and the slots.

use crate::calls::{Calls, EndsCalls, Made};
use crate::clock;
use crate::ended::send_ended;
use crate::health::Health;
use crate::keeper::Keeper;
use crate::models::Models;
use crate::options::Options;
use crate::orders::Orders;
use crate::pulse::Pulses;
use crate::shelves::{Desk, Fetch, Fetched, Shelves};
use crate::slot::{Job, Slot, SlotNews};
use crate::store::Store;
use crate::usage::{Threads, UsageMeter};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use windlass_core::AttemptId;
use windlass_core::ids::CallId;
use windlass_core::session::{
    EndedRun, Ending, Held, Offer, Seat, SeatEffect, SeatEvent, SlotIndex, ToMaster, ToWorker,
    Withdrawal,
};
use windlass_ops::Lack;
use windlass_sandbox::Layers;

/// Messages that may wait for the seat's thread.
const INBOX_MESSAGE_COUNT_MAX: usize = 16_384;
/// Messages of one turn; then what ended is said.
const TURN_MESSAGE_COUNT_MAX: usize = 1_024;
/// Longest sleep of the seat's thread.
const TURN_MAX: Duration = Duration::from_secs(1);

/// The other side is gone, or does not keep up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gone;

/// Says something to the master; several threads may at once.
pub type Send = Arc<dyn Fn(ToMaster) -> Result<(), Gone> + std::marker::Send + Sync>;

/// A running worker.
pub struct Worker {
    inbox: SyncSender<Inbox>,
    calls: Arc<Calls>,
    desk: Arc<Desk>,
    turning: Option<JoinHandle<()>>,
    health: Arc<Health>,
}

pub(crate) enum Inbox {
    Attach(Send),
    Master(ToWorker),
    Slot(SlotIndex, SlotNews),
    Call(CallId, Made),
    /// Nobody hears what is said there.
    Unheard(Send),
    /// The result of a made attempt is durable, or could not be kept.
    Kept(AttemptId, Ending),
    /// A shard of a record set was fetched, or could not be.
    Fetched(Fetch, Fetched),
    Stop,
}

impl Worker {
    /// Starts the threads; the executors start with the first work.
    #[must_use]
    pub fn start(options: Options) -> Worker {
        let (inbox, messages) = sync_channel(INBOX_MESSAGE_COUNT_MAX);
        let to_self = inbox.clone();
        let health = Arc::new(Health::default());
        let of_slots = Arc::clone(&health);
        let threads = Threads::default();
        let calls = Arc::new(Calls::new(options.slots, inbox.clone(), threads.clone()));
        let (of_seat, desk) = (Arc::clone(&calls), Arc::<Desk>::default());
        let desk_too = Arc::clone(&desk);
        let turning = thread::spawn(move || {
            // Also when it panics: a master may not wait for what nobody says any more.
            let _calls = EndsCalls(Arc::clone(&of_seat));
            Host::new(options, &of_slots, &to_self, of_seat, desk_too, threads).run(&messages);
        });
        Worker { inbox, calls, desk, turning: Some(turning), health }
    }

    /// What confines its children, where a layer is missing; known once the first one is ready.
    #[must_use]
    pub fn incomplete_layers(&self) -> Option<Layers> {
        self.health.incomplete_layers()
    }

    /// Takes what the master says; never blocks.
    pub fn deliverer(
        &self,
    ) -> impl Fn(ToWorker) -> Result<(), Gone> + std::marker::Send + Sync + use<> {
        let inbox = self.inbox.clone();
        let (calls, desk) = (Arc::clone(&self.calls), Arc::clone(&self.desk));
        let take = move |message| desk.take(calls.take(message)?, || calls.line());
        move |message| match take(message) {
            Some(message) => inbox.try_send(Inbox::Master(message)).map_err(|_| Gone),
            None => Ok(()),
        }
    }

    /// Gives it a connection; it introduces itself.
    pub fn attach(&self, send: Send) {
        let _ = self.inbox.send(Inbox::Attach(send));
    }

    /// Ends it: running attempts are killed, their tasks stay open.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.inbox.send(Inbox::Stop);
        if let Some(turning) = self.turning.take() {
            let _ = turning.join();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}

struct Host {
    seat: Seat,
    orders: Orders,
    slots: Vec<Slot>,
    keeper: Keeper,
    store: Store,
    calls: Arc<Calls>,
    shelves: Shelves,
    usage: UsageMeter,
    pulses: Pulses,
    send: Option<Send>,
    /// What this turn has to say of ended attempts: said at once, neighbours as one run.
    ended: Vec<EndedRun>,
    effects: Vec<SeatEffect>,
}

impl Host {
    fn new(
        options: Options,
        health: &Arc<Health>,
        inbox: &SyncSender<Inbox>,
        calls: Arc<Calls>,
        desk: Arc<Desk>,
        threads: Threads,
    ) -> Host {
        let named = &options.operations;
        let is_meant = |name: &str| named.is_empty() || named.iter().any(|it| it == name);
        let meant = windlass_ops::OPERATIONS.iter().filter(|it| is_meant(it.spec.name));
        let offers = meant.clone().map(|operation| Offer {
            operation: operation.spec.name.to_owned(),
            version: operation.spec.version,
            attempt_ms_max: operation.spec.attempt_ms_max,
            quiet_ms_max: operation.spec.progress_ms_max,
        });
        let mut seat = Seat::new(
            options.name.clone(),
            options.incarnation,
            options.in_process,
            options.slots,
            offers.collect(),
        )
        .serving(options.pins.clone());
        let lacking = meant.filter_map(|operation| {
            let Lack { what, install } = operation.lack()?;
            let cause = format!("a look for what it needs: {what} ({install})");
            Some(Withdrawal::new(operation.spec.name.to_owned(), cause))
        });
        // Before it is connected there is nothing to say yet.
        lacking.for_each(|it| seat.on(clock::tick(), SeatEvent::Withdrawn(it), &mut Vec::new()));
        let store = options.store.clone();
        let options = Arc::new(options);
        threads.enter();
        let keeper = Keeper::start(store.clone(), inbox.clone(), threads.clone());
        let models = Arc::new(Models::default());
        let slot = |index| {
            let (options, health) = (Arc::clone(&options), Arc::clone(health));
            let (models, keeper) = (Arc::clone(&models), keeper.receiver());
            let (inbox, threads) = (inbox.clone(), threads.clone());
            Slot::start(SlotIndex(index), options, health, models, inbox, keeper, threads)
        };
        let shelves = Shelves::new(store.clone(), inbox.clone(), desk, threads.clone());
        let usage = UsageMeter::new(options.in_process.then(|| threads.clone()));
        let slots: Vec<Slot> = (0..options.slots).map(slot).collect();
        Host {
            seat,
            orders: Orders::default(),
            pulses: Pulses::new(slots.iter().map(|slot| slot.pulse.clone())),
            slots,
            keeper,
            calls,
            shelves,
            usage,
            store,
            send: None,
            ended: Vec::new(),
            effects: Vec::new(),
        }
    }

    fn run(mut self, messages: &Receiver<Inbox>) {
        while self.turn(messages) {}
        // Slots block on a full inbox otherwise, and could not be joined.
        self.slots.iter().for_each(Slot::kill_all);
        let beside: Vec<JoinHandle<()>> =
            self.calls.stop().into_iter().chain(self.shelves.stop()).collect();
        let Host { slots, keeper, .. } = self;
        let ending = thread::spawn(move || {
            slots.into_iter().for_each(Slot::join);
            keeper.join();
            beside.into_iter().for_each(|thread| drop(thread.join()));
        });
        while !ending.is_finished() {
            let _ = messages.recv_timeout(Duration::from_millis(1));
        }
    }

    /// Waits for a message and takes whatever else has arrived; `false`: this worker is to end.
    fn turn(&mut self, messages: &Receiver<Inbox>) -> bool {
        let first = match messages.recv_timeout(self.sleep()) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return false,
        };
        for slot in self.pulses.moved(Instant::now()) {
            self.tell(SeatEvent::Progress(slot));
        }
        if first.is_none() {
            self.tell(SeatEvent::Tick);
        }
        let others = std::iter::from_fn(|| messages.try_recv().ok());
        let mut goes_on = true;
        for message in first.into_iter().chain(others).take(TURN_MESSAGE_COUNT_MAX) {
            match self.event(message) {
                Some(event) => self.tell(event),
                None => goes_on = false,
            }
        }
        self.say_ended();
        goes_on
    }

    /// What a message means to the seat; `None`: this worker is to end.
    fn event(&mut self, message: Inbox) -> Option<SeatEvent> {
        Some(match message {
            Inbox::Stop => return None,
            Inbox::Attach(send) => {
                self.send = Some(send);
                // The seat says it again in the new session; of calls there nobody knows.
                self.ended.clear();
                self.calls.end_all();
                self.shelves.on_connected();
                SeatEvent::Connected
            }
            Inbox::Master(message) => SeatEvent::Message(message),
            Inbox::Slot(_, SlotNews::Withdrawn(withdrawal)) => SeatEvent::Withdrawn(withdrawal),
            Inbox::Slot(slot, SlotNews::Progress) => SeatEvent::Progress(slot),
            Inbox::Slot(slot, SlotNews::Finished(ending, took_us)) => {
                self.slots[slot.0 as usize].on_finished();
                SeatEvent::Finished { slot, ending, took_us }
            }
            Inbox::Call(call, made) => {
                let said = self.calls.on_made(call, made);
                if self.say_all(said) { SeatEvent::Tick } else { SeatEvent::Disconnected }
            }
            Inbox::Unheard(line) => {
                let is_it = |send: &Send| Arc::ptr_eq(send, &line);
                match self.send.take_if(|send| is_it(send)) {
                    Some(_) => SeatEvent::Disconnected,
                    None => SeatEvent::Tick,
                }
            }
            Inbox::Slot(slot, SlotNews::Made(took_us)) => {
                self.slots[slot.0 as usize].on_finished();
                SeatEvent::Made { slot, took_us }
            }
            Inbox::Kept(attempt, ending) => SeatEvent::Kept { attempt, ending },
            Inbox::Fetched(fetch, fetched) => {
                let said = self.shelves.on_fetched(fetch, fetched);
                // Without a connection nobody needs to know: it is said again in the next session.
                if self.send.is_none() || self.say_all(said) {
                    SeatEvent::Tick
                } else {
                    SeatEvent::Disconnected
                }
            }
        })
    }

    fn sleep(&self) -> Duration {
        let deadline = self.seat.next_deadline();
        let wait = deadline.map(|at| Duration::from_micros(at.0.saturating_sub(clock::tick().0)));
        wait.unwrap_or(TURN_MAX).min(TURN_MAX)
    }

    fn tell(&mut self, event: SeatEvent) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            if event == SeatEvent::Disconnected {
                self.calls.end_all();
            }
            let is_welcome = matches!(event, SeatEvent::Message(ToWorker::Welcome { .. }));
            let mut effects = std::mem::take(&mut self.effects);
            self.seat.on(clock::tick(), event, &mut effects);
            for effect in effects.drain(..) {
                match effect {
                    SeatEffect::Send(ToMaster::Ended(runs)) => {
                        runs.into_iter().for_each(|run| self.keep_ended(run));
                    }
                    SeatEffect::Send(mut message) => {
                        if let ToMaster::Progress { usage, .. } = &mut message {
                            *usage = self.usage.read();
                        }
                        if !self.say(message) {
                            events.push(SeatEvent::Disconnected);
                        }
                    }
                    SeatEffect::Start { slot, assigned } => {
                        let order = self.orders.order(&self.store, assigned.task);
                        let Held { attempt, task, .. } = assigned;
                        let job = order.map(|order| Job { attempt, task, order });
                        self.slots[slot.0 as usize].begin(job);
                    }
                    SeatEffect::Kill(slot) => self.slots[slot.0 as usize].kill(),
                    SeatEffect::Note(message) => self.orders.note(message),
                    SeatEffect::Call(message) => {
                        let said = self.calls.on(message);
                        if !self.say_all(said) {
                            events.push(SeatEvent::Disconnected);
                        }
                    }
                    SeatEffect::Records(message) => {
                        let said = self.shelves.on(message);
                        if !self.say_all(said) {
                            events.push(SeatEvent::Disconnected);
                        }
                    }
                    SeatEffect::Refused(_) => {
                        self.send = None;
                        self.calls.end_all();
                    }
                }
            }
            self.effects = effects;
            if is_welcome
                && self.seat.is_welcomed()
                && let Some(send) = &self.send
            {
                self.calls.welcome(Arc::clone(send));
            }
        }
    }

    /// Says something, after what is to be said of ended attempts; `false`: nobody hears it.
    fn say(&mut self, message: ToMaster) -> bool {
        let ended = std::mem::take(&mut self.ended);
        let Some(send) = &self.send else { return false };
        let said = send_ended(send, ended) && send(message).is_ok();
        if !said {
            self.send = None;
        }
        said
    }

    /// Says one thing after another; `false`: nobody hears all of it.
    fn say_all(&mut self, messages: Vec<ToMaster>) -> bool {
        messages.into_iter().all(|message| self.say(message))
    }

    fn keep_ended(&mut self, run: EndedRun) {
        let apart = match self.ended.last_mut() {
            Some(last) => last.join(run),
            None => Some(run),
        };
        self.ended.extend(apart);
    }

    /// Says what ended in this turn.
    fn say_ended(&mut self) {
        let ended = std::mem::take(&mut self.ended);
        if ended.is_empty() {
            return;
        }
        if !self.send.as_ref().is_some_and(|send| send_ended(send, ended)) {
            self.send = None;
            self.tell(SeatEvent::Disconnected);
        }
    }
}
