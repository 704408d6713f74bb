//! How services reach each other by name: ECS Service Connect.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Problem, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::container::Container;
use crate::named_port::{LONGEST, misnamed};
use crate::{Log, Namespace};

/// The most characters of the name that clients use (`ServiceConnectClientAlias` in the ECS API
/// reference).
const LONGEST_HOST: usize = 127;

/// What a service does with Service Connect: nothing, reach others by their names, or be reached as
/// well. ECS adds a proxy to each task, and what is served or reached goes through it.
///
/// A task knows the names that were served when its deployment began, and none that comes later
/// ("Amazon ECS Service Connect components" in the ECS developer guide).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Connect {
    /// Whether it takes part.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The namespace that the names are in.
    pub namespace: Option<Ref<Namespace>>,
    /// What it serves, by the names of ports in its task definition. Without any it only reaches
    /// others.
    #[serde(default)]
    pub serves: BTreeMap<String, Endpoint>,
    /// Where its proxy's output goes; nowhere when left out.
    pub log: Option<Log>,
}

/// Something that a service serves under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Endpoint {
    /// What it is called in Cloud Map, where no other has that name: lower-case letters, digits,
    /// `_` and `-`, at most 64.
    pub discovery_name: String,
    /// The host that others connect to, at most 127 characters.
    pub host: String,
    /// The port that they connect to.
    pub port: u16,
}

impl Connect {
    /// What is wrong with it.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.enabled && self.namespace.is_none() {
            let help = "name it: `namespace: main`";
            problems.push(Problem::new("connect", "it takes part in no namespace", help));
        }
        if !self.enabled && (self.namespace.is_some() || !self.serves.is_empty()) {
            let title = "what takes no part serves nothing";
            problems.push(Problem::new("connect.enabled", title, "write `enabled: true`"));
        }
        let (mut found, mut reached) = (BTreeSet::new(), BTreeSet::new());
        for (name, endpoint) in &self.serves {
            let path = |field: &str| format!("connect.serves.{name}.{field}");
            let (known, host) = (&endpoint.discovery_name, &endpoint.host);
            problems.extend(misnamed(path("discovery-name"), known, LONGEST, ""));
            problems.extend(misnamed(path("host"), host, LONGEST_HOST, "."));
            if !found.insert(known) {
                let title = format!("two are called `{known}`");
                problems.push(Problem::new(path("discovery-name"), title, "choose another name"));
            }
            if !reached.insert((host, endpoint.port)) {
                let title = format!("two are reached at `{host}:{}`", endpoint.port);
                problems.push(Problem::new(path("host"), title, "choose another host or port"));
            }
        }
        problems
    }
}

/// What is wrong with the named ports of a task's containers.
pub(crate) fn named_ports(containers: &BTreeMap<String, Container>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut names = BTreeSet::new();
    for (container, spec) in containers {
        let mut ports = BTreeSet::new();
        for (name, named) in &spec.named_ports {
            let path = format!("containers.{container}.named-ports.{name}");
            problems.extend(misnamed(path.clone(), name, LONGEST, ""));
            if !names.insert(name) {
                let title = format!("two ports of the task are called `{name}`");
                problems.push(Problem::new(path.clone(), title, "choose another name"));
            }
            if !spec.ports.contains(&named.port) {
                let title = format!("the container does not listen on port {}", named.port);
                problems.push(Problem::new(path, title, "add the port to `ports`"));
            } else if !ports.insert(named.port) {
                let title = format!("port {} has two names", named.port);
                problems.push(Problem::new(path, title, "keep one of them"));
            }
        }
    }
    problems
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(connect: serde_json::Value) -> Vec<String> {
        let connect: Connect = serde_json::from_value(connect).unwrap();
        connect.problems().into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn what_service_connect_would_refuse_is_said_at_its_place() {
        let endpoint = |known: &str, host: &str| serde_json::json!({ "discovery-name": known, "host": host, "port": 80 });
        let at = |serves: serde_json::Value| {
            paths(serde_json::json!({ "namespace": { "id": "n" }, "serves": serves }))
        };
        assert!(at(serde_json::json!({ "a": endpoint("web_a", "web") })).is_empty());
        let both = serde_json::json!({ "a": endpoint("web", "web"), "b": endpoint("web", "web") });
        assert_eq!(at(both), ["connect.serves.b.discovery-name", "connect.serves.b.host"]);
        let long = serde_json::json!({ "a": endpoint(&"a".repeat(65), "Web") });
        assert_eq!(at(long), ["connect.serves.a.discovery-name", "connect.serves.a.host"]);
        assert_eq!(paths(serde_json::json!({})), ["connect"]);
        let off = serde_json::json!({ "enabled": false, "namespace": { "id": "n" } });
        assert_eq!(paths(off), ["connect.enabled"]);
    }
}
