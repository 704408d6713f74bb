//! One writer at a time for each environment of a stack, without a server of our own.
//!
//! The account keeps a pile of claims. A claim has an epoch, and of all who try to make the claim
//! of an epoch exactly one succeeds: that is all that is asked of the account. The writer is
//! whoever made the highest. One that is done takes its claim off. Upon a claim whose holder has
//! fallen silent the next one is built; the silent holder, should it wake, sees that it has been
//! built upon and stops.
//!
//! A holder may change things only while its claim was renewed less than a [`Lease`] ago, and is
//! taken for silent only some time after that, so there is no moment at which two may.

mod acquire;
mod claim;
mod holder;
mod lease;

pub use acquire::{Lock, Notice, Request, Unlocked, lock};
pub use claim::Claim;
pub(crate) use claim::claimed;
pub use holder::{Holder, LEASE};
pub use lease::Lease;
