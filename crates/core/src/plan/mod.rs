//! The phase graph of a job: which phases wait for which, and what tasks follow from results.

mod derived;
mod graph;
mod outputs;
mod shown;
mod steps;

pub use derived::{Derived, Share, Take, TaskCount};
pub use graph::is_in_order;
pub use outputs::{Output, Outputs, Taken, nothing_to_work_on};
pub use shown::{expected_counts, file_counts, is_intermediate, label};
pub use steps::{STEP_PARAM, Step, StepInput, phases_of};
