//! The client's end of Session Manager's protocol: what a person types goes to a task, and what the
//! task shows comes back.
//!
//! [`attach`] speaks it over a connection that is there; a session that is encrypted with a key of
//! KMS is not spoken. Messages, and what becomes of them, are values without a connection: they are
//! laid out as in the source of AWS's own client (`aws/session-manager-plugin`, `src/message` and
//! `src/datachannel`), since AWS documents none of it.

mod attach;
mod channel;
mod content;
mod error;
mod message;

pub use attach::attach;
pub use channel::ChannelError;
pub use error::SessionError;
