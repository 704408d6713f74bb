//! A service becomes itself, its task definition, image, roles, log group, security group and
//! target groups.

use std::collections::BTreeSet;

use deployer_core::{Code, Diagnostic, Ref};
use deployer_kinds::{
    CapacityProvider, CheckProtocol, Cluster, ClusterSpec, Container, HealthCheck, Ingress,
    Insights, LogGroup, LogGroupSpec, Peer, Ports, Protocol, SecurityGroup, SecurityGroupSpec,
    Service, ServiceSpec, ServiceTarget, TargetGroup, TargetGroupSpec, TargetProtocol,
    TargetVersion, TaskDefinition, TaskDefinitionSpec,
};

use super::body::{Place, Port};
use super::forms::Health;
use super::image::{self, Pull};
use super::logging::{self, Logging};
use super::mounts::{self, Volumes};
use super::owner::Owner;
use super::sidecars::{self, Beside};
use super::{capacity, connect, egress, roles, scale, settings, shifting, uses};
use crate::draft::{Draft, Origin, owned};
use crate::section::Sections;
use crate::sections::job::Job;
use crate::sections::load_balancer;
use crate::stored::Readable;

/// The cluster that all services and jobs are in, if there are any.
pub(super) fn cluster(draft: &mut Draft, all: &Sections) {
    if all.of::<super::Service>().next().is_some() || all.of::<Job>().next().is_some() {
        // Spare capacity is had by a strategy alone, which names capacity that stays beside it.
        let uses_spot = all.of::<super::Service>().any(|(_, body)| body.spot.is_some());
        let both = [CapacityProvider::Fargate, CapacityProvider::FargateSpot];
        let cluster = ClusterSpec {
            container_insights: Insights::Disabled.into(),
            capacity_providers: both.into_iter().filter(|_| uses_spot).collect(),
        };
        draft.make::<Cluster>("main", &cluster, Origin::new(&["services"], &[]));
    }
}

pub(super) fn expand(draft: &mut Draft, all: &Sections, name: &str, body: &super::Service) {
    if tasks(draft, all, Owner::service(name), body).is_none() {
        return;
    }
    let targets = target_groups(draft, all, name, body);
    service(draft, all, name, body, targets);
    scale::expand(draft, all, name, body);
}

/// Makes what its tasks are made of, whether a service keeps them running or a job ends; nothing where
/// nobody knows what they run.
pub(in crate::sections) fn tasks(
    draft: &mut Draft,
    all: &Sections,
    owner: Owner<'_>,
    body: &super::Service,
) -> Option<()> {
    draft.must_have_network(&owner.path(&[]));
    let body = &settings::filled(draft, owner, body);
    let handed = uses::hand_over(draft, all, owner, body);
    if body.logs.are_kept() {
        let logs = LogGroupSpec { retention_days: body.logs.keep.0 };
        let origin = owner.origin(&[("retention-days", "logs.keep")]);
        draft.make::<LogGroup>(&owner.resource(), &logs, origin);
    }
    let volumes = mounts::volumes(draft, owner, body);
    let logging = logging::read(draft, all, owner, body);
    let beside = sidecars::make(draft, all, owner, body, (&volumes, &logging));
    let image = image::image(draft, all, owner, body);
    let mut readable: BTreeSet<Readable> =
        image.iter().flat_map(|it| it.readable.clone()).collect();
    for more in [&handed.readable, &beside.readable, &logging.readable] {
        readable.extend(more.iter().cloned());
    }
    roles::make(draft, all, owner, body, (&readable, &handed.permitted));
    task_definition(draft, all, owner, body, (handed, beside, volumes, logging), image?);
    group(draft, all, owner, body);
    Some(())
}

fn task_definition(
    draft: &mut Draft,
    all: &Sections,
    owner: Owner<'_>,
    body: &super::Service,
    (handed, beside, volumes, logging): (uses::Handed, Beside, Volumes, Logging),
    pull: Pull,
) {
    let (name, resource) = (owner.name, &owner.resource());
    uses::check_variables(draft, &owner.path(&[]), &body.environment, &body.secrets);
    let (log, routed_log) = logging.of(resource, name, false);
    let container = Container {
        image: pull.image,
        credentials: pull.credentials,
        essential: true,
        cpu: 0,
        memory: 0,
        depends_on: beside.awaited,
        mounts: mounts::points(&body.mounts, &volumes),
        tmpfs: mounts::sizes(&body.tmpfs),
        ulimits: body.ulimits.clone(),
        entry_point: Vec::new(),
        command: body.command.clone(),
        environment: handed.environment,
        secrets: handed.secrets,
        ports: ports(body, false),
        udp_ports: ports(body, true),
        named_ports: connect::named_ports(all, owner, body),
        log,
        routed_log,
        firelens: None,
        health: sidecars::health(&body.health_command),
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
        execution_role: Ref::named(roles::role_name(owner, "execution")),
        task_role: Some(Ref::named(roles::role_name(owner, "task"))),
        containers: [(name.to_owned(), container)].into_iter().chain(beside.containers).collect(),
        volumes,
    };
    let fields = [("cpu", "cpu"), ("memory", "memory"), ("storage", "storage")];
    let mut origin = owner.origin(&fields);
    origin.fields.push((format!("containers.{name}.health"), vec!["health-command".to_owned()]));
    for key in ["image", "stop-timeout", "environment", "secrets"] {
        origin.fields.push((format!("containers.{name}.{key}"), vec![key.to_owned()]));
    }
    for variable in body.secrets.keys() {
        let place = vec!["secrets".to_owned(), variable.clone()];
        origin.fields.push((format!("containers.{name}.secrets.{variable}"), place));
    }
    let super::Service { mounts, tmpfs, ulimits, .. } = body;
    mounts::trace(&mut origin, name, &[], mounts, tmpfs, ulimits);
    logging::trace(&mut origin, name, body);
    sidecars::trace(&mut origin, name, body);
    draft.make::<TaskDefinition>(resource, &spec, origin);
}

/// The ports that take datagrams, or those that take connections.
fn ports(body: &super::Service, are_udp: bool) -> BTreeSet<u16> {
    let ports = body.ports.values().filter(|port| port.protocol.is_udp() == are_udp);
    ports.map(|port| port.port).collect()
}

/// Lets in the load balancers that route to the service, on the ports they route to and on those that
/// they check, and the services that use it. Where targets see the addresses of clients, the group of the load balancer is meant by
/// them too ("Update the security groups for your Network Load Balancer" in the ELB user guide).
fn group(draft: &mut Draft, all: &Sections, owner: Owner<'_>, body: &super::Service) {
    let routed = body.ports.values().filter_map(|port| Some((port, port.route.as_ref()?)));
    let ingress = routed
        .flat_map(|(port, route)| {
            let groups = load_balancer::groups(draft, &route.load_balancer).into_iter();
            groups.flat_map(move |group| {
                let rule = |port, protocol| Ingress {
                    from: Peer::SecurityGroup(group.clone()),
                    port: Ports::Range(port, port),
                    protocol,
                    description: String::new(),
                };
                let is_udp = port.protocol.is_udp();
                let own = rule(port.port, if is_udp { Protocol::Udp } else { Protocol::Tcp });
                let checked = port.health.port.unwrap_or(port.port);
                [own, rule(checked, Protocol::Tcp)]
            })
        })
        .chain(connect::ingress(all, owner, body))
        .collect();
    let spec = SecurityGroupSpec {
        vpc: Ref::named("main"),
        description: format!("{} {}", owner.section.trim_end_matches('s'), owner.name),
        ingress,
        egress: egress::egress(draft, all, owner, body),
    };
    let origin = owner.origin(&[("ingress", "ports"), ("egress", "egress")]);
    draft.make::<SecurityGroup>(&owner.group_name(), &spec, origin);
}

fn target_groups(
    draft: &mut Draft,
    all: &Sections,
    name: &str,
    body: &super::Service,
) -> BTreeSet<ServiceTarget> {
    let mut targets = BTreeSet::new();
    let routed = body.ports.iter().filter_map(|(name, it)| Some((name, it, it.route.as_ref()?)));
    for (port_name, port, route) in routed {
        let group = format!("{name}-{port_name}");
        let is_of_network = load_balancer::is_network(all, &route.load_balancer);
        let (protocol, version) = if is_of_network {
            (port.target_protocol(), TargetVersion::Http1)
        } else {
            (TargetProtocol::Http, port.protocol.version())
        };
        let spec = TargetGroupSpec {
            vpc: Ref::named("main"),
            load_balancer: Some(Ref::named(&route.load_balancer)),
            port: port.port,
            protocol: protocol.into(),
            version: version.into(),
            health_check: health_check(&port.health, protocol, version).into(),
            deregistration_delay: port.drain.0.into(),
            slow_start: 0.into(),
            stickiness: sticky(draft, name, port_name, port).into(),
            preserve_client_ip: false.into(),
            connection_termination: true.into(),
        };
        let fields = &[
            ("load-balancer", "route.load-balancer"),
            ("health-check", "health"),
            ("deregistration-delay", "drain"),
            ("version", "protocol"),
            ("stickiness", "route.sticky"),
        ];
        let mut origin = Origin::new(&["services", name, "ports", port_name], fields);
        for key in ["path", "port", "interval", "timeout", "healthy", "unhealthy", "codes"] {
            let place = vec!["health".to_owned(), key.to_owned()];
            origin.fields.push((format!("health-check.{key}"), place));
        }
        let shift = shifting::shift(draft, all, (name, port_name), body, route);
        if body.rollout.shifts() {
            draft.make::<TargetGroup>(&shifting::alternate(&group), &spec, origin.clone());
        }
        draft.make::<TargetGroup>(&group, &spec, origin);
        targets.insert(ServiceTarget {
            group: Ref::named(group),
            container: name.to_owned(),
            port: port.port,
            shift,
        });
    }
    if targets.iter().any(|target| target.shift.is_some()) {
        shifting::role(draft, name);
    }
    targets
}

/// Seconds that a client stays with a task.
fn sticky(draft: &mut Draft, name: &str, port_name: &str, port: &Port) -> u32 {
    let sticky = port.route.as_ref().and_then(|route| route.sticky);
    if sticky.is_some_and(|sticky| sticky.0 == 0) {
        let path = ["services", name, "ports", port_name, "route", "sticky"];
        let help = "leave it out for clients that stay with no task, or write `1 s` or more";
        draft.error(Code::BadValue, "clients stay for no time", &path, "", help);
    }
    sticky.map_or(0, |sticky| sticky.0)
}

/// A network load balancer asks by HTTP where something is said of the request or the answer.
fn health_check(health: &Health, protocol: TargetProtocol, version: TargetVersion) -> HealthCheck {
    let default = HealthCheck::default();
    let asks = health.path.is_some() || health.codes.is_some();
    let (path, codes) = match version {
        // The standard health service of gRPC; 0 is its OK.
        TargetVersion::Grpc => ("/grpc.health.v1.Health/Check".to_owned(), "0".to_owned()),
        _ => (default.path, default.codes),
    };
    HealthCheck {
        protocol: if protocol.is_of_network() && asks {
            CheckProtocol::Http
        } else {
            CheckProtocol::Usual
        },
        port: health.port.unwrap_or(default.port),
        path: health.path.clone().unwrap_or(path),
        interval: health.interval.map_or(default.interval, |interval| interval.0),
        timeout: health.timeout.map_or(default.timeout, |timeout| timeout.0),
        healthy: health.healthy.unwrap_or(default.healthy),
        unhealthy: health.unhealthy.unwrap_or(default.unhealthy),
        codes: health.codes.clone().unwrap_or(codes),
    }
}

fn service(
    draft: &mut Draft,
    all: &Sections,
    name: &str,
    body: &super::Service,
    targets: BTreeSet<ServiceTarget>,
) {
    let place = place(draft, Owner::service(name), body);
    let tier = if place == Place::Public { "public" } else { "private" };
    let is_routed = !targets.is_empty();
    let spec = ServiceSpec {
        cluster: Ref::named("main"),
        task_definition: Ref::named(name),
        count: scale::count(draft, name, body),
        initial_count: body.scale.as_ref().map_or(1, |scale| scale.min),
        subnets: draft.subnets(tier),
        security_groups: [Owner::service(name).group()].into(),
        public_address: place == Place::Public,
        targets,
        minimum_percent: body.rollout.minimum.0,
        maximum_percent: body.rollout.maximum.0,
        circuit_breaker: body.rollout.circuit_breaker.into(),
        strategy: shifting::strategy(draft, name, body).into(),
        alarms: body.rollout.alarms.iter().map(Ref::named).collect::<BTreeSet<_>>().into(),
        pauses: shifting::pauses(draft, name, body).into(),
        execute_command: body.execute_command,
        grace_period: body.grace_period.map_or(if is_routed { 60 } else { 0 }, |grace| grace.0),
        platform_version: "LATEST".to_owned(),
        capacity: capacity::capacity(draft, name, body).into(),
        connect: connect::connect(all, name, body),
        uses: connect::names_used(all, name),
    };
    let fields = &[
        ("minimum-percent", "rollout.minimum"),
        ("maximum-percent", "rollout.maximum"),
        ("strategy.canary.step", "rollout.step"),
        ("strategy.canary.step-bake", "rollout.step-bake"),
        ("strategy.canary.bake", "rollout.bake"),
        ("strategy.linear.step", "rollout.step"),
        ("strategy.linear.step-bake", "rollout.step-bake"),
        ("strategy.linear.bake", "rollout.bake"),
        ("strategy.blue-green.bake", "rollout.bake"),
        ("alarms", "rollout.alarms"),
        ("pauses", "rollout.approve.within"),
        ("capacity", "spot"),
        ("connect", "ports"),
        ("uses", "uses"),
    ];
    draft.make::<Service>(name, &spec, Origin::new(&["services", name], fields));
}

/// The subnets that tasks are in.
pub(in crate::sections) fn place(
    draft: &mut Draft,
    owner: Owner<'_>,
    body: &super::Service,
) -> Place {
    match draft.network.lent {
        Some(_) => place_as_guest(draft, owner, body),
        None => place_at_home(draft, owner, body),
    }
}

/// In a network that exists already services are in its private subnets, if it has any.
fn place_as_guest(draft: &mut Draft, owner: Owner<'_>, body: &super::Service) -> Place {
    let has_private = !draft.lent("private").is_empty();
    let place = body.subnets.unwrap_or(if has_private { Place::Private } else { Place::Public });
    let tier = if place == Place::Public { "public" } else { "private" };
    draft.must_be_lent(tier, &owner.path(&[]));
    let leads_out = draft.network.has_nat || draft.network.has_private_access;
    if place == Place::Private && has_private && !leads_out && !draft.is_broken(&["network"]) {
        let path = draft.tier_path("private");
        let mistake = Diagnostic::error(
            Code::NoWayOut,
            format!("`{}` could not fetch its image: its subnets have no way out", owner.name),
        )
        .at(draft.place(&path), "no route to a NAT gateway, and no endpoints of AWS's services")
        .help("add a route from 0.0.0.0/0 to a NAT gateway, or write `subnets: public` in the service");
        draft.report(&owner.path(&[]), mistake);
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

fn place_at_home(draft: &mut Draft, owner: Owner<'_>, body: &super::Service) -> Place {
    let has_nat = draft.network.has_nat || draft.network.has_private_access;
    if let Some(place) = body.subnets {
        if place == Place::Private && !has_nat {
            draft.error(
                Code::NoWayOut,
                format!("`{}` could not fetch its image: private subnets have no way out", owner.name),
                &owner.path(&["subnets"]),
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
