//! What building and pushing say while they work.

use std::time::Duration;

use crate::Digest;

/// Where progress goes: called by the one future that works, in the order things happen.
pub type Report<'a> = &'a mut (dyn FnMut(Progress) + Send);

/// One thing that happened on the way to an image or to a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A line a build tool wrote, without its line end.
    Line(String),
    /// The tool has finished, and its result is being packed into layers or checked.
    Packing,
    /// The registry already has the blob.
    Skipped {
        /// Which blob.
        digest: Digest,
        /// Its bytes.
        size: u64,
    },
    /// A blob is on its way; said many times for a large one, the last time with `sent == size`.
    Uploading {
        /// Which blob.
        digest: Digest,
        /// Bytes handed to the connection so far in this attempt.
        sent: u64,
        /// Its bytes.
        size: u64,
    },
    /// The registry took the manifest: the image can be pulled.
    Stored {
        /// The image's digest.
        digest: Digest,
    },
    /// A request failed in a way that may pass, and is made again after a pause.
    Retrying {
        /// The attempt that failed, counted from 1.
        attempt: u32,
        /// How long the pause is.
        pause: Duration,
        /// What went wrong.
        reason: String,
    },
}
