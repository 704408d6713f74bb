//! Services that use each other: they reach each other by name, through ECS Service Connect.
//!
//! A task knows only what was served before its deployment began ("Amazon ECS Service Connect
//! components" in the ECS developer guide). So who uses a service comes after it, and services that
//! use each other in a ring have no order that works.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Address, Code, Diagnostic, Ref, Text};
use deployer_kinds::{
    AppProtocol, Connect, Endpoint, Ingress, NamedPort, Namespace, NamespaceSpec, Peer, Ports,
};

use super::body::{Port, Protocol, Service};
use super::owner::Owner;
use super::users::users;
use crate::draft::{Draft, Origin, owned};
use crate::section::{Offer, Section, Sections};
use crate::words;

/// What the streams of the proxies' logs begin with.
const PROXY: &str = "service-connect";

/// The namespace that all names are in, if any service uses another.
pub(super) fn namespace(draft: &mut Draft, all: &Sections) {
    if all.of::<Service>().any(|(name, _)| clients(all, name).next().is_some()) {
        draft.make::<Namespace>("main", &NamespaceSpec {}, Origin::new(&["services"], &[]));
    }
}

/// What a service is given that uses this one: where each of its ports is reached.
pub(super) fn offer(name: &str, body: &Service) -> Offer {
    let settings = served(body).flat_map(|(port, it)| {
        let url = format!("http://{name}:{}", it.port);
        let settings = [("URL", url), ("HOST", name.to_owned()), ("PORT", it.port.to_string())];
        let begins = match served(body).count() {
            1 => String::new(),
            _ => format!("{}_", words::variable(port)),
        };
        settings.map(|(suffix, value)| (format!("{begins}{suffix}"), Text::from(value)))
    });
    let ports = served(body).map(|(_, port)| port.port).collect();
    Offer { named: settings.collect(), ports, ..Offer::default() }
}

/// What a service does with Service Connect: it serves all its ports as soon as another uses it.
pub(super) fn connect(all: &Sections, name: &str, body: &Service) -> Connect {
    let is_used = clients(all, name).next().is_some();
    if !is_used && used(all, name).next().is_none() {
        return Connect::default();
    }
    let endpoint = |(port, it): (&String, &Port)| {
        // No name of a service has a `_` in it. A port that is called otherwise is the same one to
        // those who use it, and one that speaks another protocol is not: ECS takes that of no
        // service that there is.
        let spoken = match app_protocol(it.protocol) {
            AppProtocol::Tcp => "tcp",
            AppProtocol::Http => "http",
            AppProtocol::Http2 => "http2",
            AppProtocol::Grpc => "grpc",
        };
        let discovery_name = format!("{name}_{}_{spoken}", it.port);
        (port.clone(), Endpoint { discovery_name, host: name.to_owned(), port: it.port })
    };
    Connect {
        enabled: true,
        namespace: Some(Ref::named("main")),
        serves: served(body).filter(|_| is_used).map(endpoint).collect(),
        log: body.logs.unrouted(name, PROXY),
    }
}

/// The names in AWS of the services that a service uses, which makes it come after them.
pub(super) fn names_used(all: &Sections, name: &str) -> BTreeSet<Text> {
    let of = |used: &str| Text::output(Address::new("service", used), "name");
    used(all, name).map(of).collect()
}

/// The ports of a service that others reach by name.
pub(super) fn named_ports(
    all: &Sections,
    owner: Owner<'_>,
    body: &Service,
) -> BTreeMap<String, NamedPort> {
    if owner.section != Service::KEY || clients(all, owner.name).next().is_none() {
        return BTreeMap::new();
    }
    let named =
        |port: &Port| NamedPort { port: port.port, protocol: app_protocol(port.protocol).into() };
    served(body).map(|(name, port)| (name.clone(), named(port))).collect()
}

/// What the proxies of a port speak.
fn app_protocol(protocol: Protocol) -> AppProtocol {
    match protocol {
        Protocol::Http => AppProtocol::Http,
        Protocol::Http2 => AppProtocol::Http2,
        Protocol::Grpc => AppProtocol::Grpc,
        Protocol::Tcp | Protocol::Udp | Protocol::Tls => AppProtocol::Tcp,
    }
}

/// What lets in the services that use this one. Their proxies connect to that of its tasks, which
/// listens on the port of the container (`ingressPortOverride` of `ServiceConnectService` in the ECS
/// API reference).
pub(super) fn ingress(all: &Sections, owner: Owner<'_>, body: &Service) -> Vec<Ingress> {
    if owner.section != Service::KEY {
        return Vec::new();
    }
    let from = |client| {
        served(body).map(move |(_, port)| Ingress {
            from: Peer::SecurityGroup(Owner::service(client).group()),
            port: Ports::Range(port.port, port.port),
            protocol: deployer_kinds::Protocol::Tcp,
            description: String::new(),
        })
    };
    clients(all, owner.name).flat_map(from).collect()
}

/// Whether an owner can use a service; reports at `path` why not.
pub(super) fn can_use(
    draft: &mut Draft,
    all: &Sections,
    owner: Owner<'_>,
    server: &str,
    path: &[&str],
) -> bool {
    let used = format!("{}/{server}", Service::KEY);
    if owner.section != Service::KEY {
        draft.error(
            Code::BadUse,
            format!("a job cannot use `{used}`"),
            path,
            "only tasks of services reach services by name",
            format!(
                "leave it out of the job's own `uses`, and let it reach `{server}` through an \
                 internal load balancer"
            ),
        );
        return false;
    }
    if server == owner.name {
        draft.error(
            Code::BadUse,
            format!("`{server}` would use itself"),
            path,
            "this is the service itself",
            "leave it out",
        );
        return false;
    }
    if all.get::<Service>(server).is_some_and(|body| served(body).next().is_none()) {
        draft.error(
            Code::BadUse,
            format!("`{server}` listens on no port that could be used"),
            path,
            "it has no `ports` that take connections",
            format!("add `ports: {{ http: {{ port: 8080 }} }}` to `{used}`"),
        );
        return false;
    }
    match ring(all, owner.name, server) {
        None => true,
        Some(ring) => {
            // It is said once, of the first of them.
            if ring.iter().all(|other| owner.name <= *other) {
                in_a_ring(draft, &ring);
            }
            false
        }
    }
}

fn in_a_ring(draft: &mut Draft, ring: &[&str]) {
    let around = ring.iter().chain(ring.first()).map(|it| format!("`{it}`"));
    let around: Vec<String> = around.collect();
    let title = format!("services use each other in a ring: {}", around.join(" → "));
    let mut mistake = Diagnostic::error(Code::Cycle, title);
    for service in ring {
        let span = draft.key_place(&owned(&[Service::KEY, service, "uses"]));
        mistake = mistake.at(span, format!("`{service}` would start after what it uses"));
    }
    let help = "a task reaches only what was there before it: take one of these uses out, and let \
                that service reach the other through an internal load balancer";
    draft.report(&[Service::KEY, ring[0]], mistake.help(help));
}

/// The ports that others reach by name: Service Connect takes no datagrams ("Amazon ECS Service
/// Connect" in the ECS developer guide).
fn served(body: &Service) -> impl Iterator<Item = (&String, &Port)> {
    body.ports.iter().filter(|(_, port)| !port.protocol.is_udp())
}

/// The services that use one, and can.
fn clients<'a>(all: &'a Sections, server: &'a str) -> impl Iterator<Item = &'a str> {
    let owners = users(all, Service::KEY, server);
    let clients = owners.filter(|owner| owner.section == Service::KEY).map(|owner| owner.name);
    clients.filter(move |client| is_sound(all, client, server))
}

/// The services that one uses, and can.
fn used<'a>(all: &'a Sections, client: &'a str) -> impl Iterator<Item = &'a str> {
    named(all, client).filter(move |server| is_sound(all, client, server))
}

fn is_sound(all: &Sections, client: &str, server: &str) -> bool {
    let has_ports = all.get::<Service>(server).is_some_and(|body| served(body).next().is_some());
    has_ports && ring(all, client, server).is_none()
}

/// The services that one names in `uses`.
fn named<'a>(all: &'a Sections, client: &str) -> impl Iterator<Item = &'a str> {
    let uses = all.get::<Service>(client).into_iter().flat_map(|body| &body.uses);
    uses.filter_map(|used| Some(used.target.split_once('/')?.1).filter(|_| is_service(used)))
}

fn is_service(used: &super::Use) -> bool {
    used.target.split_once('/').is_some_and(|(section, _)| section == Service::KEY)
}

/// The services from a client by its server back to the client, where there is such a way.
fn ring<'a>(all: &'a Sections, client: &'a str, server: &'a str) -> Option<Vec<&'a str>> {
    let mut came_from = BTreeMap::from([(server, client)]);
    let mut next = vec![server];
    while let Some(here) = next.pop() {
        if here == client {
            let mut back = came_from[client];
            let mut ring = Vec::new();
            while back != client {
                ring.push(back);
                back = came_from[back];
            }
            ring.push(client);
            ring.reverse();
            return Some(ring);
        }
        for there in named(all, here) {
            if !came_from.contains_key(there) {
                came_from.insert(there, here);
                next.push(there);
            }
        }
    }
    None
}
