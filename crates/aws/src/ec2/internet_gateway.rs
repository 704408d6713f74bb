//! Internet gateways on EC2: CreateInternetGateway, AttachInternetGateway,
//! DescribeInternetGateways, DetachInternetGateway, DeleteInternetGateway.

use aws_sdk_ec2::types::ResourceType;
use deployer_core::{Cause, Phase, Ref};
use deployer_engine::{Context, Found, Resource, Result, Survey};
use deployer_kinds::{InternetGateway, InternetGatewayOutput, InternetGatewaySpec};

use crate::Aws;
use crate::ec2::{self, blockers, sought, tagged, tags};
use crate::missing::Required;
use crate::ownership::Owned;
use crate::send::unless_gone;

impl Resource<Aws> for InternetGateway {
    const SHOWN_LATE: bool = ec2::SHOWN_LATE;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let request = survey
            .cloud
            .ec2
            .describe_internet_gateways()
            .set_filters(Some(sought::<Self>(survey, "internet-gateway-id")));
        let pages = survey
            .cloud
            .pages(
                &ec2::DESCRIBE_INTERNET_GATEWAYS,
                "find the internet gateways",
                |token| request.clone().set_next_token(token).send(),
                |page| page.next_token(),
            )
            .await?;
        let gateways = pages.iter().flat_map(|page| page.internet_gateways());
        gateways
            .filter_map(|gateway| {
                let owned = Owned::found::<Self>(
                    survey,
                    gateway.internet_gateway_id(),
                    &tags(gateway.tags()),
                )?;
                Some(found(&owned, gateway))
            })
            .collect()
    }

    async fn create(
        cx: &Context<'_, Aws>,
        spec: &InternetGatewaySpec,
    ) -> Result<InternetGatewayOutput> {
        let request = cx
            .cloud
            .ec2
            .create_internet_gateway()
            .tag_specifications(tagged(cx.identity, ResourceType::InternetGateway));
        let made = cx
            .cloud
            .send(&ec2::CREATE_INTERNET_GATEWAY, "create the internet gateway", || {
                request.clone().send()
            })
            .await?;
        let id = made
            .internet_gateway
            .and_then(|gateway| gateway.internet_gateway_id)
            .required("the id of the internet gateway")?;
        attach(cx.cloud, &id, spec.vpc.wanted()?.id()).await?;
        Ok(InternetGatewayOutput { id })
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &InternetGatewaySpec,
    ) -> Result<InternetGatewayOutput> {
        let wanted = spec.vpc.wanted()?;
        if let Some(other) = live.spec.vpc.known().filter(|vpc| *vpc != wanted) {
            detach(cx.cloud, &live.output.id, other.id()).await?;
        }
        attach(cx.cloud, &live.output.id, wanted.id()).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &InternetGatewayOutput) -> Result<()> {
        ec2::remember(cx, &output.id).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        if let Some(vpc) = live.spec.vpc.known() {
            detach(cx.cloud, &live.output.id, vpc.id()).await?;
        }
        let request = cx.cloud.ec2.delete_internet_gateway().internet_gateway_id(&live.output.id);
        cx.cloud
            .send(&ec2::DELETE_INTERNET_GATEWAY, "delete the internet gateway", || {
                request.clone().send()
            })
            .await?;
        Ok(Vec::new())
    }
}

fn found(
    owned: &Owned,
    gateway: &aws_sdk_ec2::types::InternetGateway,
) -> Result<Found<InternetGateway>> {
    let id = gateway.internet_gateway_id().required("the id of an internet gateway")?;
    let attachment = gateway.attachments().first();
    let vpc = attachment.and_then(|attachment| attachment.vpc_id());
    let state = attachment.and_then(|attachment| attachment.state());
    Ok(Found {
        badge: owned.badge(),
        spec: InternetGatewaySpec { vpc: vpc.map(Ref::physical).into() },
        output: InternetGatewayOutput { id: id.to_owned() },
        phase: Phase::Ready,
        state: state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
        foreign: Vec::new(),
    })
}

/// EC2 refuses to attach what is attached, be it to this VPC or another, with the same code.
async fn attach(aws: &Aws, id: &str, vpc: &str) -> Result<()> {
    let request = aws.ec2.attach_internet_gateway().internet_gateway_id(id).vpc_id(vpc);
    match aws
        .send(&ec2::ATTACH_INTERNET_GATEWAY, "attach the internet gateway", || {
            request.clone().send()
        })
        .await
    {
        Err(failure)
            if failure.cause == Cause::Taken
                && attached_to(aws, id).await?.as_deref() == Some(vpc) =>
        {
            Ok(())
        }
        result => result.map(drop),
    }
}

async fn attached_to(aws: &Aws, id: &str) -> Result<Option<String>> {
    let request = aws.ec2.describe_internet_gateways().internet_gateway_ids(id);
    let answer = aws
        .send(&ec2::DESCRIBE_INTERNET_GATEWAYS, "look at the internet gateway", || {
            request.clone().send()
        })
        .await?;
    let mut attachments =
        answer.internet_gateways().iter().flat_map(|gateway| gateway.attachments());
    Ok(attachments.find_map(|attachment| attachment.vpc_id().map(ToOwned::to_owned)))
}

/// Detaches, unless it is detached. While something in the VPC has a public address EC2 refuses,
/// and the failure names it.
async fn detach(aws: &Aws, id: &str, vpc: &str) -> Result<()> {
    if vpc.is_empty() {
        return Ok(());
    }
    let request = aws.ec2.detach_internet_gateway().internet_gateway_id(id).vpc_id(vpc);
    let result = aws
        .send(&ec2::DETACH_INTERNET_GATEWAY, "detach the internet gateway", || {
            request.clone().send()
        })
        .await;
    // Whether the gateway is gone too, the call after this one tells.
    match unless_gone(result) {
        Ok(_) => Ok(()),
        Err(failure) => Err(blockers::name_public(aws, failure, vpc).await),
    }
}
