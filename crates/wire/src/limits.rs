//! Version and bounds of the protocol, for both ends.

/// Version of the session protocol that this build speaks.
pub const PROTOCOL: u32 = 1;
/// Metadata with which the master says RESOURCE_EXHAUSTED of its disk: libraries say it of
/// messages that are too long, and of peers that ask too much.
pub(crate) const DISK_FULL: &str = "windlass-disk-full";
/// Slots of one worker.
pub(crate) const SLOT_COUNT_MAX: u32 = 4_096;
/// Bytes of one message: a chunk of 4,096 inputs with the longest paths.
pub(crate) const MESSAGE_BYTES_MAX: usize = 64 << 20;
/// Blobs that are asked for at once.
pub(crate) const ASKED_BLOB_COUNT_MAX: usize = 65_536;
/// Files that are asked for at once.
pub(crate) const ASKED_FILE_COUNT_MAX: usize = 4_096;
/// Results that are noted at once.
pub(crate) const MEMO_NOTE_COUNT_MAX: usize = 1_024;
/// Tasks that are asked for at once: each may have failed with 512 bytes of cause.
pub(crate) const ASKED_TASK_COUNT_MAX: usize = 16_384;
/// One piece of a blob on its way.
pub(crate) const PIECE_BYTES: usize = 256 << 10;
/// A file so long is sent on where its sending broke off; a shorter one is sent again.
pub(crate) const RESUMED_BYTES_MIN: u64 = 4 << 20;
/// Bytes of one frame: a piece is to be two of them, not seventeen.
pub const FRAME_BYTES_MAX: u32 = 256 << 10;
/// Pieces that may wait for a connection, or for a disk.
pub(crate) const PIECE_COUNT_MAX: usize = 4;
