//! A domain of a load balancer, as it is written.

use deployer_kinds as kinds;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::node::{Content, Node};
use crate::text_form::{TextOr, text_or};

/// A domain that a load balancer is reached by: `www.example.com`, or with more that is said of it.
#[derive(Clone, Debug)]
pub(crate) struct Domain {
    pub(crate) name: String,
    /// The domain that its clients are sent to.
    pub(crate) redirect: Option<String>,
    pub(super) zone: Option<Zone>,
    pub(super) failover: Option<Failover>,
}

/// The long form of [`Domain`].
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Mapping {
    /// The domain: `www.example.com`, or `*.example.com`.
    name: String,
    /// Another of the domains, to which its clients are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect: Option<String>,
    /// The hosted zone that its records are in; the public one of this account that has most of the
    /// name when left out. With `none` the records are made by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<Zone>,
    /// Whether two environments share it, one of which answers while the other does not: `true`,
    /// `primary` or `secondary`. With `true` an environment that is like another is the secondary.
    #[serde(skip_serializing_if = "Option::is_none")]
    failover: Option<Failover>,
}

/// The hosted zone that records are in: its name or id, `none`, or with the role that leads to its
/// account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    /// Its name or id.
    name: Option<String>,
    pub(super) role: Option<String>,
}

/// The long form of [`Zone`].
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ZoneMapping {
    /// Its name or id; the public one that has most of the domain when left out.
    name: Option<String>,
    /// The ARN of the role that leads to its account.
    role: Option<String>,
}

/// Whether two environments share a domain, and which of them this one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Failover {
    /// They do, and the one that is like the other is the second.
    Shared(bool),
    /// They do, and this is the one that answers, or the one that does while that one does not.
    Role(Role),
}

/// Which of two environments one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    /// It answers.
    Primary,
    /// It answers while the other does not.
    Secondary,
}

impl Failover {
    /// Which one an environment is, whose records have this set.
    pub(super) fn of(self, is_like_another: bool, set: String) -> kinds::Failover {
        match self {
            Self::Shared(false) => kinds::Failover::None,
            Self::Role(Role::Secondary) => kinds::Failover::Secondary(set),
            Self::Shared(true) if is_like_another => kinds::Failover::Secondary(set),
            Self::Shared(true) | Self::Role(Role::Primary) => kinds::Failover::Primary(set),
        }
    }
}

/// The word for no zone.
const NONE: &str = "none";

impl Domain {
    /// Whether it is what people are shown.
    pub(super) fn is_shown(&self) -> bool {
        self.redirect.is_none() && !self.name.starts_with("*.")
    }

    /// The domain without a wildcard: that and the wildcard are validated by the same record.
    pub(super) fn base(&self) -> &str {
        self.name.trim_start_matches("*.")
    }

    pub(super) fn has_zone(&self) -> bool {
        self.zone.as_ref().and_then(|zone| zone.name.as_deref()) != Some(NONE)
    }

    /// How its zone is called, where that is said.
    pub(super) fn zone(&self) -> Option<String> {
        self.zone.as_ref().and_then(|zone| zone.name.clone())
    }
}

/// The domain that people are shown first, of a body that nobody has read yet.
pub(super) fn first(body: &Node) -> Option<&str> {
    let Content::List(items) = &body.field("domains")?.content else { return None };
    items.iter().find_map(|item| {
        let name = item.field("name").unwrap_or(item).text()?;
        (item.field("redirect").is_none() && !name.starts_with("*.")).then_some(name)
    })
}

/// The name of what belongs to a domain: `domain-www-example-com`.
pub(in crate::sections) fn resource(domain: &str) -> String {
    let mut name = "domain".to_owned();
    for letter in format!(".{}", domain.replace('*', "any")).chars() {
        let letter = if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
        if letter != '-' || !name.ends_with('-') {
            name.push(letter);
        }
    }
    name.trim_end_matches('-').to_owned()
}

impl<'de> Deserialize<'de> for Domain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOr {
            of_text: |name| Ok(Self { name, redirect: None, zone: None, failover: None }),
            of_mapping: |Mapping { name, redirect, zone, failover }: Mapping| Self {
                name,
                redirect,
                zone,
                failover,
            },
        })
    }
}

impl Serialize for Domain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { name, redirect, zone, failover } = self.clone();
        if redirect.is_none() && zone.is_none() && failover.is_none() {
            return name.serialize(serializer);
        }
        Mapping { name, redirect, zone, failover }.serialize(serializer)
    }
}

impl JsonSchema for Domain {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Domain".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        text_or::<Mapping>(generator)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOr {
            of_text: |name| Ok(Self { name: Some(name), role: None }),
            of_mapping: |ZoneMapping { name, role }: ZoneMapping| Self { name, role },
        })
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.clone() {
            Self { name: Some(name), role: None } => name.serialize(serializer),
            Self { name, role } => ZoneMapping { name, role }.serialize(serializer),
        }
    }
}

impl JsonSchema for Zone {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Zone".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        text_or::<ZoneMapping>(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_called_by_their_domain() {
        assert_eq!(resource("www.example.com"), "domain-www-example-com");
        assert_eq!(resource("*.example.com"), "domain-any-example-com");
        assert_eq!(resource("xn--e1a.com"), "domain-xn-e1a-com");
    }
}
