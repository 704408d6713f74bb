//! A port of a container that has a name.

use deployer_core::{Opaque, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most characters of a port's name (`PortMapping` in the ECS API reference), and of the name
/// of a service in Cloud Map (`ServiceConnectService`).
pub(crate) const LONGEST: usize = 64;

/// A port of a container that has a name, by which a service can serve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NamedPort {
    /// The port, one of `ports`.
    pub port: u16,
    /// What is spoken there. A service that serves the port cannot be given another one.
    #[serde(default)]
    pub protocol: Opaque<AppProtocol>,
}

/// What is spoken at a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AppProtocol {
    /// Anything over TCP.
    #[default]
    Tcp,
    /// HTTP/1.1.
    Http,
    /// HTTP/2.
    Http2,
    /// gRPC.
    Grpc,
}

/// What is wrong with a name: lower-case letters, digits, `_`, `-`, and `others`; not a hyphen first
/// (`PortMapping`, `ServiceConnectService` and `ServiceConnectClientAlias` in the ECS API
/// reference).
pub(crate) fn misnamed(path: String, name: &str, longest: usize, others: &str) -> Option<Problem> {
    let is_allowed = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_-".contains(letter)
    };
    let is_right = |letter: char| is_allowed(letter) || others.contains(letter);
    if name.is_empty() || name.starts_with('-') || !name.chars().all(is_right) {
        let title = format!("`{name}` cannot be such a name");
        return Some(Problem::new(path, title, "use lower-case letters, digits and hyphens"));
    }
    (name.len() > longest).then(|| {
        let title = format!("`{name}` has {} characters, and ECS takes {longest}", name.len());
        Problem::new(path, title, "choose a shorter name")
    })
}
