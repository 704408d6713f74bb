//! Builds and reads OCI images without a daemon, and pushes them to a registry.
//!
//! [`build`] turns a [`Source`] into an [`Image`] whose layers are files on disk, and [`push`]
//! streams those files to a registry. Neither knows AWS or a terminal: both speak through a
//! callback of [`Progress`].

mod archive;
mod attest;
mod base;
mod bill;
mod build;
mod cargo;
mod contents;
mod digest;
mod dockerfile;
mod elf;
mod error;
mod image;
mod layer;
mod pack;
mod platform;
mod process;
mod progress;
mod registry;
mod scratch;
mod source;
mod watch;

pub use build::{build, look};
pub use digest::Digest;
pub use error::{BuildError, PushError, Refusal};
pub use image::{Base, Image, Layer};
pub use platform::Platform;
pub use progress::{Progress, Report};
pub use registry::{
    Credentials, Passing, Patience, Pushed, Reference, Roots, RootsError, Target, base_of, connect,
    listed_processors, name_again, processors, push,
};
pub use source::{CargoSource, DockerfileSource, Settings, Source};
