//! How much of a stream is open at once.

use crate::host::Gone;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Room for so much; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Semaphore>);

impl Room {
    pub(super) fn of(count: usize) -> Room {
        Room(Arc::new(Semaphore::new(count)))
    }

    /// Waits for room.
    ///
    /// # Errors
    /// It was closed.
    pub(super) async fn enter(&self) -> Result<(), Gone> {
        self.0.acquire().await.map(tokio::sync::SemaphorePermit::forget).map_err(|_| Gone)
    }

    /// There is room for one more.
    pub(super) fn leave(&self) {
        self.0.add_permits(1);
    }

    /// Nobody leaves any more: whoever waits is told, instead of waiting for ever.
    pub(super) fn close(&self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_hears_that_it_is_closed() {
        let room = Room::of(1);
        assert!(room.enter().await.is_ok());
        let waiting = tokio::spawn({
            let room = room.clone();
            async move { room.enter().await }
        });
        tokio::task::yield_now().await;
        room.close();
        assert!(waiting.await.expect("it ends").is_err());
    }

    #[tokio::test]
    async fn who_leaves_makes_room() {
        let room = Room::of(1);
        assert!(room.enter().await.is_ok());
        room.leave();
        assert!(room.enter().await.is_ok());
    }
}
