//! Hostile bytes for every decoder: a corpus, a mutator and one target for each.
//!
//! A target may never panic, may never take more memory than its bound, and what it accepts must
//! come back from its own encoder. Nothing imports this.

mod corpus;
#[path = "../../tests/e2e/mutator/damage.rs"]
mod damage;
mod search;
mod target;
mod targets;

pub use search::{Search, replay};
pub use target::{Fault, Target};
pub use targets::TARGETS;
