//! The push half of the OCI distribution protocol, and what it takes to look at an image.

mod client;
mod connection;
mod inspect;
mod patience;
mod push;
mod roots;
mod route;
mod target;

pub use connection::connect;
pub use inspect::{Reference, listed_processors, processors};
pub use patience::{Passing, Patience};
pub use push::{Pushed, base_of, name_again, push};
pub use roots::{Roots, RootsError};
pub use target::{Credentials, Target};
