//! A listener: a port of a load balancer, and what it does with requests no rule takes.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{
    After, Change, Destination, Fact, Grant, Impact, Kind, Lead, Opaque, Problem, Ref, Text, Thing,
    Time, Typical,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{LoadBalancer, TargetGroup};

/// How many seconds a certificate is waited for that is being validated.
pub(crate) const VALIDATION: u32 = 30 * 60;

/// A listener of a load balancer.
pub struct Listener;

impl Kind for Listener {
    const NAME: &'static str = "listener";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("load-balancer", Change::Replace(Impact::Outage)),
        ("port", Change::InPlace(Impact::Outage)),
        ("protocol", Change::InPlace(Impact::Outage)),
        ("certificate", Change::InPlace(Impact::None)),
        ("certificates", Change::InPlace(Impact::None)),
        ("tls-policy", Change::InPlace(Impact::None)),
        ("default-action", Change::InPlace(Impact::None)),
        ("reserves", Change::InPlace(Impact::None)),
    ];
    const LEADS: Option<&'static str> = Some("default-action");
    // A certificate is issued once its domains are validated, and only then a listener takes it.
    const AFTER: &'static [After] =
        &[After { kind: "validation-record", sharing: Some("certificate") }];
    // Quotas for application load balancers (user guide), the default one apart.
    const GRANTS: &'static [Grant] = &[Grant { most: 25, ..Grant::of("certificates") }];
    const REFUSED_WHILE_USED: bool = true;
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    type Spec = ListenerSpec;
    type Output = ListenerOutput;

    /// A certificate is issued minutes after its records are there, half an hour at most
    /// ("Troubleshooting DNS validation" in the ACM user guide), and is waited for.
    fn time(
        action: deployer_core::Action,
        _live: Option<&ListenerSpec>,
        wanted: Option<&ListenerSpec>,
    ) -> Time {
        let time = Self::TYPICAL.time(action);
        let has_certificate = wanted.is_some_and(|it| it.certificate.is_some());
        if has_certificate { Time { limit: VALIDATION, ..time } } else { time }
    }

    fn check(spec: &ListenerSpec) -> Vec<Problem> {
        match (spec.protocol.known(), &spec.certificate) {
            (Some(ListenerProtocol::Https), None) => vec![Problem::new(
                "protocol",
                "an HTTPS listener needs a certificate",
                "add `certificate:` with the ARN of one",
            )],
            (Some(ListenerProtocol::Http), Some(_)) => vec![Problem::new(
                "certificate",
                "a plain HTTP listener cannot have a certificate",
                "add `protocol: https`",
            )],
            _ if spec.certificate.is_none() && !spec.certificates.is_empty() => vec![Problem::new(
                "certificates",
                "they are beside a certificate that everybody else is shown",
                "add `certificate:` with the ARN of one",
            )],
            (_, Some(shown)) if spec.certificates.contains(shown) => vec![Problem::new(
                "certificates",
                "the one that everybody else is shown is among them",
                "remove it here",
            )],
            _ => Vec::new(),
        }
    }

    fn facts(spec: &ListenerSpec) -> Vec<Fact> {
        vec![Fact::Leads(Lead {
            at: Thing::Itself,
            turn: None,
            hosts: BTreeSet::new(),
            paths: BTreeSet::new(),
            methods: BTreeSet::new(),
            also: BTreeMap::new(),
            to: spec.default_action.known().map(Action::destination),
        })]
    }

    fn reserve(live: Option<&ListenerSpec>, wanted: &ListenerSpec) -> Option<ListenerSpec> {
        let live = live?;
        let reserves = reserved(&live.default_action, &wanted.default_action)?;
        Some(ListenerSpec { reserves: Some(reserves), ..live.clone() })
    }
}

/// Target groups that are bound to a listener or a rule and get no requests. ECS registers no task
/// in a group that is bound to nothing.
pub type Reserves = BTreeSet<Ref<TargetGroup>>;

/// What is reserved while a forward to one group is to become one to another.
pub(crate) fn reserved(live: &Opaque<Action>, wanted: &Opaque<Action>) -> Option<Reserves> {
    match (live.known()?, wanted.known()?) {
        (Action::Forward(live), Action::Forward(wanted)) if live != wanted => {
            Some([wanted.clone()].into())
        }
        _ => None,
    }
}

/// What we want of a listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ListenerSpec {
    /// The load balancer it belongs to.
    pub load_balancer: Ref<LoadBalancer>,
    /// The port clients connect to.
    pub port: u16,
    /// What clients speak.
    #[serde(default)]
    pub protocol: Opaque<ListenerProtocol>,
    /// The ARN of the certificate clients are shown; HTTPS only.
    pub certificate: Option<Text>,
    /// The ARNs of other certificates, which clients are shown that ask for a name of theirs.
    #[serde(default)]
    pub certificates: BTreeSet<Text>,
    /// The name of the TLS policy; AWS's own choice when left out.
    pub tls_policy: Option<String>,
    /// What happens to a request that no rule takes.
    pub default_action: Opaque<Action>,
    /// The target groups that are bound to it beside the one it forwards to, and get no requests.
    pub reserves: Option<Reserves>,
}

/// What clients speak to a load balancer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ListenerProtocol {
    /// Plain HTTP.
    #[default]
    Http,
    /// HTTP over TLS.
    Https,
}

/// What a listener or a rule does with a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Passes it to the targets of a group.
    Forward(Ref<TargetGroup>),
    /// Sends the client elsewhere.
    Redirect(Redirect),
    /// Answers by itself.
    Respond(Respond),
}

impl Action {
    /// Where it leads requests.
    pub(crate) fn destination(&self) -> Destination {
        match self {
            Self::Forward(group) => Destination::Group(group.into()),
            Self::Redirect(redirect) => {
                Destination::Redirect(format!("are redirected to {}", redirect.target()))
            }
            Self::Respond(respond) => Destination::Answer(format!("get {}", respond.status)),
        }
    }
}

impl Redirect {
    /// Where a client is sent, as a person says it: `HTTPS`, `http://www.example.com:80/`.
    fn target(&self) -> String {
        let Self { protocol, host, port, path, .. } = self;
        if (host, path) == (&same_host(), &same_path()) && protocol == "HTTPS" && port == "443" {
            return "HTTPS".to_owned();
        }
        format!("{}://{host}:{port}{path}", protocol.to_lowercase())
    }
}

/// Where a client is sent. `#{protocol}`, `#{host}`, `#{port}`, `#{path}` and `#{query}` stand for
/// those of the request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Redirect {
    /// `HTTP`, `HTTPS` or `#{protocol}`.
    #[serde(default = "same_protocol")]
    pub protocol: String,
    /// The host.
    #[serde(default = "same_host")]
    pub host: String,
    /// The port.
    #[serde(default = "same_port")]
    pub port: String,
    /// The path, from the leading slash.
    #[serde(default = "same_path")]
    pub path: String,
    /// The query, without the question mark.
    #[serde(default = "same_query")]
    pub query: String,
    /// Whether clients may remember it (301) or not (302).
    #[serde(default)]
    pub permanent: bool,
}

/// An answer the load balancer gives by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Respond {
    /// The status code, such as 404.
    pub status: u16,
    /// The content type.
    #[serde(default = "plain")]
    pub content_type: String,
    /// The text.
    #[serde(default)]
    pub body: String,
}

/// What AWS returns for a listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ListenerOutput {
    /// The ARN.
    pub id: String,
}

fn same_protocol() -> String {
    "#{protocol}".to_owned()
}

fn same_host() -> String {
    "#{host}".to_owned()
}

fn same_port() -> String {
    "#{port}".to_owned()
}

fn same_path() -> String {
    "/#{path}".to_owned()
}

fn same_query() -> String {
    "#{query}".to_owned()
}

fn plain() -> String {
    "text/plain".to_owned()
}
