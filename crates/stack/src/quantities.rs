//! Amounts with their units, as people write them: `20 GiB`, `7 days`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

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

/// An amount of memory in MiB: `512`, or with its unit, `1 GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory(pub(crate) u32);

impl TryFrom<String> for Gibibytes {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let units = &[("GiB", 1), ("TiB", 1024)];
        amount(&text, units).map(Self).ok_or_else(|| {
            let near = text.strip_suffix("GB").or(text.strip_suffix('G')).unwrap_or(&text).trim();
            let digits = near.parse::<u32>().map_or("20".to_owned(), |number| number.to_string());
            format!("`{text}` is no amount of storage such as `{digits} GiB`")
        })
    }
}

impl TryFrom<String> for Days {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        days(&text)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no number of days such as `7 days`"))
    }
}

impl TryFrom<String> for DaysOrNone {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(0));
        }
        days(&text)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no number of days such as `7 days`, nor `none`"))
    }
}

impl<'de> Deserialize<'de> for Memory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let whole = value.as_u64().and_then(|number| u32::try_from(number).ok());
        let text = value.as_str().and_then(|text| amount(text, &[("MiB", 1), ("GiB", 1024)]));
        whole.or(text).map(Self).ok_or_else(|| {
            let written = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            serde::de::Error::custom(format!(
                "`{written}` is no amount of memory such as `512` (MiB) or `1 GiB`"
            ))
        })
    }
}

impl Serialize for Memory {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl fmt::Display for Gibibytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} GiB", self.0)
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
text_form!(Days, r"^[0-9]+ ?(days?|weeks?)$|\$\{", ["7 days"]);
text_form!(DaysOrNone, r"^[0-9]+ ?(days?|weeks?)$|^none$|\$\{", ["7 days", "none"]);

impl JsonSchema for Memory {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Memory".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["integer", "string"], "examples": [512, "1 GiB"] })
    }
}

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
        assert_eq!(DaysOrNone::try_from("none".to_owned()), Ok(DaysOrNone(0)));
    }

    #[test]
    fn an_amount_without_its_unit_is_refused_with_an_example() {
        let error = Gibibytes::try_from("50 GB".to_owned()).unwrap_err();
        assert_eq!(error, "`50 GB` is no amount of storage such as `50 GiB`");
        assert!(Days::try_from("7".to_owned()).is_err());
        assert!(Days::try_from("-7 days".to_owned()).is_err());
        assert!(Gibibytes::try_from("99999999999 GiB".to_owned()).is_err());
    }
}
