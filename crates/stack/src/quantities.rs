//! Amounts with their units, as people write them: `20 GiB`, `7 days`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// An amount of storage in GiB: `20 GiB`, `1 TiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Gibibytes(pub(crate) u32);

/// A number of days: `7 days`, `2 weeks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Days(pub(crate) u32);

/// A number of days, or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct DaysOrNone(pub(crate) u32);

/// An amount of memory in MiB: `512 MiB`, `1 GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Memory(pub(crate) u32);

/// A number of seconds: `30 s`, `5 min`, `2 h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Seconds(pub(crate) u32);

/// A share of a whole: `60%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Percent(pub(crate) u32);

impl TryFrom<String> for Gibibytes {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let units = &[("GiB", 1), ("TiB", 1024)];
        amount(&text, units)
            .map(Self)
            .ok_or_else(|| wrong(&text, "an amount of storage", &["GiB", "TiB"], 20))
    }
}

impl TryFrom<String> for Memory {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let units = &[("MiB", 1), ("GiB", 1024)];
        amount(&text, units)
            .map(Self)
            .ok_or_else(|| wrong(&text, "an amount of memory", &["MiB", "GiB"], 512))
    }
}

impl TryFrom<String> for Days {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        days(&text).map(Self).ok_or_else(|| wrong(&text, "a number of days", &["days", "weeks"], 7))
    }
}

impl TryFrom<String> for DaysOrNone {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(0));
        }
        days(&text).filter(|days| *days > 0).map(Self).ok_or_else(|| {
            if days(&text).is_some() {
                return format!("`{text}` is not a number of days: write `none`");
            }
            if ABSENT.contains(&text.as_str()) {
                return format!("`{text}` is not a number of days: write `none`");
            }
            wrong(&text, "a number of days, or `none`", &["days", "weeks"], 7)
        })
    }
}

impl TryFrom<String> for Seconds {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let units = &[("s", 1), ("min", 60), ("h", 3600)];
        amount(&text, units)
            .map(Self)
            .ok_or_else(|| wrong(&text, "a duration", &["s", "min", "h"], 30))
    }
}

impl TryFrom<String> for Percent {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let plain = text.parse::<u32>().ok();
        amount(&text, &[("%", 1)]).map(Self).ok_or_else(|| match plain {
            Some(number) => format!("`{text}` has no unit: write `{number}%`"),
            None => format!("`{text}` is not a percentage such as `60%`"),
        })
    }
}

/// What people write for nothing at all elsewhere.
const ABSENT: [&str; 6] = ["off", "no", "never", "false", "null", "0"];

/// What is wrong with an amount, and how it is written with its unit: the one that is meant, where
/// that can be seen, or else the first.
fn wrong(text: &str, what: &str, units: &[&str], example: u32) -> String {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let unit = units.first().copied().unwrap_or_default();
    if digits == text && !text.is_empty() {
        return format!("`{text}` has no unit: write `{text} {unit}`");
    }
    // `2GB`, `2g`, `5 sec`, `3 hours`: another spelling of one that there is.
    let rest = text[digits.len()..].trim().to_lowercase();
    let meant = ["gb", "g", "gi", "mb", "m", "mi", "tb", "t", "ti", "d", "sec", "secs", "second"];
    let meant = meant.into_iter().chain(["seconds", "mins", "minute", "minutes", "hour", "hours"]);
    let is_known = meant.into_iter().any(|spelling| spelling == rest);
    let unit_meant = units
        .iter()
        .find(|unit| is_known && unit.to_lowercase().chars().next() == rest.chars().next());
    match unit_meant {
        Some(unit) if !digits.is_empty() => {
            format!("`{text}` is not {what}: write `{digits} {unit}`")
        }
        _ => format!("`{text}` is not {what} such as `{example} {unit}`"),
    }
}

impl fmt::Display for Gibibytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} GiB", self.0)
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB", self.0)
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} day{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

impl fmt::Display for DaysOrNone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { f.write_str("none") } else { Days(self.0).fmt(f) }
    }
}

macro_rules! text_form {
    ($type:ident, $pattern:literal, $examples:tt) => {
        impl From<$type> for String {
            fn from(amount: $type) -> Self {
                amount.to_string()
            }
        }

        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "examples": $examples })
            }
        }
    };
}

text_form!(Gibibytes, r"^[0-9]+ ?(GiB|TiB)$|\$\{", ["20 GiB"]);
text_form!(Memory, r"^[0-9]+ ?(MiB|GiB)$|\$\{", ["512 MiB", "1 GiB"]);
text_form!(Seconds, r"^[0-9]+ ?(s|min|h)$|\$\{", ["30 s", "5 min"]);
text_form!(Percent, r"^[0-9]+ ?%$|\$\{", ["60%"]);
text_form!(Days, r"^[0-9]+ ?(days?|weeks?)$|\$\{", ["7 days"]);
text_form!(DaysOrNone, r"^[0-9]+ ?(days?|weeks?)$|^none$|\$\{", ["7 days", "none"]);

fn days(text: &str) -> Option<u32> {
    amount(text, &[("days", 1), ("day", 1), ("weeks", 7), ("week", 7)])
}

fn amount(text: &str, units: &[(&str, u32)]) -> Option<u32> {
    units.iter().find_map(|(unit, factor)| {
        let number = text.strip_suffix(unit)?.trim_end();
        let plain = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
        if plain { number.parse::<u32>().ok()?.checked_mul(*factor) } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_with_their_units() {
        assert_eq!(Gibibytes::try_from("20 GiB".to_owned()), Ok(Gibibytes(20)));
        assert_eq!(Gibibytes::try_from("1TiB".to_owned()), Ok(Gibibytes(1024)));
        assert_eq!(Days::try_from("1 day".to_owned()), Ok(Days(1)));
        assert_eq!(Days::try_from("2 weeks".to_owned()), Ok(Days(14)));
        assert_eq!(Seconds::try_from("5 min".to_owned()), Ok(Seconds(300)));
        assert_eq!(Percent::try_from("60%".to_owned()), Ok(Percent(60)));
        assert_eq!(Memory::try_from("1 GiB".to_owned()), Ok(Memory(1024)));
        assert_eq!(DaysOrNone::try_from("none".to_owned()), Ok(DaysOrNone(0)));
    }

    #[test]
    fn an_amount_without_its_unit_is_refused_with_an_example() {
        let error = Gibibytes::try_from("50 GB".to_owned()).unwrap_err();
        assert_eq!(error, "`50 GB` is not an amount of storage: write `50 GiB`");
        let error = Seconds::try_from("60".to_owned()).unwrap_err();
        assert_eq!(error, "`60` has no unit: write `60 s`");
        let error = Memory::try_from("2GB".to_owned()).unwrap_err();
        assert_eq!(error, "`2GB` is not an amount of memory: write `2 GiB`");
        let error = Seconds::try_from("2 hours".to_owned()).unwrap_err();
        assert_eq!(error, "`2 hours` is not a duration: write `2 h`");
        let error = Percent::try_from("60".to_owned()).unwrap_err();
        assert_eq!(error, "`60` has no unit: write `60%`");
        let error = DaysOrNone::try_from("off".to_owned()).unwrap_err();
        assert_eq!(error, "`off` is not a number of days: write `none`");
        assert!(Days::try_from("7".to_owned()).is_err());
        assert!(Days::try_from("-7 days".to_owned()).is_err());
        assert!(Gibibytes::try_from("99999999999 GiB".to_owned()).is_err());
    }
}
