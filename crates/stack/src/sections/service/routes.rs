//! Routes become rules of listeners, each with its turn.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Code, Diagnostic, Ref};
use deployer_kinds::{Action, ListenerRule, ListenerRuleSpec, TargetVersion};

use super::body::{Route, Service};
use crate::draft::{Draft, Origin, owned};
use crate::section::Sections;
use crate::sections::load_balancer::{Http, LoadBalancer};

/// Longest literal beginning of a path that still makes a difference in turn.
const LONGEST: usize = 63;
/// Turns for each length, with and without a host: 128 bands of 390 fill the 50000 AWS has.
const BAND: usize = 390;

struct Routed<'s> {
    service: &'s str,
    port: &'s str,
    version: TargetVersion,
    route: &'s Route,
}

pub(super) fn expand(draft: &mut Draft, all: &Sections) {
    let mut by_balancer: BTreeMap<&str, Vec<Routed<'_>>> = BTreeMap::new();
    for (service, body) in all.of::<Service>() {
        for (port, body) in &body.ports {
            let Some(route) = &body.route else { continue };
            let path = ["services", service, "ports", port, "route", "load-balancer"];
            if draft.must_have("load-balancers", &route.load_balancer, &path) {
                let routed = Routed { service, port, version: body.protocol.version(), route };
                by_balancer.entry(&route.load_balancer).or_default().push(routed);
            }
        }
    }
    for (balancer, routes) in by_balancer {
        let Some(body) = all.get::<LoadBalancer>(balancer) else { continue };
        let secure = body.certificate.is_some();
        refuse_the_same_twice(draft, &routes);
        let turns = turns(&routes);
        for (routed, priority) in routes.iter().zip(turns) {
            if !secure {
                refuse_without_tls(draft, balancer, routed);
            }
            // Each has one name whatever else there is, so that it stays when the other comes or
            // goes.
            if secure {
                rule(draft, routed, &format!("{balancer}-https"), "-secure", priority);
            }
            if body.http() == Http::Forward {
                rule(draft, routed, &format!("{balancer}-http"), "", priority);
            }
        }
    }
}

fn rule(draft: &mut Draft, routed: &Routed<'_>, listener: &str, suffix: &str, priority: u32) {
    let name = format!("{}-{}", routed.service, routed.port);
    let hosts: BTreeSet<String> = routed.route.host.iter().cloned().collect();
    let mut paths: BTreeSet<String> = routed.route.path.iter().cloned().collect();
    if paths.is_empty() && hosts.is_empty() {
        paths.insert("/*".to_owned());
    }
    let spec = ListenerRuleSpec {
        listener: Ref::named(listener),
        priority,
        paths,
        hosts,
        methods: BTreeSet::new(),
        action: Action::Forward(Ref::named(&name)).into(),
        reserves: None,
    };
    let body = ["services", routed.service, "ports", routed.port, "route"];
    let fields = &[("paths", "path"), ("hosts", "host"), ("priority", "priority")];
    draft.make::<ListenerRule>(&format!("{name}{suffix}"), &spec, Origin::new(&body, fields));
}

/// The turn of each route. A route keeps its turn when others come and go, because it follows
/// from its own host and path: AWS refuses a turn that is taken, so swapping turns would fail.
fn turns(routes: &[Routed<'_>]) -> Vec<u32> {
    let mut taken: BTreeSet<u32> =
        routes.iter().filter_map(|routed| routed.route.priority).collect();
    let mut order: Vec<usize> = (0..routes.len()).collect();
    order.sort_by_key(|index| key(routes[*index].route));
    let mut turns = vec![0; routes.len()];
    for index in order {
        let route = routes[index].route;
        turns[index] = route.priority.unwrap_or_else(|| {
            let band = rank(route) * BAND;
            let slot = hash(&key(route)) % BAND;
            let candidates = (0..BAND).map(|step| band + (slot + step) % BAND + 1);
            let mut free = candidates
                .filter_map(|turn| u32::try_from(turn).ok())
                .filter(|turn| !taken.contains(turn));
            let turn = free.next().unwrap_or(50_000);
            taken.insert(turn);
            turn
        });
    }
    turns
}

/// The band of a route: those with hosts first, then the longer the path the earlier.
fn rank(route: &Route) -> usize {
    let literal = |path: &String| match path.find(['*', '?']) {
        Some(at) => at,
        // A whole path comes before the same path with a wildcard.
        None => path.len() + 1,
    };
    let shortest = route.path.iter().map(literal).min().unwrap_or(0).min(LONGEST);
    let behind_hosts = if route.host.is_empty() { LONGEST + 1 } else { 0 };
    behind_hosts + LONGEST - shortest
}

fn key(route: &Route) -> String {
    format!("{} {}", route.host.join(","), route.path.join(","))
}

/// FNV-1a: small, and the same on every machine and in every version.
fn hash(text: &str) -> usize {
    let hash = text
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash as usize
}

fn refuse_the_same_twice(draft: &mut Draft, routes: &[Routed<'_>]) {
    let at = |routed: &Routed<'_>, key: &str| {
        owned(&["services", routed.service, "ports", routed.port, "route", key])
    };
    for (index, second) in routes.iter().enumerate() {
        for first in &routes[..index] {
            let (a, b) = (first.route, second.route);
            let (code, title, key_name, help) = if a.priority.is_some() && a.priority == b.priority
            {
                (
                    Code::SamePriority,
                    "two routes have the same turn",
                    "priority",
                    "give one of them another priority",
                )
            } else if key(a) == key(b) {
                (
                    Code::SameRoute,
                    "two routes take the same requests",
                    "path",
                    "give one of them another path or host",
                )
            } else {
                continue;
            };
            let mistake = Diagnostic::error(code, title)
                .at(draft.place(&at(second, key_name)), "this one")
                .at(draft.place(&at(first, key_name)), "and this one")
                .help(help);
            draft.report(&["services", second.service], mistake);
        }
    }
}

/// Targets that speak HTTP/2 or gRPC are behind HTTPS only (Elastic Load Balancing user guide,
/// "Protocol version").
fn refuse_without_tls(draft: &mut Draft, balancer: &str, routed: &Routed<'_>) {
    if routed.version == TargetVersion::Http1 {
        return;
    }
    draft.error(
        Code::MissingCertificate,
        "HTTP/2 and gRPC are routed over HTTPS only",
        &["services", routed.service, "ports", routed.port, "protocol"],
        format!("`{balancer}` has no certificate"),
        format!("add `certificate:` to the load balancer `{balancer}`, or write `protocol: http`"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(host: &str, path: &str) -> Route {
        let list = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
        Route {
            load_balancer: "edge".to_owned(),
            path: list(path),
            host: list(host),
            priority: None,
            port: None,
            protocol: None,
        }
    }

    fn turns_of(routes: &[Route]) -> Vec<u32> {
        let list: Vec<Routed<'_>> = routes
            .iter()
            .map(|route| Routed { service: "s", port: "p", version: TargetVersion::Http1, route })
            .collect();
        turns(&list)
    }

    #[test]
    fn hosts_come_first_and_long_paths_before_short_ones() {
        let turns = turns_of(&[
            route("", "/*"),
            route("", "/api/*"),
            route("", "/api/v1"),
            route("a.example", "/*"),
        ]);
        assert!(turns[3] < turns[2] && turns[2] < turns[1] && turns[1] < turns[0], "{turns:?}");
        assert!(turns.iter().all(|turn| (1..=50_000).contains(turn)), "{turns:?}");
    }

    #[test]
    fn a_route_keeps_its_turn_when_another_comes() {
        let before = turns_of(&[route("", "/*")]);
        let after = turns_of(&[route("", "/api/*"), route("", "/*")]);
        assert_eq!(before[0], after[1]);
    }
}
