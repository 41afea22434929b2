//! A call from the caller's end: how it gets to the loop, and what of it the caller holds.

use crate::calls::{CallNews, Tell};
use crate::error::MasterError;
use crate::handle::Handle;
use crate::inbox::Inbox;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use windlass_core::calls::{CallRequest, CallerId};

/// A call that somebody waits for.
pub struct OpenCall {
    caller: CallerId,
    /// Whether its last news have come.
    is_over: Arc<AtomicBool>,
    inbox: SyncSender<Inbox>,
}

/// Why the master does not take a call.
#[derive(Debug)]
pub enum Uncalled {
    /// It has more to do than it can take: ask it again, soon.
    Busy(CallRequest),
    /// It has ended.
    Ended(MasterError),
}

impl Handle {
    /// Calls an operation; what comes of it goes to `tell`. Dropped, the call is given up.
    ///
    /// # Errors
    /// The master has ended.
    pub fn call(&self, request: CallRequest, tell: Tell) -> Result<OpenCall, MasterError> {
        let (caller, is_over, tell) = self.caller(tell);
        self.send(Inbox::Call(caller, request, tell))?;
        Ok(OpenCall { caller, is_over, inbox: self.inbox.clone() })
    }

    /// The same without ever waiting.
    ///
    /// # Errors
    /// The master has more to do than it can take, or has ended.
    pub fn try_call(&self, request: CallRequest, tell: Tell) -> Result<OpenCall, Uncalled> {
        let (caller, is_over, tell) = self.caller(tell);
        match self.inbox.try_send(Inbox::Call(caller, request, tell)) {
            Ok(()) => Ok(OpenCall { caller, is_over, inbox: self.inbox.clone() }),
            Err(TrySendError::Full(Inbox::Call(_, request, _))) => Err(Uncalled::Busy(request)),
            Err(_) => Err(Uncalled::Ended(self.ended())),
        }
    }

    /// A new caller, and what notes when nothing more comes for it.
    fn caller(&self, tell: Tell) -> (CallerId, Arc<AtomicBool>, Tell) {
        let caller = CallerId(self.shared.caller_count.fetch_add(1, Ordering::Relaxed));
        let is_over = Arc::new(AtomicBool::new(false));
        let noted = Arc::clone(&is_over);
        let tell = move |news: CallNews| {
            noted.fetch_or(news.is_last(), Ordering::Relaxed);
            tell(news)
        };
        (caller, is_over, Box::new(tell))
    }
}

impl OpenCall {
    /// Says how many bytes of the answer have been taken in all, so that more come.
    pub fn taken(&self, bytes: u64) {
        // A master that has ended tells so by itself.
        let _ = self.inbox.send(Inbox::CallTaken(self.caller, bytes));
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        // The master has forgotten one that is over.
        if !self.is_over.load(Ordering::Relaxed) {
            let _ = self.inbox.send(Inbox::CallAbandoned(self.caller));
        }
    }
}
