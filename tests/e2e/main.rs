//! End to end: the real binary, real files, real signals.

mod clock;
mod cluster;
mod factorial;
mod failures;
mod foreign;
mod full_disk;
mod going_on;
mod heap;
mod jobs;
mod keeping;
mod lab;
mod logs;
mod memo;
mod mutants;
mod mutator;
mod phases;
mod power;
mod records;
mod security;
mod service;
mod state;
mod storm;
mod top;
mod withdrawn;
mod words;
mod workers;
