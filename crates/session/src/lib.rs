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
mod message;

pub use attach::attach;
pub use channel::ChannelError;

/// Why a session ended otherwise than by itself.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The connection broke, or its other end does not speak WebSocket.
    #[error("the connection: {0}")]
    Connection(#[from] tokio_websockets::Error),
    /// The connection ended, and the other side did not say that the session has.
    #[error("the connection ended before the session did")]
    Ended,
    /// The other side does not keep to the protocol, or wants more than this client knows.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The session's address is none.
    #[error("`{0}` is no address of a session")]
    Address(String),
}
