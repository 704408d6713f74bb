//! A security group with its rules.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use deployer_core::{
    Action, Admission, Change, Fact, Grant, Impact, Kind, Naming, Peer as Admitted, Problem, Ref,
    Thing, Time, Typical,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{IpRange, Vpc, lingering};

/// How many rules a group takes in each direction (VPC user guide, "Amazon VPC quotas").
const RULES: usize = 60;

/// A security group.
pub struct SecurityGroup;

impl Kind for SecurityGroup {
    const NAME: &'static str = "security-group";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("vpc", Change::Replace(Impact::Outage)),
        ("description", Change::Replace(Impact::None)),
        ("ingress", Change::InPlace(Impact::None)),
        ("egress", Change::InPlace(Impact::Outage)),
    ];
    // Names may not begin with `sg-` (EC2 API reference, `CreateSecurityGroup`).
    const NAMING: Option<Naming> = Some(Naming::hyphens(255).refusing(&["sg-"]));
    const GRANTS: &'static [Grant] = &[
        Grant { by: &["from", "port", "protocol"], most: RULES, ..Grant::of("ingress") },
        Grant { by: &["to", "port", "protocol"], most: RULES, ..Grant::of("egress") },
    ];
    const REFUSED_WHILE_USED: bool = true;
    // Nothing is in it any more, or it could not be deleted.
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };
    type Spec = SecurityGroupSpec;
    type Output = SecurityGroupOutput;

    fn time(
        action: Action,
        _live: Option<&SecurityGroupSpec>,
        _wanted: Option<&SecurityGroupSpec>,
    ) -> Time {
        lingering::time(Self::TYPICAL, action)
    }

    fn check(spec: &SecurityGroupSpec) -> Vec<Problem> {
        let ingress = spec.ingress.iter().map(|rule| (rule.port, rule.protocol, &rule.from));
        let egress = spec.egress.iter().map(|rule| (rule.port, rule.protocol, &rule.to));
        let mut problems = rules("ingress", ingress);
        problems.extend(rules("egress", egress));
        problems.extend(bad_description("description", &spec.description));
        if spec.description.is_empty() {
            let message = "a security group needs a description";
            problems.push(Problem::new("description", message, "write what the group is for"));
        }
        for (index, rule) in spec.ingress.iter().enumerate() {
            let path = format!("ingress.{index}.description");
            problems.extend(bad_description(&path, &rule.description));
        }
        for (index, rule) in spec.egress.iter().enumerate() {
            let path = format!("egress.{index}.description");
            problems.extend(bad_description(&path, &rule.description));
        }
        problems
    }

    fn facts(spec: &SecurityGroupSpec) -> Vec<Fact> {
        let admissions = spec.ingress.iter().map(|rule| {
            let ports = match rule.port {
                Ports::All => (0, u16::MAX),
                Ports::Range(first, last) => (first, last),
            };
            let from = match &rule.from {
                Peer::IpRange(range) if range.is_everything() => Admitted::Everybody,
                Peer::IpRange(range) => Admitted::Addresses(range.to_string()),
                Peer::SecurityGroup(group) => Admitted::Group(group.into()),
                Peer::PrefixList(list) => Admitted::Addresses(list.clone()),
                Peer::Itself => Admitted::Group(Thing::Itself),
            };
            Fact::Admits(Admission { from, ports })
        });
        admissions.collect()
    }

    /// Nobody notices rules that are only added, nor what they are said to be for.
    fn change(field: &str, live: &Value, wanted: &Value) -> Option<Change> {
        let (Value::Array(live), Value::Array(wanted)) = (live, wanted) else { return None };
        let lets_out = |rule: &Value| ["to", "port", "protocol"].map(|key| rule.get(key).cloned());
        let wanted: Vec<_> = wanted.iter().map(lets_out).collect();
        let keeps_all = live.iter().all(|rule| wanted.contains(&lets_out(rule)));
        (field == "egress" && keeps_all).then_some(Change::InPlace(Impact::None))
    }
}

/// What EC2 takes in the description of a group or a rule, beside letters and digits (EC2 API
/// reference, `CreateSecurityGroup` and `IpRange`).
const SIGNS: &str = " ._-:/()#,@[]+=&;{}!$*";

/// The most characters of a description (EC2 API reference).
const LONGEST_DESCRIPTION: usize = 255;

/// A character as messages show it.
pub(crate) fn shown(character: char) -> String {
    let escaped = || character.escape_debug().to_string();
    if character.is_control() { escaped() } else { character.to_string() }
}

/// What is wrong with a description.
fn bad_description(path: &str, text: &str) -> Option<Problem> {
    let is_taken = |c: char| c.is_ascii_alphanumeric() || SIGNS.contains(c);
    if let Some(strange) = text.chars().find(|c| !is_taken(*c)) {
        let message = format!("a description in EC2 cannot hold `{}`", shown(strange));
        let help = format!("write letters from a to z, digits, spaces and `{}`", SIGNS.trim());
        return Some(Problem::new(path, message, help));
    }
    let length = text.chars().count();
    (length > LONGEST_DESCRIPTION).then(|| {
        let message = format!("a description of {length} characters is too long");
        Problem::new(path, message, format!("expected {LONGEST_DESCRIPTION} characters at most"))
    })
}

/// What we want of a security group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SecurityGroupSpec {
    /// The VPC it is in.
    pub vpc: Ref<Vpc>,
    /// What it is for. AWS cannot change it: another text makes another group.
    #[serde(default = "description")]
    pub description: String,
    /// What may come in.
    #[serde(default)]
    pub ingress: BTreeSet<Ingress>,
    /// What may go out; everything when left out, as in AWS.
    #[serde(default = "everything")]
    pub egress: BTreeSet<Egress>,
}

/// What may come in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ingress {
    /// Who may send: a range, `{ security-group: … }`, `{ prefix-list: pl-… }` or `itself`.
    pub from: Peer,
    /// The ports: `443`, `8000-8100` or `all`.
    pub port: Ports,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, `all` or a protocol number.
    #[serde(default)]
    pub protocol: Protocol,
    /// What the rule is for.
    #[serde(default)]
    pub description: String,
}

/// What may go out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Egress {
    /// Who may be sent to: a range, `{ security-group: … }`, `{ prefix-list: pl-… }` or `itself`.
    pub to: Peer,
    /// The ports: `443`, `8000-8100` or `all`.
    pub port: Ports,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, `all` or a protocol number.
    #[serde(default)]
    pub protocol: Protocol,
    /// What the rule is for.
    #[serde(default)]
    pub description: String,
}

/// The other side of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "Value", try_from = "Value")]
pub enum Peer {
    /// Anybody with an address of the range.
    IpRange(IpRange),
    /// Everything in the group.
    SecurityGroup(Ref<SecurityGroup>),
    /// Anybody with an address of a prefix list, such as the one of CloudFront.
    PrefixList(String),
    /// Everything in this very group.
    Itself,
}

/// A range of ports, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "Value", try_from = "Value")]
pub enum Ports {
    /// Every port, and every type of ICMP.
    All,
    /// From the first to the last, both included.
    Range(u16, u16),
}

/// An IP protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// ICMP for IPv4.
    Icmp,
    /// ICMP for IPv6.
    Icmpv6,
    /// Every protocol.
    All,
    /// Another one, by its number.
    Number(u8),
}

/// What AWS returns for a security group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SecurityGroupOutput {
    /// The identifier, `sg-…`.
    pub id: String,
}

/// Mistakes in the rules of one direction. EC2 keeps a rule by its protocol, ports and peer, and
/// shows one over all ports without ports (`IpPermission` in the EC2 API reference), so what it
/// would show differently is refused here.
fn rules<'a>(
    field: &str,
    rules: impl Iterator<Item = (Ports, Protocol, &'a Peer)>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, (ports, protocol, peer)) in rules.enumerate() {
        let port = format!("{field}.{index}.port");
        match (ports, protocol) {
            (Ports::Range(0, u16::MAX), _) => {
                problems.push(Problem::new(port, "0-65535 is every port", "write `port: all`"));
            }
            (Ports::Range(..), Protocol::Tcp | Protocol::Udp) | (Ports::All, _) => {}
            (Ports::Range(..), other) => problems.push(Problem::new(
                port,
                format!("protocol {other} has no ports"),
                "write `port: all`, or `protocol: tcp`",
            )),
        }
        if !seen.insert((ports, protocol, peer)) {
            problems.push(Problem::new(
                format!("{field}.{index}"),
                "two rules differ in nothing but their description",
                "keep one of them",
            ));
        }
    }
    problems
}

fn description() -> String {
    "managed by deployer".to_owned()
}

/// The rule that AWS gives every new group.
fn everything() -> BTreeSet<Egress> {
    ["0.0.0.0/0"]
        .into_iter()
        .filter_map(|range| range.parse().ok())
        .map(|range| Egress {
            to: Peer::IpRange(range),
            port: Ports::All,
            protocol: Protocol::All,
            description: String::new(),
        })
        .collect()
}

impl From<Peer> for Value {
    fn from(peer: Peer) -> Self {
        match peer {
            Peer::IpRange(range) => Self::String(range.to_string()),
            Peer::SecurityGroup(group) => serde_json::json!({ "security-group": group }),
            Peer::PrefixList(list) => serde_json::json!({ "prefix-list": list }),
            Peer::Itself => Self::from("itself"),
        }
    }
}

impl TryFrom<Value> for Peer {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        if let Some(text) = value.as_str() {
            return if text == "itself" {
                Ok(Self::Itself)
            } else {
                text.parse().map(Self::IpRange)
            };
        }
        let mut fields = match value {
            Value::Object(fields) if fields.len() == 1 => fields,
            _ => return Err("expected a range, `{ security-group: … }` or `itself`".to_owned()),
        };
        if let Some(group) = fields.remove("security-group") {
            return Ref::deserialize(group).map(Self::SecurityGroup).map_err(|e| e.to_string());
        }
        match fields.remove("prefix-list") {
            Some(Value::String(list)) => Ok(Self::PrefixList(list)),
            _ => Err("expected a range, `{ security-group: … }` or `itself`".to_owned()),
        }
    }
}

impl From<Ports> for Value {
    fn from(ports: Ports) -> Self {
        match ports {
            Ports::All => Self::from("all"),
            Ports::Range(first, last) if first == last => Self::from(first),
            Ports::Range(first, last) => Self::from(format!("{first}-{last}")),
        }
    }
}

impl TryFrom<Value> for Ports {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let text = match &value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mistake =
            || format!("`{text}` is not a valid port; expected `443`, `8000-8100` or `all`");
        if text == "all" {
            return Ok(Self::All);
        }
        let (first, last) = text.split_once('-').unwrap_or((&text, &text));
        let port = |text: &str| text.trim().parse::<u16>().map_err(|_| mistake());
        match (port(first)?, port(last)?) {
            (first, last) if first <= last => Ok(Self::Range(first, last)),
            _ => Err(mistake()),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp => f.write_str("tcp"),
            Self::Udp => f.write_str("udp"),
            Self::Icmp => f.write_str("icmp"),
            Self::Icmpv6 => f.write_str("icmpv6"),
            Self::All => f.write_str("all"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

impl From<Protocol> for String {
    fn from(protocol: Protocol) -> Self {
        protocol.to_string()
    }
}

impl TryFrom<String> for Protocol {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Protocol {
    type Err = String;

    /// Takes AWS's own spelling too: `-1` for all, and the numbers of those that have names.
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "tcp" | "6" => Self::Tcp,
            "udp" | "17" => Self::Udp,
            "icmp" | "1" => Self::Icmp,
            "icmpv6" | "58" => Self::Icmpv6,
            "all" | "-1" => Self::All,
            number => Self::Number(number.parse().map_err(|_| {
                format!(
                    "`{number}` is not a valid protocol; expected `tcp`, `udp`, `icmp`, `icmpv6` \
                     or `all`"
                )
            })?),
        })
    }
}

macro_rules! schema {
    ($type:ident, $schema:tt) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

schema!(Ports, { "type": ["integer", "string"], "examples": [443, "8000-8100", "all"] });
schema!(Protocol, { "type": "string", "examples": ["tcp", "udp", "icmp", "icmpv6", "all"] });

impl JsonSchema for Peer {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Peer".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let group = Ref::<SecurityGroup>::json_schema(generator);
        json_schema!({
            "anyOf": [
                { "type": "string", "examples": ["203.0.113.0/24", "itself"] },
                {
                    "type": "object",
                    "properties": { "security-group": group, "prefix-list": { "type": "string" } },
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": false
                }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_reads_as_people_write_it_and_writes_itself_the_same() {
        for rule in [
            json!({ "from": "203.0.113.0/24", "port": 5432, "protocol": "tcp", "description": "" }),
            json!({ "from": "itself", "port": "8000-8100", "protocol": "udp", "description": "x" }),
            json!({ "from": { "prefix-list": "pl-1" }, "port": "all", "protocol": "all", "description": "" }),
        ] {
            let read: Ingress = serde_json::from_value(rule.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), rule);
        }
    }

    #[test]
    fn rules_that_ec2_would_show_differently_are_refused() {
        let spec = |ingress: Value| -> SecurityGroupSpec {
            serde_json::from_value(json!({ "vpc": "main", "ingress": ingress })).unwrap()
        };
        for (ingress, path) in [
            (json!([{ "from": "itself", "port": "0-65535" }]), "ingress.0.port"),
            (json!([{ "from": "itself", "port": 53, "protocol": "all" }]), "ingress.0.port"),
            (
                json!([
                    { "from": "itself", "port": 53, "description": "a" },
                    { "from": "itself", "port": 53, "description": "b" },
                ]),
                "ingress.1",
            ),
        ] {
            let problems = SecurityGroup::check(&spec(ingress));
            assert_eq!(problems.iter().map(|it| it.path.as_str()).collect::<Vec<_>>(), [path]);
        }
        let fine = json!([{ "from": "itself", "port": 53 }, { "from": "itself", "port": 54 }]);
        assert!(SecurityGroup::check(&spec(fine)).is_empty());
    }

    #[test]
    fn descriptions_that_ec2_refuses_are_refused_at_their_place() {
        let long = "x".repeat(256);
        for (field, text, path) in [
            ("description", "Köln", "description"),
            ("description", "it's ours", "description"),
            ("description", "", "description"),
            ("ingress", "Büro", "ingress.0.description"),
            ("egress", &long, "egress.0.description"),
        ] {
            let rule = |side: &str| json!([{ side: "itself", "port": 53, "description": text }]);
            let mut spec = json!({ "vpc": "main", "description": "group", "egress": [] });
            spec[field] = match field {
                "ingress" => rule("from"),
                "egress" => rule("to"),
                _ => json!(text),
            };
            let problems = SecurityGroup::check(&serde_json::from_value(spec).unwrap());
            assert_eq!(problems.iter().map(|it| it.path.as_str()).collect::<Vec<_>>(), [path]);
        }
        let all = format!("aZ09{SIGNS}");
        let fine = json!({ "vpc": "main", "description": all, "ingress": [
            { "from": "itself", "port": 53, "description": &long[1..] },
        ]});
        assert_eq!(SecurityGroup::check(&serde_json::from_value(fine).unwrap()), []);
    }

    #[test]
    fn nobody_notices_what_a_rule_is_said_to_be_for() {
        let rule = |port: u16, text: &str| json!({ "to": "itself", "port": port, "protocol": "tcp", "description": text });
        let change = |live: &Value, wanted: &Value| SecurityGroup::change("egress", live, wanted);
        let nobody = Some(Change::InPlace(Impact::None));
        assert_eq!(change(&json!([rule(53, "a")]), &json!([rule(53, "b")])), nobody);
        assert_eq!(change(&json!([rule(53, "a")]), &json!([rule(54, ""), rule(53, "")])), nobody);
        assert_eq!(change(&json!([rule(53, "a")]), &json!([rule(54, "a")])), None);
    }

    #[test]
    fn ports_that_make_no_sense_are_refused() {
        for port in [json!("443-80"), json!(70000), json!("http")] {
            assert!(serde_json::from_value::<Ports>(port.clone()).is_err(), "{port}");
        }
    }
}
