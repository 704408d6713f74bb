//! The one place that asks what time it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
/// Tells the time in milliseconds since 1970, the unit every stored time is in.
pub fn now() -> i64 {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// Counts the milliseconds of a duration, to add them to a stored time.
pub fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Writes a stored time for machines, as RFC 3339 in UTC.
pub fn rfc3339(millis: i64) -> String {
    Timestamp::from_millisecond(millis).unwrap_or_default().to_string()
}

/// Writes a stored time for people, to the minute, in UTC.
pub fn readable(millis: i64) -> String {
    Timestamp::from_millisecond(millis)
        .unwrap_or_default()
        .strftime("%-d %B %Y, %H:%M UTC")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_for_machines_and_for_people() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(readable(0), "1 January 1970, 00:00 UTC");
    }
}
