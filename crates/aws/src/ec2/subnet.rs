//! Subnets on EC2: `CreateSubnet`, `ModifySubnetAttribute`, `DescribeSubnets`, `DeleteSubnet`.

use aws_sdk_ec2::types::{AttributeBooleanValue, Filter, ResourceType};
use deployer_core::{Cause, Failure, Phase, Ref};
use deployer_engine::{Context, Found, Resource, Result, Survey};
use deployer_kinds::{Subnet, SubnetOutput, SubnetSpec};

use crate::Aws;
use crate::ec2::{self, blockers, filter, owned_by, tagged, tags, vpcs};
use crate::missing::Required;
use crate::ownership::{Owned, readable};

type Described = aws_sdk_ec2::types::Subnet;

/// What is said of a range that is in none of the VPC's ("Error codes" in the EC2 API reference).
const NO_RANGE: &str = "InvalidSubnet.Range";

impl Resource<Aws> for Subnet {
    const SHOWN_LATE: bool = ec2::SHOWN_LATE;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let subnets = describe(survey.cloud, owned_by(survey.scope)).await?;
        subnets
            .iter()
            .filter_map(|subnet| {
                let owned = Owned::tagged::<Self>(survey.scope, &tags(subnet.tags()))?;
                readable(survey, &owned, subnet.subnet_id(), found(&owned, subnet))
            })
            .collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let subnets = describe(survey.cloud, vec![filter("subnet-id", id)]).await?;
        let read = |subnet: &Described| {
            found(&Owned::read::<Self>(survey.scope, None, &tags(subnet.tags())), subnet)
        };
        subnets.first().map(read).transpose()
    }

    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        let all = describe(survey.cloud, Vec::new()).await?;
        Ok(all.into_iter().filter_map(|it| it.subnet_id).collect())
    }

    async fn create(cx: &Context<'_, Aws>, spec: &SubnetSpec) -> Result<SubnetOutput> {
        let request = cx
            .cloud
            .ec2
            .create_subnet()
            .vpc_id(spec.vpc.id())
            .cidr_block(spec.cidr.to_string())
            .availability_zone(&spec.zone)
            .tag_specifications(tagged(cx.identity, ResourceType::Subnet));
        let made = cx
            .cloud
            .send(&ec2::CREATE_SUBNET, "create the subnet", || request.clone().send())
            .await;
        let made = match made {
            Err(failure) if failure.code.as_deref() == Some(NO_RANGE) => {
                return Err(explained(cx.cloud, spec, failure).await);
            }
            made => made?,
        };
        let id =
            made.subnet.and_then(|subnet| subnet.subnet_id).required("the id of the subnet")?;
        if *spec.public_addresses.wanted()? {
            set_public_addresses(cx.cloud, &id, true).await?;
        }
        Ok(SubnetOutput { id })
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &SubnetSpec,
    ) -> Result<SubnetOutput> {
        set_public_addresses(cx.cloud, &live.output.id, *spec.public_addresses.wanted()?).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &SubnetOutput) -> Result<()> {
        ec2::remember(cx, &output.id).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx.cloud.ec2.delete_subnet().subnet_id(&live.output.id);
        match cx
            .cloud
            .send(&ec2::DELETE_SUBNET, "delete the subnet", || request.clone().send())
            .await
        {
            Ok(_) => Ok(Vec::new()),
            Err(failure) => {
                let inside = filter("subnet-id", &live.output.id);
                Err(blockers::name_interfaces(cx.cloud, failure, inside).await)
            }
        }
    }
}

/// A range that comes will be there; one that is in none, or that did not come, is waited for in
/// vain.
async fn explained(aws: &Aws, spec: &SubnetSpec, mut failure: Failure) -> Failure {
    if let Ok(false) = vpcs::will_hold(aws, spec.vpc.id(), spec.cidr).await {
        failure.cause = Cause::Refused;
    }
    failure
}

fn found(owned: &Owned, subnet: &Described) -> Result<Found<Subnet>> {
    let range = subnet.cidr_block().and_then(|range| range.parse().ok());
    Ok(Found {
        badge: owned.badge(),
        spec: SubnetSpec {
            vpc: Ref::physical(subnet.vpc_id().required("the VPC of a subnet")?),
            cidr: range.required("the range of a subnet")?,
            zone: subnet.availability_zone().required("the zone of a subnet")?.to_owned(),
            public_addresses: subnet.map_public_ip_on_launch().into(),
        },
        output: SubnetOutput { id: subnet.subnet_id().required("the id of a subnet")?.to_owned() },
        phase: Phase::Ready,
        state: subnet.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
        foreign: Vec::new(),
    })
}

pub(super) async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Described>> {
    let request = aws.ec2.describe_subnets().set_filters(Some(filters));
    let pages = aws
        .pages(
            &ec2::DESCRIBE_SUBNETS,
            "find the subnets",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.subnets.unwrap_or_default()).collect())
}

async fn set_public_addresses(aws: &Aws, id: &str, wanted: bool) -> Result<()> {
    let request = aws
        .ec2
        .modify_subnet_attribute()
        .subnet_id(id)
        .map_public_ip_on_launch(AttributeBooleanValue::builder().value(wanted).build());
    aws.send(&ec2::MODIFY_SUBNET_ATTRIBUTE, "set the subnet's public addresses", || {
        request.clone().send()
    })
    .await?;
    Ok(())
}
