//! What may stand below an entry of `services`.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::Text;
use deployer_kinds::{Architecture, TargetVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::containers::{Mount, Sidecar};
use super::forms::{
    EgressRules, Health, ImageSource, OneOrMore, Spot, Use, health, health_schema, paths,
    paths_schema,
};
use super::rollout::Rollout;
use super::turns::{Asked, values};
use crate::quantities::{DaysOrForever, Gibibytes, Memory, PerMinute, Percent, Seconds};
use crate::schedule::{Cron, Once, Timezone};

/// A service: so many tasks of one container on Fargate, kept running and rolled over.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Service {
    /// What its container runs: an image that is pulled, as its name, `nginx:1.29`, one that is
    /// built here, or that of another service, `{ of: web }`.
    pub(crate) image: ImageSource,
    /// CPU units, 1024 to a core: 256, 512, 1024, 2048, 4096, 8192 or 16384.
    #[serde(default = "cpu")]
    #[schemars(extend("x-unit" = "cpu"))]
    pub(crate) cpu: u32,
    /// Memory: `512 MiB`, `1 GiB`. Which amounts there are depends on `cpu`.
    #[serde(default = "memory")]
    pub(crate) memory: Memory,
    /// The processor the image is for.
    #[serde(default)]
    pub(crate) architecture: Architecture,
    /// The ports it listens on, by a name of your choice.
    #[serde(default)]
    #[schemars(extend("propertyNames" = { "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$" }, "x-name" = "http"))]
    pub(crate) ports: BTreeMap<String, Port>,
    /// What it works with: `databases/main`, `secrets/session`, `load-balancers/inner`,
    /// `queues/mails`, `services/users`. Security groups are opened, actions permitted and settings
    /// handed over: `MAIN_HOST`, `MAIN_PORT`, `MAIN_NAME`, `MAIN_ENGINE`, `MAIN_USER`,
    /// `MAIN_PASSWORD`; `SESSION`; `INNER_URL`; `MAILS_URL`; `USERS_URL`, `USERS_HOST`,
    /// `USERS_PORT`. With `{ use: databases/main, as: DATABASE }` they are called `DATABASE_HOST`
    /// and so on, and with `{ use: queues/mails, access: send }` it may send there alone.
    #[serde(default)]
    pub(crate) uses: Vec<Use>,
    /// What its tasks may do in AWS: `{ actions: ["ses:SendEmail"], resources: ["*"] }`, or the
    /// ARN of a policy.
    #[serde(default)]
    pub(crate) permissions: Vec<Permission>,
    /// Environment variables.
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, Text>,
    /// A file with environment variables, a line of `NAME=value` each, in or beside the stack's folder.
    /// What stands in `environment` or `secrets` settles it.
    pub(crate) env_file: Option<String>,
    /// Environment variables with secret values: `secrets/session`, `databases/main.password`, or
    /// what is outside of the stack: the ARN of a secret or of a parameter, `…#user` for one key of
    /// a secret that holds JSON, and `/app/token` for a parameter in this region.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, String>,
    /// Paths of parameters of Systems Manager, `/app/prod/*`: each parameter right below one is an
    /// environment variable, called by the last part of its name in capitals. What stands in
    /// `environment` or `secrets` settles it.
    #[serde(default, deserialize_with = "paths")]
    #[schemars(schema_with = "paths_schema")]
    pub(crate) secrets_from: Vec<String>,
    /// How many tasks; 1 when neither this nor `scale` is given.
    #[schemars(extend("x-excludes" = ["scale"]))]
    pub(crate) count: Option<u32>,
    /// How the number of tasks follows the load.
    #[schemars(extend("x-excludes" = ["count"]))]
    pub(crate) scale: Option<Scale>,
    /// How a new version replaces the old one.
    #[serde(default)]
    pub(crate) rollout: Rollout,
    /// Whether a shell can be opened in its tasks.
    #[serde(default)]
    pub(crate) execute_command: bool,
    /// How long after a task's start its health does not count; `60 s` with a route, otherwise
    /// none, when left out.
    pub(crate) grace_period: Option<Seconds>,
    /// The subnets its tasks are in; private ones when there is a NAT gateway, when left out.
    pub(crate) subnets: Option<Place>,
    /// Replaces the arguments of the image's command.
    #[serde(default)]
    #[schemars(extend("x-words" = true))]
    pub(crate) command: Vec<String>,
    /// A command inside the container that checks whether it works, run without a shell.
    #[serde(default)]
    #[schemars(extend("x-words" = true))]
    pub(crate) health_command: Vec<String>,
    /// How long between being asked to stop and being killed, `0 s` to `120 s`.
    #[serde(default = "stop_timeout")]
    pub(crate) stop_timeout: Seconds,
    /// What its tasks may write to disk, their image included: `20 GiB` to `200 GiB`.
    #[serde(default = "storage")]
    pub(crate) storage: Gibibytes,
    /// Whether its container's own files cannot be written to.
    #[serde(default)]
    pub(crate) read_only: bool,
    /// Whether a small init process passes signals on and reaps children.
    #[serde(default)]
    pub(crate) init: bool,
    /// Who runs in the container: `472`, `472:472`, `app`; the image's own when left out.
    pub(crate) user: Option<String>,
    /// Its logs.
    #[serde(default)]
    pub(crate) logs: Logs,
    /// What its tasks may send to besides what they use: `open`, which is everything, or a list of
    /// `{ to: 203.0.113.0/24, port: 443 }`. HTTPS to somewhere is needed for the image itself.
    pub(crate) egress: Option<EgressRules>,
    /// The share of its tasks beyond the fewest that run on spare capacity, which is cheaper and
    /// which AWS takes back with two minutes' notice: `50%`, or `{ share: 100%, base: 1 }` for those
    /// beyond another number.
    pub(crate) spot: Option<Spot>,
    /// Containers beside its own, by name: agents, proxies, what prepares a task.
    #[serde(default)]
    #[schemars(extend("propertyNames" = { "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$" }, "x-name" = "agent"))]
    pub(crate) sidecars: BTreeMap<String, Sidecar>,
    /// Volumes that it has, by name: `{ work: { path: /work, volume: empty } }`.
    #[serde(default)]
    #[schemars(extend("propertyNames" = { "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$" }, "x-name" = "work"))]
    pub(crate) mounts: BTreeMap<String, Mount>,
    /// File systems in memory, by path, and how much each may hold of the task's memory:
    /// `{ /tmp: 64 MiB }`.
    #[serde(default)]
    pub(crate) tmpfs: BTreeMap<String, Memory>,
    /// Limits of the operating system: `{ nofile: 65535 }`, how many files may be open.
    #[serde(default)]
    pub(crate) ulimits: BTreeMap<String, u32>,
}

/// Something that tasks may do in AWS.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Permission {
    /// What a policy allows, by its ARN.
    Policy(String),
    /// These actions on these resources.
    Statement(Allowed),
}

/// What is allowed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allowed {
    /// The actions, such as `ses:SendEmail`.
    pub(crate) actions: BTreeSet<String>,
    /// The ARNs of what they are about, or `*`.
    pub(crate) resources: BTreeSet<Text>,
}

/// A port that the container listens on.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the keys are the words of users")]
pub(crate) struct Port {
    /// The number of the port.
    pub(crate) port: u16,
    /// How the load balancer finds out whether a task works: a path, or a mapping of `path`,
    /// `port`, `interval`, `timeout`, `healthy`, `unhealthy` and `codes`. A network load balancer
    /// asks by HTTP where there is a path, and otherwise only connects.
    #[serde(default, deserialize_with = "health")]
    #[schemars(schema_with = "health_schema")]
    pub(crate) health: Health,
    /// What it speaks. An application load balancer in front of `http2` and `grpc` wants a
    /// certificate, and has nothing behind it that speaks `tcp`, `udp` or `tls`.
    #[serde(default)]
    pub(crate) protocol: Protocol,
    /// How long a task that leaves may finish its requests, `0 s` to `1 h`.
    #[serde(default = "drain")]
    pub(crate) drain: Seconds,
    /// Which requests reach it.
    pub(crate) route: Option<Route>,
}

/// What a port speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http,
    /// HTTP/2.
    Http2,
    /// gRPC.
    Grpc,
    /// Plain connections.
    Tcp,
    /// Datagrams.
    Udp,
    /// Encrypted connections.
    Tls,
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
    /// The request method or methods; any when left out.
    #[serde(default, deserialize_with = "paths")]
    #[schemars(schema_with = "paths_schema")]
    pub(crate) method: Vec<String>,
    /// What headers are to be, with `*` and `?`: `{ x-beta: "yes" }`.
    #[serde(default)]
    pub(crate) header: BTreeMap<String, OneOrMore>,
    /// What parameters of the query are to be, with `*` and `?`: `{ version: "2" }`.
    #[serde(default)]
    pub(crate) query: BTreeMap<String, OneOrMore>,
    /// Its turn among the routes of the load balancer, 1 to 50000, the lowest first; when left
    /// out, hosts come before paths, long paths before short ones, and of the same path those that
    /// ask for a method, a header or a parameter before those that do not.
    pub(crate) priority: Option<u32>,
    /// Its part of the requests, where others have a route for the same ones: 0 to 999, of the sum of
    /// their weights. With 0 its tasks are ready and get none.
    pub(crate) weight: Option<u32>,
    /// How long a client stays with the same task, by a cookie: `1 s` to `168 h`; not at all when
    /// left out.
    pub(crate) sticky: Option<Seconds>,
    /// The port it comes in by, at a network load balancer; the container's when left out.
    pub(crate) port: Option<u16>,
    /// What comes in by it, at a network load balancer: `tcp`, `udp`, or `tls`, which the load
    /// balancer decrypts; what the port speaks when left out, and connections as they come.
    pub(crate) protocol: Option<RouteProtocol>,
}

/// What comes in at a network load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RouteProtocol {
    /// Connections, passed on as they come.
    Tcp,
    /// Datagrams.
    Udp,
    /// Connections that the load balancer decrypts.
    Tls,
}

impl Route {
    /// What it asks of a request.
    pub(super) fn asked(&self) -> Asked<'_> {
        let Self { path, host, method, header, query, priority, .. } = self;
        let (header, query) = (values(header), values(query));
        Asked { path, host, method, header, query, priority: *priority }
    }
}

/// How the number of tasks follows the load.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Scale {
    /// The fewest tasks.
    pub(crate) min: u32,
    /// The most tasks; as many as the fewest when left out.
    pub(crate) max: Option<u32>,
    /// The share of their CPU that tasks are to use on average: `60%`.
    pub(crate) cpu: Option<Percent>,
    /// The share of their memory that tasks are to use on average: `70%`.
    pub(crate) memory: Option<Percent>,
    /// The requests that each task is to have in a minute: `500/min`.
    pub(crate) requests: Option<PerMinute>,
    /// The messages of a queue that are to wait for each task: `{ queue: mails, per-task: 100 }`.
    pub(crate) backlog: Option<Backlog>,
    /// Other numbers from certain times on:
    /// `{ cron: "0 8 * * MON-FRI", timezone: Europe/Zagreb, min: 4 }`.
    #[serde(default)]
    pub(crate) schedules: Vec<ScaleTime>,
}

/// How many messages are to wait.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Backlog {
    /// The queue, from `queues`.
    pub(crate) queue: String,
    /// For each task: as many as one handles in the time that a message may wait.
    pub(crate) per_task: u32,
}

/// Other numbers of tasks from a time on, until another time says otherwise.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ScaleTime {
    /// Each time that these five fields say, minute, hour, day, month and weekday:
    /// `0 8 * * MON-FRI`.
    #[schemars(extend("x-excludes" = ["once"]))]
    pub(crate) cron: Option<Cron>,
    /// One time: `2027-01-01T08:00`.
    #[schemars(extend("x-excludes" = ["cron"]))]
    pub(crate) once: Option<Once>,
    /// Where clocks show that: `Europe/Zagreb`; `UTC` when left out.
    pub(crate) timezone: Option<Timezone>,
    /// The fewest tasks from then on; as before when left out.
    pub(crate) min: Option<u32>,
    /// The most tasks from then on; as before when left out.
    pub(crate) max: Option<u32>,
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
    /// How long they are kept: `30 days`, or `forever`.
    #[serde(default = "keep")]
    #[schemars(extend("x-excludes" = ["driver"]))]
    pub(crate) keep: DaysOrForever,
    /// Where its containers' output goes: `awslogs`, CloudWatch Logs; `awsfirelens`, to the sidecar
    /// that routes it; or `none`, nowhere.
    #[serde(default)]
    #[schemars(extend("x-excludes" = ["keep"]))]
    pub(crate) driver: LogDriver,
    /// What the router does with lines, in its own words: `{ Name: firehose, region: eu-west-1 }`.
    #[serde(default)]
    pub(crate) options: BTreeMap<String, Text>,
    /// Options with secret values, as in `secrets` of a service: `{ apikey: secrets/datadog }`.
    #[serde(default)]
    pub(crate) secret_options: BTreeMap<String, String>,
}

/// Where the output of containers goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogDriver {
    /// CloudWatch Logs.
    #[default]
    Awslogs,
    /// Nowhere.
    None,
    /// The sidecar that routes it (FireLens).
    Awsfirelens,
}

impl Logs {
    /// Whether there is a log group; a router writes to one as well.
    pub(super) fn are_kept(&self) -> bool {
        self.driver != LogDriver::None
    }
}

impl Protocol {
    /// Whether it is datagrams.
    pub(super) fn is_udp(self) -> bool {
        self == Self::Udp
    }

    /// What a target group is to speak to the tasks.
    pub(super) fn version(self) -> TargetVersion {
        match self {
            Self::Http2 => TargetVersion::Http2,
            Self::Grpc => TargetVersion::Grpc,
            Self::Http | Self::Tcp | Self::Udp | Self::Tls => TargetVersion::Http1,
        }
    }
}

impl Default for Logs {
    fn default() -> Self {
        Self {
            keep: keep(),
            driver: LogDriver::default(),
            options: BTreeMap::new(),
            secret_options: BTreeMap::new(),
        }
    }
}

pub(in crate::sections) fn cpu() -> u32 {
    256
}

pub(in crate::sections) fn memory() -> Memory {
    Memory(512)
}

pub(in crate::sections) fn storage() -> Gibibytes {
    Gibibytes(20)
}

pub(in crate::sections) fn stop_timeout() -> Seconds {
    Seconds(30)
}

fn drain() -> Seconds {
    Seconds(30)
}

fn keep() -> DaysOrForever {
    DaysOrForever(30)
}
