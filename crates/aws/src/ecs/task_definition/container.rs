//! A container of a task definition, as ECS is told it and as it tells it.
//!
//! Reading is total: what was read is written again and compared with what ECS has, so whatever a
//! spec cannot say is noticed.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_ecs::types::{
    ApplicationProtocol, ContainerCondition, ContainerDefinition, ContainerDependency,
    FirelensConfiguration, FirelensConfigurationType, HealthCheck, KeyValuePair, LinuxParameters,
    LogConfiguration, LogDriver, MountPoint, PortMapping, RepositoryCredentials, Secret, Tmpfs,
    TransportProtocol, Ulimit, UlimitName,
};
use deployer_core::{Opaque, Ref, Text};
use deployer_engine::Result;
use deployer_kinds::{
    AppProtocol, Condition, Container, ContainerHealth, Firelens, Log, Mount, NamedPort, RoutedLog,
    Router,
};

use crate::missing::Required;

/// What ECS takes where a definition does not say (ECS API reference).
const STOP_TIMEOUT: u32 = 30;
const INTERVAL: i32 = 30;
const TIMEOUT: i32 = 5;
const RETRIES: i32 = 3;

/// A container as ECS wants it.
pub(super) fn write(name: &str, container: &Container, region: &str) -> ContainerDefinition {
    let environment = container
        .environment
        .iter()
        .map(|(name, value)| KeyValuePair::builder().name(name).value(value.resolved()).build());
    let secrets = container.secrets.iter().map(secret);
    let mapping = |port: &u16, protocol| {
        let named = container.named_ports.iter().find(|(_, named)| named.port == *port);
        PortMapping::builder()
            .set_name(named.map(|(name, _)| name.clone()))
            .set_app_protocol(named.and_then(|(_, named)| app_protocol(*named)))
            .container_port(i32::from(*port))
            .host_port(i32::from(*port))
            .protocol(protocol)
            .build()
    };
    let ports = container.ports.iter().map(|port| mapping(port, TransportProtocol::Tcp));
    let udp_ports = container.udp_ports.iter().map(|port| mapping(port, TransportProtocol::Udp));
    ContainerDefinition::builder()
        .name(name)
        .image(container.image.resolved())
        .set_repository_credentials(container.credentials.as_ref().map(credentials))
        .essential(container.essential)
        .cpu(number(container.cpu))
        .set_memory((container.memory != 0).then(|| number(container.memory)))
        .set_depends_on(some(dependencies(container)))
        .set_mount_points(some(container.mounts.iter().map(mount_point).collect()))
        .set_ulimits(some(container.ulimits.iter().map(ulimit).collect()))
        .set_entry_point(some(container.entry_point.clone()))
        .set_command(some(container.command.clone()))
        .set_environment(some(environment.collect()))
        .set_secrets(some(secrets.collect()))
        .set_port_mappings(some(ports.chain(udp_ports).collect()))
        .set_log_configuration(match (&container.log, &container.routed_log) {
            (Some(log), _) => Some(logging(log, region)),
            (None, routed) => routed.as_ref().map(routed_logging),
        })
        .set_firelens_configuration(container.firelens.as_ref().and_then(routing))
        .set_health_check(container.health.as_ref().map(health_check))
        .stop_timeout(number(container.stop_timeout))
        .set_readonly_root_filesystem(container.read_only_root.then_some(true))
        .set_linux_parameters(linux_parameters(container))
        .set_user(Some(container.user.clone()).filter(|user| !user.is_empty()))
        .build()
}

/// The containers of a task definition by name, and what is said of them that a spec cannot say.
pub(super) fn read_all(
    definitions: &[ContainerDefinition],
    region: &str,
) -> Result<(BTreeMap<String, Container>, Vec<String>)> {
    let (mut containers, mut foreign) = (BTreeMap::new(), Vec::new());
    for definition in definitions {
        let name = definition.name().required("the name of a container")?;
        let container = read(definition)?;
        if plain(write(name, &container, region)) != plain(definition.clone()) {
            foreign.push(format!("container {name} has settings that a stack cannot say"));
        }
        containers.insert(name.to_owned(), container);
    }
    Ok((containers, foreign))
}

fn read(definition: &ContainerDefinition) -> Result<Container> {
    let mut environment = BTreeMap::new();
    for pair in definition.environment() {
        let name = pair.name().required("the name of a variable")?;
        environment.insert(name.to_owned(), Text::from(pair.value().unwrap_or_default()));
    }
    let ports = |is_udp: bool| {
        let mappings = definition.port_mappings().iter();
        let mappings =
            mappings.filter(|it| (it.protocol() == Some(&TransportProtocol::Udp)) == is_udp);
        let ports = mappings.map(|it| u16::try_from(it.container_port()?).ok());
        ports.collect::<Option<_>>().required("the ports of a container")
    };
    let stop_timeout = definition.stop_timeout().map(u32::try_from).transpose().ok();
    let linux = definition.linux_parameters();
    let tmpfs =
        linux.map(LinuxParameters::tmpfs).unwrap_or_default().iter().map(|it| {
            Ok((it.container_path().to_owned(), amount(it.size(), "the size of a tmpfs")?))
        });
    let limits = definition.ulimits().iter().map(|limit| {
        Ok((
            limit.name().as_str().to_owned(),
            amount(limit.soft_limit(), "a limit of a container")?,
        ))
    });
    Ok(Container {
        image: Text::from(definition.image().required("the image of a container")?),
        credentials: definition
            .repository_credentials()
            .map(|it| Text::from(it.credentials_parameter())),
        // True where it is not said (ECS API reference).
        essential: definition.essential().unwrap_or(true),
        cpu: amount(definition.cpu(), "the CPU units of a container")?,
        memory: amount(definition.memory().unwrap_or(0), "the memory of a container")?,
        depends_on: definition.depends_on().iter().map(dependency).collect(),
        mounts: definition.mount_points().iter().filter_map(mount).collect(),
        tmpfs: tmpfs.collect::<Result<_>>()?,
        ulimits: limits.collect::<Result<_>>()?,
        entry_point: definition.entry_point().to_vec(),
        command: definition.command().to_vec(),
        environment,
        secrets: read_secrets(definition.secrets()),
        ports: ports(false)?,
        udp_ports: ports(true)?,
        named_ports: definition.port_mappings().iter().filter_map(named_port).collect(),
        log: definition.log_configuration().and_then(log),
        routed_log: definition.log_configuration().and_then(routed_log),
        firelens: definition.firelens_configuration().map(firelens),
        health: definition.health_check().map(health).transpose()?,
        stop_timeout: stop_timeout
            .required("the stop timeout of a container")?
            .unwrap_or(STOP_TIMEOUT),
        read_only_root: definition.readonly_root_filesystem() == Some(true),
        init: definition
            .linux_parameters()
            .is_some_and(|parameters| parameters.init_process_enabled() == Some(true)),
        user: user(definition).to_owned(),
    })
}

fn secret((name, from): (&String, &Text)) -> Secret {
    let secret = Secret::builder().name(name).value_from(from.resolved()).build();
    secret.expect("it has a name and a source")
}

fn read_secrets(secrets: &[Secret]) -> BTreeMap<String, Text> {
    let secrets = secrets.iter();
    secrets.map(|secret| (secret.name().to_owned(), Text::from(secret.value_from()))).collect()
}

fn credentials(secret: &Text) -> RepositoryCredentials {
    let credentials = RepositoryCredentials::builder().credentials_parameter(secret.resolved());
    credentials.build().expect("it has a secret")
}

/// What ECS is told only where it is not the default: an empty one would be another definition.
fn linux_parameters(container: &Container) -> Option<LinuxParameters> {
    let tmpfs = container.tmpfs.iter().map(|(path, size)| {
        let tmpfs = Tmpfs::builder().container_path(path).size(number(*size)).build();
        tmpfs.expect("it has a path")
    });
    let tmpfs = some(tmpfs.collect());
    if !container.init && tmpfs.is_none() {
        return None;
    }
    let init = container.init.then_some(true);
    Some(LinuxParameters::builder().set_init_process_enabled(init).set_tmpfs(tmpfs).build())
}

/// What it waits for; a condition that was not read is left out, which comparing then notices.
fn dependencies(container: &Container) -> Vec<ContainerDependency> {
    let written = container.depends_on.iter().filter_map(|(name, condition)| {
        let condition = match condition.known()? {
            Condition::Start => ContainerCondition::Start,
            Condition::Healthy => ContainerCondition::Healthy,
            Condition::Complete => ContainerCondition::Complete,
            Condition::Success => ContainerCondition::Success,
        };
        ContainerDependency::builder().container_name(name).condition(condition).build().ok()
    });
    written.collect()
}

fn dependency(waits: &ContainerDependency) -> (String, Opaque<Condition>) {
    let condition = match waits.condition() {
        ContainerCondition::Start => Some(Condition::Start),
        ContainerCondition::Healthy => Some(Condition::Healthy),
        ContainerCondition::Complete => Some(Condition::Complete),
        ContainerCondition::Success => Some(Condition::Success),
        _ => None,
    };
    (waits.container_name().to_owned(), condition.into())
}

/// Without one a port speaks anything over TCP (`PortMapping` in the ECS API reference).
fn app_protocol(named: NamedPort) -> Option<ApplicationProtocol> {
    match named.protocol.known()? {
        AppProtocol::Tcp => None,
        AppProtocol::Http => Some(ApplicationProtocol::Http),
        AppProtocol::Http2 => Some(ApplicationProtocol::Http2),
        AppProtocol::Grpc => Some(ApplicationProtocol::Grpc),
    }
}

fn named_port(mapping: &PortMapping) -> Option<(String, NamedPort)> {
    let protocol = match mapping.app_protocol() {
        None => Some(AppProtocol::Tcp),
        Some(ApplicationProtocol::Http) => Some(AppProtocol::Http),
        Some(ApplicationProtocol::Http2) => Some(AppProtocol::Http2),
        Some(ApplicationProtocol::Grpc) => Some(AppProtocol::Grpc),
        Some(_) => None,
    };
    let port = u16::try_from(mapping.container_port()?).ok()?;
    Some((mapping.name()?.to_owned(), NamedPort { port, protocol: protocol.into() }))
}

fn mount_point((volume, mount): (&String, &Mount)) -> MountPoint {
    MountPoint::builder()
        .source_volume(volume)
        .container_path(&mount.path)
        .read_only(mount.read_only)
        .build()
}

/// `None` without a name or a path, which comparing then notices.
fn mount(point: &MountPoint) -> Option<(String, Mount)> {
    let path = point.container_path()?.to_owned();
    let mount = Mount { path, read_only: point.read_only() == Some(true) };
    Some((point.source_volume()?.to_owned(), mount))
}

/// A limit is the same for everybody in the container: what it is, and what it can be raised to.
fn ulimit((name, value): (&String, &u32)) -> Ulimit {
    let value = number(*value);
    let limit = Ulimit::builder().name(UlimitName::from(name.as_str()));
    limit.soft_limit(value).hard_limit(value).build().expect("it has a name")
}

fn amount(value: i32, what: &str) -> Result<u32> {
    u32::try_from(value).ok().required(what)
}

/// Where output goes that CloudWatch Logs keeps.
pub(in crate::ecs) fn logging(log: &Log, region: &str) -> LogConfiguration {
    let options = HashMap::from([
        ("awslogs-group".to_owned(), log.group.id().to_owned()),
        ("awslogs-region".to_owned(), region.to_owned()),
        ("awslogs-stream-prefix".to_owned(), log.prefix.clone()),
    ]);
    let logging = LogConfiguration::builder().log_driver(LogDriver::Awslogs);
    logging.set_options(Some(options)).build().expect("it has a driver")
}

/// Options are the router's own, so they are written as they are.
fn routed_logging(log: &RoutedLog) -> LogConfiguration {
    let options = log.options.iter();
    let options: HashMap<String, String> =
        options.map(|(option, value)| (option.clone(), value.resolved().to_owned())).collect();
    LogConfiguration::builder()
        .log_driver(LogDriver::Awsfirelens)
        .set_options(Some(options).filter(|options| !options.is_empty()))
        .set_secret_options(some(log.secret_options.iter().map(secret).collect()))
        .build()
        .expect("it has a driver")
}

fn routed_log(logging: &LogConfiguration) -> Option<RoutedLog> {
    let options = logging.options().into_iter().flatten();
    let log = RoutedLog {
        options: options.map(|(option, value)| (option.clone(), value.as_str().into())).collect(),
        secret_options: read_secrets(logging.secret_options()),
    };
    (*logging.log_driver() == LogDriver::Awsfirelens).then_some(log)
}

/// `None` for a router that was not read, which comparing then notices.
fn routing(firelens: &Firelens) -> Option<FirelensConfiguration> {
    let router = match firelens.router.known()? {
        Router::Fluentbit => FirelensConfigurationType::Fluentbit,
        Router::Fluentd => FirelensConfigurationType::Fluentd,
    };
    let options: HashMap<String, String> = firelens.options.clone().into_iter().collect();
    let options = Some(options).filter(|options| !options.is_empty());
    FirelensConfiguration::builder().r#type(router).set_options(options).build().ok()
}

/// Who it runs as. A router is given `0` where nobody is named, and takes no other
/// (terraform-provider-aws, pull request 41394).
fn user(definition: &ContainerDefinition) -> &str {
    let user = definition.user().unwrap_or_default();
    if definition.firelens_configuration().is_some() && user == "0" { "" } else { user }
}

fn firelens(routing: &FirelensConfiguration) -> Firelens {
    let router = match routing.r#type() {
        FirelensConfigurationType::Fluentbit => Some(Router::Fluentbit),
        FirelensConfigurationType::Fluentd => Some(Router::Fluentd),
        _ => None,
    };
    let options = routing.options().cloned().unwrap_or_default();
    Firelens { router: router.into(), options: options.into_iter().collect() }
}

/// `None` for another driver than CloudWatch Logs', which comparing then notices.
pub(in crate::ecs) fn log(logging: &LogConfiguration) -> Option<Log> {
    let options = logging.options().filter(|_| *logging.log_driver() == LogDriver::Awslogs)?;
    Some(Log {
        group: Ref::physical(options.get("awslogs-group")?),
        prefix: options.get("awslogs-stream-prefix")?.clone(),
    })
}

fn health_check(health: &ContainerHealth) -> HealthCheck {
    let command = ["CMD".to_owned()].into_iter().chain(health.command.iter().cloned());
    HealthCheck::builder()
        .set_command(Some(command.collect()))
        .interval(number(health.interval))
        .timeout(number(health.timeout))
        .retries(number(health.retries))
        .set_start_period((health.start_period != 0).then(|| number(health.start_period)))
        .build()
        .expect("it has a command")
}

/// A command that runs in a shell, or none, is left with the word that says so, which no stack
/// writes.
fn health(check: &HealthCheck) -> Result<ContainerHealth> {
    let seconds = |value: Option<i32>, default: i32, what: &str| {
        u32::try_from(value.unwrap_or(default)).ok().required(what)
    };
    let command = match check.command() {
        [word, command @ ..] if word == "CMD" => command,
        other => other,
    };
    Ok(ContainerHealth {
        command: command.to_vec(),
        interval: seconds(check.interval(), INTERVAL, "the interval of a health check")?,
        timeout: seconds(check.timeout(), TIMEOUT, "the timeout of a health check")?,
        retries: seconds(check.retries(), RETRIES, "the retries of a health check")?,
        start_period: seconds(check.start_period(), 0, "the start period of a health check")?,
    })
}

/// A definition in the one form of all that mean the same: ECS fills in defaults and empty lists,
/// and its order of variables is its own.
fn plain(mut definition: ContainerDefinition) -> ContainerDefinition {
    definition.essential.get_or_insert(true);
    definition.stop_timeout.get_or_insert(number(STOP_TIMEOUT));
    definition.readonly_root_filesystem = definition.readonly_root_filesystem.filter(|on| *on);
    definition.interactive = definition.interactive.filter(|on| *on);
    definition.pseudo_terminal = definition.pseudo_terminal.filter(|on| *on);
    definition.privileged = definition.privileged.filter(|on| *on);
    definition.user = Some(user(&definition).to_owned()).filter(|user| !user.is_empty());
    definition.docker_labels = definition.docker_labels.filter(|labels| !labels.is_empty());
    definition.entry_point = definition.entry_point.and_then(some);
    definition.command = definition.command.and_then(some);
    definition.links = definition.links.and_then(some);
    definition.mount_points = definition.mount_points.and_then(some).map(|mut points| {
        for point in &mut points {
            point.read_only.get_or_insert(false);
        }
        points.sort_by(|a, b| a.source_volume.cmp(&b.source_volume));
        points
    });
    definition.volumes_from = definition.volumes_from.and_then(some);
    definition.system_controls = definition.system_controls.and_then(some);
    definition.environment_files = definition.environment_files.and_then(some);
    definition.depends_on = definition.depends_on.and_then(some).map(|mut waits| {
        waits.sort_by(|a, b| a.container_name.cmp(&b.container_name));
        waits
    });
    definition.linux_parameters = definition.linux_parameters.map(plain_linux_parameters);
    definition.dns_servers = definition.dns_servers.and_then(some);
    definition.dns_search_domains = definition.dns_search_domains.and_then(some);
    definition.extra_hosts = definition.extra_hosts.and_then(some);
    definition.docker_security_options = definition.docker_security_options.and_then(some);
    definition.ulimits = definition.ulimits.and_then(some).map(|mut limits| {
        limits.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
        limits
    });
    definition.resource_requirements = definition.resource_requirements.and_then(some);
    definition.credential_specs = definition.credential_specs.and_then(some);
    definition.environment = definition.environment.and_then(some).map(|mut environment| {
        environment.sort_by(|a, b| a.name.cmp(&b.name));
        environment
    });
    definition.secrets = definition.secrets.and_then(some).map(|mut secrets| {
        secrets.sort_by(|a, b| a.name.cmp(&b.name));
        secrets
    });
    definition.port_mappings = definition.port_mappings.and_then(some).map(|mut mappings| {
        for mapping in &mut mappings {
            mapping.host_port = mapping.host_port.or(mapping.container_port);
            mapping.protocol.get_or_insert(TransportProtocol::Tcp);
        }
        mappings.sort_by_key(|mapping| mapping.container_port);
        mappings
    });
    if let Some(logging) = &mut definition.log_configuration {
        logging.options = logging.options.take().filter(|options| !options.is_empty());
        logging.secret_options = logging.secret_options.take().and_then(some).map(|mut secrets| {
            secrets.sort_by(|a, b| a.name.cmp(&b.name));
            secrets
        });
    }
    if let Some(routing) = &mut definition.firelens_configuration {
        routing.options = routing.options.take().filter(|options| !options.is_empty());
    }
    if let Some(check) = &mut definition.health_check {
        check.interval.get_or_insert(INTERVAL);
        check.timeout.get_or_insert(TIMEOUT);
        check.retries.get_or_insert(RETRIES);
        check.start_period = check.start_period.filter(|seconds| *seconds != 0);
    }
    definition
}

/// Empty lists and switches that are off are filled in here as well.
fn plain_linux_parameters(mut parameters: LinuxParameters) -> LinuxParameters {
    parameters.init_process_enabled = parameters.init_process_enabled.filter(|on| *on);
    parameters.devices = parameters.devices.and_then(some);
    parameters.tmpfs = parameters.tmpfs.and_then(some).map(|mut tmpfs| {
        for it in &mut tmpfs {
            it.mount_options = it.mount_options.take().and_then(some);
        }
        tmpfs.sort_by(|a, b| a.container_path.cmp(&b.container_path));
        tmpfs
    });
    parameters
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}

fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn container() -> Container {
        Container {
            image: Text::from("registry.example/notes@sha256:0"),
            credentials: Some(Text::from("arn:aws:secretsmanager:x:secret:registry")),
            essential: true,
            cpu: 128,
            memory: 256,
            depends_on: [
                ("agent".to_owned(), Condition::Healthy.into()),
                ("setup".to_owned(), Condition::Success.into()),
            ]
            .into(),
            mounts: [("work".to_owned(), Mount { path: "/work".to_owned(), read_only: true })]
                .into(),
            tmpfs: [("/tmp".to_owned(), 64)].into(),
            ulimits: [("nofile".to_owned(), 100_000)].into(),
            entry_point: vec![],
            command: vec!["serve".to_owned()],
            environment: [("B", "2"), ("A", "1")]
                .map(|(name, value)| (name.to_owned(), Text::from(value)))
                .into(),
            secrets: [("PASSWORD".to_owned(), Text::from("arn:aws:secret"))].into(),
            ports: BTreeSet::from([8080]),
            udp_ports: BTreeSet::from([5353]),
            named_ports: BTreeMap::from([(
                "http".to_owned(),
                NamedPort { port: 8080, protocol: AppProtocol::Http.into() },
            )]),
            log: Some(Log { group: Ref::physical("/notes/dev/web"), prefix: "web".to_owned() }),
            routed_log: None,
            firelens: Some(Firelens {
                router: Router::Fluentbit.into(),
                options: [("enable-ecs-log-metadata".to_owned(), "false".to_owned())].into(),
            }),
            health: Some(ContainerHealth {
                command: vec!["/notes".to_owned(), "healthy".to_owned()],
                interval: 10,
                timeout: 5,
                retries: 3,
                start_period: 0,
            }),
            stop_timeout: 30,
            read_only_root: false,
            init: true,
            user: String::new(),
        }
    }

    fn round_trip(definition: ContainerDefinition) -> (Container, Vec<String>) {
        let (mut containers, foreign) = read_all(&[definition], "eu-west-1").unwrap();
        (containers.remove("web").unwrap(), foreign)
    }

    #[test]
    fn what_was_registered_reads_back_as_it_was() {
        let (read, foreign) = round_trip(write("web", &container(), "eu-west-1"));
        assert_eq!(read, container());
        assert!(foreign.is_empty());
    }

    #[test]
    fn options_of_a_router_are_its_own() {
        let option = |name: &str, value: &str| (name.to_owned(), Text::from(value));
        let log = RoutedLog {
            options: [option("Name", "http"), option("data_Keys", "log")].into(),
            secret_options: [option("apikey", "arn:b"), option("Header", "arn:a")].into(),
        };
        let routed = Container { log: None, routed_log: Some(log), ..container() };
        let mut definition = write("web", &routed, "eu-west-1");
        let logging = definition.log_configuration.as_mut().unwrap();
        logging.secret_options.as_mut().unwrap().reverse();
        assert_eq!(round_trip(definition), (routed, vec![]));
    }

    #[test]
    fn what_ecs_fills_in_is_no_difference() {
        let mut definition = write("web", &container(), "eu-west-1");
        definition.volumes_from = Some(vec![]);
        definition.essential = None;
        definition.depends_on.as_mut().unwrap().reverse();
        definition.linux_parameters.as_mut().unwrap().devices = Some(vec![]);
        definition.environment.as_mut().unwrap().reverse();
        let (read, foreign) = round_trip(definition);
        assert_eq!(read, container());
        assert!(foreign.is_empty(), "{foreign:?}");
    }

    #[test]
    fn what_a_stack_cannot_say_is_told() {
        let write = || write("web", &container(), "eu-west-1");
        let mut directory = write();
        directory.working_directory = Some("/srv".to_owned());
        let mut shell = write();
        shell.health_check.as_mut().unwrap().command[0] = "CMD-SHELL".to_owned();
        let mut hard = write();
        hard.ulimits.as_mut().unwrap()[0].hard_limit = 200_000;
        let mut options = write();
        let linux = options.linux_parameters.as_mut().unwrap();
        linux.tmpfs.as_mut().unwrap()[0].mount_options = Some(vec!["noexec".to_owned()]);
        let mut later = write();
        later.depends_on.as_mut().unwrap()[0].condition = ContainerCondition::from("PAUSED");
        let mut reserved = write();
        reserved.memory_reservation = Some(64);
        for definition in [directory, shell, hard, options, later, reserved] {
            assert_eq!(round_trip(definition).1.len(), 1);
        }
    }
}
