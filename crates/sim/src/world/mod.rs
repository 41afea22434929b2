//! The world: its clock, its events, its faults, and what masters, workers and the client ask of
//! it.

mod connections;
mod damage;
mod machines;
mod masters;
mod operator;
mod readers;
mod run;
mod workers;

pub use run::{Failed, run};
