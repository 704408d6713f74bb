//! What may stand below an entry of `jobs`.

use std::collections::BTreeMap;

use deployer_core::Text;
use deployer_kinds::Architecture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::when::{When, when, when_schema};
use crate::quantities::{Gibibytes, Memory, Seconds};
use crate::sections::service::{
    self, EgressRules, ImageSource, Logs, Mount, Permission, Place, Rollout, Service, Sidecar, Use,
};

/// A job: one task of one container on Fargate that runs to its end.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Job {
    /// What its container runs, as for a service; that of a service that it is like, when left out.
    pub(crate) image: ImageSource,
    /// Replaces the arguments of the image's command.
    #[serde(default)]
    #[schemars(extend("x-words" = true))]
    pub(crate) command: Vec<String>,
    /// When it runs: five fields of cron in UTC, `30 3 * * *`, or a mapping,
    /// `{ cron: "30 3 * * *", timezone: Europe/Zagreb }`, `{ every: 1 h }`,
    /// `{ once: 2027-01-01T08:00 }`. Only when somebody asks for it, when left out.
    #[serde(default, deserialize_with = "when")]
    #[schemars(schema_with = "when_schema")]
    pub(crate) schedule: Option<When>,
    /// The services whose new versions it comes before: it runs to a good end first, and where it
    /// does not they stay at the version that they have.
    #[serde(default, deserialize_with = "service::paths")]
    #[schemars(schema_with = "service::paths_schema")]
    pub(crate) before: Vec<String>,
    /// How long a run may take, `1 s` to `24 h`; a day when left out.
    pub(crate) timeout: Option<Seconds>,
    /// How often a run that failed is tried again, `0` to `10`.
    #[serde(default)]
    pub(crate) retries: u32,
    /// CPU units, 1024 to a core: 256, 512, 1024, 2048, 4096, 8192 or 16384.
    #[serde(default = "service::cpu")]
    #[schemars(extend("x-unit" = "cpu"))]
    pub(crate) cpu: u32,
    /// Memory: `512 MiB`, `1 GiB`. Which amounts there are depends on `cpu`.
    #[serde(default = "service::memory")]
    pub(crate) memory: Memory,
    /// The processor the image is for.
    #[serde(default)]
    pub(crate) architecture: Architecture,
    /// What it works with, as for a service: `databases/main`, `secrets/session`.
    #[serde(default)]
    pub(crate) uses: Vec<Use>,
    /// What its task may do in AWS: `{ actions: ["ses:SendEmail"], resources: ["*"] }`, or the ARN
    /// of a policy.
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
    #[serde(default, deserialize_with = "service::paths")]
    #[schemars(schema_with = "service::paths_schema")]
    pub(crate) secrets_from: Vec<String>,
    /// The subnets its task is in; private ones when there is a NAT gateway, when left out.
    pub(crate) subnets: Option<Place>,
    /// How long between being asked to stop and being killed, `0 s` to `120 s`.
    #[serde(default = "service::stop_timeout")]
    pub(crate) stop_timeout: Seconds,
    /// What its task may write to disk, its image included: `20 GiB` to `200 GiB`.
    #[serde(default = "service::storage")]
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
    /// What its task may send to besides what it uses, as for a service.
    pub(crate) egress: Option<EgressRules>,
    /// Containers beside its own, as for a service; they end when it does.
    #[serde(default)]
    pub(crate) sidecars: BTreeMap<String, Sidecar>,
    /// Volumes that its container has, as for a service.
    #[serde(default)]
    pub(crate) mounts: BTreeMap<String, Mount>,
    /// File systems in memory, as for a service.
    #[serde(default)]
    pub(crate) tmpfs: BTreeMap<String, Memory>,
    /// Limits of its processes, as for a service.
    #[serde(default)]
    pub(crate) ulimits: BTreeMap<String, u32>,
}

impl Job {
    /// A service that has such tasks.
    pub(crate) fn tasks(&self) -> Service {
        let job = self.clone();
        Service {
            image: job.image,
            cpu: job.cpu,
            memory: job.memory,
            architecture: job.architecture,
            ports: BTreeMap::new(),
            uses: job.uses,
            permissions: job.permissions,
            environment: job.environment,
            env_file: job.env_file,
            secrets: job.secrets,
            secrets_from: job.secrets_from,
            count: None,
            scale: None,
            rollout: Rollout::default(),
            execute_command: false,
            grace_period: None,
            subnets: job.subnets,
            command: job.command,
            health_command: Vec::new(),
            stop_timeout: job.stop_timeout,
            storage: job.storage,
            read_only: job.read_only,
            init: job.init,
            user: job.user,
            logs: job.logs,
            egress: job.egress,
            spot: None,
            sidecars: job.sidecars,
            mounts: job.mounts,
            tmpfs: job.tmpfs,
            ulimits: job.ulimits,
        }
    }
}
