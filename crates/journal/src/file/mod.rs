//! The engine in files: a directory of segments, each a row of frames in space filled with zeros.
//!
//! `frame` owns the bytes of one record and the verdict torn or damaged, `segment` the files,
//! `tail` reading, `log` writing and opening,
//! `reserve` room on a full disk, `survey` reading without holding.

#[cfg(test)]
mod fault_tests;
mod frame;
mod log;
mod reserve;
mod segment;
mod survey;
mod tail;

pub use log::{FileLog, OpenError};
pub use survey::{SegmentSurvey, Survey, survey};
pub(crate) use tail::FileTail;
