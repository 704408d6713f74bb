//! Scans, locks, runs plans, waits, retries and reports.
//!
//! Knows tokio and no cloud: everything is generic over the cloud `C`. What a kind does in that
//! cloud is written once, typed, as a [`Resource`]; [`Registry`] holds the kinds with their types
//! erased.

mod adopt;
mod call;
mod cloud;
mod driver;
mod execute;
mod lock;
mod observe;
mod ownership;
mod parameters;
mod perform;
mod prepare;
mod registry;
mod resource;
mod retry;
mod speak;
mod wait;

pub use adopt::{adopt, seek};
pub use cloud::{Adoption, Cloud, Context, Identity, Look, Survey, Voice};
pub use execute::{Outcome, execute};
pub use lock::{Claim, Holder, LEASE, Lease, Lock, Notice, Request, Unlocked, lock};
pub use observe::{Scan, observe};
pub use ownership::{Book, Journal, read_book};
pub use parameters::{Parameter, Parameters, Secrecy};
pub use prepare::prepare;
pub use registry::Registry;
pub use resource::{Badge, Found, Progress, Resource, Result};
