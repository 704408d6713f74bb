//! The rules of security groups: DescribeSecurityGroupRules, and how one reads as a spec's rule
//! and the other way round.

use aws_sdk_ec2::types::{
    IpPermission, IpRange, Ipv6Range, PrefixListId, SecurityGroupRule, UserIdGroupPair,
};
use deployer_core::Ref;
use deployer_engine::Result;
use deployer_kinds::{Egress, Ingress, Peer, Ports, Protocol};
use ipnet::IpNet;

use crate::Aws;
use crate::ec2::{self, FILTERED, one_of, tags};
use crate::missing::Required;
use crate::ownership::PROOF;

/// What a rule is to AWS: two with the same key cannot stand side by side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) is_egress: bool,
    peer: Peer,
    port: Ports,
    protocol: Protocol,
}

/// A rule as it is in AWS.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) id: String,
    pub(super) is_egress: bool,
    /// None when no spec can say it.
    pub(super) key: Option<Key>,
    pub(super) description: String,
    is_ours: bool,
    words: String,
}

impl Key {
    /// What the proof in a rule's tags says of which rule it is.
    pub(super) fn part(&self) -> String {
        let Self { is_egress, peer, port, protocol } = self;
        let side = if *is_egress { "egress" } else { "ingress" };
        serde_json::json!([side, protocol, port, peer]).to_string()
    }

    pub(super) fn of_ingress(rule: &Ingress) -> Self {
        Self { is_egress: false, peer: rule.from.clone(), port: rule.port, protocol: rule.protocol }
            .normal()
    }

    pub(super) fn of_egress(rule: &Egress) -> Self {
        Self { is_egress: true, peer: rule.to.clone(), port: rule.port, protocol: rule.protocol }
            .normal()
    }

    pub(super) fn into_ingress(self, description: String) -> Ingress {
        let Self { peer, port, protocol, .. } = self;
        Ingress { from: peer, port, protocol, description }
    }

    pub(super) fn into_egress(self, description: String) -> Egress {
        let Self { peer, port, protocol, .. } = self;
        Egress { to: peer, port, protocol, description }
    }

    /// AWS ignores ports where a protocol has none (EC2 API reference, IpPermission).
    fn normal(mut self) -> Self {
        let has_ports = !matches!(self.protocol, Protocol::All | Protocol::Number(_));
        if !has_ports || is_every_port(self.protocol, self.port) {
            self.port = Ports::All;
        }
        self
    }

    /// Whether this is a rule that AWS gives every new group: everything to everywhere, and in a VPC
    /// with IPv6 addresses the same of that family (EC2 user guide, "Default security groups").
    fn is_default(&self) -> bool {
        let is_everyone = matches!(&self.peer, Peer::IpRange(range) if range.0.prefix_len() == 0);
        self.is_egress && self.protocol == Protocol::All && is_everyone
    }

    /// Whether it lets everything out.
    pub(super) fn is_open(&self) -> bool {
        self.is_default() && self.is_ipv4()
    }

    fn is_ipv4(&self) -> bool {
        matches!(&self.peer, Peer::IpRange(range) if matches!(range.0, IpNet::V4(_)))
    }

    /// The rule as a request has it; `group` is the group it is in.
    pub(super) fn permission(&self, group: &str, description: &str) -> IpPermission {
        let (first, last) = match (self.protocol, self.port) {
            (Protocol::All | Protocol::Number(_), _) => (None, None),
            (_, Ports::Range(first, last)) => (Some(first.into()), Some(last.into())),
            (Protocol::Tcp | Protocol::Udp, Ports::All) => (Some(0), Some(u16::MAX.into())),
            (Protocol::Icmp | Protocol::Icmpv6, Ports::All) => (Some(-1), Some(-1)),
        };
        let protocol = match self.protocol {
            Protocol::All => "-1".to_owned(),
            other => other.to_string(),
        };
        let text = Some(description).filter(|text| !text.is_empty()).map(ToOwned::to_owned);
        let permission =
            IpPermission::builder().ip_protocol(protocol).set_from_port(first).set_to_port(last);
        let pair = |id: &str| {
            UserIdGroupPair::builder().group_id(id).set_description(text.clone()).build()
        };
        match &self.peer {
            Peer::IpRange(range) => match range.0 {
                IpNet::V4(_) => permission.ip_ranges(
                    IpRange::builder().cidr_ip(range.to_string()).set_description(text).build(),
                ),
                IpNet::V6(_) => permission.ipv6_ranges(
                    Ipv6Range::builder().cidr_ipv6(range.to_string()).set_description(text).build(),
                ),
            },
            Peer::PrefixList(prefixes) => permission.prefix_list_ids(
                PrefixListId::builder().prefix_list_id(prefixes).set_description(text).build(),
            ),
            Peer::SecurityGroup(other) => permission.user_id_group_pairs(pair(other.id())),
            Peer::Itself => permission.user_id_group_pairs(pair(group)),
        }
        .build()
    }
}

fn is_every_port(protocol: Protocol, port: Ports) -> bool {
    matches!(protocol, Protocol::Tcp | Protocol::Udp) && port == Ports::Range(0, u16::MAX)
}

impl Standing {
    /// Whether we made it.
    pub(super) fn is_ours(&self) -> bool {
        self.is_ours
    }

    /// Whether it is compared with the spec: it is ours, or the one that came with the group.
    pub(super) fn counts(&self) -> bool {
        self.is_ours || self.key.as_ref().is_some_and(Key::is_default)
    }

    /// Whether it is the default of the newer family, and not ours: who wants everything let out has
    /// it beside the other, and who does not wants neither.
    pub(super) fn is_shadow(&self) -> bool {
        !self.is_ours && self.key.as_ref().is_some_and(|key| key.is_default() && !key.is_ipv4())
    }

    /// Whether it is the rule that lets everything out, by whomever.
    pub(super) fn is_open(&self) -> bool {
        self.key.as_ref().is_some_and(Key::is_open)
    }

    /// What to say of it when it is not ours.
    pub(super) fn foreign(&self) -> Option<String> {
        (!self.counts()).then(|| format!("{}, not made by this stack", self.words))
    }
}

/// All rules of these groups.
pub(super) async fn describe(aws: &Aws, groups: &[&str]) -> Result<Vec<SecurityGroupRule>> {
    let mut rules = Vec::new();
    for some in groups.chunks(FILTERED) {
        let filter = one_of("group-id", some.iter().copied());
        let request = aws.ec2.describe_security_group_rules().filters(filter);
        let pages = aws
            .pages(
                &ec2::DESCRIBE_SECURITY_GROUP_RULES,
                "find the security groups' rules",
                |token| request.clone().set_next_token(token).send(),
                |page| page.next_token(),
            )
            .await?;
        rules.extend(
            pages.into_iter().flat_map(|page| page.security_group_rules.unwrap_or_default()),
        );
    }
    Ok(rules)
}

/// Reads one rule. It is ours if `vouches` says so of what it is and of the proof in its tags.
pub(super) fn read(
    rule: &SecurityGroupRule,
    vouches: impl Fn(&str, &str) -> bool,
) -> Result<Standing> {
    let is_egress = rule.is_egress().required("the direction of a security group's rule")?;
    let key = key(is_egress, rule);
    Ok(Standing {
        id: rule.security_group_rule_id().required("the id of a security group's rule")?.to_owned(),
        is_egress,
        is_ours: key
            .as_ref()
            .zip(tags(rule.tags()).get(PROOF))
            .is_some_and(|(key, proof)| vouches(&key.part(), proof)),
        key,
        description: rule.description().unwrap_or_default().to_owned(),
        words: words(is_egress, rule),
    })
}

fn key(is_egress: bool, rule: &SecurityGroupRule) -> Option<Key> {
    let protocol: Protocol = rule.ip_protocol()?.parse().ok()?;
    let group = rule.referenced_group_info().and_then(|other| other.group_id());
    let peer = if let Some(range) = rule.cidr_ipv4().or(rule.cidr_ipv6()) {
        Peer::IpRange(range.parse().ok()?)
    } else if let Some(list) = rule.prefix_list_id() {
        Peer::PrefixList(list.to_owned())
    } else if group == rule.group_id() {
        Peer::Itself
    } else {
        Peer::SecurityGroup(Ref::physical(group?))
    };
    let port = match (protocol, rule.from_port(), rule.to_port()) {
        (Protocol::All | Protocol::Number(_), _, _) | (_, None | Some(-1), None | Some(-1)) => {
            Ports::All
        }
        // A type of ICMP with any code ends in -1, which no range can say.
        (_, first, last) => {
            let (first, last) = (u16::try_from(first?).ok()?, u16::try_from(last?).ok()?);
            if first > last {
                return None;
            }
            Ports::Range(first, last)
        }
    };
    Some(Key { is_egress, peer, port, protocol }.normal())
}

/// `ingress tcp 22 from 0.0.0.0/0`.
fn words(is_egress: bool, rule: &SecurityGroupRule) -> String {
    let group = rule.referenced_group_info().and_then(|other| other.group_id());
    let peer = rule.cidr_ipv4().or(rule.cidr_ipv6()).or(rule.prefix_list_id()).or(group);
    let protocol = match rule.ip_protocol() {
        None | Some("-1") => "all protocols",
        Some(protocol) => protocol,
    };
    let ports = match (rule.from_port(), rule.to_port()) {
        (None | Some(-1), _) => String::new(),
        (Some(first), Some(last)) if first != last => format!(" {first} to {last}"),
        (Some(first), _) => format!(" {first}"),
    };
    let (side, way) = if is_egress { ("egress", "to") } else { ("ingress", "from") };
    format!("{side} {protocol}{ports} {way} {}", peer.unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::ReferencedSecurityGroup;
    use aws_sdk_ec2::types::builders::SecurityGroupRuleBuilder;
    use serde_json::json;

    use super::*;

    fn rule(protocol: &str, first: i32, last: i32) -> SecurityGroupRuleBuilder {
        SecurityGroupRule::builder()
            .group_id("sg-1")
            .ip_protocol(protocol)
            .from_port(first)
            .to_port(last)
    }

    fn wanted(rule: serde_json::Value) -> Key {
        Key::of_ingress(&serde_json::from_value(rule).unwrap())
    }

    #[test]
    fn what_aws_reports_reads_as_what_was_written() {
        let group = ReferencedSecurityGroup::builder().group_id("sg-1").build();
        for (reported, written) in [
            (
                rule("tcp", 443, 443).cidr_ipv4("0.0.0.0/0"),
                json!({ "from": "0.0.0.0/0", "port": 443 }),
            ),
            (rule("6", 0, 65535).cidr_ipv6("::/0"), json!({ "from": "::/0", "port": "all" })),
            (
                rule("-1", -1, -1).referenced_group_info(group),
                json!({ "from": "itself", "port": 80, "protocol": "all" }),
            ),
            (
                rule("50", -1, -1).prefix_list_id("pl-1"),
                json!({ "from": { "prefix-list": "pl-1" }, "port": "all", "protocol": "50" }),
            ),
            (
                rule("icmp", -1, -1).cidr_ipv4("10.0.0.0/8"),
                json!({ "from": "10.0.0.0/8", "port": "all", "protocol": "icmp" }),
            ),
        ] {
            assert_eq!(key(false, &reported.build()), Some(wanted(written)));
        }
    }

    #[test]
    fn a_rule_is_asked_for_as_aws_reports_it() {
        let all = wanted(json!({ "from": "10.0.0.0/8", "port": "all" })).permission("sg-1", "");
        assert_eq!((all.from_port(), all.to_port()), (Some(0), Some(65535)));
        let every = wanted(json!({ "from": "itself", "port": "all", "protocol": "all" }));
        let every = every.permission("sg-1", "peers");
        assert_eq!((every.ip_protocol(), every.from_port()), (Some("-1"), None));
        let pair = &every.user_id_group_pairs()[0];
        assert_eq!((pair.group_id(), pair.description()), (Some("sg-1"), Some("peers")));
    }

    #[test]
    fn what_a_rule_is_for_is_said_whoever_it_lets_in() {
        for from in [
            json!("203.0.113.0/24"),
            json!("2001:db8::/32"),
            json!({ "prefix-list": "pl-1" }),
            json!({ "security-group": { "id": "sg-2" } }),
            json!("itself"),
        ] {
            let rule = wanted(json!({ "from": from, "port": 443 }));
            let said = format!("{:?}", rule.permission("sg-1", "the office"));
            assert!(said.contains("the office"), "{said}");
        }
    }

    #[test]
    fn the_default_of_the_newer_family_is_the_shadow_of_the_other() {
        let standing = |range: &str| {
            let rule = rule("-1", -1, -1).is_egress(true).security_group_rule_id("sgr-1");
            let rule =
                if range.contains(':') { rule.cidr_ipv6(range) } else { rule.cidr_ipv4(range) };
            read(&rule.build(), |_, _| false).unwrap()
        };
        let (old, new, other) = (standing("0.0.0.0/0"), standing("::/0"), standing("10.0.0.0/8"));
        assert!(old.is_open() && old.counts() && !old.is_shadow());
        assert!(!new.is_open() && new.counts() && new.is_shadow());
        assert!(!other.is_open() && !other.counts() && !other.is_shadow());
        assert_eq!(new.foreign(), None);
    }

    #[test]
    fn what_no_spec_can_say_is_told() {
        let ping = rule("icmp", 8, -1).cidr_ipv4("10.0.0.0/8").build();
        assert_eq!(key(false, &ping), None);
        assert_eq!(words(false, &ping), "ingress icmp 8 to -1 from 10.0.0.0/8");
    }
}
