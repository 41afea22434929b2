//! What a master offers on its port and its socket: the gRPC services, the signs of life, the
//! metrics.
//!
//! It holds no state of its own: every answer is the master's or the blob store's.

mod arrivals;
mod blobs;
mod door;
mod ended;
mod gate;
mod health;
mod inputs;
mod jobs;
mod lobby;
mod memo;
mod metrics;
mod node;
mod older;
mod prompt;
mod records;
mod secrets;
mod server;

pub use gate::Gate;
pub use node::Node;
pub use older::{OlderPort, SlaveOf, XmlRpc};
pub use secrets::SecretError;
pub use server::{Listen, OlderFiles, Options, Server, ServerError, Services};
