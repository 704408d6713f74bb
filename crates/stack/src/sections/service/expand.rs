//! A service becomes itself, its task definition, image, roles, log group, security group and
//! target groups.

use std::collections::BTreeSet;

use deployer_core::{Code, Diagnostic, Ref, Text};
use deployer_kinds::{
    Cluster, ClusterSpec, Container, ContainerHealth, HealthCheck, Ingress, Insights, Log,
    LogGroup, LogGroupSpec, Peer, Ports, Protocol, SecurityGroup, SecurityGroupSpec, Service,
    ServiceSpec, ServiceTarget, TargetGroup, TargetGroupSpec, TargetProtocol, TargetVersion,
    TaskDefinition, TaskDefinitionSpec,
};

use super::body::Place;
use super::forms::Health;
use super::{egress, image, roles, scale, uses};
use crate::draft::{Draft, Origin, owned};
use crate::section::Sections;
use crate::sections::load_balancer;

/// The cluster that all services are in, if there are any.
pub(super) fn cluster(draft: &mut Draft, all: &Sections) {
    if all.of::<super::Service>().next().is_some() {
        let cluster = ClusterSpec { container_insights: Insights::Disabled.into() };
        draft.make::<Cluster>("main", &cluster, Origin::new(&["services"], &[]));
    }
}

pub(super) fn expand(draft: &mut Draft, all: &Sections, name: &str, body: &super::Service) {
    draft.must_have_network(&["services", name]);
    image::part_ways(draft, all, name, body);
    let handed = uses::hand_over(draft, all, name, body);
    let logs = LogGroupSpec { retention_days: body.logs.keep.0 };
    let origin = Origin::new(&["services", name], &[("retention-days", "logs.keep")]);
    draft.make::<LogGroup>(name, &logs, origin);
    roles::make(draft, name, body, handed.readable.clone());
    let Some(image) = image::image(draft, name, body) else { return };
    task_definition(draft, name, body, handed, image);
    group(draft, all, name, body);
    let targets = target_groups(draft, name, body);
    service(draft, name, body, targets);
    scale::expand(draft, name, body);
}

fn task_definition(
    draft: &mut Draft,
    name: &str,
    body: &super::Service,
    handed: uses::Handed,
    image: Text,
) {
    for (key, variable) in body
        .environment
        .keys()
        .map(|variable| ("environment", variable))
        .chain(body.secrets.keys().map(|variable| ("secrets", variable)))
    {
        if crate::words::is_refused_variable(variable) {
            draft.key_error(
                Code::BadName,
                format!("`{variable}` cannot be an environment variable"),
                &["services", name, key, variable],
                "a name without `=`",
                format!("write `{}`", crate::words::variable(variable)),
            );
        }
    }
    let health = (!body.health_command.is_empty()).then(|| ContainerHealth {
        command: body.health_command.clone(),
        interval: 10,
        timeout: 5,
        retries: 3,
        start_period: 30,
    });
    let container = Container {
        image,
        essential: true,
        entry_point: Vec::new(),
        command: body.command.clone(),
        environment: handed.environment,
        secrets: handed.secrets,
        ports: body.ports.values().map(|port| port.port).collect(),
        log: Some(Log { group: Ref::named(name), prefix: name.to_owned() }),
        health,
        stop_timeout: body.stop_timeout.0,
        read_only_root: body.read_only,
        init: body.init,
        user: body.user.clone().unwrap_or_default(),
    };
    let spec = TaskDefinitionSpec {
        cpu: body.cpu,
        memory: body.memory.0,
        architecture: body.architecture.into(),
        storage: body.storage.0,
        execution_role: Ref::named(format!("{name}-execution")),
        task_role: Some(Ref::named(format!("{name}-task"))),
        containers: [(name.to_owned(), container)].into(),
    };
    let fields = [("cpu", "cpu"), ("memory", "memory"), ("storage", "storage")];
    let mut origin = Origin::new(&["services", name], &fields);
    origin.fields.push((format!("containers.{name}.health"), vec!["health-command".to_owned()]));
    for key in ["stop-timeout", "environment", "secrets"] {
        origin.fields.push((format!("containers.{name}.{key}"), vec![key.to_owned()]));
    }
    for variable in body.secrets.keys() {
        let place = vec!["secrets".to_owned(), variable.clone()];
        origin.fields.push((format!("containers.{name}.secrets.{variable}"), place));
    }
    draft.make::<TaskDefinition>(name, &spec, origin);
}

/// Lets in the load balancers that route to the service, on the ports they route to.
fn group(draft: &mut Draft, all: &Sections, name: &str, body: &super::Service) {
    let routed = body.ports.values().filter_map(|port| Some((port.port, port.route.as_ref()?)));
    let ingress = routed
        .flat_map(|(port, route)| {
            let groups = load_balancer::groups(draft, &route.load_balancer).into_iter();
            groups.map(move |group| Ingress {
                from: Peer::SecurityGroup(group),
                port: Ports::Range(port, port),
                protocol: Protocol::Tcp,
                description: String::new(),
            })
        })
        .collect();
    let spec = SecurityGroupSpec {
        vpc: Ref::named("main"),
        description: format!("service {name}"),
        ingress,
        egress: egress::egress(draft, all, name, body),
    };
    let origin = Origin::new(&["services", name], &[("ingress", "ports"), ("egress", "egress")]);
    draft.make::<SecurityGroup>(&uses::group_name(name), &spec, origin);
}

fn target_groups(draft: &mut Draft, name: &str, body: &super::Service) -> BTreeSet<ServiceTarget> {
    let mut targets = BTreeSet::new();
    for (port_name, port) in body.ports.iter().filter(|(_, port)| port.route.is_some()) {
        let group = format!("{name}-{port_name}");
        let version = port.protocol.version();
        let spec = TargetGroupSpec {
            vpc: Ref::named("main"),
            port: port.port,
            protocol: TargetProtocol::Http.into(),
            version: version.into(),
            health_check: health_check(&port.health, version).into(),
            deregistration_delay: port.drain.0.into(),
            slow_start: 0.into(),
            stickiness: 0.into(),
        };
        let fields = &[
            ("health-check", "health"),
            ("deregistration-delay", "drain"),
            ("version", "protocol"),
        ];
        let mut origin = Origin::new(&["services", name, "ports", port_name], fields);
        for key in ["path", "interval", "timeout", "healthy", "unhealthy", "codes"] {
            let place = vec!["health".to_owned(), key.to_owned()];
            origin.fields.push((format!("health-check.{key}"), place));
        }
        draft.make::<TargetGroup>(&group, &spec, origin);
        targets.insert(ServiceTarget {
            group: Ref::named(group),
            container: name.to_owned(),
            port: port.port,
        });
    }
    targets
}

fn health_check(health: &Health, version: TargetVersion) -> HealthCheck {
    let default = HealthCheck::default();
    let (path, codes) = match version {
        // The standard health service of gRPC; 0 is its OK.
        TargetVersion::Grpc => ("/grpc.health.v1.Health/Check".to_owned(), "0".to_owned()),
        _ => (default.path, default.codes),
    };
    HealthCheck {
        path: health.path.clone().unwrap_or(path),
        interval: health.interval.map_or(default.interval, |interval| interval.0),
        timeout: health.timeout.map_or(default.timeout, |timeout| timeout.0),
        healthy: health.healthy.unwrap_or(default.healthy),
        unhealthy: health.unhealthy.unwrap_or(default.unhealthy),
        codes: health.codes.clone().unwrap_or(codes),
    }
}

fn service(draft: &mut Draft, name: &str, body: &super::Service, targets: BTreeSet<ServiceTarget>) {
    let place = match draft.network.lent {
        Some(_) => place_as_guest(draft, name, body),
        None => place(draft, name, body),
    };
    let tier = if place == Place::Public { "public" } else { "private" };
    let is_routed = !targets.is_empty();
    let spec = ServiceSpec {
        cluster: Ref::named("main"),
        task_definition: Ref::named(name),
        count: scale::count(draft, name, body),
        initial_count: body.scale.as_ref().map_or(1, |scale| scale.min),
        subnets: draft.subnets(tier),
        security_groups: [uses::group(name)].into(),
        public_address: place == Place::Public,
        targets,
        minimum_percent: body.rollout.minimum.0,
        maximum_percent: body.rollout.maximum.0,
        circuit_breaker: body.rollout.circuit_breaker.into(),
        execute_command: body.execute_command,
        grace_period: body.grace_period.map_or(if is_routed { 60 } else { 0 }, |grace| grace.0),
        platform_version: "LATEST".to_owned(),
    };
    let fields = &[("minimum-percent", "rollout.minimum"), ("maximum-percent", "rollout.maximum")];
    draft.make::<Service>(name, &spec, Origin::new(&["services", name], fields));
}

/// In a network that exists already services are in its private subnets, if it has any.
fn place_as_guest(draft: &mut Draft, name: &str, body: &super::Service) -> Place {
    let has_private = !draft.lent("private").is_empty();
    let place = body.subnets.unwrap_or(if has_private { Place::Private } else { Place::Public });
    let tier = if place == Place::Public { "public" } else { "private" };
    draft.must_be_lent(tier, &["services", name]);
    let leads_out = draft.network.has_nat || draft.network.has_private_access;
    if place == Place::Private && has_private && !leads_out && !draft.is_broken(&["network"]) {
        let path = draft.tier_path("private");
        let mistake = Diagnostic::error(
            Code::NoWayOut,
            format!("`{name}` could not fetch its image: its subnets have no way out"),
        )
        .at(draft.place(&path), "no route to a NAT gateway, and no endpoints of AWS's services")
        .help("add a route from 0.0.0.0/0 to a NAT gateway, or write `subnets: public` in the service");
        draft.report(&["services", name], mistake);
    }
    if place == Place::Public && body.subnets.is_none() && !draft.is_broken(&["network"]) {
        let span = draft.place(&draft.tier_path("public"));
        let warning = Diagnostic::warning(Code::PublicServices, "services get public addresses")
            .at(span, "the network is named without private subnets")
            .help("say `subnets: public` in each service if that is meant, or add `private:`");
        draft.mistakes.push(warning);
    }
    place
}

fn place(draft: &mut Draft, name: &str, body: &super::Service) -> Place {
    let has_nat = draft.network.has_nat || draft.network.has_private_access;
    if let Some(place) = body.subnets {
        if place == Place::Private && !has_nat {
            draft.error(
                Code::NoWayOut,
                format!("`{name}` could not fetch its image: private subnets have no way out"),
                &["services", name, "subnets"],
                "there is no NAT gateway",
                "write `subnets: public`, or `nat: single` or `private-access: true` in the network",
            );
        }
        return place;
    }
    if has_nat {
        return Place::Private;
    }
    if draft.is_broken(&["network"]) {
        return Place::Public;
    }
    let span = draft.place(&owned(&["network", "nat"]));
    draft.mistakes.push(
        Diagnostic::warning(Code::PublicServices, "services get public addresses")
            .at(span, "without a NAT gateway, public subnets are the only way out")
            .help(
                "say `subnets: public` in each service if that is meant, or use `nat: single` or \
                 `private-access: true`",
            ),
    );
    Place::Public
}
