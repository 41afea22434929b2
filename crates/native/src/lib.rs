//! Libraries of the machine, opened at run time: nothing is linked to them, so that building and
//! starting need none of them. Each module wraps one library's C interface in safe types.

mod place;
pub mod tesseract;
