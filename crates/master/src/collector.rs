//! The collection: a thread beside the loop that finds out which blobs nothing refers to and has
//! them moved. It decides nothing: [`Collection`] and [`windlass_core::collection::SweepBatch`] do.
//!
//! Every batch is an entry of this master's reign before anything moves, so only a primary sweeps.

mod marking;
mod turns;

pub use turns::Collector;

use crate::clock;
use crate::error::MasterError;
use crate::handle::Handle;
use marking::Marking;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use windlass_blobs::{BlobError, Blobs, PARTIAL_GRACE, Swept};
use windlass_core::collection::{Collection, is_clock_believed, memo_goes_until};
use windlass_core::steering::Compacted;
use windlass_core::view::StallKind;
use windlass_core::{BlobId, LogTime, Tick};

/// What a collection did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Collected {
    /// Earlier results that are no longer known.
    pub memo_count: u64,
    /// What became of the blobs.
    pub swept: Swept,
}

/// A collection that did not come to its end; what it moved until then was rightly moved.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CollectError {
    /// The master has ended, or is no longer the primary.
    #[error("{0}")]
    Master(#[from] MasterError),
    /// The blob store cannot do it.
    #[error("{0}")]
    Blob(#[from] BlobError),
    /// What a kept result refers to cannot be told, so nothing may go.
    #[error(
        "read the result {manifest} of a kept job ({cause}); nothing is removed until it can be \
         read: restore it from a copy, or wait until its job is forgotten"
    )]
    Manifest {
        /// The manifest.
        manifest: BlobId,
        /// What is wrong with it.
        cause: String,
    },
    /// The ages of files say nothing.
    #[error(
        "tell the age of blobs: the clock of this machine has jumped ahead; set it right, or, if \
         it is right now, say so (`windlass cluster confirm-clock`); the next start believes it too"
    )]
    Clock,
}

/// The clocks when the process began to look at them; ages count only as long as the wall has
/// not run away from there.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    tick: Tick,
    wall: LogTime,
}

impl Clocks {
    /// Both clocks as they are now.
    #[must_use]
    pub fn now() -> Clocks {
        Clocks { tick: clock::tick(), wall: clock::wall() }
    }

    fn check(&self) -> Result<LogTime, CollectError> {
        let now = Clocks::now();
        let tick_ms = now.tick.0.saturating_sub(self.tick.0) / 1_000;
        let is_believed = is_clock_believed(now.wall.0.saturating_sub(self.wall.0), tick_ms);
        if is_believed { Ok(now.wall) } else { Err(CollectError::Clock) }
    }
}

/// One whole collection: the memo is cut to its size, the roots are marked, then batch after batch
/// is recorded and swept. With `empties_trash` the trash is not kept for another grace.
///
/// # Errors
/// See [`CollectError`]; `Cancelled` among the blob store's.
pub fn collect(
    handle: &Handle,
    blobs: &Blobs,
    clocks: Clocks,
    empties_trash: bool,
    cancelled: &AtomicBool,
) -> Result<Collected, CollectError> {
    let clocks = handle.confirmed_clocks().unwrap_or(clocks);
    let marked_at = clocks.check()?;
    let bytes_max = handle.collection(marked_at)?.memo_bytes_max;
    let mut collected = Collected::default();
    if let Some(second) = memo_goes_until(&blobs.memo_use(cancelled)?, bytes_max) {
        collected.memo_count = blobs.forget_memo_until(second, cancelled)?;
    }
    blobs.forget_partials(if empties_trash { Duration::ZERO } else { PARTIAL_GRACE })?;
    let marks = Marking::of(handle, blobs, cancelled)?;
    let mut collection = Collection::begin(marked_at, empties_trash);
    while let Some(entry) = collection.next_entry() {
        clocks.check()?;
        let batch = handle.begin_sweep(entry)?;
        blobs.sweep(&batch, &marks, cancelled, &mut collected.swept)?;
        if empties_trash {
            blobs.empty_trash(&batch, &marks, cancelled, &mut collected.swept)?;
        }
    }
    Ok(collected)
}

/// Makes a state as small as its limits allow: what is due is forgotten, what nothing refers to is
/// deleted without another grace, and the log is cut.
///
/// # Errors
/// See [`CollectError`].
pub fn compact(handle: &Handle, blobs: &Blobs) -> Result<Compacted, CollectError> {
    // By a clock that is not believed, everything may be old.
    if handle.status()?.stalls.iter().any(|stall| stall.kind == StallKind::Clock) {
        return Err(CollectError::Clock);
    }
    let job_count = handle.jobs()?.len();
    handle.forget_due()?;
    // The log is kept from the second newest snapshot on: with one before and one after, nothing
    // older is left.
    handle.snapshot()?;
    let going = AtomicBool::new(false);
    let collected = collect(handle, blobs, Clocks::now(), true, &going)?;
    handle.snapshot()?;
    let Collected { memo_count, swept } = collected;
    Ok(Compacted {
        job_count: job_count.saturating_sub(handle.jobs()?.len()) as u64,
        memo_count,
        kept: swept.kept,
        trashed: swept.trashed,
        deleted: swept.deleted,
    })
}
