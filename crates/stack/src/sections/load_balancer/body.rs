//! What may stand below an entry of `load-balancers`.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::Text;
use deployer_kinds::{BalancerType, IpRange};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::domain::Domain;
use crate::later::NotYet;
use crate::quantities::Seconds;

/// A load balancer with its listeners and its security group.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct LoadBalancer {
    /// What happens to plain HTTP on port 80: it is passed on (`forward`) or sent to HTTPS
    /// (`redirect`). With a certificate the default is `redirect`, otherwise `forward`.
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) http: Option<Http>,
    /// The ARN of a certificate, which makes it listen for HTTPS on port 443, or is shown where a
    /// network load balancer decrypts TLS. With `domains` it is
    /// shown for all of them, and none is requested.
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) certificate: Option<Text>,
    /// The name of the TLS policy; one of TLS 1.2 and 1.3, `ELBSecurityPolicy-TLS13-1-2-2021-06`,
    /// when left out.
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) tls_policy: Option<String>,
    /// Whether it is reached from inside the network only.
    #[serde(default)]
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) internal: bool,
    /// Whether AWS refuses to delete it.
    #[serde(default)]
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) protect: bool,
    /// After how long a silent connection is closed, `1 s` to `4000 s`.
    #[serde(default = "idle_timeout")]
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) idle_timeout: Seconds,
    /// The address ranges that may reach it: everybody, or for an internal one the network, when
    /// left out.
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) from: Option<BTreeSet<IpRange>>,
    /// The domains it is reached by: each has a certificate, requested and renewed by AWS, and a
    /// record in the hosted zone that it is in.
    #[serde(default)]
    pub(crate) domains: Vec<Domain>,
    /// How long its access logs are kept.
    pub(crate) logs: Option<NotYet>,
    /// The ARN of a web ACL of AWS WAF that its requests pass, of the scope REGIONAL and in the same
    /// region. One that others have put there stays, and is not replaced.
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) web_acl: Option<Text>,
    /// What it answers itself, by a name of your choice: redirects, and fixed answers such as that
    /// of a maintenance.
    #[serde(default)]
    #[schemars(extend("propertyNames" = { "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$" }, "x-name" = "old-blog"))]
    pub(crate) answers: BTreeMap<String, Answer>,
    /// What it takes: requests of HTTP (`application`), or connections of TCP and TLS and datagrams
    /// of UDP (`network`), each route by a port of its own.
    #[serde(default, rename = "type")]
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) kind: BalancerType,
    /// Whether its addresses stay the same as long as it is there, one in each zone: `static`, for
    /// a network load balancer. AWS changes others when it likes.
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) addresses: Option<Addresses>,
    /// One that exists already, in the place of one that is made: by its ARN, or another stack's or
    /// environment's by their names. Routes and answers become rules of its listener; nothing else
    /// of it is changed.
    #[schemars(extend(
        "x-excludes" =
            ["http", "certificate", "tls-policy", "internal", "protect", "idle-timeout", "from",
             "web-acl", "type", "addresses"]
    ))]
    pub(crate) existing: Option<Existing>,
}

/// A load balancer that exists already.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Existing {
    /// Its ARN.
    #[schemars(extend("x-excludes" = ["stack", "environment", "name", "tags"]))]
    pub(super) arn: Option<String>,
    /// The stack that made it, in the same account and region; this one when left out.
    #[schemars(extend("x-excludes" = ["arn", "tags"]))]
    pub(super) stack: Option<String>,
    /// The environment of that stack that made it; the one of the same name when left out.
    #[schemars(extend("x-excludes" = ["arn", "tags"]))]
    pub(super) environment: Option<String>,
    /// What it is called there; as here when left out.
    #[schemars(extend("x-excludes" = ["arn", "tags"]))]
    pub(super) name: Option<String>,
    /// The port of the listener that gets the rules: that of HTTPS, or else of HTTP, when left out.
    pub(in crate::sections) port: Option<u16>,
    /// Tags that no other load balancer of this account and region has all of: `{ Name: edge }`.
    #[serde(default)]
    #[schemars(extend("x-excludes" = ["arn", "stack", "environment", "name"]))]
    pub(super) tags: BTreeMap<String, String>,
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

/// Which addresses a network load balancer has.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Addresses {
    /// Elastic IPs of its own.
    Static,
}

fn idle_timeout() -> Seconds {
    Seconds(60)
}
