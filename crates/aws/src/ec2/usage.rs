//! How much of EC2 an account has in the region, whoever made it: what counts against its quotas.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::NatGatewayState;
use deployer_engine::Result;

use super::vpcs;
use crate::Aws;
use crate::ec2;

pub(crate) async fn vpcs(aws: &Aws) -> Result<usize> {
    Ok(vpcs::describe(aws, Vec::new()).await?.len())
}

pub(crate) async fn addresses(aws: &Aws) -> Result<usize> {
    Ok(super::elastic_ip::describe(aws, Vec::new()).await?.len())
}

/// The NAT gateways of each zone; "in the `pending`, `active`, and `deleting` states" they count
/// ("Amazon VPC quotas" in the VPC user guide).
pub(crate) async fn nat_gateways(aws: &Aws) -> Result<BTreeMap<String, usize>> {
    let mut gateways = super::nat_gateway::describe(aws, Vec::new()).await?;
    gateways.retain(|it| {
        let gone = [NatGatewayState::Deleted, NatGatewayState::Failed];
        it.state().is_some_and(|state| !gone.contains(state))
    });
    if gateways.is_empty() {
        return Ok(BTreeMap::new());
    }
    let subnets = gateways.iter().filter_map(|it| it.subnet_id().map(str::to_owned)).collect();
    let request = aws.ec2.describe_subnets().set_subnet_ids(Some(subnets));
    let purpose = "find the zones of the NAT gateways";
    let answer = aws.send(&ec2::DESCRIBE_SUBNETS, purpose, || request.clone().send()).await?;
    let mut found = BTreeMap::new();
    for gateway in gateways {
        let subnet = answer.subnets().iter().find(|it| it.subnet_id() == gateway.subnet_id());
        if let Some(zone) = subnet.and_then(|subnet| subnet.availability_zone()) {
            *found.entry(zone.to_owned()).or_default() += 1;
        }
    }
    Ok(found)
}
