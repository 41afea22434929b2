//! A call from the caller's end: how it gets to the loop, and what of it the caller holds.

use crate::calls::{CallNews, Tell};
use crate::error::MasterError;
use crate::handle::{Handle, Shared};
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
    shared: Arc<Shared>,
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
        let (call, tell) = self.open(tell);
        self.send(Inbox::Call(call.caller, request, tell))?;
        Ok(call)
    }

    /// The same without ever waiting.
    ///
    /// # Errors
    /// The master has more to do than it can take, or has ended.
    pub fn try_call(&self, request: CallRequest, tell: Tell) -> Result<OpenCall, Uncalled> {
        let (call, tell) = self.open(tell);
        let unsent = match self.inbox.try_send(Inbox::Call(call.caller, request, tell)) {
            Ok(()) => return Ok(call),
            Err(unsent) => unsent,
        };
        // The master never heard of it.
        call.is_over.store(true, Ordering::Relaxed);
        match unsent {
            TrySendError::Full(Inbox::Call(_, request, _)) => Err(Uncalled::Busy(request)),
            _ => Err(Uncalled::Ended(self.ended())),
        }
    }

    /// A new call, and what notes when nothing more comes for it.
    fn open(&self, tell: Tell) -> (OpenCall, Tell) {
        let caller = CallerId(self.shared.caller_count.fetch_add(1, Ordering::Relaxed));
        let is_over = Arc::new(AtomicBool::new(false));
        let noted = Arc::clone(&is_over);
        let tell = move |news: CallNews| {
            noted.fetch_or(news.is_last(), Ordering::Relaxed);
            tell(news)
        };
        let (inbox, shared) = (self.inbox.clone(), Arc::clone(&self.shared));
        (OpenCall { caller, is_over, inbox, shared }, Box::new(tell))
    }
}

impl OpenCall {
    /// Says how many bytes of the answer have been taken in all, so that more come; never waits.
    pub fn taken(&self, bytes: u64) {
        self.say(Inbox::CallTaken(self.caller, bytes));
    }

    /// Where the inbox is full, the loop finds it beside the inbox: whoever holds a call may be one
    /// of many on a thread that serves others.
    fn say(&self, message: Inbox) {
        // A master that has ended tells so by itself.
        if let Err(TrySendError::Full(message)) = self.inbox.try_send(message) {
            self.shared.put_late(message);
            // It may have emptied the inbox since, and sleep; where this fails it is awake.
            let _ = self.inbox.try_send(Inbox::Late);
        }
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        // The master has forgotten one that is over.
        if !self.is_over.load(Ordering::Relaxed) {
            self.say(Inbox::CallAbandoned(self.caller));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbox::Gone;
    use std::sync::mpsc::sync_channel;
    use windlass_core::params::Params;

    fn request() -> CallRequest {
        CallRequest { operation: "noop".to_owned(), params: Params::default(), limit_ms: None }
    }

    fn said(message: &Inbox) -> String {
        match message {
            Inbox::Call(caller, ..) => format!("call {}", caller.0),
            Inbox::CallTaken(caller, bytes) => format!("{} took {bytes}", caller.0),
            Inbox::CallAbandoned(caller) => format!("{} is gone", caller.0),
            Inbox::Late => "late".to_owned(),
            _ => panic!("nothing else is said"),
        }
    }

    #[test]
    fn a_full_inbox_holds_up_no_caller_and_loses_nothing() {
        let (inbox, messages) = sync_channel(1);
        let handle = Handle::new(inbox, Arc::default());
        let tell: Tell = Box::new(|_| Err(Gone));
        let call = handle.try_call(request(), tell).expect("there is room");
        let busy = handle.try_call(request(), Box::new(|_| Err(Gone)));
        assert!(matches!(busy, Err(Uncalled::Busy(_))));
        call.taken(5);
        drop(call);
        let late: Vec<String> = handle.shared.take_late().iter().map(said).collect();
        assert_eq!(late, ["0 took 5", "0 is gone"]);
        assert!(!handle.shared.has_late());
        assert_eq!(messages.try_iter().map(|it| said(&it)).collect::<Vec<_>>(), ["call 0"]);
    }

    #[test]
    fn with_room_all_goes_through_the_inbox() {
        let (inbox, messages) = sync_channel(4);
        let handle = Handle::new(inbox, Arc::default());
        let call = handle.try_call(request(), Box::new(|_| Err(Gone))).expect("there is room");
        call.taken(5);
        drop(call);
        assert!(!handle.shared.has_late());
        let said: Vec<String> = messages.try_iter().map(|it| said(&it)).collect();
        assert_eq!(said, ["call 0", "0 took 5", "0 is gone"]);
    }
}
