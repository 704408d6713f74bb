//! The ports that network load balancers lead to, each by a port of its own.

use deployer_core::{Code, Diagnostic};
use deployer_kinds::{ListenerProtocol, TargetProtocol};

use super::body::{Port, Protocol, Route, RouteProtocol, Service};
use crate::draft::{Draft, owned};
use crate::section::Sections;

/// The most listeners of a network load balancer ("Quotas for your Network Load Balancers" in the ELB
/// user guide).
const MOST: usize = 50;

/// A port of a service that a load balancer leads to.
pub(in crate::sections) struct Led<'s> {
    service: &'s str,
    name: &'s str,
    port: &'s Port,
    route: &'s Route,
}

/// All ports that a load balancer leads to.
pub(in crate::sections) fn led<'s>(all: &'s Sections, balancer: &str) -> Vec<Led<'s>> {
    let ports = all.of::<Service>().flat_map(|(service, body)| {
        body.ports.iter().map(move |(name, port)| (service, name, port))
    });
    let led = ports.filter_map(|(service, name, port)| {
        let route = port.route.as_ref().filter(|route| route.load_balancer == balancer)?;
        Some(Led { service, name, port, route })
    });
    led.collect()
}

impl Led<'_> {
    /// The port that clients connect to.
    pub(in crate::sections) fn listens(&self) -> u16 {
        self.route.port.unwrap_or(self.port.port)
    }

    /// What clients speak.
    pub(in crate::sections) fn spoken(&self) -> ListenerProtocol {
        match self.route.protocol {
            Some(RouteProtocol::Tls) => ListenerProtocol::Tls,
            Some(RouteProtocol::Udp) => ListenerProtocol::Udp,
            Some(RouteProtocol::Tcp) => ListenerProtocol::Tcp,
            None => self.port.protocol.as_listener(),
        }
    }

    /// Whether the load balancer decrypts what comes.
    pub(in crate::sections) fn is_decrypted(&self) -> bool {
        self.spoken() == ListenerProtocol::Tls
    }

    /// Whether what comes in is what the port speaks.
    pub(in crate::sections) fn is_understood(&self) -> bool {
        (self.spoken() == ListenerProtocol::Udp) == self.port.protocol.is_udp()
    }

    /// The target group that it leads to.
    pub(in crate::sections) fn target_group(&self) -> String {
        format!("{}-{}", self.service, self.name)
    }

    /// Where the route, or a key of it, is written.
    pub(in crate::sections) fn path<'k>(&'k self, keys: &[&'k str]) -> Vec<&'k str> {
        let route = ["services", self.service, "ports", self.name, "route"];
        route.into_iter().chain(keys.iter().copied()).collect()
    }
}

impl Protocol {
    /// What comes in by a route that does not say.
    fn as_listener(self) -> ListenerProtocol {
        if self.is_udp() { ListenerProtocol::Udp } else { ListenerProtocol::Tcp }
    }
}

impl Port {
    /// What a network load balancer speaks to it.
    pub(super) fn target_protocol(&self) -> TargetProtocol {
        let is_decrypted =
            self.route.as_ref().is_some_and(|it| it.protocol == Some(RouteProtocol::Tls));
        match self.protocol {
            Protocol::Udp => TargetProtocol::Udp,
            Protocol::Tls if is_decrypted => TargetProtocol::Tls,
            _ => TargetProtocol::Tcp,
        }
    }
}

/// Reports what a network load balancer cannot do.
pub(in crate::sections) fn check(
    draft: &mut Draft,
    all: &Sections,
    balancer: &str,
    led: &[Led<'_>],
) {
    for (index, it) in led.iter().enumerate() {
        refuse_conditions(draft, balancer, it);
        refuse_other_protocol(draft, it);
        must_be_checked(draft, all, it);
        if let Some(first) = led[..index].iter().find(|first| first.listens() == it.listens()) {
            let place = |it: &Led<'_>| draft.place(&owned(&it.path(&["port"])));
            let title = format!("two routes come in by port {} of `{balancer}`", it.listens());
            let mistake = Diagnostic::error(Code::SameRoute, title)
                .at(place(it), "this one")
                .at(place(first), "and this one")
                .help("give one of them another `port:`");
            draft.report(&["services", it.service], mistake);
        }
    }
    if led.len() > MOST {
        let title = format!("`{balancer}` would listen on {} ports", led.len());
        let path = ["load-balancers", balancer];
        let help = "lead some of them through another load balancer";
        draft.key_error(Code::BadValue, title, &path, format!("it can have {MOST}"), help);
    }
}

/// It reads no requests.
fn refuse_conditions(draft: &mut Draft, balancer: &str, it: &Led<'_>) {
    for key in ["path", "host", "method", "header", "query", "priority", "weight", "sticky"] {
        if !draft.is_written(&it.path(&[]), key) {
            continue;
        }
        let title = format!("`{key}` is asked of requests, which `{balancer}` does not read");
        let label = "the load balancer is one of `type: network`";
        let help = "remove it: each route comes in by a `port:` of its own";
        draft.key_error(Code::BadValue, title, &it.path(&[key]), label, help);
    }
}

fn refuse_other_protocol(draft: &mut Draft, it: &Led<'_>) {
    if it.is_understood() {
        return;
    }
    let (title, help) = if it.port.protocol.is_udp() {
        ("datagrams come in as such", "write `protocol: udp`, or remove it")
    } else {
        ("connections do not come in as datagrams", "write `protocol: tcp` or `protocol: tls`")
    };
    let label = format!("`{}` does not speak it", it.name);
    draft.error(Code::BadValue, title, &it.path(&["protocol"]), label, help);
}

/// Whether one works cannot be asked by datagrams (ELB API reference, `HealthCheckProtocol`).
fn must_be_checked(draft: &mut Draft, all: &Sections, it: &Led<'_>) {
    if !it.port.protocol.is_udp() || it.port.health.port.is_some() {
        return;
    }
    let ports = all.get::<Service>(it.service).map(|body| body.ports.values());
    let mut connected = ports.into_iter().flatten().filter(|it| !it.protocol.is_udp());
    if connected.clone().any(|other| other.port == it.port.port) {
        return;
    }
    let port = connected.next().map_or(8080, |other| other.port);
    let title = format!("nothing says whether `{}` of `{}` works", it.name, it.service);
    let path = ["services", it.service, "ports", it.name];
    let help = format!("add a port that takes connections: `health: {{ port: {port} }}`");
    draft.key_error(Code::MissingKey, title, &path, "datagrams are not answered", help);
}
