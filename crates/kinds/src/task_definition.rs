//! A task definition: the containers that run together, and what they are given.

use std::collections::BTreeMap;

use deployer_core::{Change, Impact, Kind, Naming, Opaque, Problem, Ref, Replacement, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::container::{self, Container, Volume};
use crate::{Role, connect};

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
        problems.extend(container::check(spec.cpu, spec.memory, &spec.containers, &spec.volumes));
        problems.extend(connect::named_ports(&spec.containers));
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
