//! The address of a resource: `kind/name`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Names one resource of a stack, as `kind/name`: `security-group/web`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Address {
    /// The kind, such as `security-group`.
    pub kind: String,
    /// The name within the kind, such as `web`.
    pub name: String,
}

impl Address {
    /// Puts an address together.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind: kind.into(), name: name.into() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl TryFrom<String> for Address {
    type Error = InvalidAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((kind, name)) if is_word(kind) && is_word(name) => Ok(Self::new(kind, name)),
            _ => Err(InvalidAddress(text.to_owned())),
        }
    }
}

/// Says that a text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address: write `kind/name`, such as `security-group/web`")]
pub struct InvalidAddress(String);

/// Lower-case letters, digits and single hyphens, beginning with a letter.
fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && !text.contains("--")
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_written() {
        let address: Address = "security-group/web".parse().unwrap();
        assert_eq!(address, Address::new("security-group", "web"));
        assert_eq!(address.to_string(), "security-group/web");
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in ["web", "Vpc/main", "vpc/", "vpc/a/b", "vpc/-a", "vpc/a--b", "vpc/a-"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
