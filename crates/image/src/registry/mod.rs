//! The push half of the OCI distribution protocol.

mod client;
mod connection;
mod patience;
mod push;
mod roots;
mod route;
mod target;

pub use connection::connect;
pub use patience::{Passing, Patience};
pub use push::{Pushed, base_of, name_again, push};
pub use roots::{Roots, RootsError};
pub use target::{Credentials, Target};
