//! Why an image could not be built, and why it could not be pushed.
//!
//! Messages are fragments that read after "could not …:".

use std::io;
use std::path::PathBuf;

use crate::{Digest, Platform};

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A program the build needs is not on the `PATH`.
    #[error("{wanted} is not on the PATH; install {advice}")]
    ToolMissing {
        /// The program or programs.
        wanted: String,
        /// What to install.
        advice: String,
    },
    /// A program ran and failed.
    #[error("`{command}` ended with {status}:\n{tail}")]
    ToolFailed {
        /// The program with its first argument.
        command: String,
        /// Its exit status or signal.
        status: String,
        /// The last lines it wrote to stderr.
        tail: String,
    },
    /// No Rust target for a static binary of this platform is installed.
    #[error("no Rust target for {platform} is installed; run `rustup target add {advice}`")]
    TargetMissing {
        /// The platform wanted.
        platform: Platform,
        /// The target to install.
        advice: String,
    },
    /// The build made no binary, several, or not the one asked for.
    #[error("the build in {dir} made {found}; name one of its binaries as `bin`")]
    Binary {
        /// The package's directory.
        dir: PathBuf,
        /// What it made.
        found: String,
    },
    /// The binary would not start in an empty root.
    #[error(
        "{path} is linked dynamically and would not start in an empty image; RUSTFLAGS in the \
         environment hide the flags for a static one: unset them, or add `-C target-feature=+crt-static`"
    )]
    NotStatic {
        /// The binary.
        path: PathBuf,
    },
    /// The file to pack is not a Linux binary.
    #[error("{path} is not a 64-bit Linux binary")]
    NotBinary {
        /// The file.
        path: PathBuf,
    },
    /// The image or binary is for other machines.
    #[error("{path} is for {found}, not for {wanted}")]
    WrongPlatform {
        /// The archive or binary.
        path: PathBuf,
        /// The platforms in it.
        found: String,
        /// The platform wanted.
        wanted: Platform,
    },
    /// The archive is neither an OCI layout nor a docker archive, or it is damaged.
    #[error("{path} is not an image: {reason}")]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{attempted} {path}: {source}")]
    File {
        /// What was attempted, such as `read`.
        attempted: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl BuildError {
    /// Puts a path to a system error.
    pub(crate) fn file(
        attempted: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { attempted, path, source }
    }
}

/// Why the registry does not have the image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The address of the registry, the repository or the tag is malformed.
    #[error("{given:?} is not {wanted}")]
    Target {
        /// What was given.
        given: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// Credentials and images travel in the clear only inside this machine.
    #[error("{endpoint} is not encrypted and not on this machine; use https")]
    Insecure {
        /// The registry's address.
        endpoint: String,
    },
    /// The registry does not take these credentials, or does not let them do this.
    #[error("{0}; check the user, the password and what they may do")]
    Denied(Box<Refusal>),
    /// The registry asks for a way of authentication that is not spoken here.
    #[error("{0}; it wants {1} authentication, only Basic is supported")]
    Authentication(Box<Refusal>, String),
    /// The registry refused.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The registry could not be reached, or the connection broke.
    #[error("no answer from {registry} when asked to {attempted}: {reason}")]
    Unreachable {
        /// The registry's host and port.
        registry: String,
        /// What was attempted.
        attempted: String,
        /// What the network said.
        reason: String,
    },
    /// Nothing may be changed any more, or at present.
    #[error("did not {attempted}: it may not be done now")]
    Withheld {
        /// What would have been attempted.
        attempted: String,
    },
    /// The registry's answer makes no sense.
    #[error("{registry} was asked to {attempted}, and {problem}")]
    Nonsense {
        /// The registry's host and port.
        registry: String,
        /// What was attempted.
        attempted: String,
        /// What is wrong with the answer.
        problem: String,
    },
    /// All attempts failed in ways that might have passed.
    #[error("{last} (tried {attempts} times)")]
    GaveUp {
        /// How many there were.
        attempts: u32,
        /// How the last one failed.
        last: Box<PushError>,
    },
    /// A layer's file could not be read.
    #[error("read the layer {digest}: {source}")]
    Layer {
        /// The layer.
        digest: Digest,
        /// What the system said.
        source: io::Error,
    },
}

/// A registry's refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{registry} answered {status}{} when asked to {attempted}", self.said())]
pub struct Refusal {
    /// The registry's host and port.
    pub registry: String,
    /// What was attempted, on which repository and blob.
    pub attempted: String,
    /// The HTTP status.
    pub status: u16,
    /// The registry's error code, such as `NAME_UNKNOWN`.
    pub code: Option<String>,
    /// The registry's words.
    pub message: Option<String>,
}

impl Refusal {
    fn said(&self) -> String {
        match (&self.code, &self.message) {
            (Some(code), Some(message)) => format!(" {code} ({message})"),
            (Some(one), None) | (None, Some(one)) => format!(" {one}"),
            (None, None) => String::new(),
        }
    }
}
