//! The services over a [`crate::Host`].

mod answer;
mod blobs;
mod calls;
mod cluster;
mod health;
mod jobs;
mod memo;
mod overview;
mod pieces;
mod records;
mod room;
mod service;
mod session;
mod steering;
mod trust;

pub use blobs::carries_blobs;
pub use health::{HEALTH_PATHS, Health};
pub use service::router;
pub use trust::{Denial, bearer, right_of, trust_router};
