//! Containers that run beside a service's own.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Code, Opaque};
use deployer_kinds::{Condition, Container, ContainerHealth};

use super::body::Service;
use super::containers::{Sidecar, Starts};
use super::image::{self, Pull};
use super::logging::{self, Logging};
use super::mounts::{self, Volumes};
use super::owner::Owner;
use super::{secrets, uses};
use crate::draft::{Draft, Origin, owned};
use crate::section::Sections;
use crate::stored::Readable;

/// The key.
const KEY: &str = "sidecars";

/// The sidecars of a service as containers of its task, beside its own.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) containers: BTreeMap<String, Container>,
    /// What the service's own container waits for.
    pub(super) awaited: BTreeMap<String, Opaque<Condition>>,
    /// The secrets that are read for them.
    pub(super) readable: BTreeSet<Readable>,
}

/// Makes the containers of a service's sidecars; those whose image is not known are left out.
pub(super) fn make(
    draft: &mut Draft,
    all: &Sections,
    owner: Owner<'_>,
    body: &Service,
    (volumes, logging): (&Volumes, &Logging),
) -> Beside {
    let (service, resource) = (owner.name, owner.resource());
    let mut beside = Beside::default();
    for (name, sidecar) in &body.sidecars {
        let path = owner.path(&[KEY, name]);
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
        let at = [&path[..], &["secrets"]].concat();
        let (secrets, readable) = secrets::secrets(draft, all, &at, &sidecar.secrets);
        let image = image::of_sidecar(draft, all, owner, body, (name, sidecar));
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
        let Some(Pull { image, credentials, readable: registry }) = image else { continue };
        let (log, routed_log) = logging.of(&resource, name, sidecar.firelens.is_some());
        let container = Container {
            image,
            credentials,
            essential: sidecar.essential,
            named_ports: BTreeMap::new(),
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
            udp_ports: BTreeSet::new(),
            log,
            routed_log,
            firelens: sidecar.firelens.clone(),
            health: health(&sidecar.health_command),
            stop_timeout: sidecar.stop_timeout.0,
            read_only_root: sidecar.read_only,
            init: sidecar.init,
            user: sidecar.user.clone().unwrap_or_default(),
        };
        beside.containers.insert(name.clone(), container);
        beside.readable.extend(readable.into_iter().chain(registry));
    }
    beside
}

/// Which of the two containers starts first, and how far it has to be before the other does.
fn order(
    draft: &mut Draft,
    path: &[&str],
    body: &Service,
    sidecar: &Sidecar,
) -> Option<(Starts, Condition)> {
    let Some(starts) = sidecar.starts else {
        if sidecar.until.is_some() {
            draft.key_error(
                Code::MissingKey,
                format!("nothing waits for `{}`", path[3]),
                &[path, &["until"]].concat(),
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
            &[path, &["until"]].concat(),
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
        for key in
            ["cpu", "memory", "stop-timeout", "environment", "secrets", "essential", "firelens"]
        {
            comes(&format!(".{key}"), &[key]);
        }
        for variable in sidecar.secrets.keys() {
            comes(&format!(".secrets.{variable}"), &["secrets", variable]);
        }
        logging::trace(origin, name, body);
        let Sidecar { mounts, tmpfs, ulimits, .. } = sidecar;
        mounts::trace(origin, name, &[KEY, name], mounts, tmpfs, ulimits);
        let waits = owned(&[KEY, name, waits]);
        origin.fields.push((format!("containers.{service}.depends-on.{name}"), waits));
    }
}
