//! An application load balancer with its attributes.

use std::collections::BTreeSet;

use deployer_core::{
    After, Arn, Change, Fact, Grant, Impact, Join, Kind, Naming, Opaque, Problem, Ref, Stand, Text,
    Thing, Typical,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{SecurityGroup, Subnet};

/// An application load balancer.
pub struct LoadBalancer;

impl Kind for LoadBalancer {
    const NAME: &'static str = "load-balancer";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("subnets", Change::InPlace(Impact::None)),
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
    ];
    // Names of load balancers: at most 32 letters, digits and hyphens (ELBv2 API reference).
    const NAMING: Option<Naming> = Some(Naming::hyphens(32).refusing(&["internal-"]));
    // Quotas for application load balancers (user guide): five security groups.
    const GRANTS: &'static [Grant] =
        &[Grant::of("subnets"), Grant { most: 5, ..Grant::of("security-groups") }];
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

    fn check(spec: &LoadBalancerSpec) -> Vec<Problem> {
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
        problems.extend(bad_web_acl(&spec.web_acl));
        problems
    }
}

/// What we want of a load balancer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LoadBalancerSpec {
    /// The subnets it stands in, in two zones or more.
    pub subnets: BTreeSet<Ref<Subnet>>,
    /// The security groups that say who reaches it.
    pub security_groups: BTreeSet<Ref<SecurityGroup>>,
    /// Whether it has private addresses only.
    #[serde(default)]
    pub internal: bool,
    /// Whether AWS refuses to delete it.
    #[serde(default)]
    pub deletion_protection: Opaque<bool>,
    /// Seconds after which a silent connection is closed, 1 to 4000.
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
