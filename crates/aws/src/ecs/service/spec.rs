//! A service's spec, as ECS tells it and as ECS is asked for it.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{
    AdvancedConfiguration, AssignPublicIp, AvailabilityZoneRebalancing, DeploymentControllerType,
    LaunchType, LoadBalancer, NetworkConfiguration, SchedulingStrategy, Service as Description,
};
use deployer_core::Ref;
use deployer_engine::Result;
use deployer_kinds::{ServiceSpec, ServiceTarget, ServiceTargets, Shift};

use super::strategy::{self, number};
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
        circuit_breaker: strategy::circuit_breaker(deployment),
        strategy: strategy::read(deployment),
        alarms: strategy::alarms(deployment),
        pauses: strategy::pauses(deployment),
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
    let deployment = service.deployment_configuration();
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
            "a rollout strategy that this version does not know",
            deployment.is_some_and(|it| strategy::read(it).known().is_none()),
        ),
        (
            "alarms that end a rollout and do not take it back",
            deployment.is_some_and(|it| strategy::alarms(it).known().is_none()),
        ),
        (
            "hooks of its rollouts that a stack cannot say",
            deployment.is_some_and(|it| strategy::pauses(it).known().is_none()),
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
pub(super) fn targets(targets: &ServiceTargets) -> Vec<LoadBalancer> {
    let shift = |shift: &Shift| {
        AdvancedConfiguration::builder()
            .alternate_target_group_arn(shift.alternate.id())
            .production_listener_rule(shift.rule.id())
            .set_test_listener_rule(shift.test_rule.as_ref().map(|rule| rule.id().to_owned()))
            .role_arn(shift.role.id())
            .build()
    };
    let target = |target: &ServiceTarget| {
        LoadBalancer::builder()
            .target_group_arn(target.group.id())
            .container_name(&target.container)
            .container_port(i32::from(target.port))
            .set_advanced_configuration(target.shift.as_ref().map(shift))
            .build()
    };
    targets.iter().map(target).collect()
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
        shift: balancer.advanced_configuration().and_then(shift),
    })
}

/// What is needed for shifting requests; none where a part of it is not there.
fn shift(configuration: &AdvancedConfiguration) -> Option<Shift> {
    Some(Shift {
        alternate: Ref::physical(configuration.alternate_target_group_arn()?),
        rule: Ref::physical(configuration.production_listener_rule()?),
        test_rule: configuration.test_listener_rule().map(Ref::physical),
        role: Ref::physical(configuration.role_arn()?),
    })
}
