//! A network ACL: which packets get into subnets, and out of them.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Change, Grant, Impact, Kind, Problem, Ref, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{IpRange, Ports, Protocol, Subnet, Vpc};

/// The numbers of rules that are not AWS's own (`CreateNetworkAclEntry` in the EC2 API reference).
const NUMBERS: std::ops::RangeInclusive<u16> = 1..=32766;

/// How many rules one takes in each direction (VPC user guide, "Amazon VPC quotas").
const RULES: usize = 20;

/// A network ACL.
pub struct NetworkAcl;

impl Kind for NetworkAcl {
    const NAME: &'static str = "network-acl";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("vpc", Change::Replace(Impact::Outage)),
        ("subnets", Change::InPlace(Impact::Outage)),
        ("ingress", Change::InPlace(Impact::Outage)),
        ("egress", Change::InPlace(Impact::Outage)),
    ];
    const GRANTS: &'static [Grant] = &[Grant::of("subnets")];
    // Its subnets get the one of their network then, which lets everything through.
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 2, update: 2, delete: 2 };
    type Spec = NetworkAclSpec;
    type Output = NetworkAclOutput;

    fn check(spec: &NetworkAclSpec) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (field, rules) in [("ingress", &spec.ingress), ("egress", &spec.egress)] {
            if rules.len() > RULES {
                let message = format!("{} rules are more than a network ACL takes", rules.len());
                problems.push(Problem::new(field, message, format!("expected at most {RULES}")));
            }
            for (number, rule) in rules {
                if !number
                    .parse()
                    .is_ok_and(|it: u16| NUMBERS.contains(&it) && it.to_string() == *number)
                {
                    let message = format!("`{number}` is not a number of a rule");
                    let at = format!("{field}.{number}");
                    problems.push(Problem::new(at, message, "expected 1 to 32766"));
                }
                let at = |field_of: &str| format!("{field}.{number}.{field_of}");
                if let Protocol::Number(1 | 6 | 17 | 58) = rule.protocol {
                    let message = "the protocol has a name";
                    let help = "write `icmp`, `tcp`, `udp` or `icmpv6`";
                    problems.push(Problem::new(at("protocol"), message, help));
                }
                if rule.port == Ports::Range(0, u16::MAX) {
                    let message = "that is every port";
                    problems.push(Problem::new(at("port"), message, "write `all`, or remove it"));
                }
                let is_v6 = rule.range.to_string().contains(':');
                let is_other = match rule.protocol {
                    Protocol::Icmp => is_v6,
                    Protocol::Icmpv6 => !is_v6,
                    _ => false,
                };
                if is_other {
                    let message = "ICMP is another protocol for each kind of addresses";
                    let help = "`icmp` goes with IPv4, `icmpv6` with IPv6";
                    problems.push(Problem::new(at("protocol"), message, help));
                }
                let has_ports = matches!(rule.protocol, Protocol::Tcp | Protocol::Udp);
                if rule.port != Ports::All && !has_ports {
                    let message = "only TCP and UDP have ports";
                    let help = "write `protocol: tcp` or `udp`, or remove `port:`";
                    problems.push(Problem::new(format!("{field}.{number}.port"), message, help));
                }
            }
        }
        problems
    }

    /// Nobody notices rules that let more in.
    fn change(field: &str, live: &serde_json::Value, wanted: &serde_json::Value) -> Option<Change> {
        if !["ingress", "egress"].contains(&field) {
            return None;
        }
        let (live, wanted) = (live.as_object()?, wanted.as_object()?);
        let is_kept = live.iter().all(|(number, rule)| wanted.get(number) == Some(rule));
        let new = wanted.iter().filter(|(number, _)| !live.contains_key(*number));
        let only_allows = new.map(|(_, rule)| &rule["action"]).all(|action| action == "allow");
        (is_kept && only_allows).then_some(Change::InPlace(Impact::None))
    }
}

/// What we want of a network ACL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NetworkAclSpec {
    /// The network it is in.
    pub vpc: Ref<Vpc>,
    /// The subnets it is for.
    #[serde(default)]
    pub subnets: BTreeSet<Ref<Subnet>>,
    /// What gets in, by the turn of each rule, 1 to 32766, the lowest first. What no rule takes does
    /// not. Answers to what was sent out are packets like all others.
    #[serde(default)]
    pub ingress: BTreeMap<String, AclRule>,
    /// What gets out.
    #[serde(default)]
    pub egress: BTreeMap<String, AclRule>,
}

/// A rule of a network ACL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AclRule {
    /// Whether it lets packets through.
    pub action: AclAction,
    /// The addresses at the other end.
    pub range: IpRange,
    /// The protocol; all when left out.
    #[serde(default = "all_protocols")]
    pub protocol: Protocol,
    /// The port that they are sent to, or the ports; all when left out.
    #[serde(default = "all_ports")]
    pub port: Ports,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AclAction {
    /// It lets packets through.
    Allow,
    /// It does not.
    Deny,
}

fn all_protocols() -> Protocol {
    Protocol::All
}

fn all_ports() -> Ports {
    Ports::All
}

/// What AWS returns for a network ACL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkAclOutput {
    /// The identifier, `acl-…`.
    pub id: String,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_ec2_would_refuse_is_said_at_its_place() {
        let paths = |rules: Value| -> Vec<String> {
            let spec = json!({ "vpc": { "ref": "vpc/main" }, "ingress": rules });
            let spec = serde_json::from_value(spec).unwrap();
            NetworkAcl::check(&spec).into_iter().map(|it| it.path).collect()
        };
        let rule = |more: Value| {
            let mut rule = json!({ "action": "allow", "range": "10.0.0.0/8" });
            rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            rule
        };
        assert_eq!(paths(json!({ "100": rule(json!({})) })), Vec::<String>::new());
        assert_eq!(paths(json!({ "32767": rule(json!({})) })), ["ingress.32767"]);
        let icmp = rule(json!({ "protocol": "icmp", "port": 80 }));
        assert_eq!(paths(json!({ "1": icmp })), ["ingress.1.port"]);
        let many: serde_json::Map<String, Value> =
            (1..=21).map(|number: u32| (number.to_string(), rule(json!({})))).collect();
        assert_eq!(paths(Value::Object(many)), ["ingress"]);
    }

    #[test]
    fn nobody_notices_rules_that_only_let_more_in() {
        let rules = |text: &str| json!({ "100": { "action": "allow" }, "90": { "action": text } });
        let one = json!({ "100": { "action": "allow" } });
        let change = |live: &Value, wanted: &Value| NetworkAcl::change("ingress", live, wanted);
        assert_eq!(change(&one, &rules("allow")), Some(Change::InPlace(Impact::None)));
        assert_eq!(change(&one, &rules("deny")), None);
        assert_eq!(change(&rules("allow"), &one), None);
    }
}
