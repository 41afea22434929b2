//! A worker and a master elsewhere: connects, connects again, and says how it stands.

use crate::entrance::Entrance;
use crate::host::{Gone, Worker};
use crate::store::Remote;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use windlass_core::session::{ToMaster, ToWorker};
use windlass_wire::{Address, Client, SessionReceiver, WireError};

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
        let (client, (sender, mut incoming)) = match opened {
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
        worker.attach(Box::new(move |message| sender.send(message).map_err(|_| Gone)));
        let over = serve(worker, &mut incoming, stop, &mut || {
            pause = PAUSE_MIN;
            was_in = true;
            observe(Standing::Joined(entrance.address().clone()));
        });
        is_over.store(true, Ordering::Relaxed);
        match over {
            Over::Stopped => {
                // A master that does not hear it notices by itself.
                let _ = farewell.send(ToMaster::Goodbye);
                let _ = incoming.receive(LOOK);
                break;
            }
            Over::Refused(why) => return Err(Refused::Unwanted(why)),
            Over::Lost(cause) => observe(Standing::Lost { cause }),
        }
        sleep(jittered(PAUSE_MIN), stop);
    }
    Ok(())
}

/// Hands over what the master says, until the session is over.
fn serve(
    worker: &Worker,
    incoming: &mut SessionReceiver,
    stop: &AtomicBool,
    welcomed: &mut dyn FnMut(),
) -> Over {
    let deliver = worker.deliverer();
    while !stop.load(Ordering::Relaxed) {
        let message = match incoming.receive(LOOK) {
            Ok(Some(message)) => message,
            Ok(None) => continue,
            Err(WireError::Lost { cause, .. }) => return Over::Lost(cause),
            Err(error) => return Over::Lost(error.to_string()),
        };
        match &message {
            ToWorker::Refused(why) => return Over::Refused(why.clone()),
            ToWorker::Welcome { .. } => welcomed(),
            _ => {}
        }
        if deliver(message).is_err() {
            return Over::Lost("the worker did not keep up with its master".to_owned());
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
