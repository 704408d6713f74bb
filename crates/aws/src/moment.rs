//! Moments, as the SDK has them and as the engine has them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// How long ago AWS's clock showed this time, by the clock of this machine; none for what is still to
/// come.
#[expect(clippy::disallowed_methods, reason = "the time is AWS's; there is no other now")]
pub(crate) fn since(time: &DateTime) -> Option<Duration> {
    let time = Duration::try_from_secs_f64(time.as_secs_f64()).ok()?;
    SystemTime::now().duration_since(UNIX_EPOCH + time).ok()
}
