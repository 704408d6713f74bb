//! Interface endpoints on EC2; see `endpoints.rs`.

use aws_sdk_ec2::types::{ResourceType, SecurityGroupIdentifier, VpcEndpointType};
use deployer_core::{Partition, Ref};
use deployer_engine::{Context, Found, Progress, Resource, Result, Survey};
use deployer_kinds::{EndpointOutput, InterfaceEndpoint, InterfaceEndpointSpec};

use super::endpoints::{self, Described, changed, ids, some};
use crate::Aws;
use crate::ec2::{self, tagged};
use crate::ownership;

impl Resource<Aws> for InterfaceEndpoint {
    const SHOWN_LATE: bool = ec2::SHOWN_LATE;
    const MADE_ONCE: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        endpoints::scan(survey, VpcEndpointType::Interface, spec).await
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        endpoints::read(survey, id, VpcEndpointType::Interface, spec).await
    }

    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        endpoints::ids_of_all(survey).await
    }

    async fn create(cx: &Context<'_, Aws>, spec: &InterfaceEndpointSpec) -> Result<EndpointOutput> {
        let request = cx
            .cloud
            .ec2
            .create_vpc_endpoint()
            .vpc_id(spec.vpc.id())
            .service_name(service_name(&cx.cloud.region, &spec.service))
            .vpc_endpoint_type(VpcEndpointType::Interface)
            .set_subnet_ids(some(ids(&spec.subnets)))
            .set_security_group_ids(some(ids(&spec.security_groups)))
            .private_dns_enabled(*spec.private_dns.wanted()?)
            .client_token(ownership::token(cx.identity, &format!("{spec:?}")))
            .tag_specifications(tagged(cx.identity, ResourceType::VpcEndpoint));
        endpoints::create(cx.cloud, "create the interface endpoint", request).await
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &InterfaceEndpointSpec,
    ) -> Result<EndpointOutput> {
        let there = endpoints::there(cx.cloud, &live.output.id).await?;
        let in_groups: Vec<String> = groups_of(&there).map(str::to_owned).collect();
        let subnets = changed(there.subnet_ids(), &spec.subnets);
        let groups = changed(&in_groups, &spec.security_groups);
        let private = spec.private_dns.known().copied();
        let private = private.filter(|it| there.private_dns_enabled() != Some(*it));
        let lists = [&subnets.0, &subnets.1, &groups.0, &groups.1];
        if private.is_none() && lists.iter().all(|list| list.is_empty()) {
            return Ok(live.output.clone());
        }
        let request = cx
            .cloud
            .ec2
            .modify_vpc_endpoint()
            .vpc_endpoint_id(&live.output.id)
            .set_add_subnet_ids(some(subnets.0))
            .set_remove_subnet_ids(some(subnets.1))
            .set_add_security_group_ids(some(groups.0))
            .set_remove_security_group_ids(some(groups.1))
            .set_private_dns_enabled(private);
        endpoints::modify(cx.cloud, "change the interface endpoint", request).await?;
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

fn groups_of(endpoint: &Described) -> impl Iterator<Item = &str> {
    endpoint.groups().iter().filter_map(SecurityGroupIdentifier::group_id)
}

fn spec(endpoint: &Described, region: &str) -> Result<InterfaceEndpointSpec> {
    let state = endpoints::state(endpoint);
    let service = endpoints::service(endpoint, region)?;
    // One that failed never works: another one takes its place.
    let service = match &*state {
        "failed" | "rejected" | "expired" => format!("{service} ({state})"),
        _ => service.to_owned(),
    };
    Ok(InterfaceEndpointSpec {
        vpc: endpoints::vpc(endpoint)?,
        service,
        subnets: endpoint.subnet_ids().iter().map(Ref::physical).collect(),
        security_groups: groups_of(endpoint).map(Ref::physical).collect(),
        private_dns: endpoint.private_dns_enabled().unwrap_or_default().into(),
    })
}

/// The services whose endpoints have another beginning in China (`VPC_ENDPOINT_SERVICE_EXCEPTIONS` in
/// aws-cdk, as far as tasks need them).
const OF_CHINA: [&str; 14] = [
    "application-autoscaling",
    "cloudformation",
    "ec2",
    "ecr.api",
    "ecr.dkr",
    "elasticfilesystem",
    "execute-api",
    "kinesis-streams",
    "lambda",
    "monitoring",
    "sqs",
    "states",
    "sts",
    "xray",
];

/// What EC2 calls the service in a region.
fn service_name(region: &str, service: &str) -> String {
    let is_of_china = Partition::of(region).name() == "aws-cn" && OF_CHINA.contains(&service);
    let first = if is_of_china { "cn." } else { "" };
    format!("{first}com.amazonaws.{region}.{service}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_china_some_services_have_another_beginning() {
        assert_eq!(service_name("cn-north-1", "ecr.api"), "cn.com.amazonaws.cn-north-1.ecr.api");
        assert_eq!(service_name("cn-north-1", "logs"), "com.amazonaws.cn-north-1.logs");
        assert_eq!(service_name("eu-west-1", "ecr.api"), "com.amazonaws.eu-west-1.ecr.api");
    }
}
