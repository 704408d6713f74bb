//! NAT gateways on EC2: CreateNatGateway, DescribeNatGateways, DeleteNatGateway.

use aws_sdk_ec2::types::{Filter, NatGatewayAddress, NatGatewayState, ResourceType};
use deployer_core::{Phase, Ref};
use deployer_engine::{Context, Found, Identity, Progress, Resource, Result, Survey};
use deployer_kinds::{NatGateway, NatGatewayOutput, NatGatewaySpec};
use tokio::sync::OnceCell;

use crate::Aws;
use crate::ec2::{self, filter, one_of, owned_by, tagged, tags};
use crate::missing::Required;
use crate::ownership::{self, Owned, readable};

type Described = aws_sdk_ec2::types::NatGateway;

/// Every state but `deleted`: such gateways are listed for about an hour.
const THERE: [&str; 4] = ["pending", "available", "failed", "deleting"];

/// States of gateways that are no use any more, but whose token EC2 may remember.
const SPENT: [&str; 3] = ["failed", "deleting", "deleted"];

/// How many tokens are tried, should EC2 hand back a gateway that is deleted.
const EPOCHS: usize = 4;

/// The NAT gateways of one observation, asked for once.
#[derive(Default)]
pub(super) struct NatGateways(OnceCell<Vec<Described>>);

impl NatGateways {
    /// Every gateway that carries the scope's tags.
    async fn of(&self, survey: &Survey<'_, Aws>) -> Result<&[Described]> {
        let mut filters = owned_by(survey.scope);
        filters.push(one_of("state", THERE));
        self.0.get_or_try_init(|| describe(survey.cloud, filters)).await.map(Vec::as_slice)
    }

    /// The same, but none where no scan looks at any.
    pub(super) async fn if_any(&self, survey: &Survey<'_, Aws>) -> Result<&[Described]> {
        if survey.looks_at::<NatGateway>() { self.of(survey).await } else { Ok(&[]) }
    }
}

impl Resource<Aws> for NatGateway {
    const SHOWN_LATE: bool = ec2::SHOWN_LATE;
    const MADE_ONCE: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let gateways = survey.shared.get::<NatGateways>().of(survey).await?;
        gateways
            .iter()
            .filter_map(|gateway| {
                let owned = Owned::tagged::<Self>(survey.scope, &tags(gateway.tags()))?;
                readable(survey, &owned, gateway.nat_gateway_id(), found(&owned, gateway))
            })
            .collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let filters = vec![filter("nat-gateway-id", id), one_of("state", THERE)];
        let gateways = describe(survey.cloud, filters).await?;
        let read = |gateway: &Described| {
            found(&Owned::read::<Self>(survey.scope, None, &tags(gateway.tags())), gateway)
        };
        gateways.first().map(read).transpose()
    }

    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        let all = describe(survey.cloud, vec![one_of("state", THERE)]).await?;
        Ok(all.into_iter().filter_map(|it| it.nat_gateway_id).collect())
    }

    async fn create(cx: &Context<'_, Aws>, spec: &NatGatewaySpec) -> Result<NatGatewayOutput> {
        let address = spec.address.wanted()?.id();
        let mut spent = spent(cx).await?;
        for _ in 0..EPOCHS {
            // Another token after a gateway of this one has gone, since EC2 would hand that one back.
            let said = format!("{} {address} {}", spec.subnet.id(), spent.join(" "));
            let request = cx
                .cloud
                .ec2
                .create_nat_gateway()
                .subnet_id(spec.subnet.id())
                .allocation_id(address)
                .client_token(ownership::token(cx.identity, &said))
                .tag_specifications(tagged(cx.identity, ResourceType::Natgateway));
            let made = cx
                .cloud
                .send(&ec2::CREATE_NAT_GATEWAY, "create the NAT gateway", || request.clone().send())
                .await?
                .nat_gateway
                .required("the NAT gateway just made")?;
            let id = made.nat_gateway_id.required("the id of the NAT gateway")?;
            let state = made.state.as_ref().map(NatGatewayState::as_str);
            if !state.is_some_and(|state| SPENT[1..].contains(&state)) {
                return Ok(NatGatewayOutput { id });
            }
            spent.push(id);
        }
        None.required("a NAT gateway that is not deleted already")
    }

    async fn update(
        _cx: &Context<'_, Aws>,
        live: &Found<Self>,
        _spec: &NatGatewaySpec,
    ) -> Result<NatGatewayOutput> {
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &NatGatewayOutput) -> Result<()> {
        ec2::remember(cx, &output.id).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx.cloud.ec2.delete_nat_gateway().nat_gateway_id(&live.output.id);
        cx.cloud
            .send(&ec2::DELETE_NAT_GATEWAY, "delete the NAT gateway", || request.clone().send())
            .await?;
        Ok(Vec::new())
    }

    async fn ready(
        cx: &Context<'_, Aws>,
        output: NatGatewayOutput,
    ) -> Result<Progress<NatGatewayOutput>> {
        let gateway = look(cx.cloud, &output.id).await?;
        let state = gateway.state.as_ref().required("the state of a NAT gateway")?;
        Ok(match state {
            NatGatewayState::Available => Progress::Done(output),
            NatGatewayState::Pending => Progress::Waiting("pending".to_owned()),
            other => Progress::Failed(why(&gateway).unwrap_or_else(|| other.to_string())),
        })
    }

    async fn gone(cx: &Context<'_, Aws>, output: &NatGatewayOutput) -> Result<Progress<()>> {
        let gateway = look(cx.cloud, &output.id).await?;
        Ok(match gateway.state.as_ref().required("the state of a NAT gateway")? {
            // A failed one holds nothing; EC2 forgets it by itself (NAT gateway user guide).
            NatGatewayState::Deleted | NatGatewayState::Failed => Progress::Done(()),
            other => Progress::Waiting(other.to_string()),
        })
    }
}

/// One that failed counts as leaving, so that it is replaced.
fn found(owned: &Owned, gateway: &Described) -> Result<Found<NatGateway>> {
    let id = gateway.nat_gateway_id().required("the id of a NAT gateway")?;
    let state = gateway.state().required("the state of a NAT gateway")?;
    let addresses = gateway.nat_gateway_addresses();
    let primary = addresses
        .iter()
        .find(|address| address.is_primary() == Some(true))
        .or_else(|| addresses.first());
    let others = addresses
        .iter()
        .filter(|address| Some(*address) != primary)
        .filter_map(NatGatewayAddress::public_ip);
    Ok(Found {
        badge: owned.badge(),
        spec: NatGatewaySpec {
            subnet: Ref::physical(gateway.subnet_id().required("the subnet of a NAT gateway")?),
            // One that failed may have none.
            address: primary.and_then(|it| it.allocation_id()).map(Ref::physical).into(),
        },
        output: NatGatewayOutput { id: id.to_owned() },
        phase: match state {
            NatGatewayState::Available => Phase::Ready,
            NatGatewayState::Pending => Phase::Settling,
            _ => Phase::Leaving,
        },
        state: state.to_string(),
        foreign: others.map(|address| format!("the further address {address}")).collect(),
    })
}

/// The identifiers of gateways at this address and generation that are no use any more.
async fn spent(cx: &Context<'_, Aws>) -> Result<Vec<String>> {
    let Identity { scope, address, generation, .. } = cx.identity;
    let mut filters = owned_by(scope);
    filters.push(one_of("state", SPENT));
    let mut ids: Vec<String> = describe(cx.cloud, filters)
        .await?
        .into_iter()
        .filter(|gateway| {
            Owned::tagged::<NatGateway>(scope, &tags(gateway.tags())).is_some_and(|owned| {
                (owned.name(), owned.generation()) == (&address.name, *generation)
            })
        })
        .filter_map(|gateway| gateway.nat_gateway_id)
        .collect();
    ids.sort();
    Ok(ids)
}

pub(super) async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Described>> {
    let request = aws.ec2.describe_nat_gateways().set_filter(Some(filters));
    let pages = aws
        .pages(
            &ec2::DESCRIBE_NAT_GATEWAYS,
            "find the NAT gateways",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.nat_gateways.unwrap_or_default()).collect())
}

async fn look(aws: &Aws, id: &str) -> Result<Described> {
    let request = aws.ec2.describe_nat_gateways().nat_gateway_ids(id);
    let answer = aws
        .send(&ec2::DESCRIBE_NAT_GATEWAYS, "look at the NAT gateway", || request.clone().send())
        .await?;
    answer.nat_gateways.unwrap_or_default().pop().required("the NAT gateway asked for")
}

fn why(gateway: &Described) -> Option<String> {
    let message = gateway.failure_message()?;
    Some(match gateway.failure_code() {
        Some(code) => format!("{message} ({code})"),
        None => message.to_owned(),
    })
}
