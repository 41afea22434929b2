//! The protocol between machines: protobuf and gRPC outside, the plain types of `core` inside.
//!
//! `proto/` is the contract, of which `generated` is made by `cargo xtask gen`. [`Host`] is what a
//! server needs of its process, [`Client`] what the others hold. No type of the generated code or
//! of the gRPC library leaves this crate.

pub mod bytes;
mod client;
mod convert;
#[rustfmt::skip]
#[path = "generated/windlass.v1.rs"]
#[expect(clippy::all, clippy::too_many_lines, reason = "generated")]
#[expect(clippy::allow_attributes, unreachable_pub, reason = "generated")]
mod generated;
mod host;
mod job_host;
mod limits;
mod memo_host;
mod records_host;
mod registrar;
mod server;
pub mod trust;

pub use client::{
    Address, AddressError, CallReceiver, CallSender, Client, LookupReceiver, LookupSender,
    SessionReceiver, SessionSender, WireError,
};
pub use convert::Malformed;
pub use host::{
    BlobSink, CallFailure, Deliver, Gone, Host, HostCall, HostError, HostSession, Peer, Source,
    TakePiece, Uncalled, Unsaid,
};
pub use job_host::JobHost;
pub use limits::{FRAME_BYTES_MAX, PROTOCOL};
pub use memo_host::MemoHost;
pub use records_host::{LookupDone, RecordsHost, TakeLookup, Unasked};
pub use registrar::{Caller, Registrar};
pub use server::{Denial, HEALTH_PATHS, Health, bearer, right_of, router, trust_router};
