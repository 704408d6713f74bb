//! What goes wrong, and when.

use deployer_core::{Cause, Failure};
use deployer_engine::Result;
use tokio::sync::Notify;

/// When a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the call takes effect.
    Before,
    /// After it took effect: its reply is lost.
    After,
}

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails, with this cause.
    Fail(Moment, Cause),
    /// It never returns, as if the process were killed in the midst of it.
    Hang(Moment),
    /// It panics, as a bug in a kind does.
    Panic,
}

impl Fault {
    /// The call takes effect and its reply gets lost.
    pub const LOST_REPLY: Self = Self::Fail(Moment::After, Cause::Ambiguous);

    pub(crate) fn moment(self) -> Moment {
        match self {
            Self::Fail(moment, _) | Self::Hang(moment) => moment,
            Self::Panic => Moment::Before,
        }
    }

    /// What the call gives instead of its reply. Whoever waits for one that hangs is told.
    ///
    /// # Panics
    /// When it is told to.
    pub(crate) async fn strike<T>(self, hanging: &Notify) -> Result<T> {
        match self {
            Self::Fail(_, cause) => Err(refusal(cause, format!("it was made to fail: {cause:?}"))),
            Self::Hang(_) => {
                hanging.notify_one();
                std::future::pending().await
            }
            Self::Panic => panic!("a call was made to panic"),
        }
    }
}

/// The failure of a call that is refused.
pub(crate) fn refusal(cause: Cause, message: impl Into<String>) -> Failure {
    Failure::new(cause, "make a call", message)
}
