//! A load balancer with its attributes: an application load balancer, or a network load balancer.

use std::collections::BTreeSet;

use deployer_core::{
    After, Arn, Change, Fact, Grant, Impact, Join, Kind, Naming, Opaque, Problem, Ref, Replacement,
    Stand, Text, Thing, Typical,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ElasticIp, SecurityGroup, Subnet};

/// A load balancer.
pub struct LoadBalancer;

impl Kind for LoadBalancer {
    const NAME: &'static str = "load-balancer";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("type", Change::Replace(Impact::Outage)),
        ("subnets", Change::InPlace(Impact::None)),
        ("addresses", Change::Replace(Impact::Outage)),
        ("security-groups", Change::InPlace(Impact::None)),
        ("internal", Change::Replace(Impact::Outage)),
        ("deletion-protection", Change::InPlace(Impact::None)),
        ("idle-timeout", Change::InPlace(Impact::None)),
        ("client-keep-alive", Change::InPlace(Impact::None)),
        ("http2", Change::InPlace(Impact::None)),
        ("drop-invalid-headers", Change::InPlace(Impact::None)),
        ("preserve-host", Change::InPlace(Impact::None)),
        // Which requests it lets through is up to whoever wrote it.
        ("web-acl", Change::InPlace(Impact::None)),
        ("cross-zone", Change::InPlace(Impact::None)),
    ];
    // Names of load balancers: at most 32 letters, digits and hyphens (ELBv2 API reference).
    const NAMING: Option<Naming> = Some(Naming::hyphens(32).refusing(&["internal-"]));
    // Quotas for application load balancers (user guide): five security groups.
    const GRANTS: &'static [Grant] = &[
        Grant::of("subnets"),
        Grant { by: &["subnet"], ..Grant::of("addresses") },
        Grant { most: 5, ..Grant::of("security-groups") },
    ];
    const PROTECTION: Option<&'static str> = Some("deletion-protection");
    const AFTER: &'static [After] = &[
        // One that faces the internet is refused while the VPC has no internet gateway.
        After { kind: "internet-gateway", sharing: None },
        // It answers the internet over the routes of its subnets.
        After { kind: "route-table", sharing: Some("subnet") },
    ];
    // Public deployment logs: active after 135-187 s.
    const REFUSED_WHILE_USED: bool = true;
    const TYPICAL: Typical = Typical { create: 160, update: 2, delete: 10 };
    const IS_REACHED: bool = true;
    type Spec = LoadBalancerSpec;
    type Output = LoadBalancerOutput;

    fn endpoint(output: &LoadBalancerOutput) -> Option<String> {
        Some(output.dns.clone())
    }

    fn facts(spec: &LoadBalancerSpec) -> Vec<Fact> {
        let groups = spec.security_groups.iter().map(Thing::from).collect();
        let joins = Fact::Joins(Join { groups, ports: BTreeSet::new() });
        // One that is internal answers only those who are in the VPC.
        if spec.internal {
            return vec![joins];
        }
        let subnets = spec.subnets.iter().map(Thing::from).collect();
        vec![joins, Fact::Stands(Stand { subnets, has_address: true })]
    }

    /// A subnet that comes brings its address and one that goes takes it along; in a subnet that
    /// stays, an address cannot be changed ("Update the Availability Zones for your Network Load
    /// Balancer" in the ELB user guide).
    fn change(field: &str, live: &Value, wanted: &Value) -> Option<Change> {
        if field != "addresses" {
            return None;
        }
        let (live, wanted) = (live.as_array()?, wanted.as_array()?);
        let stays =
            |it: &Value| wanted.iter().all(|other| other["subnet"] != it["subnet"] || other == it);
        let are_static = !live.is_empty() && !wanted.is_empty();
        // Clients know the address that goes, and it does not come back.
        let goes = live.iter().any(|it| !wanted.contains(it));
        let impact = if goes { Impact::Outage } else { Impact::None };
        (are_static && live.iter().all(stays)).then_some(Change::InPlace(impact))
    }

    /// An elastic IP is the address of one load balancer.
    fn replacement(live: &LoadBalancerSpec, wanted: &LoadBalancerSpec) -> Replacement {
        let of = |spec: &LoadBalancerSpec| -> BTreeSet<_> {
            spec.addresses.iter().map(|it| it.elastic_ip.clone()).collect()
        };
        let shares = !of(live).is_disjoint(&of(wanted));
        if shares { Replacement::DeleteFirst } else { Self::REPLACEMENT }
    }

    fn check(spec: &LoadBalancerSpec) -> Vec<Problem> {
        match spec.kind.known() {
            Some(BalancerType::Application) => check_application(spec),
            Some(BalancerType::Network) => check_network(spec),
            None => Vec::new(),
        }
    }
}

fn check_application(spec: &LoadBalancerSpec) -> Vec<Problem> {
    let mut problems = Vec::new();
    if spec.subnets.len() < 2 {
        problems.push(Problem::new(
            "subnets",
            "an application load balancer needs subnets in two zones",
            "name one subnet in each of two zones or more",
        ));
    }
    if spec.security_groups.is_empty() {
        problems.push(Problem::new(
            "security-groups",
            "a load balancer without a security group gets the VPC's default one",
            "name one that says who reaches it",
        ));
    }
    // idle_timeout.timeout_seconds takes 1-4000 (ELBv2 API reference).
    let seconds = spec.idle_timeout.known().copied().unwrap_or(60);
    if !(1..=4000).contains(&seconds) {
        let message = format!("{{{seconds} s}} is not a valid idle timeout");
        problems.push(Problem::amounts("idle-timeout", message, "expected `{1}` to `{4000}`"));
    }
    if !spec.addresses.is_empty() {
        problems.push(Problem::new(
            "addresses",
            "an application load balancer has no addresses that stay",
            "remove them, or write `type: network`",
        ));
    }
    if spec.cross_zone == true.into() {
        problems.push(Problem::new(
            "cross-zone",
            "an application load balancer leads to all zones as it is",
            "remove it",
        ));
    }
    problems.extend(bad_web_acl(&spec.web_acl));
    problems
}

fn check_network(spec: &LoadBalancerSpec) -> Vec<Problem> {
    let mut problems = Vec::new();
    if spec.subnets.is_empty() {
        problems.push(Problem::new(
            "subnets",
            "a network load balancer needs a subnet",
            "name one subnet in each of its zones",
        ));
    }
    // SetSecurityGroups (ELBv2 API reference).
    if spec.security_groups.is_empty() {
        problems.push(Problem::new(
            "security-groups",
            "a network load balancer without a security group can get none later",
            "name one that says who reaches it",
        ));
    }
    let named: BTreeSet<_> = spec.addresses.iter().map(|it| it.subnet.clone()).collect();
    let is_whole = named.len() == spec.addresses.len() && named == spec.subnets;
    if !spec.addresses.is_empty() && !is_whole {
        problems.push(Problem::new(
            "addresses",
            "a network load balancer has one address in each of its subnets",
            "name each of `subnets` once, with an elastic IP",
        ));
    }
    if spec.internal && !spec.addresses.is_empty() {
        problems.push(Problem::new(
            "addresses",
            "an internal load balancer has no public addresses",
            "remove them, or remove `internal: true`",
        ));
    }
    if spec.web_acl != none() {
        problems.push(Problem::new(
            "web-acl",
            "a web ACL is about HTTP, which a network load balancer does not read",
            "remove it, or write `type: application`",
        ));
    }
    let usual = [
        ("idle-timeout", is_or_unread(&spec.idle_timeout, &idle_timeout())),
        ("client-keep-alive", is_or_unread(&spec.client_keep_alive, &client_keep_alive())),
        ("http2", is_or_unread(&spec.http2, &yes())),
        ("drop-invalid-headers", is_or_unread(&spec.drop_invalid_headers, &false.into())),
        ("preserve-host", is_or_unread(&spec.preserve_host, &false.into())),
    ];
    for (field, _) in usual.iter().filter(|(_, is_usual)| !is_usual) {
        problems.push(Problem::new(
            *field,
            format!("`{field}` is about HTTP, which a network load balancer does not read"),
            "remove it, or write `type: application`",
        ));
    }
    problems
}

fn is_or_unread<T: PartialEq>(value: &Opaque<T>, usual: &Opaque<T>) -> bool {
    value == usual || value.known().is_none()
}

/// What we want of a load balancer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LoadBalancerSpec {
    /// Whether it reads HTTP requests, or passes on connections and datagrams.
    #[serde(default, rename = "type")]
    pub kind: Opaque<BalancerType>,
    /// The subnets it stands in: in two zones or more, or in one or more for `network`.
    pub subnets: BTreeSet<Ref<Subnet>>,
    /// The elastic IPs that are its addresses, one in each of its subnets; addresses that AWS
    /// chooses when empty. `network` only.
    #[serde(default)]
    pub addresses: BTreeSet<StaticAddress>,
    /// The security groups that say who reaches it.
    pub security_groups: BTreeSet<Ref<SecurityGroup>>,
    /// Whether it has private addresses only.
    #[serde(default)]
    pub internal: bool,
    /// Whether AWS refuses to delete it.
    #[serde(default)]
    pub deletion_protection: Opaque<bool>,
    /// Seconds after which a silent connection is closed, 1 to 4000. `application` only, as are
    /// the four that follow.
    #[serde(default = "idle_timeout")]
    pub idle_timeout: Opaque<u32>,
    /// Seconds a client may keep a connection open, 60 to 604800.
    #[serde(default = "client_keep_alive")]
    pub client_keep_alive: Opaque<u32>,
    /// Whether clients may speak HTTP/2.
    #[serde(default = "yes")]
    pub http2: Opaque<bool>,
    /// Whether headers with invalid names are dropped.
    #[serde(default)]
    pub drop_invalid_headers: Opaque<bool>,
    /// Whether targets see the client's `Host` header unchanged.
    #[serde(default)]
    pub preserve_host: Opaque<bool>,
    /// The ARN of the web ACL of AWS WAF that its requests pass, of the same account and region;
    /// none of ours when empty. One that others put there stays.
    #[serde(default = "none")]
    pub web_acl: Text,
    /// Whether what comes in by one zone is led to targets in all of its zones. `network` only: an
    /// application load balancer always does so.
    #[serde(default)]
    pub cross_zone: Opaque<bool>,
}

/// What a load balancer takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BalancerType {
    /// Requests of HTTP.
    #[default]
    Application,
    /// Connections of TCP and TLS, and datagrams of UDP.
    Network,
}

/// An address of a network load balancer that stays as long as its elastic IP does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StaticAddress {
    /// The subnet, one of the load balancer's.
    pub subnet: Ref<Subnet>,
    /// The address.
    pub elastic_ip: Ref<ElasticIp>,
}

/// What AWS returns for a load balancer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadBalancerOutput {
    /// The ARN.
    pub id: String,
    /// The host name that clients connect to.
    pub dns: String,
    /// The hosted zone of that name, for alias records.
    pub zone: String,
    /// How its metrics name it: `app/edge/50dc6c495c0c9188`.
    #[serde(default)]
    pub metrics: String,
}

/// What is wrong with the ARN of a web ACL. What a load balancer takes is of the scope of a region
/// (AWS WAF API reference, `AssociateWebACL`).
fn bad_web_acl(web_acl: &Text) -> Option<Problem> {
    let arn = web_acl.literal().filter(|arn| !arn.is_empty())?;
    let read = Arn::read(arn).filter(|read| read.service == "wafv2");
    let is_of_scope = |scope: &str| {
        read.as_ref().is_some_and(|read| read.resource.starts_with(&format!("{scope}/webacl/")))
    };
    if is_of_scope("regional") {
        return None;
    }
    let (message, help) = if is_of_scope("global") {
        let help =
            "make one of the scope REGIONAL in the region of the load balancer, and name that";
        (format!("`{arn}` is a web ACL for CloudFront"), help)
    } else {
        let help = "write one such as `arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/…`";
        (format!("`{arn}` is not the ARN of a web ACL"), help)
    };
    Some(Problem::new("web-acl", message, help))
}

fn none() -> Text {
    Text::from("")
}

fn idle_timeout() -> Opaque<u32> {
    60.into()
}

fn client_keep_alive() -> Opaque<u32> {
    3600.into()
}

fn yes() -> Opaque<bool> {
    true.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(fields: &Value) -> Vec<String> {
        let mut spec = json!({
            "type": "network", "subnets": [{ "ref": "subnet/a" }],
            "security-groups": [{ "ref": "security-group/one" }],
        });
        spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let spec = serde_json::from_value(spec).unwrap();
        LoadBalancer::check(&spec).into_iter().map(|problem| problem.path).collect()
    }

    fn address(subnet: &str, elastic_ip: &str) -> Value {
        let (subnet, elastic_ip) = (format!("subnet/{subnet}"), format!("elastic-ip/{elastic_ip}"));
        json!({ "subnet": { "ref": subnet }, "elastic-ip": { "ref": elastic_ip } })
    }

    #[test]
    fn what_one_type_does_not_have_is_refused() {
        assert_eq!(problems(&json!({})), Vec::<String>::new());
        assert_eq!(
            problems(&json!({ "idle-timeout": 5, "http2": false })),
            ["idle-timeout", "http2"]
        );
        assert_eq!(problems(&json!({ "security-groups": [] })), ["security-groups"]);
        assert_eq!(problems(&json!({ "addresses": [address("b", "b")] })), ["addresses"]);
        let internal = json!({ "addresses": [address("a", "a")], "internal": true });
        assert_eq!(problems(&internal), ["addresses"]);
        let application = json!({
            "type": "application", "subnets": [{ "ref": "subnet/a" }, { "ref": "subnet/b" }],
            "addresses": [address("a", "a")], "cross-zone": true,
        });
        assert_eq!(problems(&application), ["addresses", "cross-zone"]);
    }

    #[test]
    fn an_address_comes_and_goes_with_its_subnet_and_is_not_changed() {
        let (a, b, other) = (address("a", "a"), address("b", "b"), address("a", "b"));
        let change = |live: Value, wanted: Value| LoadBalancer::change("addresses", &live, &wanted);
        let in_place = Some(Change::InPlace(Impact::None));
        assert_eq!(change(json!([a]), json!([a, b])), in_place);
        assert_eq!(change(json!([a, b]), json!([b])), Some(Change::InPlace(Impact::Outage)));
        assert_eq!(change(json!([a]), json!([other])), None);
        assert_eq!(change(json!([a]), json!([])), None);
        assert_eq!(change(json!([]), json!([a])), None);
    }
}
