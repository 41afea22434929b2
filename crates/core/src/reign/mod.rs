//! Who reigns: a master follows the log, waits until the tenure of the one before it has run out,
//! wins the tenure cell, claims the next epoch, and writes until another claim stands in its way.
//!
//! The claim alone decides who may write. The tenure only decides when somebody tries: a wrong
//! takeover costs a claim, never data.

mod claim;
mod contender;
mod patience;
mod tenure;

pub use claim::{Found, Next, Reign};
pub use contender::{Contender, ContenderEffect, ContenderEvent};
pub use tenure::{CellAnswer, MasterId, RequestNumber, Revision, Standing};
