//! A listener: a port of a load balancer, and what it does with requests no rule takes, or with
//! connections and datagrams.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{
    After, Change, Fact, Grant, Impact, Kind, Lead, Opaque, Problem, Ref, Replacement, Text, Thing,
    Time, Typical,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::LoadBalancer;
use crate::action::{Action, Reserves, reserved, share_groups};

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
        let mut problems = Vec::new();
        if let Some(protocol) = spec.protocol.known() {
            problems.extend(wrong_action(*protocol, &spec.default_action));
        }
        problems.extend(wrong_certificate(spec));
        let action = spec.default_action.known();
        let wrong = |action: &Action| action.problems("default-action", spec.reserves.as_ref());
        problems.extend(action.map(wrong).unwrap_or_default());
        problems
    }

    fn replacement(live: &ListenerSpec, wanted: &ListenerSpec) -> Replacement {
        let (live, wanted) =
            ((&live.default_action, &live.reserves), (&wanted.default_action, &wanted.reserves));
        if share_groups(live, wanted) { Replacement::DeleteFirst } else { Self::REPLACEMENT }
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

    /// One of a network load balancer binds only groups of its protocol ("Target groups for your
    /// Network Load Balancers" in the ELB user guide), so another group comes with another one.
    fn reserve(live: Option<&ListenerSpec>, wanted: &ListenerSpec) -> Option<ListenerSpec> {
        let is_of_network = wanted.protocol.known().is_some_and(|it| it.is_of_network());
        let live = live.filter(|live| !is_of_network || live.protocol == wanted.protocol)?;
        let (was, will) = (&live.default_action, &wanted.default_action);
        let reserves = reserved(was, live.reserves.as_ref(), will)?;
        Some(ListenerSpec { reserves: Some(reserves), ..live.clone() })
    }
}

/// Who reads no HTTP can only pass on (`Action` in the ELB API reference).
fn wrong_action(protocol: ListenerProtocol, action: &Opaque<Action>) -> Option<Problem> {
    if matches!(action, Opaque::Known(Action::Shift(_))) {
        let help = "write a rule for the path `/*`, and what is answered otherwise here";
        let message = "requests are shifted by a rule, not by a default action";
        return Some(Problem::new("default-action.shift", message, help));
    }
    let is_forward = matches!(action, Opaque::Known(Action::Forward(_)) | Opaque::Unread);
    (protocol.is_of_network() && !is_forward).then(|| {
        let message = "a listener of a network load balancer only forwards";
        Problem::new("default-action", message, "write `forward:` with a target group")
            .along(&["protocol"])
    })
}

fn wrong_certificate(spec: &ListenerSpec) -> Option<Problem> {
    let problem = match (spec.protocol.known(), &spec.certificate) {
        (Some(ListenerProtocol::Https), None) => Problem::new(
            "protocol",
            "an HTTPS listener needs a certificate",
            "add `certificate:` with the ARN of one",
        ),
        (Some(ListenerProtocol::Tls), None) => Problem::new(
            "protocol",
            "a TLS listener needs a certificate",
            "add `certificate:` with the ARN of one",
        ),
        (Some(ListenerProtocol::Http), Some(_)) => Problem::new(
            "certificate",
            "a plain HTTP listener cannot have a certificate",
            "add `protocol: https`",
        ),
        (Some(protocol), Some(_)) if !protocol.is_encrypted() => Problem::new(
            "certificate",
            "a listener that encrypts nothing cannot have a certificate",
            "write `protocol: tls`",
        ),
        _ if spec.certificate.is_none() && !spec.certificates.is_empty() => Problem::new(
            "certificates",
            "they are beside a certificate that everybody else is shown",
            "add `certificate:` with the ARN of one",
        ),
        (_, Some(shown)) if spec.certificates.contains(shown) => Problem::new(
            "certificates",
            "the one that everybody else is shown is among them",
            "remove it here",
        ),
        _ => return None,
    };
    Some(problem)
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
    /// The ARN of the certificate clients are shown; HTTPS and TLS only.
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
    /// Connections; network load balancers only, as are those that follow.
    Tcp,
    /// Datagrams.
    Udp,
    /// Connections and datagrams, at one port.
    TcpUdp,
    /// Connections that it decrypts.
    Tls,
}

impl ListenerProtocol {
    /// Whether clients are shown a certificate.
    pub fn is_encrypted(self) -> bool {
        matches!(self, Self::Https | Self::Tls)
    }

    /// Whether network load balancers speak it.
    pub fn is_of_network(self) -> bool {
        !matches!(self, Self::Http | Self::Https)
    }
}

/// What AWS returns for a listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ListenerOutput {
    /// The ARN.
    pub id: String,
}
