//! Containers that run beside a service's own: what may stand below `sidecars`, and what becomes of
//! it.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Code, Opaque, Text};
use deployer_kinds::{Condition, Container, ContainerHealth};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::Service;
use super::forms::ImageSource;
use super::mounts::{self, Mount, Volumes};
use super::{image, uses};
use crate::draft::{Draft, Origin, owned};
use crate::quantities::{Memory, Seconds};
use crate::section::{Section, Sections, yes};

/// The key.
pub(super) const KEY: &str = "sidecars";

/// A container that runs beside the service's own, in each of its tasks. It shares their CPU, memory
/// and network: each reaches the other at `localhost`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Sidecar {
    /// What it runs: an image that is pulled, as its name, or that of a service, `{ of: web }`.
    pub(crate) image: ImageSource,
    /// Replaces the arguments of the image's command.
    #[serde(default)]
    #[schemars(extend("x-words" = true))]
    pub(crate) command: Vec<String>,
    /// Environment variables.
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, Text>,
    /// Environment variables with secret values: `secrets/session`, `databases/main.password`, or
    /// the ARN of a secret outside the stack.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, String>,
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

/// Which of two containers starts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Starts {
    /// It starts before the service's own.
    Before,
    /// It starts after the service's own.
    After,
}

/// The sidecars of a service as containers of its task, beside its own.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) containers: BTreeMap<String, Container>,
    /// What the service's own container waits for.
    pub(super) awaited: BTreeMap<String, Opaque<Condition>>,
    /// The secrets that are read for them.
    pub(super) readable: BTreeSet<Text>,
}

/// Makes the containers of a service's sidecars; those whose image is not known are left out.
pub(super) fn make(
    draft: &mut Draft,
    all: &Sections,
    service: &str,
    body: &Service,
    volumes: &Volumes,
) -> Beside {
    let mut beside = Beside::default();
    for (name, sidecar) in &body.sidecars {
        let path = [Service::KEY, service, KEY, name];
        if name == service {
            draft.key_error(
                Code::NameTaken,
                format!("the service's own container is called `{name}`"),
                &path,
                "another container of that name",
                "give the sidecar another name",
            );
            continue;
        }
        uses::check_variables(draft, &path, &sidecar.environment, &sidecar.secrets);
        let (secrets, readable) = uses::secrets(draft, all, &path, &sidecar.secrets);
        let image = image::of_sidecar(draft, all, body, &sidecar.image, &path);
        let mut waits_for = BTreeMap::new();
        match order(draft, &path, body, sidecar) {
            Some((Starts::Before, condition)) => {
                beside.awaited.insert(name.clone(), condition.into());
            }
            Some((Starts::After, condition)) => {
                waits_for.insert(service.to_owned(), condition.into());
            }
            None => {}
        }
        let Some(image) = image else { continue };
        let container = Container {
            image,
            essential: sidecar.essential,
            cpu: sidecar.cpu.unwrap_or(0),
            memory: sidecar.memory.map_or(0, |memory| memory.0),
            depends_on: waits_for,
            mounts: mounts::points(&sidecar.mounts, volumes),
            tmpfs: mounts::sizes(&sidecar.tmpfs),
            ulimits: sidecar.ulimits.clone(),
            entry_point: Vec::new(),
            command: sidecar.command.clone(),
            environment: sidecar.environment.clone(),
            secrets,
            ports: BTreeSet::new(),
            log: body.logs.of(service, name),
            health: health(&sidecar.health_command),
            stop_timeout: sidecar.stop_timeout.0,
            read_only_root: sidecar.read_only,
            init: sidecar.init,
            user: sidecar.user.clone().unwrap_or_default(),
        };
        beside.containers.insert(name.clone(), container);
        beside.readable.extend(readable);
    }
    beside
}

/// Which of the two containers starts first, and how far it has to be before the other does.
fn order(
    draft: &mut Draft,
    path: &[&str; 4],
    body: &Service,
    sidecar: &Sidecar,
) -> Option<(Starts, Condition)> {
    let Some(starts) = sidecar.starts else {
        if sidecar.until.is_some() {
            draft.key_error(
                Code::MissingKey,
                format!("nothing waits for `{}`", path[3]),
                &[&path[..], &["until"]].concat(),
                "both containers start at once",
                "write `starts: before` beside it",
            );
        }
        return None;
    };
    let first = match starts {
        Starts::Before => &sidecar.health_command,
        Starts::After => &body.health_command,
    };
    let ends = matches!(sidecar.until, Some(Condition::Complete | Condition::Success));
    if starts == Starts::After && ends {
        draft.error(
            Code::BadValue,
            format!("`{}` would never start", path[3]),
            &[&path[..], &["until"]].concat(),
            "the service's own container ends with its task",
            "write `until: start`, or `until: healthy` where the service has a `health-command`",
        );
        return None;
    }
    let condition = if first.is_empty() { Condition::Start } else { Condition::Healthy };
    Some((starts, sidecar.until.unwrap_or(condition)))
}

/// What a health command becomes.
pub(super) fn health(command: &[String]) -> Option<ContainerHealth> {
    (!command.is_empty()).then(|| ContainerHealth {
        command: command.to_vec(),
        interval: 10,
        timeout: 5,
        retries: 3,
        start_period: 30,
    })
}

/// Adds which fields of the task definition come from which key of a sidecar.
pub(super) fn trace(origin: &mut Origin, service: &str, body: &Service) {
    for (name, sidecar) in &body.sidecars {
        let mut comes = |field: &str, place: &[&str]| {
            let field = format!("containers.{name}{field}");
            origin.fields.push((field, owned(&[&[KEY, name], place].concat())));
        };
        comes("", &[]);
        comes(".health", &["health-command"]);
        let waits = if sidecar.until.is_some() { "until" } else { "starts" };
        comes(".depends-on", &[waits]);
        for key in ["cpu", "memory", "stop-timeout", "environment", "secrets"] {
            comes(&format!(".{key}"), &[key]);
        }
        for variable in sidecar.secrets.keys() {
            comes(&format!(".secrets.{variable}"), &["secrets", variable]);
        }
        let Sidecar { mounts, tmpfs, ulimits, .. } = sidecar;
        mounts::trace(origin, name, &[KEY, name], (mounts, tmpfs, ulimits));
        let waits = owned(&[KEY, name, waits]);
        origin.fields.push((format!("containers.{service}.depends-on.{name}"), waits));
    }
}

fn stop_timeout() -> Seconds {
    Seconds(30)
}
