//! VPCs on EC2: `CreateVpc`, `ModifyVpcAttribute`, `DescribeVpcs`, `DescribeVpcAttribute`, `DeleteVpc`.

use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, VpcAttributeName};
use deployer_core::Phase;
use deployer_engine::{Context, Found, Resource, Result, Survey, listed};
use deployer_kinds::{Vpc, VpcOutput, VpcSpec};

use crate::Aws;
use crate::ec2::{self, blockers, filter, sought, tagged, tags};
use crate::missing::Required;
use crate::ownership::Owned;

impl Resource<Aws> for Vpc {
    const SHOWN_LATE: bool = ec2::SHOWN_LATE;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let request =
            survey.cloud.ec2.describe_vpcs().set_filters(Some(sought::<Self>(survey, "vpc-id")));
        let pages = survey
            .cloud
            .pages(
                &ec2::DESCRIBE_VPCS,
                "find the VPCs",
                |token| request.clone().set_next_token(token).send(),
                |page| page.next_token(),
            )
            .await?;
        let mut lives = Vec::new();
        for vpc in pages.iter().flat_map(|page| page.vpcs()) {
            if let Some(owned) = Owned::found::<Self>(survey, vpc.vpc_id(), &tags(vpc.tags())) {
                let found = listed(|| found(survey.cloud, owned.clone(), vpc));
                lives.extend(found.await?);
            }
        }
        Ok(lives)
    }

    async fn create(cx: &Context<'_, Aws>, spec: &VpcSpec) -> Result<VpcOutput> {
        let request = cx
            .cloud
            .ec2
            .create_vpc()
            .cidr_block(spec.cidr.to_string())
            .tag_specifications(tagged(cx.identity, ResourceType::Vpc));
        let made =
            cx.cloud.send(&ec2::CREATE_VPC, "create the VPC", || request.clone().send()).await?;
        let id = made.vpc.and_then(|vpc| vpc.vpc_id).required("the id of the VPC")?;
        set_dns_hostnames(cx.cloud, &id, spec.dns_hostnames).await?;
        Ok(VpcOutput { id })
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &VpcSpec,
    ) -> Result<VpcOutput> {
        set_dns_hostnames(cx.cloud, &live.output.id, spec.dns_hostnames).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &VpcOutput) -> Result<()> {
        ec2::remember(cx, &output.id).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx.cloud.ec2.delete_vpc().vpc_id(&live.output.id);
        match cx.cloud.send(&ec2::DELETE_VPC, "delete the VPC", || request.clone().send()).await {
            Ok(_) => Ok(Vec::new()),
            Err(failure) => {
                let inside = filter("vpc-id", &live.output.id);
                Err(blockers::name_interfaces(cx.cloud, failure, inside).await)
            }
        }
    }
}

async fn found(aws: &Aws, owned: Owned, vpc: &aws_sdk_ec2::types::Vpc) -> Result<Found<Vpc>> {
    let id = vpc.vpc_id().required("the id of a VPC")?;
    let range = vpc.cidr_block().and_then(|range| range.parse().ok());
    Ok(Found {
        badge: owned.badge(),
        spec: VpcSpec {
            cidr: range.required("the range of a VPC")?,
            dns_hostnames: dns_hostnames(aws, id).await?,
        },
        output: VpcOutput { id: id.to_owned() },
        phase: Phase::Ready,
        state: vpc.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
        foreign: Vec::new(),
    })
}

/// `DescribeVpcs` leaves the attribute out, so it takes a call of its own.
async fn dns_hostnames(aws: &Aws, id: &str) -> Result<bool> {
    let request =
        aws.ec2.describe_vpc_attribute().vpc_id(id).attribute(VpcAttributeName::EnableDnsHostnames);
    let answer = aws
        .send(&ec2::DESCRIBE_VPC_ATTRIBUTE, "read the VPC's host names", || request.clone().send())
        .await?;
    answer
        .enable_dns_hostnames
        .and_then(|attribute| attribute.value)
        .required("whether a VPC has host names")
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
