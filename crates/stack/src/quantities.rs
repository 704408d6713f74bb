//! Amounts with their units, as people write them: `20 GiB`, `7 days`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text_form::text_form;

/// An amount of storage in GiB: `20 GiB`, `1 TiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Gibibytes(pub(crate) u32);

/// A number of days, or `forever`, which is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct DaysOrForever(pub(crate) u32);

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

/// A number of seconds that may be days: `60 s`, `4 days`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Lifetime(pub(crate) u32);

/// A number of bytes: `256 KiB`, `1 MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Size(pub(crate) u32);

/// A share of a whole: `60%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Percent(pub(crate) u32);

/// A share of a whole that may be less than a percent: `10%`, `0.5%`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Share(pub(crate) f64);

/// So many in a minute: `500/min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct PerMinute(pub(crate) u32);

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

impl TryFrom<String> for DaysOrForever {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "forever" {
            return Ok(Self(0));
        }
        days(&text).filter(|days| *days > 0).map(Self).ok_or_else(|| {
            let is_endless =
                ["never", "for ever", "infinite", "none", "0"].contains(&text.as_str());
            if is_endless || days(&text).is_some() {
                return format!("`{text}` is not a number of days: write `forever`");
            }
            wrong(&text, "a number of days, or `forever`,", &["days", "weeks"], 7)
        })
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

impl TryFrom<String> for Lifetime {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let units = &[("s", 1), ("min", 60), ("h", 3600)];
        let in_days = || days(&text)?.checked_mul(DAY);
        amount(&text, units)
            .or_else(in_days)
            .map(Self)
            .ok_or_else(|| wrong(&text, "a duration", &["days", "s", "min", "h"], 4))
    }
}

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let units = &[("KiB", 1024), ("MiB", 1024 * 1024)];
        amount(&text, units).map(Self).ok_or_else(|| wrong(&text, "a size", &["KiB", "MiB"], 256))
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

impl TryFrom<String> for Share {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_number = |number: &str| number.bytes().all(|it| it.is_ascii_digit() || it == b'.');
        let number = |text: &str| text.parse::<f64>().ok().filter(|_| is_number(text));
        let share = text.strip_suffix('%').and_then(|rest| number(rest.trim_end()));
        share.map(Self).ok_or_else(|| match number(&text) {
            Some(number) => format!("`{text}` has no unit: write `{number}%`"),
            None => format!("`{text}` is not a percentage such as `10%`"),
        })
    }
}

impl TryFrom<String> for PerMinute {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let of = |unit: &str| -> Option<u32> { text.strip_suffix(unit)?.trim_end().parse().ok() };
        let in_seconds = of("/s").or_else(|| of("/sec")).or_else(|| of(" rps"));
        amount(&text, &[("/min", 1)]).map(Self).ok_or_else(|| match (of(""), in_seconds) {
            (Some(number), _) => format!("`{text}` has no unit: write `{number}/min`"),
            (_, Some(number)) => {
                let number = u64::from(number) * 60;
                format!("`{text}` is counted in a minute: write `{number}/min`")
            }
            _ => format!("`{text}` is not a rate such as `500/min`"),
        })
    }
}

/// How an amount of a unit, as [`UNIT`] has it, is written in a stack; none of one that is unknown.
pub(crate) fn written(unit: &str, amount: u32) -> Option<String> {
    let in_larger = |factor: u32, larger: &str, unit: &str| match amount {
        0 => format!("0 {unit}"),
        _ if amount.is_multiple_of(factor) => format!("{} {larger}", amount / factor),
        _ => format!("{amount} {unit}"),
    };
    match unit {
        "GiB" => Some(in_larger(1024, "TiB", "GiB")),
        "MiB" => Some(in_larger(1024, "GiB", "MiB")),
        "s" => Some(in_larger(3600, "h", "s")),
        "s or days" => Some(Lifetime(amount).to_string()),
        "bytes" => Some(Size(amount).to_string()),
        "%" => Some(Percent(amount).to_string()),
        "/min" => Some(PerMinute(amount).to_string()),
        "days or none" => Some(DaysOrNone(amount).to_string()),
        "days or forever" => Some(DaysOrForever(amount).to_string()),
        _ => None,
    }
}

/// Seconds of a day.
pub(crate) const DAY: u32 = 24 * 60 * 60;

/// What names the unit of an amount in its schema.
pub(crate) const UNIT: &str = "x-unit";

/// How many CPU units people mean who write cores: `0.25`, `0.5 vCPU`, `500m`. The next size of
/// Fargate that is as large.
pub(crate) fn cpu_units(text: &str) -> Option<u32> {
    let text = text.trim().to_lowercase();
    let endings = [("m", 1.024), ("vcpus", 1024.0), ("vcpu", 1024.0), ("cpus", 1024.0)];
    let endings = endings.into_iter().chain([("cpu", 1024.0), ("cores", 1024.0), ("core", 1024.0)]);
    let found = endings.into_iter().find_map(|(end, units)| Some((text.strip_suffix(end)?, units)));
    let (number, units) = found.unwrap_or((&text, 1024.0));
    let number: f64 = number.trim().parse().ok().filter(|number| *number > 0.0)?;
    let units = number * units;
    let sizes = [256, 512, 1024, 2048, 4096, 8192, 16384];
    sizes.into_iter().find(|size| f64::from(*size) >= units)
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
    let meant = [
        "gb", "g", "gi", "kb", "k", "ki", "mb", "m", "mi", "tb", "t", "ti", "d", "sec", "secs",
        "second",
    ];
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

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 0 && self.0.is_multiple_of(DAY) {
            return counted(self.0 / DAY, f);
        }
        write!(f, "{} s", self.0)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (amount, unit) = match self.0 / 1024 {
            amount if amount > 0 && amount.is_multiple_of(1024) => (amount / 1024, "MiB"),
            amount => (amount, "KiB"),
        };
        write!(f, "{amount} {unit}")
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl fmt::Display for PerMinute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/min", self.0)
    }
}

/// Days as they are written.
fn counted(days: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{days} day{}", if days == 1 { "" } else { "s" })
}

impl fmt::Display for DaysOrForever {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { f.write_str("forever") } else { counted(self.0, f) }
    }
}

impl fmt::Display for DaysOrNone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { f.write_str("none") } else { counted(self.0, f) }
    }
}

text_form!(Gibibytes, r"^[0-9]+ ?(GiB|TiB)$|\$\{", ["20 GiB"], UNIT: "GiB");
text_form!(Memory, r"^[0-9]+ ?(MiB|GiB)$|\$\{", ["512 MiB", "1 GiB"], UNIT: "MiB");
text_form!(Seconds, r"^[0-9]+ ?(s|min|h)$|\$\{", ["30 s", "5 min"], UNIT: "s");
text_form!(
    Lifetime,
    r"^[0-9]+ ?(s|min|h|days?|weeks?)$|\$\{",
    ["60 s", "4 days"],
    UNIT: "s or days"
);
text_form!(Size, r"^[0-9]+ ?(KiB|MiB)$|\$\{", ["256 KiB", "1 MiB"], UNIT: "bytes");
text_form!(PerMinute, r"^[0-9]+ ?/min$|\$\{", ["500/min"], UNIT: "/min");
text_form!(Percent, r"^[0-9]+ ?%$|\$\{", ["60%"], UNIT: "%");
text_form!(Share, r"^[0-9]+(\.[0-9]+)? ?%$|\$\{", ["10%", "0.5%"]);
text_form!(DaysOrNone, r"^[0-9]+ ?(days?|weeks?)$|^none$|\$\{", ["7 days", "none"], UNIT: "days or none");
text_form!(
    DaysOrForever,
    r"^[0-9]+ ?(days?|weeks?)$|^forever$|\$\{",
    ["30 days", "forever"],
    UNIT: "days or forever"
);

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
        assert_eq!(DaysOrNone::try_from("1 day".to_owned()), Ok(DaysOrNone(1)));
        assert_eq!(DaysOrForever::try_from("2 weeks".to_owned()), Ok(DaysOrForever(14)));
        assert_eq!(Seconds::try_from("5 min".to_owned()), Ok(Seconds(300)));
        assert_eq!(Lifetime::try_from("4 days".to_owned()), Ok(Lifetime(345_600)));
        assert_eq!(Lifetime::try_from("2 h".to_owned()), Ok(Lifetime(7200)));
        assert_eq!(Size::try_from("256 KiB".to_owned()), Ok(Size(262_144)));
        assert_eq!(Percent::try_from("60%".to_owned()), Ok(Percent(60)));
        assert_eq!(Share::try_from("0.5%".to_owned()), Ok(Share(0.5)));
        assert_eq!(Memory::try_from("1 GiB".to_owned()), Ok(Memory(1024)));
        assert_eq!(PerMinute::try_from("500/min".to_owned()), Ok(PerMinute(500)));
        assert_eq!(DaysOrNone::try_from("none".to_owned()), Ok(DaysOrNone(0)));
        assert_eq!(DaysOrForever::try_from("forever".to_owned()), Ok(DaysOrForever(0)));
    }

    #[test]
    fn amounts_are_written_as_they_are_read() {
        for (unit, amount, text) in [
            ("GiB", 20, "20 GiB"),
            ("GiB", 65_536, "64 TiB"),
            ("MiB", 512, "512 MiB"),
            ("MiB", 2048, "2 GiB"),
            ("s", 0, "0 s"),
            ("s", 300, "300 s"),
            ("s", 3600, "1 h"),
            ("s or days", 60, "60 s"),
            ("s or days", 1_209_600, "14 days"),
            ("bytes", 1024, "1 KiB"),
            ("bytes", 1_048_576, "1 MiB"),
            ("%", 100, "100%"),
            ("/min", 500, "500/min"),
            ("days or none", 1, "1 day"),
            ("days or none", 0, "none"),
            ("days or forever", 0, "forever"),
        ] {
            assert_eq!(written(unit, amount).as_deref(), Some(text));
        }
    }

    #[test]
    fn cores_are_so_many_units() {
        for (text, units) in
            [("0.25", 256), (".5 vCPU", 512), ("0.5 vCPU", 512), ("500m", 512), ("1 core", 1024)]
        {
            assert_eq!(cpu_units(text), Some(units), "{text}");
        }
        assert_eq!(cpu_units("large"), None);
        assert_eq!(cpu_units("32 vCPU"), None);
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
        let error = Size::try_from("256 KB".to_owned()).unwrap_err();
        assert_eq!(error, "`256 KB` is not a size: write `256 KiB`");
        let error = Percent::try_from("60".to_owned()).unwrap_err();
        assert_eq!(error, "`60` has no unit: write `60%`");
        let error = PerMinute::try_from("10/s".to_owned()).unwrap_err();
        assert_eq!(error, "`10/s` is counted in a minute: write `600/min`");
        let error = PerMinute::try_from("500".to_owned()).unwrap_err();
        assert_eq!(error, "`500` has no unit: write `500/min`");
        let error = DaysOrForever::try_from("0 days".to_owned()).unwrap_err();
        assert_eq!(error, "`0 days` is not a number of days: write `forever`");
        let error = DaysOrNone::try_from("off".to_owned()).unwrap_err();
        assert_eq!(error, "`off` is not a number of days: write `none`");
        assert!(DaysOrNone::try_from("7".to_owned()).is_err());
        assert!(DaysOrNone::try_from("-7 days".to_owned()).is_err());
        assert!(Gibibytes::try_from("99999999999 GiB".to_owned()).is_err());
    }
}
