//! What may stand below `sidecars` and `mounts` of a service.

use std::collections::BTreeMap;

use deployer_core::Text;
use deployer_kinds::{Condition, Firelens, Router};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::forms::{ImageSource, paths, paths_schema};
use crate::later::NotYet;
use crate::quantities::{Memory, Seconds};
use crate::section::yes;
use crate::text_form::{TextOr, text_or};

/// A container that runs beside the service's own, in each of its tasks. It shares their CPU, memory
/// and network: each reaches the other at `localhost`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Sidecar {
    /// What it runs: an image that is pulled, as its name; one that is built here,
    /// `{ build: { dockerfile: agent/Dockerfile } }`; or that of a service, `{ of: web }`.
    pub(crate) image: ImageSource,
    /// Replaces the arguments of the image's command.
    #[serde(default)]
    #[schemars(extend("x-words" = true))]
    pub(crate) command: Vec<String>,
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
    /// The CPU units of the task that are reserved for it; it shares what the others leave when
    /// left out.
    #[schemars(extend("x-unit" = "cpu"))]
    pub(crate) cpu: Option<u32>,
    /// The most of the task's memory that it may have before it is killed; all when left out.
    pub(crate) memory: Option<Memory>,
    /// Whether the whole task stops, and is replaced, when it ends: yes when left out, as in ECS.
    #[serde(default = "yes")]
    pub(crate) essential: bool,
    /// Whether it starts `before` the service's own container, and stops after it, or the other way
    /// around, `after`; both at once when left out.
    pub(crate) starts: Option<Starts>,
    /// How far the one that starts first has to be before the other starts: `start`, `healthy`,
    /// `complete` or `success`. When left out, `healthy` where it has a health command, and `start`
    /// otherwise.
    pub(crate) until: Option<Condition>,
    /// That it routes the output of the others, whose `logs` have `driver: awsfirelens`: `fluentbit` or
    /// `fluentd`, or with options of FireLens,
    /// `{ type: fluentbit, options: { config-file-type: file, config-file-value: /extra.conf } }`.
    #[serde(default, deserialize_with = "firelens")]
    #[schemars(schema_with = "text_or::<Firelens>")]
    pub(crate) firelens: Option<Firelens>,
    /// A command inside the container that checks whether it works, run without a shell.
    #[serde(default)]
    #[schemars(extend("x-words" = true))]
    pub(crate) health_command: Vec<String>,
    /// How long between being asked to stop and being killed, `0 s` to `120 s`.
    #[serde(default = "stop_timeout")]
    pub(crate) stop_timeout: Seconds,
    /// Whether its own files cannot be written to.
    #[serde(default)]
    pub(crate) read_only: bool,
    /// Whether a small init process passes signals on and reaps children.
    #[serde(default)]
    pub(crate) init: bool,
    /// Who runs in the container: `472`, `472:472`, `app`; the image's own when left out.
    pub(crate) user: Option<String>,
    /// The volumes of the task that it has, by name.
    #[serde(default)]
    pub(crate) mounts: BTreeMap<String, Mount>,
    /// File systems in memory, by path, and how much each may hold: `{ /tmp: 64 MiB }`.
    #[serde(default)]
    pub(crate) tmpfs: BTreeMap<String, Memory>,
    /// Limits of the operating system: `{ nofile: 65535 }`, how many files may be open.
    #[serde(default)]
    pub(crate) ulimits: BTreeMap<String, u32>,
}

impl Sidecar {
    /// Whether it has ended before the container starts that it is beside.
    pub(crate) fn ends_first(&self) -> bool {
        let ends = matches!(self.until, Some(Condition::Complete | Condition::Success));
        self.starts == Some(Starts::Before) && ends
    }
}

/// Which of two containers starts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Starts {
    /// It starts before the service's own.
    Before,
    /// It starts after the service's own.
    After,
}

/// Where a container has a volume.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Mount {
    /// The path it is found at.
    pub(crate) path: String,
    /// What it is: `empty`, one of each task's own that its containers share. It has to be said by
    /// one of them; the volume of this name in `volumes` when none says it.
    pub(crate) volume: Option<Volume>,
    /// Whether this container cannot write to it.
    #[serde(default)]
    pub(crate) read_only: bool,
    /// Whose it is.
    pub(crate) owner: Option<NotYet>,
}

/// What a volume is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Volume {
    /// Empty when a task starts, and gone with it. It belongs to root, who alone can write to it,
    /// unless the image has a `VOLUME` at that path that belongs to somebody else.
    Empty,
}

/// What routes alone, or the whole mapping.
fn firelens<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Firelens>, D::Error> {
    let written = deserializer.deserialize_any(TextOr {
        of_text: |text| match text.as_str() {
            "fluentbit" => Ok(of(Router::Fluentbit)),
            "fluentd" => Ok(of(Router::Fluentd)),
            other => Err(format!("`{other}` is no router: write `fluentbit` or `fluentd`")),
        },
        of_mapping: |firelens: Firelens| firelens,
    });
    written.map(Some)
}

fn of(router: Router) -> Firelens {
    Firelens { router: router.into(), options: BTreeMap::new() }
}

fn stop_timeout() -> Seconds {
    Seconds(30)
}
