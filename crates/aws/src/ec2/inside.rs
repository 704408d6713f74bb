//! What is in a VPC beside its defaults, of every kind that keeps it from being deleted (EC2 user
//! guide, "Delete your VPC").

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{
    NatGatewayState, Subnet, Tag, VpcPeeringConnectionStateReasonCode as Peering, VpnState,
};
use deployer_core::{Failure, Scope};
use deployer_engine::Result;
use deployer_kinds::Cidr;
use futures_util::future::join_all;

use crate::Aws;
use crate::ec2::blockers::Holders;
use crate::ec2::endpoints::state;
use crate::ec2::{self, blockers, filter, subnet, tags};
use crate::ownership::{STACK, named_owner};

/// What `GuardDuty` tags with what it makes by itself (its user guide, "Runtime Monitoring":
/// its endpoint, and the security group of that).
const GUARD_DUTY: &str = "GuardDutyManaged";

/// Adds everything that holds a VPC to a failure that says something does, of every kind and at
/// once: what others put into it as well as what is still being deleted.
pub(super) async fn name_all(aws: &Aws, failure: Failure, vpc: &str) -> Failure {
    if !blockers::is_held(&failure) {
        return failure;
    }
    let all = all(aws, vpc).await;
    let stays = all.iter().any(|holders| holders.stays);
    let names = all.into_iter().flat_map(|holders| holders.names).collect();
    blockers::name(failure, Ok(Holders { names, stays }))
}

/// Adds the subnets in a range of a VPC to a failure to take that away.
pub(super) async fn name_subnets(
    aws: &Aws,
    failure: Failure,
    vpc: &str,
    range: Option<Cidr>,
) -> Failure {
    if !blockers::is_held(&failure) {
        return failure;
    }
    let found = subnet::describe(aws, vec![filter("vpc-id", vpc)]).await.map(|subnets| {
        let is_in = |subnet: &&Subnet| {
            let of = subnet.cidr_block().and_then(|of| of.parse::<Cidr>().ok());
            of.zip(range).is_some_and(|(of, range)| range.overlaps(of))
        };
        let within = subnets.iter().filter(is_in);
        let names = within.map(|it| named("subnet", it.subnet_id(), it.cidr_block(), it.tags()));
        Holders::lasting(names)
    });
    blockers::name(failure, found)
}

/// What is in a VPC, one list a kind. What cannot be looked at hides nothing of the rest.
async fn all(aws: &Aws, vpc: &str) -> Vec<Holders> {
    type Looking<'a> = std::pin::Pin<Box<dyn Future<Output = Result<Holders>> + Send + 'a>>;
    let looks: Vec<Looking<'_>> = vec![
        Box::pin(interfaces(aws, vpc)),
        Box::pin(endpoints(aws, vpc)),
        Box::pin(groups(aws, vpc)),
        Box::pin(subnets(aws, vpc)),
        Box::pin(gateways(aws, vpc)),
        Box::pin(nat_gateways(aws, vpc)),
        Box::pin(egress_gateways(aws, vpc)),
        Box::pin(vpn_gateways(aws, vpc)),
        Box::pin(peerings(aws, vpc)),
        Box::pin(tables(aws, vpc)),
        Box::pin(lists(aws, vpc)),
    ];
    let found = join_all(looks).await.into_iter();
    let lists = found.map(|looked| match looked {
        Ok(found) => found,
        Err(reason) => {
            tracing::debug!(%reason, "cannot look at all that is in the VPC");
            Holders::default()
        }
    });
    lists.collect()
}

/// `security group sg-1 (web)`, and whether AWS made it by itself.
fn named(kind: &str, id: Option<&str>, what: Option<&str>, with: &[Tag]) -> String {
    let id = id.unwrap_or("?");
    let what = what.filter(|what| !what.is_empty());
    let tags = tags(with);
    let owner = named_owner(&tags).map(|owner| format!(" of {owner}")).unwrap_or_default();
    match what {
        _ if tags.contains_key(GUARD_DUTY) => {
            format!("{kind} {id} (AWS's own: GuardDuty made it)")
        }
        Some(what) => format!("{kind} {id} ({what}){owner}"),
        None => format!("{kind} {id}{owner}"),
    }
}

/// Which other environments have something in a VPC, with the security groups that show it.
pub(super) async fn guests(aws: &Aws, vpc: &str, scope: &Scope) -> Result<Vec<String>> {
    let request = aws
        .ec2
        .describe_security_groups()
        .filters(filter("vpc-id", vpc))
        .filters(filter("tag-key", STACK));
    let pages = aws
        .pages(
            &ec2::DESCRIBE_SECURITY_GROUPS,
            "find who else is in the VPC",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    let mut guests: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for group in pages.iter().flat_map(|page| page.security_groups()) {
        let owner = named_owner(&tags(group.tags()));
        let own = format!("{}/{}", scope.stack, scope.environment);
        if let (Some(owner), Some(id)) = (owner.filter(|it| *it != own), group.group_id()) {
            guests.entry(owner).or_default().push(id);
        }
    }
    let described = guests.into_iter().map(|(owner, groups)| {
        let sort = if groups.len() == 1 { "security group" } else { "security groups" };
        format!("the network of {owner}, which has the {sort} {} in it", groups.join(", "))
    });
    Ok(described.collect())
}

async fn interfaces(aws: &Aws, vpc: &str) -> Result<Holders> {
    Ok(Holders::of(&blockers::interfaces(aws, filter("vpc-id", vpc)).await?))
}

async fn endpoints(aws: &Aws, vpc: &str) -> Result<Holders> {
    let request = aws.ec2.describe_vpc_endpoints().filters(filter("vpc-id", vpc));
    let answer = aws
        .send(&ec2::DESCRIBE_VPC_ENDPOINTS, "find the endpoints in the VPC", || {
            request.clone().send()
        })
        .await?;
    let mut there = answer.vpc_endpoints().iter().filter(|it| state(it) != "deleted");
    let names = there
        .clone()
        .map(|it| named("endpoint", it.vpc_endpoint_id(), it.service_name(), it.tags()));
    let names = names.collect();
    let stays = there.any(|it| state(it) != "deleting");
    Ok(Holders { names, stays })
}

async fn groups(aws: &Aws, vpc: &str) -> Result<Holders> {
    let request = aws.ec2.describe_security_groups().filters(filter("vpc-id", vpc));
    let answer = aws
        .send(&ec2::DESCRIBE_SECURITY_GROUPS, "find the security groups in the VPC", || {
            request.clone().send()
        })
        .await?;
    // The default one goes with the VPC.
    let groups = answer.security_groups().iter().filter(|it| it.group_name() != Some("default"));
    let names = groups.map(|it| named("security group", it.group_id(), it.group_name(), it.tags()));
    Ok(Holders::lasting(names))
}

async fn subnets(aws: &Aws, vpc: &str) -> Result<Holders> {
    let request = aws.ec2.describe_subnets().filters(filter("vpc-id", vpc));
    let answer = aws
        .send(&ec2::DESCRIBE_SUBNETS, "find the subnets in the VPC", || request.clone().send())
        .await?;
    let names = answer
        .subnets()
        .iter()
        .map(|it| named("subnet", it.subnet_id(), it.cidr_block(), it.tags()));
    Ok(Holders::lasting(names))
}

async fn gateways(aws: &Aws, vpc: &str) -> Result<Holders> {
    let request = aws.ec2.describe_internet_gateways().filters(filter("attachment.vpc-id", vpc));
    let answer = aws
        .send(&ec2::DESCRIBE_INTERNET_GATEWAYS, "find the VPC's internet gateway", || {
            request.clone().send()
        })
        .await?;
    let names = answer
        .internet_gateways()
        .iter()
        .map(|it| named("internet gateway", it.internet_gateway_id(), None, it.tags()));
    Ok(Holders::lasting(names))
}

async fn nat_gateways(aws: &Aws, vpc: &str) -> Result<Holders> {
    let request = aws.ec2.describe_nat_gateways().filter(filter("vpc-id", vpc));
    let answer = aws
        .send(&ec2::DESCRIBE_NAT_GATEWAYS, "find the NAT gateways in the VPC", || {
            request.clone().send()
        })
        .await?;
    let there = answer.nat_gateways().iter();
    // Both are shown for an hour, and hold nothing ("Delete a NAT gateway" in the VPC user guide).
    let is_dead = |state: &_| matches!(state, NatGatewayState::Deleted | NatGatewayState::Failed);
    let mut there = there.filter(|it| !it.state().is_some_and(is_dead));
    let names = there.clone().map(|it| named("NAT gateway", it.nat_gateway_id(), None, it.tags()));
    let names = names.collect();
    let stays = there.any(|it| it.state() != Some(&NatGatewayState::Deleting));
    Ok(Holders { names, stays })
}

async fn egress_gateways(aws: &Aws, vpc: &str) -> Result<Holders> {
    let request = aws.ec2.describe_egress_only_internet_gateways();
    let answer = aws
        .send(&ec2::DESCRIBE_EGRESS_ONLY_INTERNET_GATEWAYS, "find the egress-only gateways", || {
            request.clone().send()
        })
        .await?;
    // There is no filter for the VPC (EC2 API reference).
    let there = answer.egress_only_internet_gateways().iter().filter(|gateway| {
        gateway.attachments().iter().any(|attachment| attachment.vpc_id() == Some(vpc))
    });
    let names = there.map(|it| {
        let id = it.egress_only_internet_gateway_id();
        named("egress-only internet gateway", id, None, it.tags())
    });
    Ok(Holders::lasting(names))
}

async fn vpn_gateways(aws: &Aws, vpc: &str) -> Result<Holders> {
    let request = aws.ec2.describe_vpn_gateways().filters(filter("attachment.vpc-id", vpc));
    let answer = aws
        .send(&ec2::DESCRIBE_VPN_GATEWAYS, "find the VPN gateways of the VPC", || {
            request.clone().send()
        })
        .await?;
    let is_dead = |state: &_| matches!(state, VpnState::Deleted | VpnState::Deleting);
    let there = answer.vpn_gateways().iter().filter(|it| !it.state().is_some_and(is_dead));
    Ok(Holders::lasting(there.map(|it| named("VPN gateway", it.vpn_gateway_id(), None, it.tags()))))
}

async fn peerings(aws: &Aws, vpc: &str) -> Result<Holders> {
    let mut names = Vec::new();
    for side in ["requester-vpc-info.vpc-id", "accepter-vpc-info.vpc-id"] {
        let request = aws.ec2.describe_vpc_peering_connections().filters(filter(side, vpc));
        let answer = aws
            .send(&ec2::DESCRIBE_VPC_PEERING_CONNECTIONS, "find the VPC's peerings", || {
                request.clone().send()
            })
            .await?;
        // What has ended is shown for hours ("VPC peering connection lifecycle" in its guide).
        let there = answer.vpc_peering_connections().iter().filter(|it| {
            let state = it.status().and_then(|status| status.code());
            matches!(
                state,
                None | Some(Peering::Active | Peering::PendingAcceptance | Peering::Provisioning)
            )
        });
        names.extend(there.map(|it| {
            named("peering connection", it.vpc_peering_connection_id(), None, it.tags())
        }));
    }
    Ok(Holders::lasting(names))
}

async fn tables(aws: &Aws, vpc: &str) -> Result<Holders> {
    let request = aws.ec2.describe_route_tables().filters(filter("vpc-id", vpc));
    let answer = aws
        .send(&ec2::DESCRIBE_ROUTE_TABLES, "find the route tables in the VPC", || {
            request.clone().send()
        })
        .await?;
    // The main one goes with the VPC.
    let others = answer.route_tables().iter().filter(|table| {
        table.associations().iter().all(|association| association.main() != Some(true))
    });
    Ok(Holders::lasting(
        others.map(|it| named("route table", it.route_table_id(), None, it.tags())),
    ))
}

async fn lists(aws: &Aws, vpc: &str) -> Result<Holders> {
    let request = aws.ec2.describe_network_acls().filters(filter("vpc-id", vpc));
    let answer = aws
        .send(&ec2::DESCRIBE_NETWORK_ACLS, "find the network ACLs in the VPC", || {
            request.clone().send()
        })
        .await?;
    // The default one goes with the VPC.
    let others = answer.network_acls().iter().filter(|list| list.is_default() != Some(true));
    Ok(Holders::lasting(
        others.map(|it| named("network ACL", it.network_acl_id(), None, it.tags())),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ownership::ENVIRONMENT;

    #[test]
    fn what_aws_made_by_itself_is_marked() {
        let tag = Tag::builder().key(GUARD_DUTY).value("true").build();
        let of = |with: &[Tag]| named("endpoint", Some("vpce-1"), Some("guardduty-data"), with);
        assert_eq!(of(&[]), "endpoint vpce-1 (guardduty-data)");
        assert!(of(&[tag]).contains("AWS's own"), "{}", of(&[]));
    }

    #[test]
    fn what_another_environment_made_is_named_with_it() {
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        let tags = [tag(STACK, "guest"), tag(ENVIRONMENT, "prod")];
        let shown = named("security group", Some("sg-1"), Some("web"), &tags);
        assert_eq!(shown, "security group sg-1 (web) of guest/prod");
    }
}
