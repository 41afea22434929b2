//! The client's side of a run: gathering inputs, submitting, exporting results, the report.

pub mod calls;
pub mod cluster;
pub mod export;
pub mod failed;
mod fetch;
pub mod follow;
pub mod gather;
pub mod inputs;
pub mod memorandum;
mod parallel;
pub mod records;
pub mod report;
pub mod results;
pub mod run;
mod submission;
mod submitted;
