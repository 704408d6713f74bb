//! VPCs on EC2: `CreateVpc`, `ModifyVpcAttribute`, `DescribeVpcs`, `DescribeVpcAttribute`, `DeleteVpc`,
//! and their further ranges.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, VpcAttributeName};
use deployer_core::Phase;
use deployer_engine::{
    Context, Found, Look, Progress, Resource, Result, Survey, unless_gone_for_good,
};
use deployer_kinds::{Vpc, VpcOutput, VpcSpec};

use crate::Aws;
use crate::ec2::{self, filter, inside, keeping, owned_by, secondary_ranges, tags, vpcs};
use crate::missing::Required;
use crate::ownership::{Owned, readable};

type Described = aws_sdk_ec2::types::Vpc;

impl Resource<Aws> for Vpc {
    const SHOWN_LATE: bool = ec2::SHOWN_LATE;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let mut lives = Vec::new();
        // A plan that takes ours away says who lives by it, as a destroy does.
        let goes = survey.declared::<Self>().is_some_and(|declared| declared.is_empty());
        let is_last = survey.look == Look::Last || goes;
        for vpc in vpcs::describe(survey.cloud, owned_by(survey.scope)).await? {
            if let Some(owned) = Owned::tagged::<Self>(survey.scope, &tags(vpc.tags())) {
                let read = unless_gone_for_good(|| found(survey.cloud, &owned, &vpc)).await;
                let read =
                    read.transpose().and_then(|it| readable(survey, &owned, vpc.vpc_id(), it));
                let mut read = read.transpose()?;
                if let Some(live) = read.as_mut().filter(|_| is_last) {
                    let id = &live.output.id;
                    live.foreign.extend(inside::guests(survey.cloud, id, survey.scope).await?);
                }
                lives.extend(read);
            }
        }
        Ok(lives)
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let vpcs = vpcs::describe(survey.cloud, vec![filter("vpc-id", id)]).await?;
        let Some(vpc) = vpcs.first() else { return Ok(None) };
        let owned = Owned::read::<Self>(survey.scope, None, &tags(vpc.tags()));
        unless_gone_for_good(|| found(survey.cloud, &owned, vpc)).await
    }

    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        let all = vpcs::describe(survey.cloud, Vec::new()).await?;
        Ok(all.into_iter().filter_map(|it| it.vpc_id).collect())
    }

    async fn create(cx: &Context<'_, Aws>, spec: &VpcSpec) -> Result<VpcOutput> {
        let request =
            cx.cloud.ec2.create_vpc().cidr_block(spec.cidr.to_string()).tag_specifications(
                keeping(
                    cx.identity,
                    &secondary_ranges::kept(&spec.secondary_cidrs),
                    ResourceType::Vpc,
                ),
            );
        let made =
            cx.cloud.send(&ec2::CREATE_VPC, "create the VPC", || request.clone().send()).await?;
        let id = made.vpc.and_then(|vpc| vpc.vpc_id).required("the id of the VPC")?;
        set_dns_hostnames(cx.cloud, &id, *spec.dns_hostnames.wanted()?).await?;
        if !spec.secondary_cidrs.is_empty() {
            let none = BTreeSet::new();
            secondary_ranges::set(cx.cloud, &id, &none, &spec.secondary_cidrs).await?;
        }
        Ok(VpcOutput { id })
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &VpcSpec,
    ) -> Result<VpcOutput> {
        let id = &live.output.id;
        set_dns_hostnames(cx.cloud, id, *spec.dns_hostnames.wanted()?).await?;
        let (ours, wanted) = (&live.spec.secondary_cidrs, &spec.secondary_cidrs);
        if ours != wanted {
            // Until those that go are gone they are ours as well.
            ec2::keep(cx, id, &secondary_ranges::kept(ours.union(wanted))).await?;
            secondary_ranges::set(cx.cloud, id, ours, wanted).await?;
            if !ours.is_subset(wanted) {
                ec2::keep(cx, id, &secondary_ranges::kept(wanted)).await?;
            }
        }
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &VpcOutput) -> Result<()> {
        ec2::remember(cx, &output.id).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx.cloud.ec2.delete_vpc().vpc_id(&live.output.id);
        match cx.cloud.send(&ec2::DELETE_VPC, "delete the VPC", || request.clone().send()).await {
            Ok(_) => Ok(Vec::new()),
            Err(failure) => Err(inside::name_all(cx.cloud, failure, &live.output.id).await),
        }
    }

    async fn ready(cx: &Context<'_, Aws>, output: VpcOutput) -> Result<Progress<VpcOutput>> {
        Ok(match secondary_ranges::progress(cx.cloud, &output.id).await? {
            Progress::Done(()) => Progress::Done(output),
            Progress::Waiting(what) => Progress::Waiting(what),
            Progress::Failed(why) => Progress::Failed(why),
        })
    }
}

async fn found(aws: &Aws, owned: &Owned, vpc: &Described) -> Result<Found<Vpc>> {
    let id = vpc.vpc_id().required("the id of a VPC")?;
    let range = vpc.cidr_block().and_then(|range| range.parse().ok());
    Ok(Found {
        badge: owned.badge(),
        spec: VpcSpec {
            cidr: range.required("the range of a VPC")?,
            secondary_cidrs: secondary_ranges::read(vpc, owned),
            dns_hostnames: dns_hostnames(aws, id).await?.into(),
        },
        output: VpcOutput { id: id.to_owned() },
        phase: if secondary_ranges::are_settling(vpc) { Phase::Settling } else { Phase::Ready },
        state: vpc.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
        foreign: secondary_ranges::foreign(vpc, owned),
    })
}

/// `DescribeVpcs` leaves the attribute out, so it takes a call of its own.
async fn dns_hostnames(aws: &Aws, id: &str) -> Result<Option<bool>> {
    let request =
        aws.ec2.describe_vpc_attribute().vpc_id(id).attribute(VpcAttributeName::EnableDnsHostnames);
    let answer = aws
        .send(&ec2::DESCRIBE_VPC_ATTRIBUTE, "read the VPC's host names", || request.clone().send())
        .await?;
    Ok(answer.enable_dns_hostnames.and_then(|attribute| attribute.value))
}

async fn set_dns_hostnames(aws: &Aws, id: &str, wanted: bool) -> Result<()> {
    let request = aws
        .ec2
        .modify_vpc_attribute()
        .vpc_id(id)
        .enable_dns_hostnames(AttributeBooleanValue::builder().value(wanted).build());
    aws.send(&ec2::MODIFY_VPC_ATTRIBUTE, "set the VPC's host names", || request.clone().send())
        .await?;
    Ok(())
}
