//! How each kind is scanned, created, changed and deleted on the AWS SDK.
//!
//! The only crate that links `aws-sdk-*`. One file a kind, all with the same sections in the same
//! order: what it calls, its `Resource`, how AWS's answer becomes a spec, how a spec becomes
//! AWS's request.

mod call;
mod cloud;
mod connect;
mod ec2;
mod failure;
mod index;
mod missing;
mod ownership;
mod registry;
mod subnet;
mod vpc;

pub use cloud::Aws;
pub use connect::{Connection, connect};
pub use registry::registry;
