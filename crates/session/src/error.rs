//! How a session can fail.

use crate::channel::ChannelError;

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
