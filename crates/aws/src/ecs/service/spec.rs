//! A service's spec, as ECS tells it and as ECS is asked for it.

use aws_sdk_ecs::types::{
    AssignPublicIp, AvailabilityZoneRebalancing, AwsVpcConfiguration, DeploymentCircuitBreaker,
    DeploymentConfiguration, DeploymentControllerType, DeploymentStrategy, LaunchType,
    LoadBalancer, NetworkConfiguration, SchedulingStrategy, Service as Description,
};
use deployer_core::Ref;
use deployer_engine::Result;
use deployer_kinds::{CircuitBreaker, ServiceSpec, ServiceTarget};

use crate::missing::Required;

/// The spec that a service has.
pub(super) fn read(service: &Description) -> Result<ServiceSpec> {
    let text = |value: Option<&str>, what: &str| value.map(ToOwned::to_owned).required(what);
    let network = service.network_configuration().and_then(|it| it.awsvpc_configuration());
    let network = network.required("the network of a service")?;
    let deployment = service.deployment_configuration();
    let deployment = deployment.required("the deployment configuration of a service")?;
    let minimum = deployment.minimum_healthy_percent();
    let maximum = deployment.maximum_percent();
    let targets: Result<_> = service.load_balancers().iter().map(target).collect();
    Ok(ServiceSpec {
        cluster: Ref::physical(text(service.cluster_arn(), "the cluster of a service")?),
        task_definition: Ref::physical(text(
            service.task_definition(),
            "the task definition of a service",
        )?),
        count: Some(count(service.desired_count(), "the number of a service's tasks")?),
        subnets: network.subnets().iter().map(Ref::physical).collect(),
        security_groups: network.security_groups().iter().map(Ref::physical).collect(),
        public_address: network.assign_public_ip() == Some(&AssignPublicIp::Enabled),
        targets: targets?,
        minimum_percent: count(
            minimum.required("the minimum of healthy tasks")?,
            "the minimum of healthy tasks",
        )?,
        maximum_percent: count(maximum.required("the maximum of tasks")?, "the maximum of tasks")?,
        circuit_breaker: circuit_breaker(deployment),
        execute_command: service.enable_execute_command(),
        grace_period: count(
            // Without a load balancer there is none.
            service.health_check_grace_period_seconds().unwrap_or(0),
            "the grace period of a service",
        )?,
        platform_version: text(service.platform_version(), "the platform of a service")?,
    })
}

/// What a spec cannot say.
pub(super) fn foreign(service: &Description) -> Vec<String> {
    let strategy = service.deployment_configuration().and_then(|it| it.strategy());
    let controller = service.deployment_controller().map(|controller| controller.r#type());
    let scheduling = service.scheduling_strategy();
    [
        ("capacity providers", !service.capacity_provider_strategy().is_empty()),
        ("service registries", !service.service_registries().is_empty()),
        ("placement constraints", !service.placement_constraints().is_empty()),
        (
            "a launch type other than Fargate",
            service.launch_type().is_some_and(|launch| *launch != LaunchType::Fargate),
        ),
        (
            "a rollout strategy other than rolling",
            strategy.is_some_and(|strategy| *strategy != DeploymentStrategy::Rolling),
        ),
        (
            "a deployment controller other than ECS",
            controller.is_some_and(|controller| *controller != DeploymentControllerType::Ecs),
        ),
        (
            "one task on each machine",
            scheduling.is_some_and(|scheduling| *scheduling != SchedulingStrategy::Replica),
        ),
    ]
    .into_iter()
    .filter(|(_, is_there)| *is_there)
    .map(|(what, _)| format!("it has {what}"))
    .collect()
}

/// Where its tasks are.
pub(super) fn network(spec: &ServiceSpec) -> NetworkConfiguration {
    let subnets = spec.subnets.iter().map(|subnet| subnet.id().to_owned());
    let groups = spec.security_groups.iter().map(|group| group.id().to_owned());
    let network = AwsVpcConfiguration::builder()
        .set_subnets(Some(subnets.collect()))
        .set_security_groups(Some(groups.collect()))
        .assign_public_ip(if spec.public_address {
            AssignPublicIp::Enabled
        } else {
            AssignPublicIp::Disabled
        })
        .build();
    let network = network.expect("it has subnets");
    NetworkConfiguration::builder().awsvpc_configuration(network).build()
}

/// Where its tasks are registered.
pub(super) fn targets(spec: &ServiceSpec) -> Vec<LoadBalancer> {
    let target = |target: &ServiceTarget| {
        LoadBalancer::builder()
            .target_group_arn(target.group.id())
            .container_name(&target.container)
            .container_port(i32::from(target.port))
            .build()
    };
    spec.targets.iter().map(target).collect()
}

/// How it rolls over: the whole block, since ECS merges its pieces in ways of their own.
pub(super) fn deployment(spec: &ServiceSpec) -> DeploymentConfiguration {
    let breaker = DeploymentCircuitBreaker::builder()
        .enable(spec.circuit_breaker != CircuitBreaker::None)
        .rollback(spec.circuit_breaker == CircuitBreaker::Rollback)
        .build();
    DeploymentConfiguration::builder()
        .strategy(DeploymentStrategy::Rolling)
        .minimum_healthy_percent(number(spec.minimum_percent))
        .maximum_percent(number(spec.maximum_percent))
        .deployment_circuit_breaker(breaker)
        .build()
}

/// Zones are balanced where that is possible: it takes room for one task more (ECS developer
/// guide, "Balancing an Amazon ECS service across Availability Zones").
pub(super) fn rebalancing(spec: &ServiceSpec) -> AvailabilityZoneRebalancing {
    if spec.maximum_percent > 100 {
        AvailabilityZoneRebalancing::Enabled
    } else {
        AvailabilityZoneRebalancing::Disabled
    }
}

/// The grace period to ask for, which ECS refuses for a service without load balancer; `live` is
/// the one there is.
pub(super) fn grace_period(spec: &ServiceSpec, live: u32) -> Option<i32> {
    let matters = !spec.targets.is_empty() || spec.grace_period != live;
    matters.then(|| number(spec.grace_period))
}

pub(super) fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn count(value: i32, what: &str) -> Result<u32> {
    u32::try_from(value).ok().required(what)
}

fn target(balancer: &LoadBalancer) -> Result<ServiceTarget> {
    let port = balancer.container_port().and_then(|port| u16::try_from(port).ok());
    let group = balancer.target_group_arn().required("the target group of a service")?;
    let container = balancer.container_name().required("the container of a target")?;
    Ok(ServiceTarget {
        group: Ref::physical(group),
        container: container.to_owned(),
        port: port.required("the port of a target")?,
    })
}

fn circuit_breaker(deployment: &DeploymentConfiguration) -> CircuitBreaker {
    match deployment.deployment_circuit_breaker() {
        Some(breaker) if breaker.enable() && breaker.rollback() => CircuitBreaker::Rollback,
        Some(breaker) if breaker.enable() => CircuitBreaker::Stop,
        _ => CircuitBreaker::None,
    }
}
