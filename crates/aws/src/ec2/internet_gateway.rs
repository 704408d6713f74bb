//! Internet gateways on EC2: CreateInternetGateway, AttachInternetGateway,
//! DescribeInternetGateways, DetachInternetGateway, DeleteInternetGateway.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{
    AttachmentStatus, Filter, InternetGatewayAttachment, ResourceType, RouteState,
};
use deployer_core::{Cause, Phase, Ref};
use deployer_engine::{Context, Found, Resource, Result, Survey};
use deployer_kinds::{InternetGateway, InternetGatewayOutput, InternetGatewaySpec};

use crate::Aws;
use crate::ec2::route_table::RouteTables;
use crate::ec2::{self, blockers, filter, owned_by, tagged, tags};
use crate::index::TagIndex;
use crate::missing::Required;
use crate::ownership::{Owned, readable};
use crate::send::unless_gone;

type Described = aws_sdk_ec2::types::InternetGateway;

impl Resource<Aws> for InternetGateway {
    const SHOWN_LATE: bool = ec2::SHOWN_LATE;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        if let Some(all) = on_routes(survey).await? {
            return Ok(all);
        }
        let gateways = describe(survey.cloud, owned_by(survey.scope)).await?;
        gateways
            .iter()
            .filter_map(|gateway| {
                let owned = Owned::tagged::<Self>(survey.scope, &tags(gateway.tags()))?;
                readable(survey, &owned, gateway.internet_gateway_id(), found(&owned, gateway))
            })
            .collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let gateways = describe(survey.cloud, vec![filter("internet-gateway-id", id)]).await?;
        let read = |gateway: &Described| {
            found(&Owned::read::<Self>(survey.scope, None, &tags(gateway.tags())), gateway)
        };
        gateways.first().map(read).transpose()
    }

    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        let all = describe(survey.cloud, Vec::new()).await?;
        Ok(all.into_iter().filter_map(|it| it.internet_gateway_id).collect())
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

/// The internet gateways that our routes lead to, where there are no others: then nobody need ask
/// for them. A route is `active` only while its gateway is attached to the VPC of its table, and
/// `blackhole` otherwise (`Route` in the EC2 API reference), so it shows all that a spec has.
async fn on_routes(survey: &Survey<'_, Aws>) -> Result<Option<Vec<Found<InternetGateway>>>> {
    let tables = survey.shared.get::<RouteTables>().if_any(survey).await?;
    let routes = tables.iter().flat_map(|table| table.routes().iter().map(move |it| (table, it)));
    let vpcs: BTreeMap<&str, &str> = routes
        .filter(|(_, route)| route.state() == Some(&RouteState::Active))
        .filter_map(|(table, route)| Some((route.gateway_id()?, table.vpc_id()?)))
        .collect();
    let is_shown = |id: &str| vpcs.contains_key(id);
    let index = survey.shared.get::<TagIndex>();
    let all = index.all_of::<InternetGateway>(survey, ("ec2", "internet-gateway/"), is_shown);
    let Some(all) = all.await else { return Ok(None) };
    all.iter()
        .filter_map(|(id, tags)| {
            let owned = Owned::tagged::<InternetGateway>(survey.scope, tags)?;
            let attachment = InternetGatewayAttachment::builder()
                .vpc_id(*vpcs.get(id)?)
                // What EC2 says of one that is attached (API reference).
                .state(AttachmentStatus::from("available"));
            let gateway = Described::builder().internet_gateway_id(*id);
            Some(found(&owned, &gateway.attachments(attachment.build()).build()))
        })
        .collect::<Result<_>>()
        .map(Some)
}

fn found(owned: &Owned, gateway: &Described) -> Result<Found<InternetGateway>> {
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

async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Described>> {
    let request = aws.ec2.describe_internet_gateways().set_filters(Some(filters));
    let pages = aws
        .pages(
            &ec2::DESCRIBE_INTERNET_GATEWAYS,
            "find the internet gateways",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.internet_gateways.unwrap_or_default()).collect())
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
