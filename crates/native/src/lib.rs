//! Libraries of the machine, opened at run time: nothing is linked to them, so that building and
//! starting need none of them. Each module wraps one library's C interface in safe types.

mod functions;
pub mod heif;
pub mod library;
pub mod onnx;
pub mod pdfium;
mod place;
pub mod tesseract;
