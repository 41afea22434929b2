//! The engine in files: a directory of segments, each a row of frames in space filled with zeros.
//!
//! `frame` owns the bytes of one record and the verdict torn or damaged, `segment` the files,
//! `tail` reading, `log` writing and opening.

mod frame;
mod log;
mod segment;
mod tail;

pub use log::{FileLog, OpenError};
pub(crate) use tail::FileTail;
