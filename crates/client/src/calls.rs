//! Calls one after another, several of them open at once.
//!
//! One thread asks, so that whoever writes a request and waits for its answer before the next one
//! gets it.

use crate::cluster::{Cluster, ClusterError};
use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::thread;
use windlass_core::calls::CallRequest;
use windlass_master::{CallNews, Gone, Handle, MasterError, OpenCall};
use windlass_wire::{CallReceiver, CallSender, WireError};

/// Calls that are open at once; their answers are held until those before them are complete.
const OPEN_COUNT_MAX: usize = 32;

/// The answer to a call, or why there is none, for people.
pub type Answered = Result<Vec<u8>, String>;

/// What the caller is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallsNews<L> {
    /// What came beside the oldest open request, and its answer.
    Answer(L, Answered),
    /// No answer is at hand: what was written may be shown.
    Pause,
}

impl Cluster {
    /// Makes calls and hands over their answers in the order of the requests, each with what came
    /// beside its request. A request that is an error already is handed over as that.
    ///
    /// # Errors
    /// See [`ClusterError`]: the cluster is out of reach, or `take` fails. A call without an answer
    /// is not an error of all.
    pub fn call_each<L: Send + 'static>(
        &self,
        requests: impl Iterator<Item = (L, Result<CallRequest, String>)> + Send + 'static,
        take: &mut dyn FnMut(CallsNews<L>) -> io::Result<()>,
    ) -> Result<(), ClusterError> {
        let (tell, told) = channel();
        let line = match self {
            Cluster::Here { handle, .. } => Line::Here(handle.clone(), tell.clone()),
            Cluster::There(client) => {
                let (sender, receiver) = client.open_calls()?;
                let tell = tell.clone();
                thread::spawn(move || hear(receiver, &tell));
                Line::There(sender)
            }
        };
        let (enter, leave) = sync_channel(OPEN_COUNT_MAX);
        // Not waited for: the next request may never come.
        thread::spawn(move || ask_all(requests, line, &tell, &enter));
        let mut waiting = Waiting::default();
        while let Some(event) = next(&told, || take(CallsNews::Pause))? {
            waiting.on(event)?;
            while let Some((label, answer)) = waiting.take_first() {
                take(CallsNews::Answer(label, answer)).map_err(ClusterError::Take)?;
                let _ = leave.recv();
            }
            if waiting.is_over() {
                return Ok(());
            }
        }
        // The master has ended; it says why.
        if let Cluster::Here { handle, .. } = self {
            handle.reign()?;
        }
        Err(MasterError::Ended("it dropped the calls".to_owned()).into())
    }
}

/// The next event, after a pause where it is not there yet; `None` once nobody is left to tell any.
fn next<L>(
    told: &Receiver<Event<L>>,
    pause: impl FnOnce() -> io::Result<()>,
) -> Result<Option<Event<L>>, ClusterError> {
    match told.try_recv() {
        Ok(event) => return Ok(Some(event)),
        Err(TryRecvError::Disconnected) => return Ok(None),
        Err(TryRecvError::Empty) => pause().map_err(ClusterError::Take)?,
    }
    Ok(told.recv().ok())
}

/// Where calls go.
enum Line<L> {
    Here(Handle, Sender<Event<L>>),
    There(CallSender),
}

/// What happens to calls, by their numbers.
enum Event<L> {
    /// A call is about to be made; or it is not, and why.
    Asked(u64, L, Result<(), String>),
    /// This process's master has taken it.
    Opened(u64, OpenCall),
    /// More of an answer and whether that is all, or why there is none.
    Piece(u64, Result<(Vec<u8>, bool), String>),
    /// No more calls follow.
    AllAsked,
    /// The cluster is out of reach.
    Lost(ClusterError),
}

fn ask_all<L: Send + 'static>(
    requests: impl Iterator<Item = (L, Result<CallRequest, String>)>,
    mut line: Line<L>,
    tell: &Sender<Event<L>>,
    enter: &SyncSender<()>,
) {
    for (id, (label, request)) in (1..).zip(requests) {
        // Nobody listens any more where one of these fails.
        if enter.send(()).is_err() {
            return;
        }
        let (request, why) = match request {
            Ok(request) => (Some(request), Ok(())),
            Err(why) => (None, Err(why)),
        };
        if tell.send(Event::Asked(id, label, why)).is_err() {
            return;
        }
        if let Some(request) = request
            && let Err(error) = line.call(id, request)
        {
            let _ = tell.send(Event::Lost(error));
            return;
        }
    }
    let _ = tell.send(Event::AllAsked);
}

impl<L: Send + 'static> Line<L> {
    fn call(&mut self, id: u64, request: CallRequest) -> Result<(), ClusterError> {
        match self {
            Line::Here(handle, tell) => {
                let telling = tell.clone();
                let take = move |news| telling.send(here(id, news)).map_err(|_| Gone);
                let call = handle.call(request, take)?;
                let _ = tell.send(Event::Opened(id, call));
            }
            // Where the stream is over already, the receiver says why.
            Line::There(sender) => drop(sender.call(id, request)),
        }
        Ok(())
    }
}

fn here<L>(id: u64, news: CallNews) -> Event<L> {
    match news {
        CallNews::Piece { bytes, is_last } => Event::Piece(id, Ok((bytes, is_last))),
        CallNews::Failed(error) => Event::Piece(id, Err(error.told())),
        CallNews::Ended => {
            Event::Lost(MasterError::Ended("it dropped the calls".to_owned()).into())
        }
    }
}

/// Passes on what comes over a stream, to its end.
fn hear<L>(mut receiver: CallReceiver, tell: &Sender<Event<L>>) {
    loop {
        let event = match receiver.receive() {
            Ok((id, Ok(piece))) => Event::Piece(id, Ok(piece)),
            // The reason is whole as it is.
            Ok((id, Err(WireError::Refused(text) | WireError::TimedOut(text)))) => {
                Event::Piece(id, Err(text))
            }
            Ok((id, Err(error))) => Event::Piece(id, Err(format!("failed to {error}"))),
            Err(error) => {
                let _ = tell.send(Event::Lost(error.into()));
                return;
            }
        };
        if tell.send(event).is_err() {
            return;
        }
    }
}

/// Calls whose answers are not handed over, by number.
struct Waiting<L> {
    calls: BTreeMap<u64, Call<L>>,
    all_asked: bool,
}

struct Call<L> {
    label: L,
    /// So far.
    answer: Answered,
    is_whole: bool,
    /// Of this process's master.
    open: Option<OpenCall>,
}

impl<L> Default for Waiting<L> {
    fn default() -> Waiting<L> {
        Waiting { calls: BTreeMap::new(), all_asked: false }
    }
}

impl<L> Waiting<L> {
    fn on(&mut self, event: Event<L>) -> Result<(), ClusterError> {
        match event {
            Event::Asked(id, label, asked) => {
                let (is_whole, answer) = (asked.is_err(), asked.map(|()| Vec::new()));
                self.calls.insert(id, Call { label, answer, is_whole, open: None });
            }
            Event::Opened(id, open) => {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.open = Some(open);
                    call.say_taken();
                }
            }
            Event::Piece(id, piece) => {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.on_piece(piece);
                }
            }
            Event::AllAsked => self.all_asked = true,
            Event::Lost(error) => return Err(error),
        }
        Ok(())
    }

    /// The oldest call, once it is over.
    fn take_first(&mut self) -> Option<(L, Answered)> {
        let first = self.calls.first_entry().filter(|first| first.get().is_whole)?;
        let Call { label, answer, .. } = first.remove();
        Some((label, answer))
    }

    fn is_over(&self) -> bool {
        self.all_asked && self.calls.is_empty()
    }
}

impl<L> Call<L> {
    fn on_piece(&mut self, piece: Result<(Vec<u8>, bool), String>) {
        match piece {
            Ok((bytes, is_last)) => {
                self.answer.iter_mut().for_each(|so_far| so_far.extend_from_slice(&bytes));
                self.is_whole = is_last;
                self.say_taken();
            }
            Err(why) => (self.answer, self.is_whole) = (Err(why), true),
        }
    }

    /// So that more of a large answer comes.
    fn say_taken(&self) {
        if let (Some(open), Ok(so_far), false) = (&self.open, &self.answer, self.is_whole)
            && !so_far.is_empty()
        {
            open.taken(so_far.len() as u64);
        }
    }
}
