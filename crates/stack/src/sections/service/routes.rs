//! Routes become rules of listeners, and so does what a load balancer answers itself.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Code, Diagnostic, Ref};
use deployer_kinds::{Action, Pair, Reserves, Share, TargetGroup, TargetVersion};

use super::body::{Protocol, Route, Service};
use super::rules::{Door, Rule, doors, make};
use super::shifting;
use super::turns::Asked;
use crate::draft::{Draft, Origin, owned};
use crate::section::{Section, Sections};
use crate::sections::load_balancer::{self, LoadBalancer};

/// The highest weight (ELB API reference, `TargetGroupTuple`).
const MOST_WEIGHT: u32 = 999;

/// Which field of a rule comes from which key beside the host.
const FIELDS: [(&str, &str); 6] = [
    ("paths", "path"),
    ("hosts", "host"),
    ("methods", "method"),
    ("headers", "header"),
    ("query", "query"),
    ("priority", "priority"),
];

struct Routed<'s> {
    service: &'s str,
    port: &'s str,
    protocol: Protocol,
    route: &'s Route,
    /// Whether ECS shifts its requests.
    shifts: bool,
    /// The port that leads to a new version for tests.
    test: Option<u16>,
}

impl Routed<'_> {
    fn path<'p>(&'p self, key: &'p str) -> [&'p str; 6] {
        ["services", self.service, "ports", self.port, "route", key]
    }

    fn name(&self) -> String {
        format!("{}-{}", self.service, self.port)
    }

    fn group(&self) -> Ref<TargetGroup> {
        Ref::named(self.name())
    }
}

pub(super) fn expand(draft: &mut Draft, all: &Sections) {
    let mut by_balancer: BTreeMap<&str, Vec<Routed<'_>>> = BTreeMap::new();
    for (service, body) in all.of::<Service>() {
        let shifts = body.rollout.shifts();
        let test = body.rollout.test.as_ref().filter(|_| shifts).map(|test| test.port);
        for (port, port_body) in &body.ports {
            let Some(route) = &port_body.route else { continue };
            let path = ["services", service, "ports", port, "route", "load-balancer"];
            if draft.must_have("load-balancers", &route.load_balancer, &path) {
                let protocol = port_body.protocol;
                let routed = Routed { service, port, protocol, route, shifts, test };
                by_balancer.entry(&route.load_balancer).or_default().push(routed);
            }
        }
    }
    for (balancer, body) in all.of::<LoadBalancer>() {
        let routes = by_balancer.remove(balancer).unwrap_or_default();
        // Its routes are listeners.
        if body.is_network() {
            continue;
        }
        refuse_other_than_http(draft, balancer, &routes);
        let doors = doors(draft, balancer, body);
        refuse_the_same_twice(draft, balancer, body, &routes);
        if doors.iter().all(|door| door.is_secure == Some(false)) {
            let help = match body.existing {
                Some(_) => "name the port of a listener of HTTPS, `port: 443`".to_owned(),
                None => format!("add `domains:` to the load balancer `{balancer}`"),
            };
            for routed in &routes {
                refuse_without_tls(draft, balancer, routed, &help);
            }
        }
        let mut rules: Vec<Rule<'_>> =
            sharing(&routes).into_iter().map(|sharing| rule(draft, &sharing)).collect();
        rules.extend(redirects(balancer, body));
        rules.extend(answers(draft, balancer, body));
        make(draft, &rules, &doors, &body.domains);
        if body.existing.is_none() {
            make_for_tests(draft, balancer, body, &routes);
        }
    }
}

/// Makes the rules by which requests of tests are led to new versions, at listeners of their own.
fn make_for_tests(draft: &mut Draft, balancer: &str, body: &LoadBalancer, routes: &[Routed<'_>]) {
    let ports: BTreeSet<u16> = routes.iter().filter_map(|routed| routed.test).collect();
    for port in ports.into_iter().filter(|port| !body.listens_on(*port)) {
        let tested = routes.iter().filter(|routed| routed.test == Some(port));
        let rules: Vec<Rule<'_>> = tested.map(|routed| rule(draft, &[routed])).collect();
        make(draft, &rules, &[Door::of_tests(balancer, body, port)], &body.domains);
    }
}

/// The rules that send a domain's clients to another one.
fn redirects<'s>(balancer: &str, body: &'s LoadBalancer) -> impl Iterator<Item = Rule<'s>> {
    body.redirects().map(move |(index, host, target)| Rule {
        name: load_balancer::resource(host),
        asked: Asked { host: std::slice::from_ref(host), ..Asked::default() },
        action: Action::Redirect(load_balancer::redirect(target)),
        reserves: None,
        origin: Origin::new(&[LoadBalancer::KEY, balancer, "domains", &index.to_string()], &[]),
    })
}

/// The rules of what a load balancer answers itself.
fn answers<'s>(draft: &mut Draft, balancer: &str, body: &'s LoadBalancer) -> Vec<Rule<'s>> {
    let rule = |(name, answer): (&String, &'s load_balancer::Answer)| {
        let path = [LoadBalancer::KEY, balancer, "answers", name];
        let action = answer.action(draft, &path)?;
        let fields = FIELDS.iter().chain(load_balancer::ANSWERED).copied().collect::<Vec<_>>();
        Some(Rule {
            name: format!("answer-{balancer}-{name}"),
            asked: answer.asked(),
            action,
            reserves: None,
            origin: Origin::new(&path, &fields),
        })
    };
    body.answers.iter().filter_map(rule).collect()
}

/// The rule of a route, or of those that share requests: it is called by the first, so that
/// another weight is no other rule.
fn rule<'s>(draft: &mut Draft, sharing: &[&Routed<'s>]) -> Rule<'s> {
    let first = sharing[0];
    let (action, reserves) = shared(draft, sharing);
    let body = first.path("weight");
    let fields: Vec<_> = FIELDS.into_iter().chain([("action", "weight")]).collect();
    let priority = sharing.iter().find_map(|routed| routed.route.priority);
    Rule {
        name: first.name(),
        asked: Asked { priority, ..first.route.asked() },
        action,
        reserves,
        origin: Origin::new(&body[..5], &fields),
    }
}

/// Where requests of some routes go. What has the weight 0 is bound and gets none.
fn shared(draft: &mut Draft, sharing: &[&Routed<'_>]) -> (Action, Option<Reserves>) {
    let first = sharing[0];
    if first.shifts {
        let (group, alternate) = (first.group(), Ref::named(shifting::alternate(&first.name())));
        return (Action::Shift(Pair { group, alternate }), None);
    }
    if first.route.weight.is_none() {
        return (Action::Forward(first.group()), None);
    }
    let weighed = sharing.iter().map(|it| (it.group(), it.route.weight.unwrap_or_default()));
    let (idle, busy): (Vec<_>, Vec<_>) = weighed.partition(|(_, weight)| *weight == 0);
    let reserves: Reserves = idle.into_iter().map(|(group, _)| group).collect();
    let action = match busy.as_slice() {
        [] => {
            let title = "nobody gets these requests: all weights are 0";
            let help = "give one of the routes a weight of 1 or more";
            draft.error(Code::BadValue, title, &first.path("weight"), "this one", help);
            Action::Forward(first.group())
        }
        [(group, _)] => Action::Forward(group.clone()),
        _ => {
            let share = |(group, weight)| Share { group, weight };
            Action::Split(busy.into_iter().map(share).collect())
        }
    };
    (action, (!reserves.is_empty()).then_some(reserves))
}

/// The routes, those together that share the same requests.
fn sharing<'r, 's>(routes: &'r [Routed<'s>]) -> Vec<Vec<&'r Routed<'s>>> {
    let mut together: Vec<Vec<&Routed<'_>>> = Vec::new();
    for routed in routes {
        let key = routed.route.asked().key();
        let shares = |group: &&mut Vec<&Routed<'_>>| group[0].route.asked().key() == key;
        match together.iter_mut().find(shares).filter(|_| routed.route.weight.is_some()) {
            Some(group) if group[0].route.weight.is_some() => group.push(routed),
            _ => together.push(vec![routed]),
        }
    }
    together
}

/// Something that takes requests at a load balancer.
struct Claim<'s> {
    /// What it is.
    what: &'static str,
    /// The body it stands in.
    at: Vec<String>,
    /// The key that stands for it where it asks for no path.
    whole: Option<&'static str>,
    asked: Asked<'s>,
    weight: Option<u32>,
    sticky: bool,
}

impl Claim<'_> {
    fn key(&self, key: Option<&str>) -> Vec<String> {
        self.at.iter().cloned().chain(key.map(str::to_owned)).collect()
    }
}

fn refuse_the_same_twice(
    draft: &mut Draft,
    balancer: &str,
    body: &LoadBalancer,
    routes: &[Routed<'_>],
) {
    let of_routes = routes.iter().map(|routed| Claim {
        what: "route",
        at: owned(&routed.path("")[..5]),
        whole: Some("load-balancer"),
        asked: routed.route.asked(),
        weight: routed.route.weight,
        sticky: routed.route.sticky.is_some(),
    });
    let of_answers = body.answers.iter().map(|(name, answer)| Claim {
        what: "answer",
        at: owned(&[LoadBalancer::KEY, balancer, "answers", name]),
        whole: None,
        asked: answer.asked(),
        weight: None,
        sticky: false,
    });
    let claims: Vec<Claim<'_>> = of_routes.chain(of_answers).collect();
    for (index, second) in claims.iter().enumerate() {
        refuse_weight(draft, second);
        for first in &claims[..index] {
            let Some(clash) = clash(first, second) else { continue };
            let mistake = Diagnostic::error(clash.code, clash.title)
                .at(draft.place(&second.key(clash.keys.1)), "this one")
                .at(draft.place(&first.key(clash.keys.0)), "and this one")
                .help(clash.help);
            draft.report(&[&second.at[0], &second.at[1]], mistake);
        }
    }
}

fn refuse_weight(draft: &mut Draft, claim: &Claim<'_>) {
    let Some(weight) = claim.weight.filter(|weight| *weight > MOST_WEIGHT) else { return };
    let at = claim.key(Some("weight"));
    let at: Vec<&str> = at.iter().map(String::as_str).collect();
    let title = format!("a weight of {weight} is too high");
    draft.error(Code::BadValue, title, &at, "", "expected 0 to 999");
}

/// Why two things cannot be at one load balancer.
struct Clash {
    code: Code,
    title: String,
    /// The keys of the first and of the second.
    keys: (Option<&'static str>, Option<&'static str>),
    help: &'static str,
}

fn clash(first: &Claim<'_>, second: &Claim<'_>) -> Option<Clash> {
    let (a, b) = (&first.asked, &second.asked);
    let is_same = a.key() == b.key();
    let share = is_same && first.weight.is_some() && second.weight.is_some();
    let both = |key| (Some(key), Some(key));
    let two = match (first.what, second.what) {
        (one, other) if one == other => format!("two {one}s"),
        (one, other) => format!("a {one} and an {other}"),
    };
    if share {
        // A forward to several groups wants stickiness of its own where one of them has some, as
        // ELB says then: "You must enable group stickiness on a rule if you enabled target
        // stickiness on one of its target groups".
        let key = |claim: &Claim<'_>| Some(if claim.sticky { "sticky" } else { "weight" });
        if first.sticky || second.sticky {
            return Some(Clash {
                code: Code::BadValue,
                title: "clients cannot stay with a task where services share requests".to_owned(),
                keys: (key(first), key(second)),
                help: "leave `sticky` out at both while they have weights",
            });
        }
        let differ = a.priority.is_some() && b.priority.is_some() && a.priority != b.priority;
        return differ.then(|| Clash {
            code: Code::BadValue,
            title: "two routes that share requests have different turns".to_owned(),
            keys: both("priority"),
            help: "write the same priority at both, or at one",
        });
    }
    if a.priority.is_some() && a.priority == b.priority {
        return Some(Clash {
            code: Code::SamePriority,
            title: format!("{two} have the same turn"),
            keys: both("priority"),
            help: "give one of them another priority",
        });
    }
    // Whoever gives one of them a turn of its own says which comes first.
    if !is_same || a.priority.is_some() || b.priority.is_some() {
        return None;
    }
    let place = |claim: &Claim<'_>| if a.path.is_empty() { claim.whole } else { Some("path") };
    let is_weighed = |claim: &Claim<'_>| claim.weight.is_some();
    let help = match (is_weighed(first), is_weighed(second), second.what) {
        (true, false, "route") | (false, true, "route") => {
            "give the other one a `weight` too, or let them ask for something else"
        }
        (_, _, "route") => {
            "let them ask for another path, host, method, header or query, or share the requests: \
             give each a `weight`"
        }
        _ => "let them ask for another path, host, method, header or query",
    };
    let keys = match (is_weighed(first), is_weighed(second)) {
        (true, false) => (Some("weight"), place(second)),
        (false, true) => (place(first), Some("weight")),
        _ => (place(first), place(second)),
    };
    Some(Clash {
        code: Code::SameRoute,
        title: format!("{two} take the same requests"),
        keys,
        help,
    })
}

/// An application load balancer reads HTTP, and listens where its clients look for that.
fn refuse_other_than_http(draft: &mut Draft, balancer: &str, routes: &[Routed<'_>]) {
    for routed in routes {
        let port = ["services", routed.service, "ports", routed.port];
        let route: Vec<&str> = port.iter().copied().chain(["route"]).collect();
        for key in ["port", "protocol"] {
            if draft.is_written(&route, key) {
                let title = format!("`{key}` of a route is for network load balancers");
                let label = format!("`{balancer}` takes HTTP and HTTPS at their usual ports");
                let path: Vec<&str> = route.iter().copied().chain([key]).collect();
                let help = "remove it, or write `type: network` in the load balancer";
                draft.key_error(Code::BadValue, title, &path, label, help);
            }
        }
        if matches!(routed.protocol, Protocol::Tcp | Protocol::Udp | Protocol::Tls) {
            let title = format!("`{balancer}` is an application load balancer, which reads HTTP");
            let path: Vec<&str> = port.iter().copied().chain(["protocol"]).collect();
            let help = "write `type: network` in the load balancer";
            draft.error(Code::BadValue, title, &path, "not HTTP", help);
        }
    }
}

/// Targets that speak HTTP/2 or gRPC are behind HTTPS only (Elastic Load Balancing user guide,
/// "Protocol version").
fn refuse_without_tls(draft: &mut Draft, balancer: &str, routed: &Routed<'_>, help: &str) {
    if routed.protocol.version() == TargetVersion::Http1 {
        return;
    }
    draft.error(
        Code::MissingCertificate,
        "HTTP/2 and gRPC are routed over HTTPS only",
        &["services", routed.service, "ports", routed.port, "protocol"],
        format!("`{balancer}` has no certificate"),
        format!("{help}, or write `protocol: http`"),
    );
}
