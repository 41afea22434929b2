//! Which worker answers a call: strategies by name, and the choice that each of them makes.

mod balancer;
mod strategy;

pub use balancer::{Balancer, Candidate};
pub use strategy::{Strategy, UnknownStrategy};
