//! Routes become rules of listeners, each with its turn.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use deployer_core::{Code, Diagnostic, Ref};
use deployer_kinds::{Action, ListenerRule, ListenerRuleSpec, Patterns, TargetVersion};

use super::body::{Route, Service};
use super::forms::OneOrMore;
use crate::draft::{Draft, Origin, owned};
use crate::section::{Section, Sections};
use crate::sections::load_balancer::{self, Http, LoadBalancer};

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
    for (balancer, body) in all.of::<LoadBalancer>() {
        let routes = by_balancer.remove(balancer).unwrap_or_default();
        let secure = body.is_secure();
        refuse_the_same_twice(draft, &routes);
        // What is sent to another domain has its turn among them.
        let redirects: Vec<_> = body.redirects().collect();
        let asked: Vec<Route> = redirects.iter().map(|(_, host, _)| Route::of_host(host)).collect();
        let all: Vec<&Route> = routes.iter().map(|it| it.route).chain(&asked).collect();
        let turns = turns(&all);
        for ((index, host, target), priority) in redirects.iter().zip(&turns[routes.len()..]) {
            redirect(draft, (balancer, *index), (host, target), *priority, body);
        }
        if body.existing.is_some() {
            lead_from_existing(draft, balancer, routes.iter().zip(turns));
            continue;
        }
        for (routed, priority) in routes.iter().zip(turns) {
            if !secure {
                let help = format!(
                    "add `domains:` to the load balancer `{balancer}`, or write `protocol: http`"
                );
                refuse_without_tls(draft, balancer, routed, help);
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

/// The rules of the listener of a load balancer that exists already, each with its turn.
fn lead_from_existing<'r, 's: 'r>(
    draft: &mut Draft,
    balancer: &str,
    routes: impl Iterator<Item = (&'r Routed<'s>, u32)>,
) {
    let is_plain = draft.balancers.get(balancer).is_some_and(|it| it.is_secure == Some(false));
    for (routed, priority) in routes {
        if is_plain {
            let help =
                "name the port of a listener of HTTPS, `port: 443`, or write `protocol: http`";
            refuse_without_tls(draft, balancer, routed, help.to_owned());
        }
        rule(draft, routed, balancer, "", priority);
    }
}

/// The rules that send a domain's clients to another one.
fn redirect(
    draft: &mut Draft,
    (balancer, index): (&str, usize),
    (host, target): (&str, &str),
    priority: u32,
    body: &LoadBalancer,
) {
    let name = load_balancer::resource(host);
    let spec = |listener: &str| ListenerRuleSpec {
        listener: Ref::named(listener),
        priority,
        paths: BTreeSet::new(),
        hosts: [host.to_owned()].into(),
        methods: BTreeSet::new(),
        headers: BTreeMap::new(),
        query: BTreeMap::new(),
        sources: BTreeSet::new(),
        action: Action::Redirect(load_balancer::redirect(target)).into(),
        reserves: None,
    };
    let index = index.to_string();
    let origin = Origin::new(&[LoadBalancer::KEY, balancer, "domains", &index], &[]);
    if body.existing.is_some() {
        return draft.make::<ListenerRule>(&name, &spec(balancer), origin);
    }
    let https = spec(&format!("{balancer}-https"));
    draft.make::<ListenerRule>(&format!("{name}-secure"), &https, origin.clone());
    if body.http() == Http::Forward {
        draft.make::<ListenerRule>(&name, &spec(&format!("{balancer}-http")), origin);
    }
}

fn rule(draft: &mut Draft, routed: &Routed<'_>, listener: &str, suffix: &str, priority: u32) {
    let name = format!("{}-{}", routed.service, routed.port);
    let route = routed.route;
    let hosts: BTreeSet<String> = route.host.iter().cloned().collect();
    let mut paths: BTreeSet<String> = route.path.iter().cloned().collect();
    if paths.is_empty() && hosts.is_empty() && !asks_for_more(route) {
        paths.insert("/*".to_owned());
    }
    let patterns = |of: &BTreeMap<String, OneOrMore>| -> Patterns {
        let values = |(name, values): (&String, &OneOrMore)| {
            (name.clone(), values.0.iter().cloned().collect())
        };
        of.iter().map(values).collect()
    };
    let spec = ListenerRuleSpec {
        listener: Ref::named(listener),
        priority,
        paths,
        hosts,
        methods: route.method.iter().cloned().collect(),
        headers: patterns(&route.header),
        query: patterns(&route.query),
        sources: BTreeSet::new(),
        action: Action::Forward(Ref::named(&name)).into(),
        reserves: None,
    };
    let body = ["services", routed.service, "ports", routed.port, "route"];
    let fields = &[
        ("paths", "path"),
        ("hosts", "host"),
        ("methods", "method"),
        ("headers", "header"),
        ("query", "query"),
        ("priority", "priority"),
    ];
    draft.make::<ListenerRule>(&format!("{name}{suffix}"), &spec, Origin::new(&body, fields));
}

/// The turn of each route. A route keeps its turn when others come and go, because it follows
/// from what it asks for itself: AWS refuses a turn that is taken, so swapping turns would fail.
fn turns(routes: &[&Route]) -> Vec<u32> {
    let mut taken: BTreeSet<u32> = routes.iter().filter_map(|route| route.priority).collect();
    let mut order: Vec<usize> = (0..routes.len()).collect();
    order.sort_by_key(|index| key(routes[*index]));
    let mut turns = vec![0; routes.len()];
    for index in order {
        let route = routes[index];
        turns[index] = route.priority.unwrap_or_else(|| {
            // Those that ask for more have the first half of a band.
            let half = BAND / 2;
            let begin = rank(route) * BAND + if asks_for_more(route) { 0 } else { half };
            let slot = hash(&key(route)) % half;
            let candidates = (0..half).map(|step| begin + (slot + step) % half + 1);
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

/// Whether a route asks for more than a host and a path.
fn asks_for_more(route: &Route) -> bool {
    !(route.method.is_empty() && route.header.is_empty() && route.query.is_empty())
}

/// The band of a route: those with hosts first, then the longer the path the earlier.
fn rank(route: &Route) -> usize {
    let literal = |path: &String| match path.find(['*', '?']) {
        Some(at) => at,
        // A whole path comes before the same path with a wildcard.
        None => path.len() + 1,
    };
    // Without a path it takes those of `/*`.
    let any = usize::from(asks_for_more(route));
    let shortest = route.path.iter().map(literal).min().unwrap_or(any).min(LONGEST);
    let behind_hosts = if route.host.is_empty() { LONGEST + 1 } else { 0 };
    behind_hosts + LONGEST - shortest
}

fn key(route: &Route) -> String {
    let mut key = format!("{} {}", route.host.join(","), route.path.join(","));
    if !route.method.is_empty() {
        write!(key, " {}", route.method.join(",")).ok();
    }
    for (name, OneOrMore(values)) in &route.header {
        write!(key, " {name}: {}", values.join(",")).ok();
    }
    for (name, OneOrMore(values)) in &route.query {
        write!(key, " {name}={}", values.join(",")).ok();
    }
    key
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
                    if a.path.is_empty() && b.path.is_empty() { "load-balancer" } else { "path" },
                    "let them ask for another path, host, method, header or query",
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
fn refuse_without_tls(draft: &mut Draft, balancer: &str, routed: &Routed<'_>, help: String) {
    if routed.version == TargetVersion::Http1 {
        return;
    }
    draft.error(
        Code::MissingCertificate,
        "HTTP/2 and gRPC are routed over HTTPS only",
        &["services", routed.service, "ports", routed.port, "protocol"],
        format!("`{balancer}` has no certificate"),
        help,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(host: &str, path: &str) -> Route {
        let list = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
        Route { path: list(path), host: list(host), ..Route::of_host(host) }
    }

    fn turns_of(routes: &[Route]) -> Vec<u32> {
        turns(&routes.iter().collect::<Vec<_>>())
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
    fn what_asks_for_more_comes_before_the_same_path() {
        let asking = |path: &str| Route {
            header: [("x-beta".to_owned(), OneOrMore(vec!["yes".to_owned()]))].into(),
            ..route("", path)
        };
        let long = format!("/{}", "a".repeat(80));
        for (more, plain) in [("", "/*"), ("/*", "/*"), ("/api/*", "/api/*"), (&long, &long)] {
            let turns = turns_of(&[route("", plain), asking(more)]);
            assert!(turns[1] < turns[0], "{more} {plain}: {turns:?}");
        }
        let turns = turns_of(&[asking("/api*"), route("", "/api"), asking("/*"), route("", "/a*")]);
        assert!(turns[0] > turns[1] && turns[2] > turns[3], "a longer path comes first: {turns:?}");
    }

    #[test]
    fn a_route_keeps_its_turn_when_another_comes() {
        let before = turns_of(&[route("", "/*")]);
        let after = turns_of(&[route("", "/api/*"), route("", "/*")]);
        assert_eq!(before[0], after[1]);
    }
}
