//! A service's spec, as ECS tells it and as ECS is asked for it.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{
    AssignPublicIp, AvailabilityZoneRebalancing, DeploymentCircuitBreaker, DeploymentConfiguration,
    DeploymentControllerType, DeploymentStrategy, LaunchType, LoadBalancer, NetworkConfiguration,
    SchedulingStrategy, Service as Description,
};
use deployer_core::Ref;
use deployer_engine::Result;
use deployer_kinds::{CircuitBreaker, ServiceSpec, ServiceTarget};

use super::{capacity, connect};
use crate::ecs;
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
        initial_count: count(service.desired_count(), "the number of a service's tasks")?,
        subnets: network.subnets().iter().map(Ref::physical).collect(),
        security_groups: network.security_groups().iter().map(Ref::physical).collect(),
        public_address: network.assign_public_ip() == Some(&AssignPublicIp::Enabled),
        targets: targets?,
        minimum_percent: count(
            minimum.required("the minimum of healthy tasks")?,
            "the minimum of healthy tasks",
        )?,
        maximum_percent: count(maximum.required("the maximum of tasks")?, "the maximum of tasks")?,
        // It is the rolling strategy's alone (ECS developer guide).
        circuit_breaker: is_rolling(deployment).then(|| circuit_breaker(deployment)).into(),
        execute_command: service.enable_execute_command(),
        grace_period: count(
            // Without a load balancer there is none.
            service.health_check_grace_period_seconds().unwrap_or(0),
            "the grace period of a service",
        )?,
        platform_version: text(service.platform_version(), "the platform of a service")?,
        capacity: capacity::read(service),
        connect: connect::read(service),
        // What it sees, the others tell.
        uses: BTreeSet::new(),
    })
}

/// What a spec cannot say.
pub(super) fn foreign(service: &Description, region: &str) -> Vec<String> {
    let controller = service.deployment_controller().map(|controller| controller.r#type());
    let scheduling = service.scheduling_strategy();
    [
        ("other capacity than a stack can say", capacity::read(service).known().is_none()),
        (
            "settings of Service Connect that a stack cannot say",
            connect::is_foreign(service, region),
        ),
        ("service registries", !service.service_registries().is_empty()),
        ("placement constraints", !service.placement_constraints().is_empty()),
        (
            "a launch type other than Fargate",
            service.launch_type().is_some_and(|launch| *launch != LaunchType::Fargate),
        ),
        (
            "a rollout strategy other than rolling",
            service.deployment_configuration().is_some_and(|it| !is_rolling(it)),
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
    ecs::network(&spec.subnets, &spec.security_groups, spec.public_address)
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

/// How a new service rolls over.
pub(super) fn deployment(spec: &ServiceSpec) -> Result<DeploymentConfiguration> {
    let rolling = DeploymentConfiguration::builder().strategy(DeploymentStrategy::Rolling);
    Ok(rolling
        .minimum_healthy_percent(number(spec.minimum_percent))
        .maximum_percent(number(spec.maximum_percent))
        .deployment_circuit_breaker(breaker(spec)?)
        .build())
}

/// What changes of how a service rolls over. What is left out stays as it is (`UpdateService` in
/// the ECS API reference), so another strategy does that somebody has chosen. The circuit breaker
/// is sent whole, since ECS merges its pieces in ways of their own.
pub(super) fn deployment_change(
    live: &ServiceSpec,
    spec: &ServiceSpec,
) -> Result<Option<DeploymentConfiguration>> {
    let percents = |it: &ServiceSpec| (it.minimum_percent, it.maximum_percent);
    let is_unread = live.circuit_breaker.known().is_none();
    if percents(live) == percents(spec)
        && (is_unread || live.circuit_breaker == spec.circuit_breaker)
    {
        return Ok(None);
    }
    let change = DeploymentConfiguration::builder()
        .minimum_healthy_percent(number(spec.minimum_percent))
        .maximum_percent(number(spec.maximum_percent));
    let change = if is_unread { change } else { change.deployment_circuit_breaker(breaker(spec)?) };
    Ok(Some(change.build()))
}

fn breaker(spec: &ServiceSpec) -> Result<DeploymentCircuitBreaker> {
    let wanted = *spec.circuit_breaker.wanted()?;
    let breaker = DeploymentCircuitBreaker::builder().enable(wanted != CircuitBreaker::None);
    Ok(breaker.rollback(wanted == CircuitBreaker::Rollback).build())
}

fn is_rolling(deployment: &DeploymentConfiguration) -> bool {
    deployment.strategy().is_none_or(|strategy| *strategy == DeploymentStrategy::Rolling)
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

#[cfg(test)]
mod tests {
    use deployer_kinds::{Capacity, Connect};

    use super::*;

    fn spec(breaker: Option<CircuitBreaker>, maximum: u32) -> ServiceSpec {
        ServiceSpec {
            cluster: Ref::physical("c"),
            task_definition: Ref::physical("t"),
            count: None,
            initial_count: 1,
            subnets: [Ref::physical("s")].into(),
            security_groups: [Ref::physical("g")].into(),
            public_address: false,
            targets: [].into(),
            minimum_percent: 100,
            maximum_percent: maximum,
            circuit_breaker: breaker.into(),
            execute_command: false,
            grace_period: 0,
            platform_version: "LATEST".to_owned(),
            capacity: Capacity::default().into(),
            connect: Connect::default(),
            uses: BTreeSet::new(),
        }
    }

    #[test]
    fn a_strategy_that_somebody_chose_stays() {
        let wanted = spec(Some(CircuitBreaker::Rollback), 200);
        let change = |live: &ServiceSpec| deployment_change(live, &wanted).unwrap();
        assert_eq!(change(&wanted), None, "what does not differ is not sent");
        assert_eq!(change(&spec(None, 200)), None, "another strategy has no circuit breaker");
        let percents = change(&spec(None, 150)).unwrap();
        assert_eq!((percents.strategy(), percents.deployment_circuit_breaker()), (None, None));
        assert_eq!(percents.maximum_percent(), Some(200));
        let rolling = change(&spec(Some(CircuitBreaker::Stop), 200)).unwrap();
        assert!(rolling.deployment_circuit_breaker().is_some_and(|it| it.rollback()));
        assert_eq!(rolling.strategy(), None);
    }
}
