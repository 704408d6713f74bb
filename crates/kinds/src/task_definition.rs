//! A task definition: the containers that run together, and what they are given.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{
    Change, Impact, Kind, Naming, Opaque, Problem, Ref, Replacement, Text, Typical,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{LogGroup, Role, containers};

/// The most bytes that a task definition may have ("Amazon ECS service quotas" in the ECS developer
/// guide).
const LARGEST: usize = 64 * 1024;

/// A task definition for Fargate. Each change registers a new revision; the earlier ones stay as
/// history until the whole family is deleted.
pub struct TaskDefinition;

impl Kind for TaskDefinition {
    const NAME: &'static str = "task-definition";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("cpu", Change::Replace(Impact::None)),
        ("memory", Change::Replace(Impact::None)),
        ("architecture", Change::Replace(Impact::None)),
        ("storage", Change::Replace(Impact::None)),
        ("execution-role", Change::Replace(Impact::None)),
        ("task-role", Change::Replace(Impact::None)),
        ("containers", Change::Replace(Impact::None)),
        ("volumes", Change::Replace(Impact::None)),
    ];
    const NAMING: Option<Naming> = Some(Naming::hyphens(255));
    const REPLACEMENT: Replacement = Replacement::Supersede;
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 2 };
    type Spec = TaskDefinitionSpec;
    type Output = TaskDefinitionOutput;

    fn check(spec: &TaskDefinitionSpec) -> Vec<Problem> {
        let mut problems = Vec::new();
        match memory_for(spec.cpu) {
            // Units are meant by few who write `cpu: 1`.
            None if memory_for(spec.cpu.saturating_mul(1024)).is_some() => {
                problems.push(Problem::new(
                    "cpu",
                    format!("Fargate has no size with {} CPU units", spec.cpu),
                    format!("write `{}`: 1024 units are a core", spec.cpu * 1024),
                ));
            }
            None => problems.push(Problem::new(
                "cpu",
                format!("Fargate has no size with {} CPU units", spec.cpu),
                "expected 256, 512, 1024, 2048, 4096, 8192 or 16384",
            )),
            Some(sizes) if !sizes.contains(&spec.memory) => problems.push(
                Problem::amounts(
                    "memory",
                    format!(
                        "Fargate has no size with {} CPU units and {{{} MiB}}",
                        spec.cpu, spec.memory
                    ),
                    format!("with {} CPU units, expected {}", spec.cpu, listed(&sizes)),
                )
                .along(&["cpu"]),
            ),
            Some(_) => {}
        }
        // Ephemeral storage on Fargate: 20 GiB to 200 GiB (ECS API reference).
        if !(20..=200).contains(&spec.storage) {
            let message = format!("{{{} GiB}} of storage is out of range", spec.storage);
            problems.push(Problem::amounts("storage", message, "expected `{20}` to `{200}`"));
        }
        if !spec.containers.values().any(|container| container.essential) {
            problems.push(Problem::new(
                "containers",
                "no container is essential",
                "let one container have `essential: true`",
            ));
        }
        problems.extend(containers::check(spec));
        let size = spec.containers.iter().map(|(name, it)| written(name, it)).sum::<usize>();
        if size > LARGEST
            && let Some((name, _)) =
                spec.containers.iter().max_by_key(|(name, it)| written(name, it))
        {
            problems.push(Problem::new(
                format!("containers.{name}.environment"),
                format!("the task definition has {size} bytes, and ECS takes {LARGEST}"),
                "let the program read what is large from its image, or from a store when it starts",
            ));
        }
        for (name, container) in &spec.containers {
            // stopTimeout: at most 120 s on Fargate (ECS API reference).
            if container.stop_timeout > 120 {
                problems.push(Problem::amounts(
                    format!("containers.{name}.stop-timeout"),
                    format!("{{{} s}} is too long a stop timeout", container.stop_timeout),
                    "expected `{0}` to `{120}`",
                ));
            }
            // Docker marks a command so; ours is run without a shell in any case.
            let first = container.health.as_ref().and_then(|health| health.command.first());
            if let Some(mark) = first.filter(|first| ["CMD", "CMD-SHELL"].contains(&first.as_str()))
            {
                problems.push(Problem::new(
                    format!("containers.{name}.health.command"),
                    format!("`{mark}` is not a command"),
                    match mark.as_str() {
                        "CMD" => "remove it: what follows is run without a shell",
                        _ => "write `sh, -c` in its place",
                    },
                ));
            }
            for twice in
                container.environment.keys().filter(|key| container.secrets.contains_key(*key))
            {
                problems.push(Problem::new(
                    format!("containers.{name}.secrets.{twice}"),
                    format!("`{twice}` is both in the environment and a secret"),
                    "keep one of the two",
                ));
            }
        }
        problems
    }
}

/// What we want of a task definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TaskDefinitionSpec {
    /// CPU units, 1024 to a core: 256, 512, 1024, 2048, 4096, 8192 or 16384.
    pub cpu: u32,
    /// Memory in MiB; which amounts there are depends on `cpu`.
    pub memory: u32,
    /// The processor the image is built for.
    #[serde(default)]
    pub architecture: Opaque<Architecture>,
    /// Ephemeral storage in GiB, 20 to 200.
    #[serde(default = "storage")]
    pub storage: u32,
    /// The role that fetches images and secrets and writes logs.
    pub execution_role: Ref<Role>,
    /// The role the containers themselves have.
    pub task_role: Option<Ref<Role>>,
    /// The containers, by name.
    pub containers: BTreeMap<String, Container>,
    /// What its containers can mount, by name.
    #[serde(default)]
    pub volumes: BTreeMap<String, Opaque<Volume>>,
}

/// Something that the containers of a task can mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Volume {
    /// Empty when the task starts, and gone when it stops. It takes its room from the task's
    /// ephemeral storage.
    Empty,
}

/// A processor architecture.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// 64-bit Intel and AMD.
    #[default]
    X86_64,
    /// 64-bit ARM (Graviton).
    Arm64,
}

/// One container of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Container {
    /// The image, by digest where it is ours.
    pub image: Text,
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
    /// Where its output goes; nowhere when left out.
    pub log: Option<Log>,
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

/// What AWS returns for a task definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskDefinitionOutput {
    /// The ARN, with the revision.
    pub id: String,
    /// The family.
    pub family: String,
    /// The revision.
    pub revision: u32,
}

/// The bytes that a container takes in a task definition as ECS counts it, or a few less: what
/// other resources hand over is not known yet.
fn written(name: &str, container: &Container) -> usize {
    // Each variable is an object with the names of its two fields (ECS API reference).
    let around = container.environment.len() * r#""name":,"value":{}"#.len()
        + container.secrets.len() * r#""name":,"valueFrom":{}"#.len();
    let text = serde_json::to_string(container).map_or(0, |text| text.len());
    name.len() + around + text
}

/// The amounts of memory, in MiB, that Fargate has for so many CPU units.
///
/// Source: the table of the ECS developer guide, "Task CPU and memory".
fn memory_for(cpu: u32) -> Option<Vec<u32>> {
    let gib = |from: u32, to: u32, step: usize| {
        Some((from..=to).step_by(step).map(|gib| gib * 1024).collect())
    };
    match cpu {
        256 => Some(vec![512, 1024, 2048]),
        512 => gib(1, 4, 1),
        1024 => gib(2, 8, 1),
        2048 => gib(4, 16, 1),
        4096 => gib(8, 30, 1),
        8192 => gib(16, 60, 4),
        16384 => gib(32, 120, 8),
        _ => None,
    }
}

/// Amounts of memory, as [`Problem::amounts`] shows them.
fn listed(sizes: &[u32]) -> String {
    match sizes {
        [first, second, .., last] if sizes.len() > 4 => {
            format!("`{{{first}}}` to `{{{last}}}` in steps of {{{} MiB}}", second - first)
        }
        _ => {
            let sizes: Vec<String> = sizes.iter().map(|size| format!("`{{{size}}}`")).collect();
            sizes.join(", ")
        }
    }
}

fn storage() -> u32 {
    20
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
    use super::*;

    #[test]
    fn a_task_definition_that_ecs_would_refuse_for_its_size_is_a_mistake() {
        let spec = |value: usize| -> TaskDefinitionSpec {
            serde_json::from_value(serde_json::json!({
                "cpu": 256, "memory": 512, "execution-role": { "id": "r" },
                "containers": { "web": { "image": "i", "environment": { "A": "x".repeat(value) } } },
            }))
            .unwrap()
        };
        assert!(TaskDefinition::check(&spec(60_000)).is_empty());
        let problems = TaskDefinition::check(&spec(70_000));
        let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["containers.web.environment"]);
    }

    #[test]
    fn memory_is_offered_for_the_cpu_that_was_asked_for() {
        assert_eq!(listed(&memory_for(256).unwrap()), "`{512}`, `{1024}`, `{2048}`");
        let steps = "`{2048}` to `{8192}` in steps of {1024 MiB}";
        assert_eq!(listed(&memory_for(1024).unwrap()), steps);
        assert_eq!(memory_for(300), None);
    }
}
