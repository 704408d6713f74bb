//! Where the output of a service's containers goes: into its log group, to the router of its tasks, or
//! nowhere.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Code, Ref, Text};
use deployer_kinds::{Log, RoutedLog};

use super::body::{LogDriver, Logs, Service};
use super::owner::Owner;
use super::secrets;
use crate::draft::{Draft, Origin, owned};
use crate::section::Sections;
use crate::stored::Readable;

/// Where the output of all containers goes.
#[derive(Debug)]
pub(super) struct Logging {
    driver: LogDriver,
    routed: RoutedLog,
    /// The secrets that are read for it.
    pub(super) readable: BTreeSet<Readable>,
}

impl Logging {
    /// Where a container writes: the service's log group, with a prefix of its own, or the router. A
    /// router's own output is in the log group.
    pub(super) fn of(
        &self,
        service: &str,
        container: &str,
        is_router: bool,
    ) -> (Option<Log>, Option<RoutedLog>) {
        let log = || Log { group: Ref::named(service), prefix: container.to_owned() };
        match self.driver {
            LogDriver::None => (None, None),
            LogDriver::Awsfirelens if !is_router => (None, Some(self.routed.clone())),
            LogDriver::Awslogs | LogDriver::Awsfirelens => (Some(log()), None),
        }
    }
}

impl Logs {
    /// Where a container writes whose lines no router gets: the service's log group, with a prefix
    /// of its own.
    pub(super) fn unrouted(&self, service: &str, container: &str) -> Option<Log> {
        let log = || Log { group: Ref::named(service), prefix: container.to_owned() };
        (self.driver != LogDriver::None).then(log)
    }
}

/// What is written of it; reports options that nobody would read.
pub(super) fn read(draft: &mut Draft, all: &Sections, owner: Owner<'_>, body: &Service) -> Logging {
    let Logs { driver, options, secret_options, .. } = &body.logs;
    let written = [("options", options.is_empty()), ("secret-options", secret_options.is_empty())];
    let idle = written.into_iter().find(|(_, is_empty)| !is_empty);
    if let Some((key, _)) = idle.filter(|_| *driver != LogDriver::Awsfirelens) {
        draft.key_error(
            Code::BadValue,
            format!("`{key}` is for a router, and no line goes through one"),
            &owner.path(&["logs", key]),
            "nobody would read it",
            "write `driver: awsfirelens` beside it",
        );
    }
    let path = owner.path(&["logs", "secret-options"]);
    let (secret_options, readable) = secrets::secrets(draft, all, &path, secret_options);
    let options: BTreeMap<String, Text> = options.clone();
    Logging { driver: *driver, routed: RoutedLog { options, secret_options }, readable }
}

/// Adds which fields of a container come from which keys of `logs`.
pub(super) fn trace(origin: &mut Origin, container: &str, body: &Service) {
    let mut comes = |field: &str, place: &[&str]| {
        let field = format!("containers.{container}.routed-log{field}");
        origin.fields.push((field, owned(&[&["logs"], place].concat())));
    };
    comes("", &["driver"]);
    for option in body.logs.options.keys() {
        comes(&format!(".options.{option}"), &["options", option]);
    }
}
