//! What ECS refuses of the containers of a task together: their number, shares, order and mounts.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::Problem;

use crate::{Condition, Container, Mount, TaskDefinitionSpec};

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

/// Everything that is wrong with them.
pub(crate) fn check(spec: &TaskDefinitionSpec) -> Vec<Problem> {
    let mut problems = Vec::new();
    if spec.containers.len() > MOST {
        let title = format!("a task has at most {MOST} containers, not {}", spec.containers.len());
        problems.push(Problem::new("containers", title, "leave some of them out"));
    }
    problems.extend(shares(spec));
    for (name, container) in &spec.containers {
        problems.extend(waits(&spec.containers, name, container));
        problems.extend(paths(spec, name, container));
        problems.extend(limits(name, container));
    }
    problems.extend(ring(&spec.containers));
    problems
}

/// What all containers reserve is the task's at most (`ContainerDefinition` in the ECS API
/// reference, `cpu` and `memory`).
fn shares(spec: &TaskDefinitionSpec) -> Vec<Problem> {
    let mut problems = Vec::new();
    let sum = |of: fn(&Container) -> u32| spec.containers.values().map(of).map(u64::from).sum();
    let (cpu, memory): (u64, u64) = (sum(|it| it.cpu), sum(|it| it.memory));
    let largest = |of: fn(&Container) -> u32| {
        let found = spec.containers.iter().max_by_key(|(_, container)| of(container));
        found.map(|(name, _)| name.as_str()).unwrap_or_default()
    };
    if cpu > u64::from(spec.cpu) {
        problems.push(Problem::new(
            format!("containers.{}.cpu", largest(|it| it.cpu)),
            format!("the containers reserve {cpu} CPU units, and the task has {}", spec.cpu),
            "reserve less, or give the task more",
        ));
    }
    if memory > u64::from(spec.memory) {
        problems.push(Problem::amounts(
            format!("containers.{}.memory", largest(|it| it.memory)),
            format!(
                "the containers take {{{memory} MiB}}, and the task has {{{} MiB}}",
                spec.memory
            ),
            "let them take less, or give the task more",
        ));
    }
    let few = |it: &Container| (1..LEAST_MEMORY).contains(&it.memory);
    for (name, container) in spec.containers.iter().filter(|(_, container)| few(container)) {
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
fn paths(spec: &TaskDefinitionSpec, name: &str, container: &Container) -> Vec<Problem> {
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
    for volume in container.mounts.keys().filter(|volume| !spec.volumes.contains_key(*volume)) {
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

#[cfg(test)]
mod tests {
    use deployer_core::Kind;
    use serde_json::{Value, json};

    use super::*;
    use crate::TaskDefinition;

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
