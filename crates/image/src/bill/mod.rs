//! What is in an image: the packages that a program was made of, and those of the system beneath.

mod crates;
mod package;
mod system;

pub(crate) use crates::{Graph, of_binary};
pub(crate) use package::Package;
pub(crate) use system::of_layers;
