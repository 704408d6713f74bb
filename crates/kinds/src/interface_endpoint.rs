//! An interface endpoint: a service of AWS at addresses in subnets, so that nobody who sends there leaves
//! the network.

use std::collections::BTreeSet;

use deployer_core::{Change, Grant, Impact, Kind, Opaque, Problem, Ref, Replacement, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{SecurityGroup, Subnet, Vpc};

/// An interface endpoint of a network.
pub struct InterfaceEndpoint;

impl Kind for InterfaceEndpoint {
    const NAME: &'static str = "interface-endpoint";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("vpc", Change::Replace(Impact::Outage)),
        ("service", Change::Replace(Impact::Outage)),
        ("subnets", Change::InPlace(Impact::None)),
        ("security-groups", Change::InPlace(Impact::None)),
        ("private-dns", Change::InPlace(Impact::Restart)),
    ];
    // Of the subnets of a zone it is in one (`DuplicateSubnetsInSameZone`), so none is added before
    // the other goes.
    const GRANTS: &'static [Grant] = &[Grant::of("security-groups")];
    // Two of a service cannot have its name in one network (Terraform's provider #17535).
    const REPLACEMENT: Replacement = Replacement::DeleteFirst;
    // Whoever has no other way to the service has none then.
    const DELETION: Impact = Impact::Outage;
    // One to three minutes for its addresses, an assumption; Terraform's provider allows ten
    // (ec2/vpc_endpoint.go).
    const TYPICAL: Typical = Typical { create: 90, update: 30, delete: 90 };
    type Spec = InterfaceEndpointSpec;
    type Output = EndpointOutput;

    fn check(spec: &InterfaceEndpointSpec) -> Vec<Problem> {
        let InterfaceEndpointSpec { service, subnets, security_groups, .. } = spec;
        let mut problems = Vec::new();
        let is_word =
            |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b".-".contains(&it);
        if service.is_empty() || !service.bytes().all(is_word) || service.starts_with("com.") {
            let short = service.rsplit('.').next().unwrap_or_default();
            let message = format!("`{service}` is not the short name of a service");
            let help = format!("expected what comes behind the region, such as `{short}`");
            problems.push(Problem::new("service", message, help));
        }
        if subnets.is_empty() {
            let message = "an endpoint is in no subnet";
            problems.push(Problem::new("subnets", message, "name one in each zone"));
        }
        if security_groups.is_empty() {
            let message = "an endpoint without a security group gets the VPC's default one";
            let help = "name one that lets port 443 in";
            problems.push(Problem::new("security-groups", message, help));
        }
        problems
    }
}

/// What we want of an interface endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct InterfaceEndpointSpec {
    /// The network it is in.
    pub vpc: Ref<Vpc>,
    /// The service, as it is called behind the region: `ecr.api`, `logs`.
    pub service: String,
    /// The subnets that it has addresses in, at most one a zone.
    pub subnets: BTreeSet<Ref<Subnet>>,
    /// The security groups that say who reaches it.
    pub security_groups: BTreeSet<Ref<SecurityGroup>>,
    /// Whether the service's own name leads to it in the network.
    #[serde(default = "yes")]
    pub private_dns: Opaque<bool>,
}

/// What AWS returns for an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointOutput {
    /// The identifier, `vpce-…`.
    pub id: String,
}

fn yes() -> Opaque<bool> {
    true.into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_ec2_would_refuse_is_said_at_its_place() {
        let paths = |service: &str, subnets: Value, groups: Value| -> Vec<String> {
            let vpc = json!({ "ref": "vpc/main" });
            let spec = json!({
                "vpc": vpc, "service": service, "subnets": subnets, "security-groups": groups,
            });
            let spec = serde_json::from_value(spec).unwrap();
            InterfaceEndpoint::check(&spec).into_iter().map(|it| it.path).collect()
        };
        let (subnet, group) =
            (json!([{ "ref": "subnet/a" }]), json!([{ "ref": "security-group/a" }]));
        assert_eq!(paths("ecr.api", subnet.clone(), group.clone()), Vec::<String>::new());
        assert_eq!(paths("logs", json!([]), json!([])), ["subnets", "security-groups"]);
        assert_eq!(paths("com.amazonaws.eu-west-1.logs", subnet, group), ["service"]);
    }
}
