//! A call from the caller's end.

use crate::error::MasterError;
use crate::handle::Handle;
use crate::inbox::Gone;
use crate::switchboard::{CallNews, Switchboard, Tell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use windlass_core::calls::{CallEvent, CallRequest, CallerId};

/// A call that somebody waits for.
pub struct OpenCall {
    caller: CallerId,
    /// Whether its last news have come.
    is_over: Arc<AtomicBool>,
    switchboard: Arc<Switchboard>,
}

impl Handle {
    /// Calls an operation, without ever waiting; what comes of it goes to `tell`, maybe before this
    /// returns. Dropped, the call is given up.
    ///
    /// # Errors
    /// The master has ended.
    pub fn call(
        &self,
        request: CallRequest,
        tell: impl Fn(CallNews) -> Result<(), Gone> + Send + Sync + 'static,
    ) -> Result<OpenCall, MasterError> {
        let caller = CallerId(self.shared.caller_count.fetch_add(1, Ordering::Relaxed));
        let is_over = Arc::new(AtomicBool::new(false));
        let noted = Arc::clone(&is_over);
        let tell: Tell = Arc::new(move |news| {
            noted.fetch_or(news.is_last(), Ordering::Relaxed);
            tell(news)
        });
        if !self.switchboard.ask(caller, request, tell) {
            return Err(self.ended());
        }
        Ok(OpenCall { caller, is_over, switchboard: Arc::clone(&self.switchboard) })
    }
}

impl OpenCall {
    /// Says how many bytes of the answer have been taken in all, so that more come; never waits.
    pub fn taken(&self, bytes: u64) {
        self.switchboard.hear(CallEvent::Taken(self.caller, bytes));
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        // The master has forgotten one that is over.
        if !self.is_over.load(Ordering::Relaxed) {
            self.switchboard.hear(CallEvent::Abandoned(self.caller));
        }
    }
}
