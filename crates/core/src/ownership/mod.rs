//! Whose something is: proofs that only a deployer can make, and the record of what was made.
//!
//! Tags say what something claims to be, and anybody who may write tags may have them say it. So
//! they are held against two things that nobody but a deployer can write: a signature among the
//! tags, and the environment's record in the account. See `docs/ownership.md`.

mod judge;
mod proof;
mod record;

pub use judge::{Deeds, Seen};
pub(crate) use judge::{Judged, judge};
pub use proof::{Keys, Proof, PublicKey, Serial, Signer, Statement};
pub use record::{HIGHEST_EPOCH, Record, TooManyRoles, Unreadable};
