//! A container of a task, and what ECS refuses of those that run together: their number, shares,
//! order and mounts.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Opaque, Problem, Ref, Text, is_plainly_secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{LogGroup, NamedPort};

/// The most containers of a task definition ("Amazon ECS service quotas" in the ECS developer
/// guide).
const MOST: usize = 10;

/// The least memory of a container, in MiB (`ContainerDefinition` in the ECS API reference).
const LEAST_MEMORY: u32 = 6;

/// The most open files that Fargate allows ("Task resource limits" in the ECS developer guide).
const MOST_FILES: u32 = 1_048_576;

/// The limit that Fargate sets.
const FILES: &str = "nofile";

/// The bits of a part of a path's name, which no container's path has.
const OUTSIDE: [&str; 2] = [".", ".."];

/// One container of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Container {
    /// The image, by digest where it is ours.
    pub image: Text,
    /// The ARN of a secret with `username` and `password` of the registry that the image is in; none
    /// when left out.
    pub credentials: Option<Text>,
    /// Whether the task stops when this container does.
    #[serde(default = "yes")]
    pub essential: bool,
    /// Replaces the image's entry point; the image's own when empty.
    #[serde(default)]
    #[schemars(extend("x-words" = true))]
    pub entry_point: Vec<String>,
    /// Replaces the image's command; the image's own when empty.
    #[serde(default)]
    #[schemars(extend("x-words" = true))]
    pub command: Vec<String>,
    /// Environment variables.
    #[serde(default)]
    pub environment: BTreeMap<String, Text>,
    /// Environment variables whose values are read from Secrets Manager at start: an ARN, or
    /// `ARN:json-key::` for one key of a JSON secret.
    #[serde(default)]
    pub secrets: BTreeMap<String, Text>,
    /// The CPU units that are reserved for it; it shares what the others leave when 0.
    #[serde(default)]
    pub cpu: u32,
    /// The most memory it may have, in MiB, before it is killed; all that the task has when 0.
    #[serde(default)]
    pub memory: u32,
    /// The containers that have to be so far before it starts. They stop after it.
    #[serde(default)]
    pub depends_on: BTreeMap<String, Opaque<Condition>>,
    /// The volumes that it mounts, by name.
    #[serde(default)]
    pub mounts: BTreeMap<String, Mount>,
    /// File systems in memory, by the path they are mounted at: how many MiB each may hold, which
    /// count as memory of the container.
    #[serde(default)]
    pub tmpfs: BTreeMap<String, u32>,
    /// Limits of the operating system. Fargate sets one: `nofile`, how many files may be open, up
    /// to 1048576; 65535 when left out.
    #[serde(default)]
    pub ulimits: BTreeMap<String, u32>,
    /// The TCP ports it listens on.
    #[serde(default)]
    pub ports: BTreeSet<u16>,
    /// Those of its ports that have names, by which a service serves them.
    #[serde(default)]
    pub named_ports: BTreeMap<String, NamedPort>,
    /// The UDP ports it listens on.
    #[serde(default)]
    pub udp_ports: BTreeSet<u16>,
    /// Where its output goes; nowhere when left out, unless it is routed.
    pub log: Option<Log>,
    /// What the task's router is to do with its output, in the place of `log`.
    pub routed_log: Option<RoutedLog>,
    /// Whether it is the router of the task, and of which make.
    pub firelens: Option<Firelens>,
    /// A command that checks whether it works.
    pub health: Option<ContainerHealth>,
    /// Seconds between being asked to stop and being killed, 0 to 120.
    #[serde(default = "stop_timeout")]
    pub stop_timeout: u32,
    /// Whether its root file system cannot be written to.
    #[serde(default)]
    pub read_only_root: bool,
    /// Whether a small init process reaps its children and passes on signals.
    #[serde(default)]
    pub init: bool,
    /// The user it runs as; the image's own when empty.
    #[serde(default)]
    pub user: String,
}

/// How far a container has to be before another one starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// It has started.
    Start,
    /// Its health check has passed.
    Healthy,
    /// It has ended, whatever came of it.
    Complete,
    /// It has ended with the exit code 0.
    Success,
}

/// Where a container finds a volume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Mount {
    /// The path that it is mounted at.
    pub path: String,
    /// Whether this container cannot write to it.
    #[serde(default)]
    pub read_only: bool,
}

/// Where the output of a container goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Log {
    /// The log group.
    pub group: Ref<LogGroup>,
    /// What the names of its streams begin with.
    pub prefix: String,
}

/// What the router of a task is to do with the output of a container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RoutedLog {
    /// The router's own options for its output plugin, as it calls them: `{ Name: firehose }`.
    #[serde(default)]
    pub options: BTreeMap<String, Text>,
    /// Options with secret values, each with the ARN of the secret or the parameter.
    #[serde(default)]
    pub secret_options: BTreeMap<String, Text>,
}

/// A container that routes the output of the others (FireLens).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Firelens {
    /// What it runs.
    #[serde(rename = "type")]
    pub router: Opaque<Router>,
    /// `enable-ecs-log-metadata`, and `config-file-type: file` with `config-file-value`, the path of
    /// more configuration in its image.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// What routes lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Router {
    /// Fluent Bit.
    Fluentbit,
    /// Fluentd.
    Fluentd,
}

/// A command that checks whether a container works.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ContainerHealth {
    /// The command and its arguments, run without a shell; exit code 0 is healthy.
    #[schemars(extend("x-words" = true))]
    pub command: Vec<String>,
    /// Seconds between two runs, 5 to 300.
    #[serde(default = "interval")]
    pub interval: u32,
    /// Seconds until a run has failed, 2 to 60.
    #[serde(default = "timeout")]
    pub timeout: u32,
    /// How many failures in a row make it unhealthy, 1 to 10.
    #[serde(default = "retries")]
    pub retries: u32,
    /// Seconds after start in which failures do not count, up to 300.
    #[serde(default)]
    pub start_period: u32,
}

/// Something that the containers of a task can mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Volume {
    /// Empty when the task starts, and gone when it stops. It takes its room from the task's
    /// ephemeral storage.
    Empty,
}

/// Everything that is wrong with the containers of a task, by what the task has.
pub(crate) fn check(
    cpu: u32,
    memory: u32,
    containers: &BTreeMap<String, Container>,
    volumes: &BTreeMap<String, Opaque<Volume>>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    if containers.len() > MOST {
        let title = format!("a task has at most {MOST} containers, not {}", containers.len());
        problems.push(Problem::new("containers", title, "leave some of them out"));
    }
    problems.extend(shares(cpu, memory, containers));
    for (name, container) in containers {
        problems.extend(waits(containers, name, container));
        problems.extend(paths(volumes, name, container));
        problems.extend(limits(name, container));
    }
    problems.extend(ring(containers));
    problems.extend(routing(containers));
    problems
}

/// One container routes for those that ask for it, and starts before them ("Send Amazon ECS logs to
/// an AWS service or AWS Partner" in the ECS developer guide).
fn routing(containers: &BTreeMap<String, Container>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut routers = containers.iter().filter(|(_, container)| container.firelens.is_some());
    let router = routers.next();
    for (name, _) in routers {
        problems.push(Problem::new(
            format!("containers.{name}.firelens"),
            "a task has one router, and this would be the second",
            "keep one of them",
        ));
    }
    // ECS gives a router the user 0, and refuses any other (terraform-provider-aws, pull request
    // 41394).
    if let Some((name, _)) = router.filter(|(_, it)| !["", "0", "0:0"].contains(&it.user.as_str()))
    {
        problems.push(Problem::new(
            format!("containers.{name}.user"),
            "a router of logs runs as the user 0",
            "leave it out",
        ));
    }
    let is_routed = |container: &Container| container.routed_log.is_some();
    for (name, _) in containers.iter().filter(|(_, it)| is_routed(it) && it.log.is_some()) {
        problems.push(Problem::new(
            format!("containers.{name}.routed-log"),
            "its output goes to a log group already",
            "keep one of `log` and `routed-log`",
        ));
    }
    for (name, container) in containers {
        let options = container.routed_log.iter().flat_map(|log| &log.options);
        for (option, _) in options.filter(|(option, value)| shows_secret(option, value)) {
            problems.push(Problem::new(
                format!("containers.{name}.routed-log.options.{option}"),
                format!("`{option}` looks like a secret, and a task definition is no secret"),
                "name it in `secret-options`",
            ));
        }
    }
    let Some((name, router)) = router else {
        if let Some((name, _)) = containers.iter().find(|(_, container)| is_routed(container)) {
            problems.push(Problem::new(
                format!("containers.{name}.routed-log"),
                "no container routes its output",
                "add one: `router: { image: …, firelens: fluentbit }`",
            ));
        }
        return problems;
    };
    let at = |field: &str| format!("containers.{name}.{field}");
    if is_routed(router) {
        let title = "a router cannot route its own output";
        problems.push(Problem::new(at("routed-log"), title, "write `log` in its place"));
    }
    if !containers.values().any(is_routed) {
        let title = "no output is routed, and ECS refuses a router then";
        problems.push(Problem::new(at("firelens"), title, "leave it out, or route some output"));
    }
    if !router.essential {
        let title = "the router has to be essential: without it all lines are lost";
        problems.push(Problem::new(at("essential"), title, "write `essential: true`"));
    }
    let sends = |on: &&String| containers.get(*on).is_some_and(is_routed);
    if let Some(on) = router.depends_on.keys().find(sends) {
        let title = format!("`{on}` would start before its router");
        problems.push(Problem::new(
            at(&format!("depends-on.{on}")),
            title,
            "let the router start first",
        ));
    }
    problems.extend(firelens_options(router.firelens.iter(), &at("firelens.options")));
    problems
}

/// Whether an option of a log would show a secret. What ends in `key` mostly names a field of a line.
fn shows_secret(option: &str, value: &Text) -> bool {
    let name = option.to_ascii_lowercase().replace(['-', '_'], "");
    let is_named = ["password", "passwd", "token", "secret", "apikey", "licensekey"];
    let value = value.literal().unwrap_or_default();
    let is_secret = is_named.iter().any(|word| name.contains(word)) && !value.is_empty();
    is_secret || is_plainly_secret(value)
}

/// The options that a router has (`FirelensConfiguration` in the ECS API reference).
fn firelens_options<'a>(routers: impl Iterator<Item = &'a Firelens>, at: &str) -> Vec<Problem> {
    let options = routers.flat_map(|router| &router.options);
    let wrong = |(option, value): (&String, &String)| {
        let (title, help) = match (option.as_str(), value.as_str()) {
            ("config-file-type", "s3") => (
                "Fargate does not read a configuration from S3".to_owned(),
                "put the file into the router's image and write `file`",
            ),
            ("config-file-type", "file") | ("enable-ecs-log-metadata", "true" | "false") => {
                return None;
            }
            ("config-file-value", _) => return None,
            ("config-file-type" | "enable-ecs-log-metadata", value) => {
                (format!("`{value}` is not a valid `{option}`"), "write `file`, `true` or `false`")
            }
            _ => (
                format!("`{option}` is no option of FireLens itself"),
                "what the router is to do with lines stands in `options` of the log",
            ),
        };
        Some(Problem::new(format!("{at}.{option}"), title, help))
    };
    options.filter_map(wrong).collect()
}

/// What all containers reserve is the task's at most (`ContainerDefinition` in the ECS API
/// reference, `cpu` and `memory`).
fn shares(cpu: u32, memory: u32, containers: &BTreeMap<String, Container>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let sum = |of: fn(&Container) -> u32| containers.values().map(of).map(u64::from).sum();
    let (reserved, taken): (u64, u64) = (sum(|it| it.cpu), sum(|it| it.memory));
    let largest = |of: fn(&Container) -> u32| {
        let found = containers.iter().max_by_key(|(_, container)| of(container));
        found.map(|(name, _)| name.as_str()).unwrap_or_default()
    };
    if reserved > u64::from(cpu) {
        problems.push(Problem::new(
            format!("containers.{}.cpu", largest(|it| it.cpu)),
            format!("the containers reserve {reserved} CPU units, and the task has {cpu}"),
            "reserve less, or give the task more",
        ));
    }
    if taken > u64::from(memory) {
        problems.push(Problem::amounts(
            format!("containers.{}.memory", largest(|it| it.memory)),
            format!("the containers take {{{taken} MiB}}, and the task has {{{memory} MiB}}"),
            "let them take less, or give the task more",
        ));
    }
    let few = |it: &Container| (1..LEAST_MEMORY).contains(&it.memory);
    for (name, container) in containers.iter().filter(|(_, container)| few(container)) {
        problems.push(Problem::amounts(
            format!("containers.{name}.memory"),
            format!("{{{} MiB}} is too little memory for a container", container.memory),
            format!("expected `{{{LEAST_MEMORY}}}` or more"),
        ));
    }
    problems
}

/// What a container waits for has to be able to happen (`ContainerDependency` in the ECS API
/// reference).
fn waits(
    containers: &BTreeMap<String, Container>,
    name: &str,
    container: &Container,
) -> Vec<Problem> {
    let wrong = |on: &String, condition: Option<&Condition>| {
        let other = containers.get(on);
        let (title, help) = match (other, condition?) {
            (None, _) => (
                format!("there is no container `{on}`"),
                "name another container of this task".to_owned(),
            ),
            (Some(other), Condition::Healthy) if other.health.is_none() => (
                format!("`{on}` has no health check, so nobody knows when it is healthy"),
                "give it one, or wait for `start`".to_owned(),
            ),
            (Some(other), Condition::Complete | Condition::Success) if other.essential => (
                format!("`{on}` is essential: when it ends, the task does"),
                format!("let `{on}` have `essential: false`"),
            ),
            _ => return None,
        };
        Some(Problem::new(format!("containers.{name}.depends-on.{on}"), title, help))
    };
    let waits = container.depends_on.iter();
    waits.filter_map(|(on, condition)| wrong(on, condition.known())).collect()
}

/// Containers that wait for each other never start.
fn ring(containers: &BTreeMap<String, Container>) -> Option<Problem> {
    let mut started: BTreeSet<&str> = BTreeSet::new();
    let waits_for = |name: &str| {
        let known = |on: &&String| containers.contains_key(on.as_str());
        containers[name].depends_on.keys().filter(known).map(String::as_str).collect::<Vec<_>>()
    };
    loop {
        let left = containers.keys().map(String::as_str).filter(|it| !started.contains(it));
        let left: Vec<&str> = left.collect();
        let first = left.first()?;
        let next = left.iter().find(|it| waits_for(it).iter().all(|on| started.contains(on)));
        let Some(next) = next else {
            let title = format!("the containers `{}` wait for each other", left.join("`, `"));
            let help = "let one of them start without waiting";
            return Some(Problem::new(format!("containers.{first}.depends-on"), title, help));
        };
        started.insert(next);
    }
}

/// What is mounted is there, at a path that nothing else is mounted at.
fn paths(
    volumes: &BTreeMap<String, Opaque<Volume>>,
    name: &str,
    container: &Container,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mounts = container.mounts.iter().map(|(volume, Mount { path, .. })| {
        (format!("containers.{name}.mounts.{volume}.path"), path.as_str())
    });
    let tmpfs = container.tmpfs.keys();
    let tmpfs = tmpfs.map(|path| (format!("containers.{name}.tmpfs.{path}"), path.as_str()));
    let mut taken = BTreeSet::new();
    for (place, path) in mounts.chain(tmpfs) {
        let is_inside = path.strip_prefix('/').is_some_and(|rest| {
            rest.trim_end_matches('/').split('/').all(|it| !it.is_empty() && !OUTSIDE.contains(&it))
        });
        if !is_inside {
            let title = format!("`{path}` is not a path to mount at");
            problems.push(Problem::new(place, title, "write a whole path, such as `/tmp/work`"));
        } else if !taken.insert(path.trim_end_matches('/')) {
            let title = format!("two things are mounted at `{path}`");
            problems.push(Problem::new(place, title, "give one of them another path"));
        }
    }
    for volume in container.mounts.keys().filter(|volume| !volumes.contains_key(*volume)) {
        problems.push(Problem::new(
            format!("containers.{name}.mounts.{volume}"),
            format!("the task has no volume `{volume}`"),
            format!("add it: `volumes: {{ {volume}: empty }}`"),
        ));
    }
    for (path, _) in container.tmpfs.iter().filter(|(_, size)| **size == 0) {
        problems.push(Problem::amounts(
            format!("containers.{name}.tmpfs.{path}"),
            "{0 MiB} hold nothing",
            "write how much it may hold, such as `{64 MiB}`",
        ));
    }
    problems
}

/// Fargate sets one limit, and that within bounds.
fn limits(name: &str, container: &Container) -> Vec<Problem> {
    let wrong = |limit: &String, value: u32| {
        let (title, help) = match limit.as_str() {
            FILES if (1..=MOST_FILES).contains(&value) => return None,
            FILES => (
                format!("{value} open files are out of range"),
                format!("expected 1 to {MOST_FILES}"),
            ),
            _ => (
                format!("Fargate does not set the limit `{limit}`"),
                format!("take it out; `{FILES}` is the one that can be set"),
            ),
        };
        Some(Problem::new(format!("containers.{name}.ulimits.{limit}"), title, help))
    };
    container.ulimits.iter().filter_map(|(limit, value)| wrong(limit, *value)).collect()
}

fn stop_timeout() -> u32 {
    30
}

fn interval() -> u32 {
    10
}

fn timeout() -> u32 {
    5
}

fn retries() -> u32 {
    3
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use deployer_core::Kind;
    use serde_json::{Value, json};

    use crate::{TaskDefinition, TaskDefinitionSpec};

    fn problems(containers: &Value) -> Vec<String> {
        let spec = json!({
            "cpu": 256, "memory": 512, "execution-role": { "id": "r" },
            "containers": containers, "volumes": { "work": "empty" },
        });
        let spec: TaskDefinitionSpec = serde_json::from_value(spec).unwrap();
        TaskDefinition::check(&spec).into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn containers_that_run_together_have_no_problem() {
        let found = problems(&json!({
            "web": {
                "image": "i", "cpu": 192, "memory": 448, "ulimits": { "nofile": 100_000 },
                "depends-on": { "agent": "healthy", "setup": "success" },
                "mounts": { "work": { "path": "/work" } }, "tmpfs": { "/tmp": 64 },
            },
            "agent": { "image": "i", "cpu": 64, "memory": 64, "health": { "command": ["ok"] } },
            "setup": {
                "image": "i", "essential": false,
                "mounts": { "work": { "path": "/out", "read-only": true } },
            },
        }));
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn one_essential_container_routes_what_others_write() {
        let app = json!({ "image": "i", "routed-log": { "options": { "Name": "firehose" } } });
        let router = |more: Value| {
            let mut router = json!({ "image": "i", "firelens": { "type": "fluentbit" } });
            for (key, value) in more.as_object().unwrap() {
                router[key] = value.clone();
            }
            router
        };
        assert!(problems(&json!({ "web": app, "router": router(json!({})) })).is_empty());
        let none = problems(&json!({ "web": app }));
        assert_eq!(none, ["containers.web.routed-log"]);
        let idle = problems(&json!({ "web": { "image": "i" }, "router": router(json!({})) }));
        assert_eq!(idle, ["containers.router.firelens"]);
        let found = problems(&json!({
            "web": app,
            "router": router(json!({
                "essential": false,
                "depends-on": { "web": "start" },
                "firelens": { "type": "fluentd", "options": { "config-file-type": "s3" } },
            })),
            "second": router(json!({})),
        }));
        assert_eq!(
            found,
            [
                "containers.second.firelens",
                "containers.router.essential",
                "containers.router.depends-on.web",
                "containers.router.firelens.options.config-file-type",
            ]
        );
    }

    #[test]
    fn what_a_container_waits_for_has_to_be_able_to_happen() {
        let found = problems(&json!({
            "web": { "image": "i", "depends-on": { "a": "healthy", "b": "success", "c": "start" } },
            "a": { "image": "i" },
            "b": { "image": "i" },
        }));
        let at = |on: &str| format!("containers.web.depends-on.{on}");
        assert_eq!(found, [at("a"), at("b"), at("c")]);
        let ring = problems(&json!({
            "web": { "image": "i", "depends-on": { "a": "start" } },
            "a": { "image": "i", "depends-on": { "web": "start" } },
        }));
        assert_eq!(ring, ["containers.a.depends-on"]);
    }

    #[test]
    fn containers_have_no_more_than_their_task() {
        let found = problems(&json!({
            "web": { "image": "i", "cpu": 250, "memory": 500 },
            "agent": { "image": "i", "cpu": 64, "memory": 64 },
            "tiny": { "image": "i", "memory": 4 },
        }));
        let expected = ["containers.web.cpu", "containers.web.memory", "containers.tiny.memory"];
        assert_eq!(found, expected);
        let many: serde_json::Map<String, Value> =
            (0..11).map(|number| (format!("c{number}"), json!({ "image": "i" }))).collect();
        assert_eq!(problems(&Value::Object(many)), ["containers"]);
    }

    #[test]
    fn what_is_mounted_is_there_and_alone_at_its_path() {
        let found = problems(&json!({ "web": {
            "image": "i",
            "mounts": { "work": { "path": "work" }, "other": { "path": "/tmp/" } },
            "tmpfs": { "/tmp": 0 },
            "ulimits": { "nofile": 2_000_000, "core": 0 },
        } }));
        let expected = [
            "containers.web.mounts.work.path",
            "containers.web.tmpfs./tmp",
            "containers.web.mounts.other",
            "containers.web.tmpfs./tmp",
            "containers.web.ulimits.core",
            "containers.web.ulimits.nofile",
        ];
        assert_eq!(found, expected);
    }
}
