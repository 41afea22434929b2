//! Makes damaged files out of good ones, the same ones from the same seed.
//!
//! Beside blind damage, each format's own module repairs checksums and lengths around the damage,
//! so that it comes through to the decoder.

mod boxes;
mod bytes;
mod damage;
mod docx;
mod format;
mod jpeg;
mod pdf;
mod png;
mod sound;
mod tiff;
mod webp;

pub(crate) use damage::Mutator;
pub(crate) use format::Format;
