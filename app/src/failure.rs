//! Why a request cannot be served, in one enum for pages, API and gRPC.

use std::time::Duration;

use axum::http::StatusCode;
use thiserror::Error;

use crate::data::{DataError, Invalid};

/// Why a request cannot be served. The text is for the person or program that asked.
#[derive(Debug, Error)]
pub enum Failure {
    /// There is no such thing.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// What was sent does not fit.
    #[error("{0}")]
    Invalid(String),
    /// What was sent fits, but not with what has happened in the meantime.
    #[error("{0}")]
    Conflict(&'static str),
    /// The sender may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The sender asks for more than one may have; there is more after this time.
    #[error("you ask more often than one may; please try again in a moment")]
    TooMany(Duration),
    /// All places are taken.
    #[error("there are too many requests for the moment; please try again in a few seconds")]
    Busy,
    /// The data is away for now.
    #[error("the notes cannot be reached for the moment; please try again in a few seconds")]
    Unavailable(#[source] DataError),
    /// The data refused something that it should not; the log has the details.
    #[error("something went wrong here; it has been logged")]
    Internal(#[source] DataError),
}

impl Failure {
    /// Tells the HTTP status of the failure.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Tells how many seconds to wait, where that is known.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany(wait) => Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
            _ => None,
        }
    }

    /// Logs what the asker is not told. Refusals for want of room are counted instead: a line for
    /// each would be one more thing to run out of.
    pub fn log(&self) {
        match self {
            Self::Unavailable(error) => tracing::warn!(%error, "could not serve a request"),
            Self::Internal(error) => tracing::error!(%error, "could not serve a request"),
            Self::NotFound(_)
            | Self::Invalid(_)
            | Self::Conflict(_)
            | Self::Forbidden(_)
            | Self::TooMany(_)
            | Self::Busy => {}
        }
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Unavailable(_) => Self::Unavailable(error),
            DataError::Refused(_) => Self::Internal(error),
        }
    }
}

impl From<Invalid> for Failure {
    fn from(error: Invalid) -> Self {
        Self::Invalid(error.to_string())
    }
}
