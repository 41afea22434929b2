//! The order in which the result of an attempt is kept: bytes first.

/// One step of keeping a result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keeping {
    /// Its blobs are written, the manifest last.
    Store,
    /// They are synced: a loss of power takes them no more.
    Sync,
    /// The seat hears of it, and through it the master and the journal.
    Tell,
}

/// The steps in their order. No entry may name a blob that is not durable, so nobody hears of one
/// before.
pub const KEEPING: [Keeping; 3] = [Keeping::Store, Keeping::Sync, Keeping::Tell];
