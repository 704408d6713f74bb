//! Elastic IPs on EC2: AllocateAddress, DescribeAddresses, ReleaseAddress.

use aws_sdk_ec2::types::{Address, DomainType, ResourceType};
use deployer_core::Phase;
use deployer_engine::{Context, Found, Resource, Result, Survey};
use deployer_kinds::{ElasticIp, ElasticIpOutput, ElasticIpSpec};

use crate::Aws;
use crate::ec2::{self, sought, tagged, tags};
use crate::missing::Required;
use crate::ownership::Owned;

impl Resource<Aws> for ElasticIp {
    const SHOWN_LATE: bool = ec2::SHOWN_LATE;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let request = survey
            .cloud
            .ec2
            .describe_addresses()
            .set_filters(Some(sought::<Self>(survey, "allocation-id")));
        // DescribeAddresses has no pages.
        let answer = survey
            .cloud
            .send(&ec2::DESCRIBE_ADDRESSES, "find the elastic IPs", || request.clone().send())
            .await?;
        let addresses = answer.addresses().iter();
        addresses
            .filter_map(|address| {
                let owned =
                    Owned::found::<Self>(survey, address.allocation_id(), &tags(address.tags()))?;
                Some(found(&owned, address))
            })
            .collect()
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
