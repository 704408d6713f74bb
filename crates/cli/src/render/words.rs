//! The words for what is done, what is noticed and how long it takes.

use std::time::Duration;

use deployer_core::{Action, Impact};

/// What users notice, in a word or two.
pub(crate) fn impact(impact: Impact) -> &'static str {
    match impact {
        Impact::None => "nobody",
        Impact::Rolling => "rolling",
        Impact::Elsewhere => "elsewhere",
        Impact::Restart => "restart",
        Impact::Outage => "outage",
        Impact::DataLoss => "data loss",
        Impact::Unknown => "unknown",
    }
}

/// What is being done.
pub(crate) fn doing(action: Action) -> &'static str {
    match action {
        Action::Create => "creating",
        Action::Update => "updating",
        Action::Await => "waiting for AWS",
        Action::Delete => "deleting",
    }
}

/// What has been done.
pub(crate) fn done(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "updated",
        Action::Await => "ready",
        Action::Delete => "deleted",
    }
}

/// An identifier as people know it: of an ARN, what follows the account.
pub(crate) fn short(id: &str) -> &str {
    if id.starts_with("arn:") { id.splitn(6, ':').nth(5).unwrap_or(id) } else { id }
}

/// How many characters of a commit and of a digest are shown.
const BRIEF: usize = 12;

/// The beginning of a digest or of a commit, which is enough to know it by.
pub(crate) fn brief(text: &str) -> &str {
    let bare = text.strip_prefix("sha256:").unwrap_or(text);
    bare.get(..BRIEF).unwrap_or(bare)
}

/// How long AWS typically takes: `about 9 min`.
pub(crate) fn typical(seconds: u32) -> String {
    match seconds {
        0..60 => format!("about {seconds} s"),
        60..3570 => format!("about {} min", (seconds + 30) / 60),
        _ => match ((seconds + 30) / 3600, (seconds + 30) % 3600 / 60) {
            (hours, 0) => format!("about {hours} h"),
            (hours, minutes) => format!("about {hours} h {minutes} min"),
        },
    }
}

/// How long something has taken: `0.4s`, `12s`, `4m 10s`, `1h 02m`.
pub(crate) fn elapsed(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{}.{}s", time.as_secs(), time.subsec_millis() / 100),
        seconds @ 10..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        seconds => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typical_time_is_no_more_exact_than_it_is_known() {
        let words = [8, 59, 60, 61, 121, 540, 3599, 4500].map(typical);
        let expected = [
            "about 8 s",
            "about 59 s",
            "about 1 min",
            "about 1 min",
            "about 2 min",
            "about 9 min",
            "about 1 h",
            "about 1 h 15 min",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn elapsed_time_gets_coarser_as_it_grows() {
        let words = [420, 9_999, 12_300, 250_000, 3_720_000].map(Duration::from_millis);
        assert_eq!(words.map(elapsed), ["0.4s", "9.9s", "12s", "4m 10s", "1h 02m"]);
    }
}
