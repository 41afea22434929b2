//! Ends a running attempt from another thread, at once.

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A flag that stays set, shared by its clones. Making one costs no descriptor.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    cancelled: AtomicBool,
    /// Those that sleep until this is cancelled, among other things.
    sleepers: Mutex<Vec<Arc<OwnedFd>>>,
}

/// What wakes one sleeping thread: a descriptor that it polls.
#[derive(Debug)]
pub(crate) struct Wake(Arc<OwnedFd>);

/// Takes the sleeper off the list again.
pub(crate) struct Armed<'a> {
    cancel: &'a Cancel,
    wake: &'a Wake,
}

impl Cancel {
    /// A flag that is not set.
    #[must_use]
    pub fn new() -> Cancel {
        Cancel::default()
    }

    /// Sets the flag and wakes whoever runs an attempt under it.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        let sleepers = self.0.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        for sleeper in sleepers.iter() {
            // A full counter wakes as well, so that nothing can be lost here.
            let _ = rustix::io::write(sleeper, &1_u64.to_ne_bytes());
        }
    }

    /// Whether the flag is set.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// Waits for so long, or until it is cancelled; answers whether it is.
    ///
    /// # Errors
    /// No descriptor can be had.
    pub fn wait(&self, at_most: Duration) -> std::io::Result<bool> {
        let wake = Wake::new()?;
        let _armed = self.arm(&wake);
        let timeout = Timespec::try_from(at_most).map_err(std::io::Error::other)?;
        if !self.is_cancelled() {
            let mut entries = [PollFd::new(&wake, PollFlags::IN)];
            match poll(&mut entries, Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.is_cancelled())
    }

    /// From here on, cancelling makes `wake` readable; the flag is to be looked at once after this.
    pub(crate) fn arm<'a>(&'a self, wake: &'a Wake) -> Armed<'a> {
        let mut sleepers = self.0.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        sleepers.push(Arc::clone(&wake.0));
        Armed { cancel: self, wake }
    }
}

impl Drop for Armed<'_> {
    fn drop(&mut self) {
        let mut sleepers = self.cancel.0.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        sleepers.retain(|sleeper| !Arc::ptr_eq(sleeper, &self.wake.0));
    }
}

impl Wake {
    pub(crate) fn new() -> rustix::io::Result<Wake> {
        let descriptor = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Wake(Arc::new(descriptor)))
    }

    /// Makes it unreadable again: a wake meant for an earlier attempt must not spin the next one.
    pub(crate) fn clear(&self) {
        let _ = rustix::io::read(&*self.0, &mut [0_u8; 8]);
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
