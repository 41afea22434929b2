//! The protocol between machines: protobuf and gRPC outside, the plain types of `core` inside.
//!
//! `proto/` is the contract, of which `generated` is made by `cargo xtask gen`. [`Host`] is what a
//! server needs of its process, [`Client`] what the others hold. No type of the generated code or
//! of the gRPC library leaves this crate. Without the feature `net` there are [`bytes`] alone.

#[cfg(feature = "net")]
mod blob_host;
pub mod bytes;
#[cfg(feature = "net")]
mod client;
#[cfg_attr(not(feature = "net"), expect(dead_code, unused_imports, reason = "for services"))]
mod convert;
#[rustfmt::skip]
#[path = "generated/windlass.v1.rs"]
#[expect(clippy::all, reason = "generated")]
#[cfg_attr(feature = "net", expect(clippy::too_many_lines, reason = "generated"))]
// Not `expect`: the compiler says that it is not fulfilled, and warns without it.
#[cfg_attr(not(feature = "net"), allow(dead_code, reason = "no connection says these"))]
#[expect(clippy::allow_attributes, unreachable_pub, reason = "generated")]
mod generated;
#[cfg(feature = "net")]
mod host;
#[cfg(feature = "net")]
mod job_host;
#[cfg_attr(not(feature = "net"), expect(dead_code, reason = "bounds of services"))]
mod limits;
#[cfg(feature = "net")]
mod memo_host;
#[cfg(feature = "net")]
mod records_host;
#[cfg(feature = "net")]
mod registrar;
#[cfg(feature = "net")]
mod server;
#[cfg(feature = "net")]
pub mod trust;

#[cfg(feature = "net")]
pub use blob_host::{BlobHost, BlobSink, LocalFile, Source};
#[cfg(feature = "net")]
pub use client::{
    Address, AddressError, CallReceiver, CallSender, Client, Hearing, Listening, LookupReceiver,
    LookupSender, SessionReceiver, SessionSender, WireError, open_session_over,
};
pub use convert::Malformed;
#[cfg(feature = "net")]
pub use host::{
    CallFailure, Deliver, Gone, Host, HostCall, HostError, HostSession, Peer, TakeNotices,
    TakePiece, Unsaid,
};
#[cfg(feature = "net")]
pub use job_host::JobHost;
pub use limits::{FRAME_BYTES_MAX, PROTOCOL};
#[cfg(feature = "net")]
pub use memo_host::MemoHost;
#[cfg(feature = "net")]
pub use records_host::{LookupDone, RecordsHost, TakeLookup};
#[cfg(feature = "net")]
pub use registrar::{Caller, Registrar};
#[cfg(feature = "net")]
pub use server::{
    Denial, HEALTH_PATHS, Health, bearer, carries_blobs, right_of, router, trust_router,
};
