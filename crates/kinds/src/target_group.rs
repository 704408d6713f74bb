//! A target group: the tasks behind a load balancer, and how their health is checked.

use deployer_core::{
    Change, Fact, Impact, Kind, Naming, Notice, Opaque, Pace, Problem, Ref, Typical,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::security_group::shown;
use crate::{LoadBalancer, Vpc};

/// A target group of IP addresses.
pub struct TargetGroup;

impl Kind for TargetGroup {
    const NAME: &'static str = "target-group";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("vpc", Change::Replace(Impact::Outage)),
        // It is of one load balancer, and of which is settled by what is bound to it first
        // (`TargetGroupAssociationLimit` of CreateListener and CreateRule in the ELB API reference).
        ("load-balancer", Change::Replace(Impact::Rolling)),
        // ECS registers each task with the port of its container; this one only stands in for a
        // target that has none (ELBv2 API reference, `CreateTargetGroup`).
        ("port", Change::Delegated),
        ("protocol", Change::Replace(Impact::Rolling)),
        ("version", Change::Replace(Impact::Rolling)),
        ("health-check", Change::InPlace(Impact::None)),
        ("deregistration-delay", Change::InPlace(Impact::None)),
        ("slow-start", Change::InPlace(Impact::None)),
        ("stickiness", Change::InPlace(Impact::None)),
        ("preserve-client-ip", Change::InPlace(Impact::None)),
        ("connection-termination", Change::InPlace(Impact::None)),
    ];
    // Names of target groups: at most 32 letters, digits and hyphens (ELBv2 API reference).
    const NAMING: Option<Naming> = Some(Naming::hyphens(32));
    // Nobody is led there any more, or it could not be deleted.
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };
    type Spec = TargetGroupSpec;
    type Output = TargetGroupOutput;

    /// What nothing is bound to yet may become any load balancer's.
    fn change(field: &str, live: &Value, _wanted: &Value) -> Option<Change> {
        (field == "load-balancer" && live.is_null()).then_some(Change::Delegated)
    }

    /// Old tasks may not know the new path, and new ones not the old: in between, any answer that
    /// is no failure of the task itself will do.
    fn lenient(live: &TargetGroupSpec, wanted: &TargetGroupSpec) -> Option<TargetGroupSpec> {
        let (was, will) = live.health_check.known().zip(wanted.health_check.known())?;
        if was.asks_like(will) || !will.asks_http(*wanted.protocol.known()?) {
            return None;
        }
        let codes = if wanted.version == TargetVersion::Grpc.into() { "0-99" } else { "200-499" };
        let health_check = HealthCheck { codes: codes.to_owned(), ..will.clone() };
        Some(TargetGroupSpec { health_check: health_check.into(), ..wanted.clone() })
    }

    /// Until tasks that fail the new check are known to. How often it is made, and how many good
    /// ones make a new task healthy, fails no healthy one.
    fn watch(live: &TargetGroupSpec, wanted: &TargetGroupSpec) -> u32 {
        let checks = live.health_check.known().zip(wanted.health_check.known());
        let Some((was, will)) = checks else { return 0 };
        let HealthCheck { interval, healthy, unhealthy, timeout, .. } = *will;
        let was = HealthCheck { interval, healthy, ..was.clone() };
        if was == *will { 0 } else { unhealthy * interval + timeout }
    }

    fn notices(live: &TargetGroupSpec, wanted: &TargetGroupSpec) -> Vec<Notice> {
        let checks = live.health_check.known().zip(wanted.health_check.known());
        if checks.is_none_or(|(was, will)| was.asks_like(will)) {
            return Vec::new();
        }
        let because = "tasks that fail the new check are replaced; it is put back if they do";
        vec![Notice::new(Impact::Rolling, because)]
    }

    fn facts(spec: &TargetGroupSpec) -> Vec<Fact> {
        let check = spec.health_check.known();
        let joining = check.map_or(0, |check| check.healthy * check.interval);
        // What AWS gives a group that says nothing (ELB user guide, "Deregistration delay").
        let leaving = spec.deregistration_delay.known().copied().unwrap_or(300);
        vec![Fact::Takes(Pace { joining, leaving })]
    }

    fn check(spec: &TargetGroupSpec) -> Vec<Problem> {
        let mut problems = Vec::new();
        // Ranges from the ELBv2 API reference.
        let of = |value: &Opaque<u32>| value.known().copied().unwrap_or_default();
        problems.extend(outside("deregistration-delay", of(&spec.deregistration_delay), 0, 3600));
        problems.extend(outside("stickiness", of(&spec.stickiness), 0, 604_800));
        if of(&spec.slow_start) != 0 {
            problems.extend(outside("slow-start", of(&spec.slow_start), 30, 900));
        }
        if let Some(protocol) = spec.protocol.known() {
            problems.extend(wrong_type(*protocol, spec));
        }
        let Some(health) = spec.health_check.known() else { return problems };
        problems.extend(outside("health-check.interval", health.interval, 5, 300));
        problems.extend(outside("health-check.timeout", health.timeout, 2, 120));
        problems.extend(outside("health-check.healthy", health.healthy, 2, 10));
        problems.extend(outside("health-check.unhealthy", health.unhealthy, 2, 10));
        problems.extend(bad_path(&health.path));
        if let (Some(protocol), Some(version)) = (spec.protocol.known(), spec.version.known()) {
            problems.extend(bad_codes(&health.codes, Answers::of(*protocol, *version)));
            problems.extend(wrong_check(*protocol, health));
        }
        if health.timeout >= health.interval {
            problems.push(
                Problem::amounts(
                    "health-check.timeout",
                    format!("a timeout of {{{} s}} outlasts the interval", health.timeout),
                    format!("expected less than the interval, `{{{}}}`", health.interval),
                )
                .along(&["health-check.interval"]),
            );
        }
        problems
    }
}

fn outside(path: &str, value: u32, lowest: u32, highest: u32) -> Option<Problem> {
    if (lowest..=highest).contains(&value) {
        return None;
    }
    let message = format!("{{{value}}} is out of range");
    let help = format!("expected `{{{lowest}}}` to `{{{highest}}}`");
    Some(Problem::amounts(path, message, help))
}

/// What only the groups of one type of load balancer have (ELB API reference, `CreateTargetGroup`,
/// `TargetGroupAttribute`).
fn wrong_type(protocol: TargetProtocol, spec: &TargetGroupSpec) -> Vec<Problem> {
    let is_set = |value: &Opaque<u32>| value.known().is_some_and(|it| *it != 0);
    let is_other_http = spec.version.known().is_some_and(|it| *it != TargetVersion::Http1);
    let preserves = spec.preserve_client_ip == true.into();
    let is_of_network = protocol.is_of_network();
    let fields = [
        ("version", true, is_other_http),
        ("slow-start", true, is_set(&spec.slow_start)),
        ("stickiness", true, is_set(&spec.stickiness)),
        ("preserve-client-ip", false, preserves),
        ("connection-termination", false, spec.connection_termination == false.into()),
    ];
    let wrong = fields
        .into_iter()
        .filter(|(_, is_of_http, is_set)| *is_set && *is_of_http == is_of_network);
    let whose = if is_of_network {
        "a target group of a network load balancer"
    } else {
        "a target group of HTTP"
    };
    let mut problems: Vec<Problem> = wrong
        .map(|(field, ..)| {
            Problem::new(field, format!("{whose} has no `{field}`"), "remove it")
                .along(&["protocol"])
        })
        .collect();
    if protocol.has_datagrams() && preserves {
        problems.push(
            Problem::new(
                "preserve-client-ip",
                "datagrams come from the addresses of clients as it is",
                "remove it",
            )
            .along(&["protocol"]),
        );
    }
    problems
}

/// What a group of this protocol cannot be checked by.
fn wrong_check(protocol: TargetProtocol, health: &HealthCheck) -> Option<Problem> {
    let problem = |field: &str, message: &str, help: &str| {
        Some(Problem::new(format!("health-check.{field}"), message, help).along(&["protocol"]))
    };
    let is_usual = match health.protocol {
        CheckProtocol::Usual => false,
        CheckProtocol::Http => protocol == TargetProtocol::Http,
        CheckProtocol::Https => protocol == TargetProtocol::Https,
        CheckProtocol::Tcp if !protocol.is_of_network() => {
            let message = "a target group of HTTP is checked by HTTP or HTTPS";
            return problem("protocol", message, "remove it");
        }
        CheckProtocol::Tcp => true,
    };
    if is_usual {
        return problem("protocol", "it is checked so as it is", "remove it");
    }
    let usual = HealthCheck::default();
    if !health.asks_http(protocol) && (&health.path, &health.codes) != (&usual.path, &usual.codes) {
        let message = "a check that only connects asks for no path and reads no answer";
        return problem("path", message, "remove it with the codes, or write `protocol: http`");
    }
    None
}

/// What we want of a target group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TargetGroupSpec {
    /// The VPC its targets are in.
    pub vpc: Ref<Vpc>,
    /// The load balancer that leads to it; AWS takes one alone. It shows once a listener or a rule
    /// forwards to it, and until then it is no difference. Another one takes another target group,
    /// so name it wherever the group may move.
    pub load_balancer: Option<Ref<LoadBalancer>>,
    /// The port of targets that are registered without one. Tasks of a service have their own, so
    /// another number here makes no new group.
    pub port: u16,
    /// What the load balancer speaks to targets.
    #[serde(default)]
    pub protocol: Opaque<TargetProtocol>,
    /// Which HTTP it speaks.
    #[serde(default)]
    pub version: Opaque<TargetVersion>,
    /// How it finds out which targets work.
    #[serde(default)]
    pub health_check: Opaque<HealthCheck>,
    /// Seconds a target that leaves may finish its requests, 0 to 3600.
    #[serde(default = "deregistration_delay")]
    pub deregistration_delay: Opaque<u32>,
    /// Seconds over which a new target gets its full share, 30 to 900; 0 for at once.
    #[serde(default)]
    pub slow_start: Opaque<u32>,
    /// Seconds a client stays with its target by cookie, up to 604800; 0 for not at all.
    #[serde(default)]
    pub stickiness: Opaque<u32>,
    /// Whether targets see the addresses of clients in the place of the load balancer's; TCP and
    /// TLS only, since datagrams always come from the clients'.
    #[serde(default)]
    pub preserve_client_ip: Opaque<bool>,
    /// Whether connections that are still open are closed when the delay is over; network load
    /// balancers only.
    #[serde(default = "yes")]
    pub connection_termination: Opaque<bool>,
}

/// What a load balancer speaks to targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TargetProtocol {
    /// Plain HTTP.
    #[default]
    Http,
    /// HTTP over TLS.
    Https,
    /// Connections; network load balancers only, as are those that follow.
    Tcp,
    /// Datagrams.
    Udp,
    /// Connections and datagrams, at one port.
    TcpUdp,
    /// Connections that it encrypts.
    Tls,
}

impl TargetProtocol {
    /// Whether network load balancers speak it.
    pub fn is_of_network(self) -> bool {
        !matches!(self, Self::Http | Self::Https)
    }

    /// Whether datagrams are among it.
    pub fn has_datagrams(self) -> bool {
        matches!(self, Self::Udp | Self::TcpUdp)
    }
}

/// Which HTTP a load balancer speaks to targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TargetVersion {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2.
    Http2,
    /// gRPC over HTTP/2.
    Grpc,
}

/// How a load balancer finds out which targets work.
///
/// The defaults are quicker than AWS's (30 s, five times): a new task counts after some 20 s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HealthCheck {
    /// How they are asked.
    #[serde(default)]
    pub protocol: CheckProtocol,
    /// The port that is asked; 0 for the one that requests go to.
    #[serde(default)]
    pub port: u16,
    /// The path that is asked for.
    #[serde(default = "path")]
    pub path: String,
    /// Seconds between two checks, 5 to 300.
    #[serde(default = "interval")]
    pub interval: u32,
    /// Seconds until a check has failed, 2 to 120, less than the interval.
    #[serde(default = "timeout")]
    pub timeout: u32,
    /// How many good checks in a row make a target healthy, 2 to 10.
    #[serde(default = "healthy")]
    pub healthy: u32,
    /// How many bad checks in a row make a target unhealthy, 2 to 10.
    #[serde(default = "unhealthy")]
    pub unhealthy: u32,
    /// The status codes that are good, such as `200` or `200-299`; for gRPC its codes, `0`.
    #[serde(default = "codes")]
    pub codes: String,
}

/// How a load balancer asks targets whether they work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckProtocol {
    /// As it speaks to them where that is HTTP or HTTPS, and by a connection of TCP otherwise.
    #[default]
    Usual,
    /// By a request of HTTP.
    Http,
    /// By a request of HTTP over TLS.
    Https,
    /// By a connection.
    Tcp,
}

/// What AWS returns for a target group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetGroupOutput {
    /// The ARN.
    pub id: String,
    /// How its metrics name it: `targetgroup/web/73e2d6bc24d8a067`.
    #[serde(default)]
    pub metrics: String,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            protocol: CheckProtocol::Usual,
            port: 0,
            path: path(),
            interval: interval(),
            timeout: timeout(),
            healthy: healthy(),
            unhealthy: unhealthy(),
            codes: codes(),
        }
    }
}

impl HealthCheck {
    /// Whether a task that passes the one passes the other.
    fn asks_like(&self, other: &Self) -> bool {
        let asked = |it: &Self| (it.protocol, it.port, it.path.clone(), it.codes.clone());
        asked(self) == asked(other)
    }

    /// Whether targets that are spoken to in a protocol are asked for a path.
    pub fn asks_http(&self, protocol: TargetProtocol) -> bool {
        match self.protocol {
            CheckProtocol::Usual => !protocol.is_of_network(),
            CheckProtocol::Http | CheckProtocol::Https => true,
            CheckProtocol::Tcp => false,
        }
    }
}

/// What a path may hold beside letters and digits: what ELB's console lists, and the hyphen, which
/// paths have everywhere. Anything else can be written as `%` and two digits.
const SIGNS: &str = "-@:%_+.~#?&/=";

/// The most characters of a path (API reference of Elastic Load Balancing, `HealthCheckPath`).
const LONGEST_PATH: usize = 1024;

/// What is wrong with the path of a health check.
fn bad_path(path: &str) -> Option<Problem> {
    let problem = |message, help| Some(Problem::new("health-check.path", message, help));
    let is_taken = |c: char| c.is_ascii_alphanumeric() || SIGNS.contains(c);
    if !path.starts_with('/') {
        // The path of a whole URL, or the one that only lacks its beginning.
        let inside = path
            .split_once("://")
            .map_or(path, |(_, rest)| rest.find('/').map_or("", |at| &rest[at + 1..]));
        let message = format!("`{path}` does not begin with `/`, as a path does");
        return problem(message, format!("write `/{inside}`"));
    }
    if let Some(strange) = path.chars().find(|c| !is_taken(*c)) {
        let mut bytes = [0; 4];
        let bytes = strange.encode_utf8(&mut bytes).bytes();
        let encoded = bytes.map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        let message = format!("the path of a health check cannot hold `{}`", shown(strange));
        return problem(message, format!("write `{encoded}` instead"));
    }
    if path.len() > LONGEST_PATH {
        let message = format!("a path of {} characters is too long", path.len());
        return problem(message, format!("expected {LONGEST_PATH} characters at most"));
    }
    None
}

/// The codes that a health check can take for good.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    Http,
    Grpc,
    /// Those of HTTP to a network load balancer.
    Network,
}

impl Answers {
    fn of(protocol: TargetProtocol, version: TargetVersion) -> Self {
        match version {
            _ if protocol.is_of_network() => Self::Network,
            TargetVersion::Grpc => Self::Grpc,
            _ => Self::Http,
        }
    }
}

/// What is wrong with the codes that are good: numbers and ranges with commas between them, 200 to
/// 499 in HTTP, to 599 at a network load balancer, and 0 to 99 in gRPC (API reference of Elastic
/// Load Balancing, `Matcher`, `CreateTargetGroup`).
fn bad_codes(codes: &str, answers: Answers) -> Option<Problem> {
    let known = match answers {
        Answers::Http => 200..=499,
        Answers::Grpc => 0..=99,
        Answers::Network => 200..=599,
    };
    let number = |code: &str| {
        let is_plain = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit());
        code.parse::<u32>().ok().filter(|code| is_plain && known.contains(code))
    };
    let is_right = |codes: &str| {
        codes.split(',').all(|part| match part.split_once('-') {
            Some((first, last)) => {
                number(first).zip(number(last)).is_some_and(|(first, last)| first < last)
            }
            None => number(part).is_some(),
        })
    };
    if is_right(codes) {
        return None;
    }
    let message = match answers {
        Answers::Grpc => format!("`{codes}` is not a valid gRPC status"),
        _ => format!("`{codes}` is not a valid list of HTTP status codes"),
    };
    let examples = match answers {
        Answers::Grpc => "expected 0 to 99, such as `0`, `0,12` or `0-99`",
        Answers::Http => "expected 200 to 499, such as `200`, `200,302` or `200-399`",
        Answers::Network => "expected 200 to 599, such as `200`, `200,302` or `200-399`",
    };
    // `2xx`, `200 302`, `200, 302`, `200 - 299`, `299-200`: what is meant can be seen.
    let spaced = codes.to_lowercase().replace(" - ", "-").replace([';', '|', ' '], ",");
    let parts = spaced.split(',').filter(|part| !part.is_empty()).map(|part| {
        match (part.strip_suffix("xx"), part.split_once('-')) {
            (Some(hundred), _) => format!("{hundred}00-{hundred}99"),
            (None, Some((first, last))) if number(first) > number(last) => {
                format!("{last}-{first}")
            }
            (None, Some((first, last))) if first == last => first.to_owned(),
            _ => part.to_owned(),
        }
    });
    let meant = parts.collect::<Vec<_>>().join(",");
    let help = if is_right(&meant) { format!("write `{meant}`") } else { examples.to_owned() };
    Some(Problem::new("health-check.codes", message, help).along(&["version"]))
}

fn deregistration_delay() -> Opaque<u32> {
    30.into()
}

fn yes() -> Opaque<bool> {
    true.into()
}

fn path() -> String {
    "/".to_owned()
}

fn interval() -> u32 {
    10
}

fn timeout() -> u32 {
    5
}

fn healthy() -> u32 {
    2
}

fn unhealthy() -> u32 {
    3
}

fn codes() -> String {
    "200".to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_a_group_of_a_protocol_does_not_have_is_refused() {
        let problems = |fields: Value| -> Vec<String> {
            let mut spec = json!({ "vpc": { "ref": "vpc/main" }, "port": 80 });
            spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            let spec = serde_json::from_value(spec).unwrap();
            TargetGroup::check(&spec).into_iter().map(|problem| problem.path).collect()
        };
        for (fields, path) in [
            (json!({ "protocol": "tcp", "version": "http2" }), "version"),
            (json!({ "protocol": "udp", "slow-start": 30 }), "slow-start"),
            (json!({ "protocol": "udp", "preserve-client-ip": true }), "preserve-client-ip"),
            (json!({ "preserve-client-ip": true }), "preserve-client-ip"),
            (json!({ "connection-termination": false }), "connection-termination"),
            (json!({ "health-check": { "protocol": "tcp" } }), "health-check.protocol"),
            (
                json!({ "protocol": "tls", "health-check": { "protocol": "tcp" } }),
                "health-check.protocol",
            ),
            (json!({ "protocol": "tcp", "health-check": { "path": "/a" } }), "health-check.path"),
        ] {
            assert_eq!(problems(fields.clone()), [path], "{fields}");
        }
        let by_http = json!({ "protocol": "http", "path": "/a", "codes": "200-599" });
        for fields in [
            json!({ "protocol": "tcp", "preserve-client-ip": true }),
            json!({ "protocol": "udp", "connection-termination": false }),
            json!({ "protocol": "udp", "health-check": by_http }),
        ] {
            assert_eq!(problems(fields.clone()), Vec::<String>::new(), "{fields}");
        }
    }

    #[test]
    fn paths_that_elb_refuses_are_refused_with_the_one_to_write() {
        for path in ["/", "/healthz", "/a-b_c.d~e?x=1&y=%20#z", "/grpc.health.v1.Health/Check"] {
            assert_eq!(bad_path(path), None, "{path}");
        }
        for (path, help) in [
            ("", "write `/`"),
            ("healthz", "write `/healthz`"),
            ("http://localhost:8080/healthz", "write `/healthz`"),
            ("/a b", "write `%20` instead"),
            ("/?query={__typename}", "write `%7B` instead"),
            ("/grün", "write `%C3%BC` instead"),
        ] {
            assert_eq!(bad_path(path).unwrap().help.as_deref(), Some(help), "{path}");
        }
        assert!(bad_path(&format!("/{}", "x".repeat(1023))).is_none());
        assert!(bad_path(&format!("/{}", "x".repeat(1024))).is_some());
    }

    #[test]
    fn codes_that_elb_refuses_are_refused_with_those_to_write() {
        for codes in ["200", "200,302", "200-399", "200-299,302", "499"] {
            assert_eq!(bad_codes(codes, Answers::Http), None, "{codes}");
        }
        for codes in ["0", "12", "0,12", "0-99"] {
            assert_eq!(bad_codes(codes, Answers::Grpc), None, "{codes}");
        }
        for (codes, help) in [
            ("2xx", "write `200-299`"),
            ("200 302", "write `200,302`"),
            ("200, 302", "write `200,302`"),
            ("399-200", "write `200-399`"),
            ("200-200", "write `200`"),
        ] {
            assert_eq!(
                bad_codes(codes, Answers::Http).unwrap().help.as_deref(),
                Some(help),
                "{codes}"
            );
        }
        for codes in ["", "600", "99-600", "ok", "5xx", "+200", "0"] {
            let help = bad_codes(codes, Answers::Http).unwrap().help.unwrap();
            assert!(help.starts_with("expected 200 to 499"), "{codes}: {help}");
        }
        assert!(
            bad_codes("200", Answers::Grpc).is_some() && bad_codes("100", Answers::Grpc).is_some()
        );
    }
}
