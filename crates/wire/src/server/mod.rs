//! The services over a [`crate::Host`].

mod blobs;
mod cluster;
mod service;
mod session;

pub use service::router;
