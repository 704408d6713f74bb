//! The `services` section.

use std::collections::BTreeMap;

use deployer_core::Text;
use deployer_kinds::{Architecture, Build, CircuitBreaker, TargetVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::service_forms::{health, health_schema, paths, paths_schema};
use crate::quantities::{Days, Memory};

/// A service: so many tasks of one container on Fargate, kept running and rolled over.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Service {
    /// What its container runs: an image that is built here, or one from elsewhere.
    pub(crate) image: ImageSource,
    /// CPU units, 1024 to a core: 256, 512, 1024, 2048, 4096, 8192 or 16384.
    #[serde(default = "cpu")]
    pub(crate) cpu: u32,
    /// Memory in MiB, or with its unit: `512`, `1 GiB`. Which amounts there are depends on `cpu`.
    #[serde(default = "memory")]
    pub(crate) memory: Memory,
    /// The processor the image is for.
    #[serde(default)]
    pub(crate) architecture: Architecture,
    /// The ports it listens on, by a name of your choice.
    #[serde(default)]
    #[schemars(extend("propertyNames" = { "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$" }))]
    pub(crate) ports: BTreeMap<String, Port>,
    /// What it works with: `databases/main`, `secrets/session`, `load-balancers/inner`. Security
    /// groups are opened and settings handed over: `MAIN_HOST`, `MAIN_PORT`, `MAIN_NAME`,
    /// `MAIN_ENGINE`, `MAIN_USER`, `MAIN_PASSWORD`; `SESSION`; `INNER_URL`.
    #[serde(default)]
    pub(crate) uses: Vec<String>,
    /// Environment variables.
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, Text>,
    /// Environment variables with secret values: the name of a secret, `databases/main` for its
    /// password, or the ARN of a secret outside the stack.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, String>,
    /// How many tasks; 1 when neither this nor `scale` is given.
    pub(crate) count: Option<u32>,
    /// How the number of tasks follows the load.
    pub(crate) scale: Option<Scale>,
    /// How a new version replaces the old one.
    #[serde(default)]
    pub(crate) rollout: Rollout,
    /// Whether a shell can be opened in its tasks.
    #[serde(default)]
    pub(crate) execute_command: bool,
    /// Seconds after a task's start in which its health does not count; 60 with a route, otherwise
    /// 0, when left out.
    pub(crate) grace_period: Option<u32>,
    /// The subnets its tasks are in; private ones when there is a NAT gateway, when left out.
    pub(crate) subnets: Option<Place>,
    /// Replaces the arguments of the image's command.
    #[serde(default)]
    pub(crate) command: Vec<String>,
    /// A command inside the container that tells whether it works, run without a shell.
    #[serde(default)]
    pub(crate) health_command: Vec<String>,
    /// Seconds between being asked to stop and being killed, 0 to 120.
    #[serde(default = "stop_timeout")]
    pub(crate) stop_timeout: u32,
    /// Its logs.
    #[serde(default)]
    pub(crate) logs: Logs,
}

/// Where an image comes from: `repository` and `build`, or `from`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ImageSource {
    /// The repository of this stack that it is kept in.
    pub(crate) repository: Option<String>,
    /// How it is made. Paths are relative to the stack file.
    pub(crate) build: Option<Build>,
    /// What it is pulled by, for an image that is not made here: `ghcr.io/acme/web:1.2`.
    pub(crate) from: Option<Text>,
}

/// A port that the container listens on.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the keys are the words of users")]
pub(crate) struct Port {
    /// The number of the port.
    pub(crate) port: u16,
    /// How the load balancer finds out whether a task works: a path, or a mapping of `path`,
    /// `interval`, `timeout`, `healthy`, `unhealthy` and `codes`.
    #[serde(default, deserialize_with = "health")]
    #[schemars(schema_with = "health_schema")]
    pub(crate) health: Health,
    /// What it speaks. `http2` and `grpc` want a load balancer with a certificate.
    #[serde(default)]
    pub(crate) version: TargetVersion,
    /// Seconds a task that leaves may finish its requests, 0 to 3600.
    #[serde(default = "drain")]
    pub(crate) drain: u32,
    /// Which requests reach it.
    pub(crate) route: Option<Route>,
}

/// How a load balancer finds out whether a task works.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Health {
    /// The path that is asked for.
    pub(crate) path: Option<String>,
    /// Seconds between two checks, 5 to 300; 10 when left out.
    pub(crate) interval: Option<u32>,
    /// Seconds until a check has failed, less than the interval; 5 when left out.
    pub(crate) timeout: Option<u32>,
    /// How many good checks in a row make a task healthy, 2 to 10; 2 when left out.
    pub(crate) healthy: Option<u32>,
    /// How many bad checks in a row make it unhealthy, 2 to 10; 3 when left out.
    pub(crate) unhealthy: Option<u32>,
    /// The answers that are good, such as `200-299`; for gRPC its codes, `0`.
    pub(crate) codes: Option<String>,
}

/// Which requests reach a port.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Route {
    /// The load balancer they come through.
    pub(crate) load_balancer: String,
    /// The path or paths, with `*` and `?`; all when left out.
    #[serde(default, deserialize_with = "paths")]
    #[schemars(schema_with = "paths_schema")]
    pub(crate) path: Vec<String>,
    /// The host or hosts, with `*` and `?`; any when left out.
    #[serde(default, deserialize_with = "paths")]
    #[schemars(schema_with = "paths_schema")]
    pub(crate) host: Vec<String>,
    /// Its turn among the routes of the load balancer, 1 to 50000, the lowest first; when left
    /// out, hosts come before paths, and long paths before short ones.
    pub(crate) priority: Option<u32>,
}

/// How the number of tasks follows the load.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Scale {
    /// The fewest tasks.
    pub(crate) min: u32,
    /// The most tasks. Automatic scaling is not there yet.
    pub(crate) max: Option<u32>,
    /// The CPU load to keep, in percent. Automatic scaling is not there yet.
    pub(crate) cpu: Option<u32>,
}

/// How a new version replaces the old one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Rollout {
    /// `rolling`: new tasks come before old ones go.
    #[serde(default)]
    pub(crate) strategy: Strategy,
    /// How many tasks stay in service, in percent of their number.
    #[serde(default = "minimum")]
    pub(crate) minimum: u32,
    /// How many tasks there may be, in percent of their number.
    #[serde(default = "maximum")]
    pub(crate) maximum: u32,
    /// What happens when new tasks keep failing: `rollback`, `stop` or `off`.
    #[serde(default)]
    pub(crate) circuit_breaker: CircuitBreaker,
}

/// How new tasks replace old ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Strategy {
    /// New tasks come before old ones go.
    #[default]
    Rolling,
}

/// Which subnets tasks are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    /// Private subnets: out through a NAT gateway, nothing in but from the network.
    Private,
    /// Public subnets, with public addresses.
    Public,
}

/// The logs of a service.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Logs {
    /// How long they are kept: `30 days`.
    #[serde(default = "keep")]
    pub(crate) keep: Days,
}

impl Default for Rollout {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            minimum: minimum(),
            maximum: maximum(),
            circuit_breaker: CircuitBreaker::default(),
        }
    }
}

impl Default for Logs {
    fn default() -> Self {
        Self { keep: keep() }
    }
}

fn cpu() -> u32 {
    256
}

fn memory() -> Memory {
    Memory(512)
}

fn stop_timeout() -> u32 {
    30
}

fn drain() -> u32 {
    30
}

fn minimum() -> u32 {
    100
}

fn maximum() -> u32 {
    200
}

fn keep() -> Days {
    Days(30)
}
