//! The `load-balancers` section.

use std::collections::BTreeSet;

use deployer_core::Text;
use deployer_kinds::Network;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An application load balancer with its listeners and its security group.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct LoadBalancer {
    /// What happens to plain HTTP on port 80: it is passed on (`forward`) or sent to HTTPS
    /// (`redirect`). With a certificate the default is `redirect`, otherwise `forward`.
    pub(crate) http: Option<Http>,
    /// The ARN of a certificate, which makes it listen for HTTPS on port 443.
    pub(crate) certificate: Option<Text>,
    /// The name of the TLS policy; AWS's own choice when left out.
    pub(crate) tls_policy: Option<String>,
    /// Whether it is reached from inside the network only.
    #[serde(default)]
    pub(crate) internal: bool,
    /// Whether AWS refuses to delete it.
    #[serde(default)]
    pub(crate) deletion_protection: bool,
    /// Seconds after which a silent connection is closed, 1 to 4000.
    #[serde(default = "idle_timeout")]
    pub(crate) idle_timeout: u32,
    /// The address ranges that may reach it: everybody, or for an internal one the network, when
    /// left out.
    pub(crate) from: Option<BTreeSet<Network>>,
}

/// What happens to plain HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Http {
    /// It is passed to the services.
    Forward,
    /// It is sent to HTTPS.
    Redirect,
}

fn idle_timeout() -> u32 {
    60
}
