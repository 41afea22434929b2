//! A worker and a master elsewhere: connects, connects again, and says how it stands.

use crate::entrance::Entrance;
use crate::host::{Gone, Worker};
use crate::store::Remote;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};
use windlass_core::session::{ToMaster, ToWorker};
use windlass_wire::{Address, Client, Listening, SessionReceiver, WireError};

/// First pause before a master is tried again; doubles, with a random half.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How soon a worker that waits notices that it is to end.
const LOOK: Duration = Duration::from_millis(100);

/// How a worker stands with its masters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It tries to reach one.
    Waiting {
        /// Why the last try failed.
        cause: String,
    },
    /// It takes work of the one there.
    Joined(Address),
    /// The connection broke; what it holds goes on.
    Lost {
        /// What is known.
        cause: String,
    },
}

/// The master does not want this worker; why, for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    /// It takes no such worker.
    Unwanted(String),
    /// It, or this worker, does not trust what the other one shows.
    Denied(String),
}

/// A session's welcome and its end.
const NEWS_COUNT_MAX: usize = 2;

/// What is to be known of a session.
enum News {
    Welcomed,
    Over(Over),
}

/// How a session ended.
enum Over {
    Stopped,
    Refused(String),
    Lost(String),
}

/// Keeps a worker connected to one of its masters until it is to stop.
///
/// # Errors
/// The master refuses it.
pub fn join(
    worker: &Worker,
    remote: &Remote,
    masters: &mut [Entrance],
    stop: &AtomicBool,
    observe: &mut dyn FnMut(Standing),
) -> Result<(), Refused> {
    let mut clients: BTreeMap<Address, Client> = BTreeMap::new();
    let mut pause = PAUSE_MIN;
    // Once it was let in, what answers in the master's place is waited out.
    let mut was_in = false;
    for position in (0..masters.len()).cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let entrance = &mut masters[position];
        let opened = match clients.get(entrance.address()) {
            Some(client) => Ok(client.clone()),
            None => entrance.connect(),
        }
        .and_then(|client| {
            let session = client.open_session()?;
            Ok((client, session))
        });
        let (client, (sender, incoming)) = match opened {
            Ok(opened) => opened,
            Err(WireError::Denied(why)) => {
                clients.remove(entrance.address());
                if !entrance.on_denied() {
                    return Err(Refused::Denied(why));
                }
                continue;
            }
            Err(error @ WireError::Untrusted { .. }) if !was_in => {
                return Err(Refused::Denied(error.to_string()));
            }
            Err(error) => {
                observe(Standing::Waiting { cause: error.to_string() });
                sleep(jittered(pause), stop);
                pause = (pause * 2).min(PAUSE_MAX);
                continue;
            }
        };
        remote.set(client.clone());
        clients.insert(entrance.address().clone(), client.clone());
        let is_over = Arc::new(AtomicBool::new(false));
        entrance.renew(client, Arc::clone(&is_over));
        let farewell = sender.clone();
        worker.attach(Arc::new(move |message| sender.send(message).map_err(|_| Gone)));
        let (news, heard) = sync_channel(NEWS_COUNT_MAX);
        let listening = listen(worker, incoming, news);
        let over = serve(&heard, stop, &mut || {
            pause = PAUSE_MIN;
            was_in = true;
            observe(Standing::Joined(entrance.address().clone()));
        });
        is_over.store(true, Ordering::Relaxed);
        match over {
            Over::Stopped => {
                // A master that does not hear it notices by itself.
                let _ = farewell.send(ToMaster::Goodbye);
                while let Ok(News::Welcomed) = heard.recv_timeout(LOOK) {}
                break;
            }
            Over::Refused(why) => return Err(Refused::Unwanted(why)),
            Over::Lost(cause) => observe(Standing::Lost { cause }),
        }
        drop(listening);
        sleep(jittered(PAUSE_MIN), stop);
    }
    Ok(())
}

/// Has the worker hear what the master says, until the session is over.
fn listen(worker: &Worker, incoming: SessionReceiver, news: SyncSender<News>) -> Listening {
    let deliver = worker.deliverer();
    let welcomed = news.clone();
    let mut is_in = false;
    let mut hear = move |heard: Result<ToWorker, WireError>| {
        let message = heard.map_err(|error| match error {
            WireError::Lost { cause, .. } => Over::Lost(cause),
            error => Over::Lost(error.to_string()),
        })?;
        match &message {
            ToWorker::Refused(why) => return Err(Over::Refused(why.clone())),
            ToWorker::Welcome { .. } if !std::mem::replace(&mut is_in, true) => {
                drop(welcomed.send(News::Welcomed));
            }
            _ => {}
        }
        let behind = || Over::Lost("the worker did not keep up with its master".to_owned());
        deliver(message).map_err(|_| behind())
    };
    incoming.listen(move |heard| match hear(heard) {
        Ok(()) => ControlFlow::Continue(()),
        Err(over) => {
            // Where the worker is to stop, nobody waits for it.
            let _ = news.send(News::Over(over));
            ControlFlow::Break(())
        }
    })
}

/// Waits until the session is over.
fn serve(heard: &Receiver<News>, stop: &AtomicBool, welcomed: &mut dyn FnMut()) -> Over {
    while !stop.load(Ordering::Relaxed) {
        match heard.recv_timeout(LOOK) {
            Ok(News::Welcomed) => welcomed(),
            Ok(News::Over(over)) => return over,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Over::Lost("it broke off".to_owned()),
        }
    }
    Over::Stopped
}

/// Half of it at least, so that workers that lost one master do not all come back at once.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(std::process::id());
    pause / 2 + pause.mul_f64((random % 1_000) as f64 / 2_000.0)
}

fn sleep(pause: Duration, stop: &AtomicBool) {
    let until = Instant::now() + pause;
    while Instant::now() < until && !stop.load(Ordering::Relaxed) {
        thread::sleep(LOOK.min(until.saturating_duration_since(Instant::now())));
    }
}
