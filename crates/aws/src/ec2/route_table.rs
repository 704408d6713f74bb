//! Route tables on EC2: CreateRouteTable, CreateRoute, ReplaceRoute, DeleteRoute,
//! AssociateRouteTable, ReplaceRouteTableAssociation, DisassociateRouteTable,
//! DescribeRouteTables, DeleteRouteTable.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{
    Filter, ResourceType, Route, RouteOrigin, RouteTableAssociation, RouteTableAssociationStateCode,
};
use deployer_core::{Cause, Phase, Ref};
use deployer_engine::{Context, Found, Resource, Result, Survey};
use deployer_kinds::{
    Cidr, GatewayEndpoint, RouteTable, RouteTableOutput, RouteTableSpec, RouteTarget,
};
use tokio::sync::OnceCell;

use crate::Aws;
use crate::ec2::{self, filter, gateway_endpoint, keeping, owned_by, tags};
use crate::missing::Required;
use crate::ownership::{self, Kept, Owned, readable};
use crate::send::{unless_gone, unless_taken};

type Described = aws_sdk_ec2::types::RouteTable;
type Routes = BTreeMap<Cidr, RouteTarget>;

const ROUTES: &str = "routes";
const SUBNETS: &str = "subnets";

/// The route tables of one observation, asked for once.
#[derive(Default)]
pub(super) struct RouteTables(OnceCell<Vec<Described>>);

impl RouteTables {
    /// Every route table that carries the scope's tags.
    async fn of(&self, survey: &Survey<'_, Aws>) -> Result<&[Described]> {
        let tables = self.0.get_or_try_init(|| describe(survey.cloud, owned_by(survey.scope)));
        tables.await.map(Vec::as_slice)
    }

    /// The same, but none where no scan looks at any.
    pub(super) async fn if_any(&self, survey: &Survey<'_, Aws>) -> Result<&[Described]> {
        if survey.looks_at::<RouteTable>() { self.of(survey).await } else { Ok(&[]) }
    }
}

impl Resource<Aws> for RouteTable {
    const SHOWN_LATE: bool = ec2::SHOWN_LATE;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let tables = survey.shared.get::<RouteTables>().of(survey).await?;
        let gateways = gateways(survey, tables).await?;
        tables
            .iter()
            .filter_map(|table| {
                let owned = Owned::tagged::<Self>(survey.scope, &tags(table.tags()))?;
                readable(survey, &owned, table.route_table_id(), found(&gateways, &owned, table))
            })
            .collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let tables = describe(survey.cloud, vec![filter("route-table-id", id)]).await?;
        let gateways = gateways(survey, &tables).await?;
        let read = |table: &Described| {
            let owned = Owned::read::<Self>(survey.scope, None, &tags(table.tags()));
            found(&gateways, &owned, table)
        };
        tables.first().map(read).transpose()
    }

    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        let all = describe(survey.cloud, Vec::new()).await?;
        Ok(all.into_iter().filter_map(|it| it.route_table_id).collect())
    }

    async fn create(cx: &Context<'_, Aws>, spec: &RouteTableSpec) -> Result<RouteTableOutput> {
        let request = cx
            .cloud
            .ec2
            .create_route_table()
            .vpc_id(spec.vpc.id())
            .tag_specifications(keeping(cx.identity, &kept(spec), ResourceType::RouteTable));
        let made = cx
            .cloud
            .send(&ec2::CREATE_ROUTE_TABLE, "create the route table", || request.clone().send())
            .await?;
        let id = made
            .route_table
            .and_then(|table| table.route_table_id)
            .required("the id of the route table")?;
        set_routes(cx.cloud, &id, &Routes::new(), &spec.routes).await?;
        for subnet in &spec.subnets {
            associate(cx.cloud, &id, subnet.id()).await?;
        }
        Ok(RouteTableOutput { id })
    }

    /// What is added comes first, so that a subnet or range that moves is never without a way.
    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &RouteTableSpec,
    ) -> Result<RouteTableOutput> {
        let id = &live.output.id;
        // Whenever this ends, what was given is known for ours.
        let mut both = spec.clone();
        both.routes.extend(live.spec.routes.clone());
        both.subnets.extend(live.spec.subnets.clone());
        ec2::keep(cx, id, &kept(&both)).await?;
        set_routes(cx.cloud, id, &live.spec.routes, &spec.routes).await?;
        for subnet in spec.subnets.difference(&live.spec.subnets) {
            associate(cx.cloud, id, subnet.id()).await?;
        }
        if !live.spec.subnets.is_subset(&spec.subnets) {
            let goes = |subnet: &str| {
                let subnet = Ref::physical(subnet);
                live.spec.subnets.contains(&subnet) && !spec.subnets.contains(&subnet)
            };
            disassociate(cx.cloud, id, |subnet| !goes(subnet)).await?;
        }
        if kept(&both) != kept(spec) {
            ec2::keep(cx, id, &kept(spec)).await?;
        }
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &RouteTableOutput) -> Result<()> {
        ec2::remember(cx, &output.id).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        disassociate(cx.cloud, &live.output.id, |_| false).await?;
        let request = cx.cloud.ec2.delete_route_table().route_table_id(&live.output.id);
        cx.cloud
            .send(&ec2::DELETE_ROUTE_TABLE, "delete the route table", || request.clone().send())
            .await?;
        Ok(Vec::new())
    }
}

fn found(
    gateways: &BTreeSet<String>,
    owned: &Owned,
    table: &Described,
) -> Result<Found<RouteTable>> {
    let id = table.route_table_id().required("the id of a route table")?;
    let (mut routes, mut foreign) = (Routes::new(), Vec::new());
    // A gateway of ours to a service writes its own (VPC guide, "Gateway endpoints").
    let is_of_ours = |route: &&Route| route.gateway_id().is_some_and(|id| gateways.contains(id));
    for route in table.routes().iter().filter(|route| !is_of_ours(route)) {
        match understood(route) {
            Understood::Route(range, _) if !owned.is_given(ROUTES, &range.to_string()) => {
                foreign.push(described(route));
            }
            Understood::Route(range, target) => drop(routes.insert(range, target)),
            Understood::Local => {}
            Understood::Foreign(what) => foreign.push(what),
        }
    }
    let gateways = table.associations().iter().filter_map(RouteTableAssociation::gateway_id);
    foreign.extend(gateways.map(|gateway| format!("an association with {gateway}")));
    let (subnets, others): (Vec<&str>, Vec<&str>) = associations(table)
        .map(|(_, subnet)| subnet)
        .partition(|subnet| owned.is_given(SUBNETS, subnet));
    foreign.extend(others.iter().map(|subnet| format!("an association with {subnet}")));
    Ok(Found {
        badge: owned.badge(),
        spec: RouteTableSpec {
            vpc: Ref::physical(table.vpc_id().required("the VPC of a route table")?),
            routes,
            subnets: subnets.into_iter().map(Ref::physical).collect(),
        },
        output: RouteTableOutput { id: id.to_owned() },
        phase: Phase::Ready,
        state: String::new(),
        foreign,
    })
}

/// The gateway endpoints over which these tables lead that are ours by the record, or by their
/// tags: a run that died may not have recorded its own. Whose tags lie is a stray that uses the
/// table, and holds it as such.
async fn gateways(survey: &Survey<'_, Aws>, tables: &[Described]) -> Result<BTreeSet<String>> {
    let led_to = tables.iter().flat_map(Described::routes).filter_map(Route::gateway_id);
    let led_to = led_to.filter(|id| id.starts_with("vpce-")).map(ToOwned::to_owned);
    let (mut ours, others): (BTreeSet<String>, BTreeSet<String>) =
        led_to.partition(|id| survey.is_recorded::<GatewayEndpoint>(id));
    if !others.is_empty() {
        ours.extend(gateway_endpoint::claimed(survey).await?);
    }
    Ok(ours)
}

/// What is kept as tags: which routes and which subnets were given, three characters for each, since
/// neither can carry a tag. So what others add is left alone.
fn kept(spec: &RouteTableSpec) -> Kept {
    Kept::from([
        (ROUTES, ownership::codes(spec.routes.keys().map(ToString::to_string))),
        (SUBNETS, ownership::codes(spec.subnets.iter().map(Ref::id))),
    ])
}

#[derive(Debug, PartialEq)]
enum Understood {
    /// One that a spec can hold.
    Route(Cidr, RouteTarget),
    /// The VPC's own range, in every table.
    Local,
    /// One that a spec cannot hold, in words.
    Foreign(String),
}

/// A route counts whether it works or is a black hole: it is there either way.
fn understood(route: &Route) -> Understood {
    let is_local = route.origin() == Some(&RouteOrigin::CreateRouteTable)
        || route.gateway_id() == Some("local");
    if is_local {
        return Understood::Local;
    }
    let range = route.destination_cidr_block().and_then(|range| range.parse().ok());
    let target = match (route.gateway_id(), route.nat_gateway_id()) {
        (Some(id), None) if id.starts_with("igw-") => {
            Some(RouteTarget::InternetGateway(Ref::physical(id)))
        }
        (None, Some(id)) => Some(RouteTarget::NatGateway(Ref::physical(id))),
        _ => None,
    };
    let is_propagated = route.origin() == Some(&RouteOrigin::EnableVgwRoutePropagation);
    match (range, target) {
        (Some(range), Some(target)) if !is_propagated => Understood::Route(range, target),
        _ => Understood::Foreign(described(route)),
    }
}

fn described(route: &Route) -> String {
    let to = [
        route.destination_cidr_block(),
        route.destination_ipv6_cidr_block(),
        route.destination_prefix_list_id(),
    ];
    let over = [
        route.gateway_id(),
        route.nat_gateway_id(),
        route.egress_only_internet_gateway_id(),
        route.transit_gateway_id(),
        route.vpc_peering_connection_id(),
        route.local_gateway_id(),
        route.carrier_gateway_id(),
        route.core_network_arn(),
        route.odb_network_arn(),
        // An instance's route names its interface too.
        route.instance_id(),
        route.network_interface_id(),
    ];
    let first = |of: &[Option<&str>]| of.iter().copied().flatten().next().unwrap_or("?").to_owned();
    format!("a route to {} over {}", first(&to), first(&over))
}

/// The identifier and the subnet of each association, but for the main one.
pub(super) fn associations(table: &Described) -> impl Iterator<Item = (&str, &str)> {
    let is_there = |association: &&RouteTableAssociation| {
        let state = association.association_state().and_then(|state| state.state());
        !matches!(
            state,
            Some(
                RouteTableAssociationStateCode::Disassociating
                    | RouteTableAssociationStateCode::Disassociated
            )
        )
    };
    table.associations().iter().filter(is_there).filter_map(|association| {
        association.route_table_association_id().zip(association.subnet_id())
    })
}

pub(super) async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Described>> {
    let request = aws.ec2.describe_route_tables().set_filters(Some(filters));
    let pages = aws
        .pages(
            &ec2::DESCRIBE_ROUTE_TABLES,
            "find the route tables",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.route_tables.unwrap_or_default()).collect())
}

async fn set_routes(aws: &Aws, id: &str, live: &Routes, wanted: &Routes) -> Result<()> {
    for (range, target) in wanted.iter().filter(|(range, target)| live.get(range) != Some(target)) {
        if live.contains_key(range) {
            replace_route(aws, id, *range, target).await?;
        } else {
            create_route(aws, id, *range, target).await?;
        }
    }
    for range in live.keys().filter(|range| !wanted.contains_key(range)) {
        let request =
            aws.ec2.delete_route().route_table_id(id).destination_cidr_block(range.to_string());
        let result =
            aws.send(&ec2::DELETE_ROUTE, "delete a route", || request.clone().send()).await;
        unless_gone(result)?;
    }
    Ok(())
}

/// A range that has a route already, ours from a call before or one no spec can hold, gets this
/// one instead.
async fn create_route(aws: &Aws, id: &str, range: Cidr, target: &RouteTarget) -> Result<()> {
    let request =
        aws.ec2.create_route().route_table_id(id).destination_cidr_block(range.to_string());
    let request = match target {
        RouteTarget::InternetGateway(gateway) => request.gateway_id(gateway.id()),
        RouteTarget::NatGateway(gateway) => request.nat_gateway_id(gateway.id()),
    };
    let result = aws.send(&ec2::CREATE_ROUTE, "create a route", || request.clone().send()).await;
    if unless_taken(result)?.is_none() {
        replace_route(aws, id, range, target).await?;
    }
    Ok(())
}

async fn replace_route(aws: &Aws, id: &str, range: Cidr, target: &RouteTarget) -> Result<()> {
    let request =
        aws.ec2.replace_route().route_table_id(id).destination_cidr_block(range.to_string());
    let request = match target {
        RouteTarget::InternetGateway(gateway) => request.gateway_id(gateway.id()),
        RouteTarget::NatGateway(gateway) => request.nat_gateway_id(gateway.id()),
    };
    aws.send(&ec2::REPLACE_ROUTE, "replace a route", || request.clone().send()).await?;
    Ok(())
}

/// Associates a subnet, or moves it here from the table it is associated with.
async fn associate(aws: &Aws, id: &str, subnet: &str) -> Result<()> {
    let request = aws.ec2.associate_route_table().route_table_id(id).subnet_id(subnet);
    let associate = || async {
        aws.send(&ec2::ASSOCIATE_ROUTE_TABLE, "associate a subnet", || request.clone().send()).await
    };
    if unless_taken(associate().await)?.is_some() {
        return Ok(());
    }
    let moved = match associated(aws, subnet).await? {
        Some((table, _)) if table == id => return Ok(()),
        Some((_, association)) => {
            let request = aws
                .ec2
                .replace_route_table_association()
                .route_table_id(id)
                .association_id(association);
            match aws
                .send(&ec2::REPLACE_ROUTE_TABLE_ASSOCIATION, "move a subnet", || {
                    request.clone().send()
                })
                .await
            {
                // The table it was associated with has let go of it meanwhile.
                Err(failure) if failure.cause == Cause::Gone => false,
                result => result.map(|_| true)?,
            }
        }
        None => false,
    };
    if !moved {
        associate().await?;
    }
    Ok(())
}

/// The table and the association of a subnet that is associated with one.
async fn associated(aws: &Aws, subnet: &str) -> Result<Option<(String, String)>> {
    let request = aws.ec2.describe_route_tables().filters(filter("association.subnet-id", subnet));
    let answer = aws
        .send(&ec2::DESCRIBE_ROUTE_TABLES, "find the subnet's route table", || {
            request.clone().send()
        })
        .await?;
    let found = answer.route_tables().iter().find_map(|table| {
        let (association, _) = associations(table).find(|(_, other)| *other == subnet)?;
        Some((table.route_table_id()?.to_owned(), association.to_owned()))
    });
    Ok(found)
}

/// Ends the associations with all subnets but those to keep.
async fn disassociate(aws: &Aws, id: &str, keep: impl Fn(&str) -> bool) -> Result<()> {
    let request = aws.ec2.describe_route_tables().route_table_ids(id);
    let answer = aws
        .send(&ec2::DESCRIBE_ROUTE_TABLES, "look at the route table", || request.clone().send())
        .await?;
    let associations = answer.route_tables().iter().flat_map(associations);
    for (association, _) in associations.filter(|(_, subnet)| !keep(subnet)) {
        let request = aws.ec2.disassociate_route_table().association_id(association);
        let result = aws
            .send(&ec2::DISASSOCIATE_ROUTE_TABLE, "disassociate a subnet", || {
                request.clone().send()
            })
            .await;
        unless_gone(result)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use deployer_core::Scope;
    use serde_json::json;

    use super::*;
    use crate::ownership::kept_key;

    fn to(range: &str) -> aws_sdk_ec2::types::builders::RouteBuilder {
        Route::builder().destination_cidr_block(range).origin(RouteOrigin::CreateRoute)
    }

    fn over(list: &str, endpoint: &str) -> Route {
        Route::builder().destination_prefix_list_id(list).gateway_id(endpoint).build()
    }

    #[test]
    fn routes_to_gateways_are_understood_and_the_local_one_is_left_out() {
        let nat = to("0.0.0.0/0").nat_gateway_id("nat-1").build();
        let target = RouteTarget::NatGateway(Ref::physical("nat-1"));
        let range = "0.0.0.0/0".parse().unwrap();
        assert_eq!(understood(&nat), Understood::Route(range, target));
        let local = to("10.0.0.0/16").gateway_id("local").build();
        assert_eq!(understood(&local), Understood::Local);
    }

    #[test]
    fn a_route_and_a_subnet_that_others_added_are_theirs() {
        let spec: RouteTableSpec = serde_json::from_value(json!({
            "vpc": { "id": "vpc-1" },
            "routes": { "0.0.0.0/0": { "nat-gateway": { "id": "nat-1" } } },
            "subnets": [{ "id": "subnet-1" }],
        }))
        .unwrap();
        let ours = BTreeSet::from(["vpce-1".to_owned()]);
        let association = |subnet: &str| {
            let association = RouteTableAssociation::builder();
            association.route_table_association_id("a").subnet_id(subnet).build()
        };
        let table = Described::builder()
            .route_table_id("rtb-1")
            .vpc_id("vpc-1")
            .routes(to("0.0.0.0/0").nat_gateway_id("nat-1").build())
            .routes(to("10.9.0.0/16").nat_gateway_id("nat-9").build())
            .routes(over("pl-1", "vpce-1"))
            .routes(over("pl-9", "vpce-9"))
            .associations(association("subnet-1"))
            .associations(association("subnet-9"))
            .build();
        let with = |kept: Kept| {
            let scope = Scope {
                stack: String::new(),
                environment: String::new(),
                origin: None,
                tags: BTreeMap::new(),
            };
            let kept = kept.iter().map(|(field, value)| (kept_key(field), value.clone())).collect();
            found(&ours, &Owned::read::<RouteTable>(&scope, None, &kept), &table).unwrap()
        };
        let live = with(kept(&spec));
        assert_eq!(live.spec, spec);
        assert_eq!(
            live.foreign,
            [
                "a route to 10.9.0.0/16 over nat-9",
                "a route to pl-9 over vpce-9",
                "an association with subnet-9"
            ]
        );
        // A table of an earlier version says nothing of them.
        assert_eq!(with(Kept::new()).spec.routes.len(), 2);
    }

    #[test]
    fn a_route_that_no_spec_can_hold_is_told() {
        let told = |route: Route| match understood(&route) {
            Understood::Foreign(what) => what,
            other => panic!("{other:?}"),
        };
        let peered = to("10.9.0.0/16").vpc_peering_connection_id("pcx-1").build();
        assert_eq!(told(peered), "a route to 10.9.0.0/16 over pcx-1");
        assert_eq!(told(over("pl-1", "vpce-1")), "a route to pl-1 over vpce-1");
        let propagated =
            to("10.8.0.0/16").gateway_id("vgw-1").origin(RouteOrigin::EnableVgwRoutePropagation);
        assert_eq!(told(propagated.build()), "a route to 10.8.0.0/16 over vgw-1");
    }
}
