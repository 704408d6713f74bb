//! Gateway endpoints on EC2; see `endpoints.rs`.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{ResourceType, VpcEndpointType};
use deployer_core::Ref;
use deployer_engine::{Context, Found, Progress, Resource, Result, Survey};
use deployer_kinds::{EndpointOutput, GatewayEndpoint, GatewayEndpointSpec, GatewayService};

use super::endpoints::{self, Described, changed, ids, some};
use crate::Aws;
use crate::ec2::{self, tagged};
use crate::missing::Required;
use crate::ownership;

impl Resource<Aws> for GatewayEndpoint {
    const SHOWN_LATE: bool = ec2::SHOWN_LATE;
    const MADE_ONCE: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        endpoints::scan(survey, VpcEndpointType::Gateway, spec).await
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        endpoints::read(survey, id, VpcEndpointType::Gateway, spec).await
    }

    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        endpoints::ids_of_all(survey).await
    }

    async fn create(cx: &Context<'_, Aws>, spec: &GatewayEndpointSpec) -> Result<EndpointOutput> {
        let (region, service) = (&cx.cloud.region, spec.service.word());
        let request = cx
            .cloud
            .ec2
            .create_vpc_endpoint()
            .vpc_id(spec.vpc.id())
            .service_name(format!("com.amazonaws.{region}.{service}"))
            .vpc_endpoint_type(VpcEndpointType::Gateway)
            .set_route_table_ids(some(ids(&spec.route_tables)))
            .client_token(ownership::token(cx.identity, &format!("{spec:?}")))
            .tag_specifications(tagged(cx.identity, ResourceType::VpcEndpoint));
        endpoints::create(cx.cloud, "create the gateway endpoint", request).await
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &GatewayEndpointSpec,
    ) -> Result<EndpointOutput> {
        let there = endpoints::there(cx.cloud, &live.output.id).await?;
        let tables = changed(there.route_table_ids(), &spec.route_tables);
        if tables.0.is_empty() && tables.1.is_empty() {
            return Ok(live.output.clone());
        }
        let request = cx
            .cloud
            .ec2
            .modify_vpc_endpoint()
            .vpc_endpoint_id(&live.output.id)
            .set_add_route_table_ids(some(tables.0))
            .set_remove_route_table_ids(some(tables.1));
        endpoints::modify(cx.cloud, "change the gateway endpoint", request).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &EndpointOutput) -> Result<()> {
        ec2::remember(cx, &output.id).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        endpoints::delete(cx, &live.output.id).await
    }

    async fn ready(
        cx: &Context<'_, Aws>,
        output: EndpointOutput,
    ) -> Result<Progress<EndpointOutput>> {
        endpoints::ready(cx, output).await
    }

    async fn gone(cx: &Context<'_, Aws>, output: &EndpointOutput) -> Result<Progress<()>> {
        endpoints::gone(cx, output).await
    }
}

/// The identifiers of those that say they are the scope's.
pub(super) async fn claimed(survey: &Survey<'_, Aws>) -> Result<BTreeSet<String>> {
    endpoints::claimed::<GatewayEndpoint>(survey, spec).await
}

fn spec(endpoint: &Described, region: &str) -> Result<GatewayEndpointSpec> {
    let service = match endpoints::service(endpoint, region)? {
        "s3" => Some(GatewayService::S3),
        "dynamodb" => Some(GatewayService::Dynamodb),
        _ => None,
    };
    Ok(GatewayEndpointSpec {
        vpc: endpoints::vpc(endpoint)?,
        service: service.required("the service of a gateway endpoint")?,
        route_tables: endpoint.route_table_ids().iter().map(Ref::physical).collect(),
    })
}
