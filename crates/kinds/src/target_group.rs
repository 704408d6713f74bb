//! A target group: the tasks behind a load balancer, and how their health is checked.

use deployer_core::{
    Change, Fact, Impact, Kind, Naming, Notice, Opaque, Pace, Problem, Ref, Typical,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Vpc;
use crate::security_group::shown;

/// A target group of IP addresses.
pub struct TargetGroup;

impl Kind for TargetGroup {
    const NAME: &'static str = "target-group";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("vpc", Change::Replace(Impact::Outage)),
        // ECS registers each task with the port of its container; this one only stands in for a
        // target that has none (ELBv2 API reference, `CreateTargetGroup`).
        ("port", Change::Delegated),
        ("protocol", Change::Replace(Impact::Rolling)),
        ("version", Change::Replace(Impact::Rolling)),
        ("health-check", Change::InPlace(Impact::None)),
        ("deregistration-delay", Change::InPlace(Impact::None)),
        ("slow-start", Change::InPlace(Impact::None)),
        ("stickiness", Change::InPlace(Impact::None)),
    ];
    // Names of target groups: at most 32 letters, digits and hyphens (ELBv2 API reference).
    const NAMING: Option<Naming> = Some(Naming::hyphens(32));
    // Nobody is led there any more, or it could not be deleted.
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };
    type Spec = TargetGroupSpec;
    type Output = TargetGroupOutput;

    /// Old tasks may not know the new path, and new ones not the old: in between, any answer that
    /// is no failure of the task itself will do.
    fn lenient(live: &TargetGroupSpec, wanted: &TargetGroupSpec) -> Option<TargetGroupSpec> {
        let (was, will) = live.health_check.known().zip(wanted.health_check.known())?;
        if was.asks_like(will) {
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
        let mut range = |path: &str, value: u32, lowest: u32, highest: u32| {
            if !(lowest..=highest).contains(&value) {
                let message = format!("{{{value}}} is out of range");
                let help = format!("expected `{{{lowest}}}` to `{{{highest}}}`");
                problems.push(Problem::amounts(path, message, help));
            }
        };
        // Ranges from the ELBv2 API reference.
        let of = |value: &Opaque<u32>| value.known().copied().unwrap_or_default();
        range("deregistration-delay", of(&spec.deregistration_delay), 0, 3600);
        range("stickiness", of(&spec.stickiness), 0, 604_800);
        if of(&spec.slow_start) != 0 {
            range("slow-start", of(&spec.slow_start), 30, 900);
        }
        let Some(health) = spec.health_check.known() else { return problems };
        range("health-check.interval", health.interval, 5, 300);
        range("health-check.timeout", health.timeout, 2, 120);
        range("health-check.healthy", health.healthy, 2, 10);
        range("health-check.unhealthy", health.unhealthy, 2, 10);
        problems.extend(bad_path(&health.path));
        problems.extend(bad_codes(&health.codes, spec.version == TargetVersion::Grpc.into()));
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

/// What we want of a target group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TargetGroupSpec {
    /// The VPC its targets are in.
    pub vpc: Ref<Vpc>,
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
        (&self.path, &self.codes) == (&other.path, &other.codes)
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

/// What is wrong with the codes that are good: numbers and ranges with commas between them, 200 to
/// 499 in HTTP and 0 to 99 in gRPC (API reference of Elastic Load
/// Balancing, `Matcher`).
fn bad_codes(codes: &str, is_grpc: bool) -> Option<Problem> {
    let known = if is_grpc { 0..=99 } else { 200..=499 };
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
    let (message, examples) = if is_grpc {
        (
            format!("`{codes}` is not a valid gRPC status"),
            "expected 0 to 99, such as `0`, `0,12` or `0-99`",
        )
    } else {
        let examples = "expected 200 to 499, such as `200`, `200,302` or `200-399`";
        (format!("`{codes}` is not a valid list of HTTP status codes"), examples)
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
    use super::*;

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
            assert_eq!(bad_codes(codes, false), None, "{codes}");
        }
        for codes in ["0", "12", "0,12", "0-99"] {
            assert_eq!(bad_codes(codes, true), None, "{codes}");
        }
        for (codes, help) in [
            ("2xx", "write `200-299`"),
            ("200 302", "write `200,302`"),
            ("200, 302", "write `200,302`"),
            ("399-200", "write `200-399`"),
            ("200-200", "write `200`"),
        ] {
            assert_eq!(bad_codes(codes, false).unwrap().help.as_deref(), Some(help), "{codes}");
        }
        for codes in ["", "600", "99-600", "ok", "5xx", "+200", "0"] {
            let help = bad_codes(codes, false).unwrap().help.unwrap();
            assert!(help.starts_with("expected 200 to 499"), "{codes}: {help}");
        }
        assert!(bad_codes("200", true).is_some() && bad_codes("100", true).is_some());
    }
}
