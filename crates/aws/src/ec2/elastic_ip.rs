//! Elastic IPs on EC2: AllocateAddress, DescribeAddresses, ReleaseAddress.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{
    Address, DomainType, Filter, NatGatewayAddress, NatGatewayAddressStatus, NatGatewayState,
    ResourceType,
};
use deployer_core::Phase;
use deployer_engine::{Context, Found, Resource, Result, Survey};
use deployer_kinds::{ElasticIp, ElasticIpOutput, ElasticIpSpec};

use crate::Aws;
use crate::ec2::nat_gateway::NatGateways;
use crate::ec2::{self, filter, owned_by, tagged, tags};
use crate::index::TagIndex;
use crate::missing::Required;
use crate::ownership::{Owned, readable};

impl Resource<Aws> for ElasticIp {
    const SHOWN_LATE: bool = ec2::SHOWN_LATE;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        if let Some(all) = of_gateways(survey).await? {
            return Ok(all);
        }
        let addresses = describe(survey.cloud, owned_by(survey.scope)).await?;
        addresses
            .iter()
            .filter_map(|address| {
                let owned = Owned::tagged::<Self>(survey.scope, &tags(address.tags()))?;
                readable(survey, &owned, address.allocation_id(), found(&owned, address))
            })
            .collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let addresses = describe(survey.cloud, vec![filter("allocation-id", id)]).await?;
        let read = |address: &Address| {
            found(&Owned::read::<Self>(survey.scope, None, &tags(address.tags())), address)
        };
        addresses.first().map(read).transpose()
    }

    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        let all = describe(survey.cloud, Vec::new()).await?;
        Ok(all.into_iter().filter_map(|it| it.allocation_id).collect())
    }

    async fn create(cx: &Context<'_, Aws>, _spec: &ElasticIpSpec) -> Result<ElasticIpOutput> {
        let request = cx
            .cloud
            .ec2
            .allocate_address()
            .domain(DomainType::Vpc)
            .tag_specifications(tagged(cx.identity, ResourceType::ElasticIp));
        let made = cx
            .cloud
            .send(&ec2::ALLOCATE_ADDRESS, "allocate the elastic IP", || request.clone().send())
            .await?;
        output(made.allocation_id, made.public_ip)
    }

    async fn update(
        _cx: &Context<'_, Aws>,
        live: &Found<Self>,
        _spec: &ElasticIpSpec,
    ) -> Result<ElasticIpOutput> {
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &ElasticIpOutput) -> Result<()> {
        ec2::remember(cx, &output.id).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx.cloud.ec2.release_address().allocation_id(&live.output.id);
        cx.cloud
            .send(&ec2::RELEASE_ADDRESS, "release the elastic IP", || request.clone().send())
            .await?;
        Ok(Vec::new())
    }
}

/// The elastic IPs of our NAT gateways, where there are no others: then nobody need ask for them.
/// An address cannot be released while a gateway has it ("NAT gateway basics" in the VPC user
/// guide), so what an available one shows is there.
async fn of_gateways(survey: &Survey<'_, Aws>) -> Result<Option<Vec<Found<ElasticIp>>>> {
    let gateways = survey.shared.get::<NatGateways>().if_any(survey).await?;
    let addresses: BTreeMap<&str, &NatGatewayAddress> = gateways
        .iter()
        .filter(|gateway| gateway.state() == Some(&NatGatewayState::Available))
        .flat_map(|gateway| gateway.nat_gateway_addresses())
        .filter(|address| {
            address.status().is_none_or(|status| *status == NatGatewayAddressStatus::Succeeded)
        })
        .filter_map(|address| Some((address.allocation_id()?, address)))
        .collect();
    let is_shown = |id: &str| addresses.contains_key(id);
    let index = survey.shared.get::<TagIndex>();
    let all = index.all_of::<ElasticIp>(survey, ("ec2", "elastic-ip/"), is_shown).await;
    let Some(all) = all else { return Ok(None) };
    all.iter()
        .filter_map(|(id, tags)| {
            let owned = Owned::tagged::<ElasticIp>(survey.scope, tags)?;
            let shown = addresses.get(id)?;
            let address = Address::builder()
                .set_allocation_id(shown.allocation_id.clone())
                .set_public_ip(shown.public_ip.clone());
            Some(found(&owned, &address.build()))
        })
        .collect::<Result<_>>()
        .map(Some)
}

pub(super) async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Address>> {
    let request = aws.ec2.describe_addresses().set_filters(Some(filters));
    // DescribeAddresses has no pages.
    let answer = aws
        .send(&ec2::DESCRIBE_ADDRESSES, "find the elastic IPs", || request.clone().send())
        .await?;
    Ok(answer.addresses.unwrap_or_default())
}

fn found(owned: &Owned, address: &Address) -> Result<Found<ElasticIp>> {
    Ok(Found {
        badge: owned.badge(),
        spec: ElasticIpSpec {},
        output: output(address.allocation_id.clone(), address.public_ip.clone())?,
        phase: Phase::Ready,
        state: String::new(),
        foreign: Vec::new(),
    })
}

fn output(allocation: Option<String>, address: Option<String>) -> Result<ElasticIpOutput> {
    Ok(ElasticIpOutput {
        id: allocation.required("the allocation of an elastic IP")?,
        address: address.required("the address of an elastic IP")?,
    })
}
