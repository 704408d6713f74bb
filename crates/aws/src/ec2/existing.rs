//! A network that a stack names, whoever made it: `DescribeVpcs`, `DescribeVpcAttribute`,
//! `DescribeSubnets`, `DescribeRouteTables`, `DescribeVpcEndpoints`.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{
    Filter, Route, RouteState, RouteTable, Subnet, Vpc, VpcAttributeName, VpcCidrBlockStateCode,
    VpcEndpoint, VpcEndpointType,
};
use deployer_core::{ExistingNetwork, ExistingSubnet, WayOut};
use deployer_engine::Result;

use crate::Aws;
use crate::ec2::{self, endpoints, filter, one_of, route_table, subnet, vpcs};
use crate::missing::Required;

/// Where everything goes that nothing else says a way for.
const ANYWHERE: &str = "0.0.0.0/0";

impl Aws {
    /// What a network is like that has this VPC, and those of these subnets that there are.
    pub(crate) async fn existing_network(
        &self,
        vpc: &str,
        subnets: &BTreeSet<String>,
    ) -> Result<Option<ExistingNetwork>> {
        // A filter finds nothing where an identifier would be refused.
        let vpcs = vpcs::describe(self, vec![filter("vpc-id", vpc)]).await?;
        let Some(described) = vpcs.first() else { return Ok(None) };
        let ids = one_of("subnet-id", subnets.iter().map(String::as_str));
        let (has_dns, found, tables) = tokio::try_join!(
            has_dns(self, vpc),
            subnet::describe(self, vec![ids]),
            route_table::describe(self, vec![filter("vpc-id", vpc)]),
        )?;
        let subnets: BTreeMap<String, ExistingSubnet> =
            found.iter().map(|subnet| read(subnet, &tables)).collect::<Result<_>>()?;
        let is_shut = subnets.values().any(|subnet| subnet.way == WayOut::None);
        let endpoints = if is_shut {
            endpoints::describe(self, vec![filter("vpc-id", vpc)]).await?
        } else {
            Vec::new()
        };
        Ok(Some(ExistingNetwork {
            ranges: ranges(described),
            has_dns,
            subnets,
            endpoints: endpoints.iter().filter_map(|it| service(it, &self.region)).collect(),
        }))
    }

    /// The VPCs that carry some tags.
    pub(crate) async fn tagged_vpcs(
        &self,
        tags: &BTreeMap<String, String>,
    ) -> Result<BTreeSet<String>> {
        let found = vpcs::describe(self, carrying(tags).collect()).await?;
        Ok(found.into_iter().filter_map(|it| it.vpc_id).collect())
    }

    /// The subnets of a VPC that carry some tags.
    pub(crate) async fn tagged_subnets(
        &self,
        tags: &BTreeMap<String, String>,
        vpc: Option<&str>,
    ) -> Result<BTreeSet<String>> {
        let filters = carrying(tags).chain(vpc.map(|vpc| filter("vpc-id", vpc)));
        let found = subnet::describe(self, filters.collect()).await?;
        Ok(found.into_iter().filter_map(|it| it.subnet_id).collect())
    }
}

/// Filters for all of some tags. `*` and `?` stand for anything in a filter's value, unless a
/// backslash is before them (EC2 user guide, "List and filter").
fn carrying(tags: &BTreeMap<String, String>) -> impl Iterator<Item = Filter> {
    tags.iter().map(|(key, value)| {
        let mut exact = String::new();
        for letter in value.chars() {
            if matches!(letter, '*' | '?' | '\\') {
                exact.push('\\');
            }
            exact.push(letter);
        }
        filter(&format!("tag:{key}"), &exact)
    })
}

/// Whether AWS's resolver answers in a VPC: without it tasks find neither their registry nor anybody
/// else ("DNS attributes for your VPC" in the VPC user guide).
async fn has_dns(aws: &Aws, vpc: &str) -> Result<bool> {
    let request =
        aws.ec2.describe_vpc_attribute().vpc_id(vpc).attribute(VpcAttributeName::EnableDnsSupport);
    let answer = aws
        .send(&ec2::DESCRIBE_VPC_ATTRIBUTE, "read whether the VPC resolves names", || {
            request.clone().send()
        })
        .await?;
    // It is on unless somebody has turned it off.
    Ok(answer.enable_dns_support.and_then(|attribute| attribute.value).unwrap_or(true))
}

/// All ranges of a VPC: the one that it was made with, and those that were added.
fn ranges(vpc: &Vpc) -> BTreeSet<String> {
    let added = vpc.cidr_block_association_set().iter().filter(|it| {
        let state = it.cidr_block_state().and_then(|state| state.state());
        state.is_none_or(|state| *state == VpcCidrBlockStateCode::Associated)
    });
    let added = added.filter_map(|association| association.cidr_block());
    vpc.cidr_block().into_iter().chain(added).map(str::to_owned).collect()
}

fn read(subnet: &Subnet, tables: &[RouteTable]) -> Result<(String, ExistingSubnet)> {
    let id = subnet.subnet_id().required("the id of a subnet")?;
    let free = subnet.available_ip_address_count().required("the free addresses of a subnet")?;
    let read = ExistingSubnet {
        vpc: subnet.vpc_id().required("the VPC of a subnet")?.to_owned(),
        zone: subnet.availability_zone().required("the zone of a subnet")?.to_owned(),
        free: u32::try_from(free).unwrap_or_default(),
        way: way_out(id, tables),
    };
    Ok((id.to_owned(), read))
}

/// Where a subnet leads: by its own route table, or by the main one of its VPC ("Subnet route
/// tables" in the VPC user guide).
fn way_out(subnet: &str, tables: &[RouteTable]) -> WayOut {
    let is_main =
        |table: &&RouteTable| table.associations().iter().any(|it| it.main() == Some(true));
    let own =
        tables.iter().find(|table| route_table::associations(table).any(|(_, of)| of == subnet));
    let Some(table) = own.or_else(|| tables.iter().find(is_main)) else { return WayOut::None };
    let leads = |route: &&Route| {
        route.destination_cidr_block() == Some(ANYWHERE)
            && route.state() != Some(&RouteState::Blackhole)
    };
    match table.routes().iter().find(leads) {
        Some(route) if route.gateway_id().is_some_and(|id| id.starts_with("igw-")) => {
            WayOut::Gateway
        }
        Some(_) => WayOut::Elsewhere,
        None => WayOut::None,
    }
}

/// The service of an endpoint that works: `ecr.api` of `com.amazonaws.eu-west-1.ecr.api`. Without
/// private names an interface is found by nobody who asks for the service by its usual one.
fn service(endpoint: &VpcEndpoint, region: &str) -> Option<String> {
    // The model says `Available`, the service `available`.
    let works = |state: &str| state.eq_ignore_ascii_case("available");
    endpoint.state().filter(|state| works(state.as_str()))?;
    let is_found = endpoint.private_dns_enabled() != Some(false);
    let is_interface = endpoint.vpc_endpoint_type() == Some(&VpcEndpointType::Interface);
    if is_interface && !is_found {
        return None;
    }
    let (_, service) = endpoint.service_name()?.split_once(&format!(".{region}."))?;
    Some(service.to_owned())
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{
        RouteTableAssociation, State, VpcCidrBlockAssociation, VpcCidrBlockState,
    };

    use super::*;

    fn table(association: RouteTableAssociation, route: Route) -> RouteTable {
        RouteTable::builder().associations(association).routes(route).build()
    }

    #[test]
    fn a_subnet_leads_where_its_own_table_says_or_else_the_main_one() {
        let out = || Route::builder().destination_cidr_block(ANYWHERE);
        let of = |subnet: &str| {
            let it = RouteTableAssociation::builder().route_table_association_id("rtbassoc-1");
            it.subnet_id(subnet).build()
        };
        let main = RouteTableAssociation::builder().main(true).build();
        let tables = [
            table(of("subnet-public"), out().gateway_id("igw-1").build()),
            table(of("subnet-transit"), out().transit_gateway_id("tgw-1").build()),
            table(
                of("subnet-dead"),
                out().nat_gateway_id("nat-0").state(RouteState::Blackhole).build(),
            ),
            table(main, out().nat_gateway_id("nat-1").build()),
        ];
        assert_eq!(way_out("subnet-public", &tables), WayOut::Gateway);
        assert_eq!(way_out("subnet-transit", &tables), WayOut::Elsewhere);
        assert_eq!(way_out("subnet-dead", &tables), WayOut::None);
        assert_eq!(way_out("subnet-other", &tables), WayOut::Elsewhere);
        assert_eq!(way_out("subnet-other", &tables[..3]), WayOut::None);
    }

    #[test]
    fn what_a_tag_is_is_asked_for_as_it_is_written() {
        let tags = [("Name".to_owned(), r"a*\?".to_owned())].into();
        let filters: Vec<Filter> = carrying(&tags).collect();
        assert_eq!(filters[0].name(), Some("tag:Name"));
        assert_eq!(filters[0].values(), [r"a\*\\\?"]);
    }

    #[test]
    fn ranges_that_were_added_count_once_they_are_there() {
        let range = |range: &str, state: VpcCidrBlockStateCode| {
            let state = VpcCidrBlockState::builder().state(state).build();
            VpcCidrBlockAssociation::builder().cidr_block(range).cidr_block_state(state).build()
        };
        let vpc = Vpc::builder()
            .cidr_block("10.0.0.0/16")
            .cidr_block_association_set(range("10.0.0.0/16", VpcCidrBlockStateCode::Associated))
            .cidr_block_association_set(range("10.1.0.0/16", VpcCidrBlockStateCode::Associated))
            .cidr_block_association_set(range("10.2.0.0/16", VpcCidrBlockStateCode::Failed))
            .build();
        let found: Vec<String> = ranges(&vpc).into_iter().collect();
        assert_eq!(found, ["10.0.0.0/16", "10.1.0.0/16"]);
    }

    #[test]
    fn endpoints_that_work_are_known_by_what_their_service_is_called() {
        let endpoint = |name: &str, state: &str| {
            VpcEndpoint::builder().service_name(name).state(State::from(state)).build()
        };
        let of = |endpoint: &VpcEndpoint| service(endpoint, "eu-west-1");
        let api = endpoint("com.amazonaws.eu-west-1.ecr.api", "available");
        assert_eq!(of(&api).as_deref(), Some("ecr.api"));
        assert_eq!(of(&endpoint("com.amazonaws.eu-west-1.logs", "pending")), None);
        let unnamed = |kind: VpcEndpointType| {
            let name = "com.amazonaws.eu-west-1.s3";
            let it = VpcEndpoint::builder().service_name(name).state(State::Available);
            it.vpc_endpoint_type(kind).private_dns_enabled(false).build()
        };
        assert_eq!(of(&unnamed(VpcEndpointType::Interface)), None);
        assert_eq!(of(&unnamed(VpcEndpointType::Gateway)).as_deref(), Some("s3"));
        assert_eq!(of(&endpoint("com.amazonaws.vpce.us-east-1.vpce-svc-1", "available")), None);
    }
}
