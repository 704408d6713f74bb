//! Moments, as the SDK has them and as the engine has them.

use aws_smithy_types::DateTime;
use jiff::Timestamp;

/// A moment of AWS's; none where there is none, and for one beyond the year 9999.
pub(crate) fn moment(at: Option<&DateTime>) -> Option<Timestamp> {
    let at = at?;
    Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).ok()?).ok()
}

/// A moment for AWS, to the second.
pub(crate) fn of_moment(at: Timestamp) -> DateTime {
    DateTime::from_secs(at.as_second())
}
