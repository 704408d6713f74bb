//! Address ranges, as specs write them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// An IPv4 range whose address is its first: `10.20.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Cidr(pub Ipv4Net);

/// An IPv4 or IPv6 range whose address is its first: `0.0.0.0/0`, `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct IpRange(pub IpNet);

impl Cidr {
    /// Whether the two ranges share an address.
    pub fn overlaps(self, other: Self) -> bool {
        self.0.contains(&other.0) || other.0.contains(&self.0)
    }
}

impl IpRange {
    /// Whether every address is in it.
    pub fn is_everything(self) -> bool {
        self.0.prefix_len() == 0
    }
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let range: Ipv4Net = text.parse().map_err(|_| {
            format!("`{text}` is not a valid IPv4 range; expected one such as `10.20.0.0/16`")
        })?;
        if range == range.trunc() {
            Ok(Self(range))
        } else {
            Err(format!("`{text}` has bits set after its prefix; the range is `{}`", range.trunc()))
        }
    }
}

impl FromStr for IpRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let range: IpNet = text.parse().map_err(|_| {
            format!("`{text}` is not a valid address range; expected one such as `203.0.113.0/24`")
        })?;
        if range == range.trunc() {
            Ok(Self(range))
        } else {
            Err(format!("`{text}` has bits set after its prefix; the range is `{}`", range.trunc()))
        }
    }
}

macro_rules! text_form {
    ($type:ident, $name:literal, $example:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl From<$type> for String {
            fn from(range: $type) -> Self {
                range.to_string()
            }
        }

        impl TryFrom<String> for $type {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "examples": [$example] })
            }
        }
    };
}

text_form!(Cidr, "Cidr", "10.20.0.0/16");
text_form!(IpRange, "IpRange", "203.0.113.0/24");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_with_bits_after_its_prefix_is_refused_with_the_right_one() {
        let error = "10.20.1.0/16".parse::<Cidr>().unwrap_err();
        assert!(error.ends_with("the range is `10.20.0.0/16`"), "{error}");
    }
}
