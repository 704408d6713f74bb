//! From when on something is shown: a time, or how long ago.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// From when on something is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// So long ago.
    Ago(SignedDuration),
    /// At this time.
    At(Timestamp),
}

impl Since {
    /// The moment, seen from another; what reaches further back than time does means all there is.
    pub(crate) fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(ago) => now.checked_sub(ago).unwrap_or(Timestamp::UNIX_EPOCH),
            Self::At(at) => at,
        }
        .max(Timestamp::UNIX_EPOCH)
    }
}

/// Reads a time, or how long ago one was. Days have 24 hours.
pub(crate) fn moment(text: &str) -> Result<Since, String> {
    if let Ok(at) = text.parse() {
        return Ok(Since::At(at));
    }
    if let Ok(at) = text.parse::<DateTime>()
        && let Ok(at) = at.to_zoned(TimeZone::UTC)
    {
        return Ok(Since::At(at.timestamp()));
    }
    let days = SpanRelativeTo::days_are_24_hours();
    let ago = text.parse::<Span>().ok().and_then(|span| span.to_duration(days).ok());
    let ago = ago.filter(SignedDuration::is_positive);
    ago.map(Since::Ago)
        .ok_or_else(|| "write it as `10m`, `2h`, `7d` or `2027-01-31T08:00`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_a_time_or_so_long_ago() {
        let now: Timestamp = "2027-01-31T08:00:00Z".parse().unwrap();
        for (text, meant) in [
            ("30s", "2027-01-31T07:59:30Z"),
            ("10m", "2027-01-31T07:50:00Z"),
            ("10 min", "2027-01-31T07:50:00Z"),
            ("1h 30m", "2027-01-31T06:30:00Z"),
            ("7d", "2027-01-24T08:00:00Z"),
            ("2027-01-30T12:00", "2027-01-30T12:00:00Z"),
            ("2027-01-30", "2027-01-30T00:00:00Z"),
            ("2027-01-30T12:00+02:00", "2027-01-30T10:00:00Z"),
            ("20000d", "1972-04-29T08:00:00Z"),
            ("200 years", ""),
        ] {
            let read = moment(text).map(|since| since.before(now).to_string());
            assert_eq!(read.unwrap_or_default(), meant, "{text}");
        }
        for text in ["", "soon", "10", "-10m", "0s"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
