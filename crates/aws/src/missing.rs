//! Values that AWS must send.

use deployer_core::{Cause, Failure};
use deployer_engine::Result;

/// What is said of a value that is not there.
const NOT_THERE: &str = "AWS's answer does not have it, or has one this version does not know";

/// Whether a failure is that of a value that AWS's answer must have.
pub(crate) fn is_unread(failure: &Failure) -> bool {
    failure.message == NOT_THERE
}

/// Takes a value that AWS's answer must have, or says which was missing. There is no default for
/// such a value: a made-up one would be planned with.
pub(crate) trait Required<T> {
    /// `what` names the value: `the id of the VPC`.
    fn required(self, what: &str) -> Result<T>;
}

impl<T> Required<T> for Option<T> {
    fn required(self, what: &str) -> Result<T> {
        self.ok_or_else(|| Failure::new(Cause::Refused, format!("read {what}"), NOT_THERE))
    }
}
