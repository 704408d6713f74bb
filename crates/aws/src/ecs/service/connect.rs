//! What a service does with Service Connect, as ECS tells it and as ECS is asked for it.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{
    Service as Description, ServiceConnectClientAlias, ServiceConnectConfiguration,
    ServiceConnectService,
};
use deployer_core::{Ref, Text};
use deployer_kinds::{Connect, Endpoint, ServiceSpec};

use super::described::primary;
use crate::ecs::task_definition::container;

/// What its newest deployment does: ECS shows it there alone (`Deployment` in the ECS API
/// reference). That the namespace is shown as it was given, by its ARN, is an assumption.
pub(super) fn read(service: &Description) -> Connect {
    let Some(shown) = configuration(service).filter(|it| it.enabled()) else {
        return Connect::default();
    };
    Connect {
        enabled: true,
        namespace: shown.namespace().map(Ref::physical),
        serves: shown.services().iter().filter_map(endpoint).collect(),
        log: shown.log_configuration().and_then(container::log),
    }
}

/// Whether it has settings that a spec cannot say.
pub(super) fn is_foreign(service: &Description, region: &str) -> bool {
    let Some(shown) = configuration(service).filter(|it| it.enabled()) else { return false };
    plain(write(&read(service), region)) != plain(shown.clone())
}

/// A configuration in the one form of all that mean the same.
fn plain(mut configuration: ServiceConnectConfiguration) -> ServiceConnectConfiguration {
    let mut services = configuration.services.take().unwrap_or_default();
    services.sort_by(|a, b| a.port_name.cmp(&b.port_name));
    configuration.services = Some(services);
    configuration.container_configurations =
        configuration.container_configurations.filter(|it| !it.is_empty());
    if let Some(logging) = &mut configuration.log_configuration {
        logging.secret_options = logging.secret_options.take().filter(|it| !it.is_empty());
    }
    configuration
}

/// What ECS is asked for. To leave it out would leave it as it is (`UpdateService` in the ECS API
/// reference), so that none is said as well.
pub(super) fn write(connect: &Connect, region: &str) -> ServiceConnectConfiguration {
    let services = connect.serves.iter().map(|(port, endpoint)| {
        let alias = ServiceConnectClientAlias::builder()
            .dns_name(&endpoint.host)
            .port(i32::from(endpoint.port))
            .build()
            .expect("it has a port");
        ServiceConnectService::builder()
            .port_name(port)
            .discovery_name(&endpoint.discovery_name)
            .client_aliases(alias)
            .build()
            .expect("it has the name of a port")
    });
    let services = Some(services.collect::<Vec<_>>()).filter(|it| !it.is_empty());
    let log = connect.log.as_ref().map(|log| container::logging(log, region));
    ServiceConnectConfiguration::builder()
        .enabled(connect.enabled)
        .set_namespace(connect.namespace.as_ref().map(|it| it.id().to_owned()))
        .set_services(services)
        .set_log_configuration(log)
        .build()
}

/// What a new service is asked for by; nothing where it takes no part.
pub(super) fn new(spec: &ServiceSpec, region: &str) -> Option<ServiceConnectConfiguration> {
    spec.connect.enabled.then(|| write(&spec.connect, region))
}

/// What a service changes to; nothing where it stays as it is. The log that nothing is said about
/// stays.
pub(super) fn change(
    live: &ServiceSpec,
    wanted: &ServiceSpec,
    region: &str,
) -> Option<ServiceConnectConfiguration> {
    let mut connect = wanted.connect.clone();
    if connect.enabled {
        connect.log = connect.log.or_else(|| live.connect.log.clone());
    }
    (connect != live.connect).then(|| write(&connect, region))
}

/// The services among these that its tasks can reach by name: those of its namespace that serve
/// something and were there when its newest deployment began. Tasks never see what is served later
/// ("Amazon ECS Service Connect components" in the ECS developer guide).
pub(super) fn seen<'a>(
    service: &Description,
    others: impl Iterator<Item = &'a Description>,
) -> BTreeSet<Text> {
    let Some(own) = configuration(service).filter(|it| it.enabled()) else {
        return BTreeSet::new();
    };
    let began = primary(service).and_then(|it| it.created_at());
    let is_seen = |other: &&Description| {
        let serves = configuration(other).filter(|it| it.enabled() && !it.services().is_empty());
        serves.is_some_and(|it| it.namespace() == own.namespace())
            && other.service_arn() != service.service_arn()
            && other.created_at().zip(began).is_some_and(|(made, began)| made < began)
    };
    others.filter(is_seen).filter_map(|it| Some(Text::from(it.service_name()?))).collect()
}

fn configuration(service: &Description) -> Option<&ServiceConnectConfiguration> {
    primary(service)?.service_connect_configuration()
}

/// `None` without an alias: ECS wants one, and one is all that it takes.
fn endpoint(service: &ServiceConnectService) -> Option<(String, Endpoint)> {
    let alias = service.client_aliases().first()?;
    // Both are the name of the port where nothing is said (`ServiceConnectService` in the ECS API
    // reference).
    let known = service.discovery_name().unwrap_or(service.port_name());
    let endpoint = Endpoint {
        discovery_name: known.to_owned(),
        host: alias.dns_name().unwrap_or(known).to_owned(),
        port: u16::try_from(alias.port()).ok()?,
    };
    Some((service.port_name().to_owned(), endpoint))
}
