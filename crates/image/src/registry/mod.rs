//! The push half of the OCI distribution protocol.

mod client;
mod patience;
mod push;
mod target;

pub use patience::Patience;
pub use push::{Pushed, push};
pub use target::{Credentials, Target};
