//! Scans, locks, runs plans, makes calls, waits, retries and reports.
//!
//! Knows tokio and no cloud: everything is generic over the cloud `C`. What a kind does in that
//! cloud is written once, typed, as a [`Resource`]; [`Registry`] holds the kinds with their types
//! erased.

mod adopt;
mod bucket;
mod caller;
mod calls;
mod cloud;
mod driver;
mod execute;
mod jitter;
mod lock;
mod observe;
mod operation;
mod ownership;
mod parameters;
mod perform;
mod prepare;
mod registry;
mod resource;
mod retry;
mod speak;
mod turns;
mod wait;
mod work;

pub use adopt::{Adoption, adopt, seek};
pub use calls::{Calls, Pauses, listed};
pub use cloud::{Cloud, Context, Identity, Look, Survey, Voice};
pub use execute::{Outcome, execute};
pub use lock::{Claim, Holder, LEASE, Lease, Lock, Notice, Request, Unlocked, lock};
pub use observe::{Scan, observe};
pub use operation::{Code, Operation, Service};
pub use ownership::{Book, Journal, read_book};
pub use parameters::{Parameter, Parameters, Secrecy};
pub use prepare::prepare;
pub use registry::Registry;
pub use resource::{Badge, Found, Progress, Resource, Result};
pub use work::{attended, shown};
