//! Look-ups in record sets: which worker serves which group, and who is asked.
//!
//! [`Lookups`] is the primary's end: soft state, which follows from the ledger and from who is
//! connected. Questions are handed to an instance at once, never recorded, to a second one when
//! that takes long, and to another one when it is lost.

mod asking;
mod error;
mod event;
mod instances;
mod latency;
mod machine;
mod plan;
mod question;
mod unserved;
mod view;

pub use error::LookupError;
pub use event::{LookupAnswer, LookupEffect, LookupEvent, LookupRequest, RecordSets};
pub use instances::Member;
pub use machine::Lookups;
pub use view::{GroupView, HoldingView, InstanceView, RecordsView};
