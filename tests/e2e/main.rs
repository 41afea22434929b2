//! End to end: the real binary, real files, real signals.

mod failures;
mod going_on;
mod heap;
mod lab;
mod words;
