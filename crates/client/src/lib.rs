//! The client's side of a run: gathering inputs, submitting, exporting results, the report.

pub mod cluster;
pub mod export;
pub mod follow;
pub mod gather;
pub mod memorandum;
pub mod names;
pub mod report;
pub mod run;
mod submission;
