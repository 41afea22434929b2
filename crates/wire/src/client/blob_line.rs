//! The connection for blobs: made when the first is to be carried, and anew once it was lost. It
//! may be dead for a while before that shows, and nobody is to wait for that a second time.

use super::connection::Line;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Makes a connection, within a runtime, that is opened with its first use.
pub(super) type Open = Box<dyn Fn() -> Line + Send + Sync>;

pub(super) struct BlobLine {
    open: Open,
    line: Mutex<Option<Line>>,
}

impl BlobLine {
    pub(super) fn new(open: Open) -> BlobLine {
        BlobLine { open, line: Mutex::new(None) }
    }

    /// The connection, within a runtime.
    pub(super) fn get(&self) -> Line {
        self.lock().get_or_insert_with(|| (self.open)()).clone()
    }

    /// Something that went by it was lost; what still goes by it is left alone.
    pub(super) fn on_lost(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Line>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for BlobLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlobLine")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::connection::Show;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tonic::service::interceptor::InterceptedService;
    use tonic::transport::Endpoint;

    #[tokio::test]
    async fn a_connection_is_made_when_it_is_needed_and_anew_when_it_was_lost() {
        let opened = Arc::new(AtomicUsize::new(0));
        let count = || opened.load(Ordering::Relaxed);
        let counted = Arc::clone(&opened);
        let line = BlobLine::new(Box::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            let channel = Endpoint::from_static("http://windlass").connect_lazy();
            InterceptedService::new(channel, Show::default())
        }));
        assert_eq!(count(), 0);
        drop((line.get(), line.get()));
        assert_eq!(count(), 1);
        line.on_lost();
        assert_eq!(count(), 1);
        drop(line.get());
        assert_eq!(count(), 2);
    }
}
