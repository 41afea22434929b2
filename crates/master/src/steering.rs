//! What an operator changes: workers, limits, the clock.

use crate::clock;
use crate::collector::Clocks;
use crate::error::MasterError;
use crate::handle::Handle;
use crate::host::Loop;
use crate::inbox::{Inbox, Reply};
use std::sync::PoisonError;
use std::sync::mpsc::sync_channel;
use windlass_core::WorkerName;
use windlass_core::ledger::{Applied, Entry, Refusal, Setting, SettingError};
use windlass_core::steering::Act;

impl Handle {
    /// Makes a change; durable when this returns.
    ///
    /// # Errors
    /// It is refused, and why, or the master has ended.
    pub fn steer(&self, act: &Act) -> Result<(), MasterError> {
        let refused = |why: String| MasterError::Act { act: act.to_string(), why };
        let done = match act {
            Act::DrainWorker(name) | Act::ResumeWorker(name) => {
                let on = matches!(act, Act::DrainWorker(_));
                self.decide(Entry::WorkerDrained { name: name.clone(), on }).map(drop)
            }
            Act::ForgetWorker(name) => {
                let forget = |reply| Inbox::ForgetWorker(name.clone(), reply);
                self.decided(forget).map(drop)
            }
            Act::Change(values) => {
                // All are checked before the first is changed.
                for (name, value) in values {
                    let unknown = || SettingError::Unknown { name: name.clone() };
                    let setting = Setting::find(name).ok_or_else(unknown);
                    let checked = setting.and_then(|setting| setting.check(*value));
                    checked.map_err(|error| refused(error.to_string()))?;
                }
                values.iter().try_for_each(|(name, value)| self.set(name, *value))
            }
            Act::ConfirmClock => {
                let (reply, answer) = sync_channel(1);
                self.send(Inbox::ConfirmClock(reply))?;
                answer.recv().map_err(|_| self.ended())
            }
        };
        done.map_err(|error| match error {
            MasterError::Refused(refusal) => refused(refusal.to_string()),
            error => error,
        })
    }

    /// Forgets the jobs that are due; durable when this returns.
    ///
    /// # Errors
    /// The master has ended.
    pub(crate) fn forget_due(&self) -> Result<(), MasterError> {
        match self.decided(Inbox::ForgetDue) {
            // Somebody else was faster.
            Ok(_) | Err(MasterError::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The clocks from which ages are told, where somebody has confirmed the wall since the start.
    pub(crate) fn confirmed_clocks(&self) -> Option<Clocks> {
        *self.shared.confirmed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loop {
    /// Forgets a worker that is not connected.
    pub(crate) fn forget_worker(&mut self, name: WorkerName, reply: Reply<Vec<Applied>>) {
        let refusal = match self.ledger.workers.get(&name) {
            _ if self.scheduler.is_connected(&name) => Refusal::WorkerConnected,
            None => Refusal::UnknownWorker,
            Some(known) => {
                let (incarnation, has_joined) = (known.incarnation, known.has_joined());
                let resumed = Entry::WorkerDrained { name: name.clone(), on: false };
                let left = Entry::WorkerLeft { name, incarnation };
                // One that is drained would stay listed; of one that had left, only the drain is.
                match (known.draining, has_joined) {
                    (true, true) => {
                        self.writer.propose(resumed, None);
                        self.writer.propose(left, Some(reply));
                    }
                    (true, false) => self.writer.propose(resumed, Some(reply)),
                    (false, _) => self.writer.propose(left, Some(reply)),
                }
                return;
            }
        };
        let _ = reply.send(vec![Applied::Refused(refusal)]);
    }

    /// Somebody has looked: the wall is right.
    pub(crate) fn confirm_clock(&mut self, reply: &Reply<()>) {
        let (now, wall) = (clock::tick(), clock::wall());
        self.clock.confirm(now, wall);
        let clocks = Some(Clocks::now());
        *self.shared.confirmed.lock().unwrap_or_else(PoisonError::into_inner) = clocks;
        self.forgets_at = now;
        let _ = reply.send(());
    }
}
