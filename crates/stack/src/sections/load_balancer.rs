//! The `load-balancers` section.

use std::collections::BTreeSet;

use deployer_core::{Address, Code, Part, Partition, Ref, Text};
use deployer_kinds::{
    self as kinds, Action, Ingress, IpRange, Listener, ListenerProtocol, ListenerSpec,
    LoadBalancerSpec, Peer, Ports, Protocol, Redirect, Respond, SecurityGroup, SecurityGroupSpec,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{network, service};
use crate::draft::{Draft, Origin, json};
use crate::later::NotYet;
use crate::node::{Content, Node};
use crate::quantities::Seconds;
use crate::section::{Offer, Output, Section, Sections};

/// The TLS policy where none is written: what ELB takes by itself allows TLS 1.0 (ELB user guide,
/// "Security policies for your Application Load Balancer").
const TLS: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";

/// An application load balancer with its listeners and its security group.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct LoadBalancer {
    /// What happens to plain HTTP on port 80: it is passed on (`forward`) or sent to HTTPS
    /// (`redirect`). With a certificate the default is `redirect`, otherwise `forward`.
    pub(crate) http: Option<Http>,
    /// The ARN of a certificate, which makes it listen for HTTPS on port 443.
    pub(crate) certificate: Option<Text>,
    /// The name of the TLS policy; one of TLS 1.2 and 1.3, `ELBSecurityPolicy-TLS13-1-2-2021-06`,
    /// when left out.
    pub(crate) tls_policy: Option<String>,
    /// Whether it is reached from inside the network only.
    #[serde(default)]
    pub(crate) internal: bool,
    /// Whether AWS refuses to delete it.
    #[serde(default)]
    pub(crate) protect: bool,
    /// After how long a silent connection is closed, `1 s` to `4000 s`.
    #[serde(default = "idle_timeout")]
    pub(crate) idle_timeout: Seconds,
    /// The address ranges that may reach it: everybody, or for an internal one the network, when
    /// left out.
    pub(crate) from: Option<BTreeSet<IpRange>>,
    /// The domains it is reached by, with their certificates and records.
    pub(crate) domains: Option<NotYet>,
    /// How long its access logs are kept.
    pub(crate) logs: Option<NotYet>,
    /// The ARN of a web ACL that filters requests.
    pub(crate) web_acl: Option<NotYet>,
    /// An application load balancer, or one of TCP and UDP (`network`).
    #[serde(rename = "type")]
    pub(crate) kind: Option<NotYet>,
    /// Addresses of its own for a network load balancer: `static`.
    pub(crate) addresses: Option<NotYet>,
    /// One that exists already.
    pub(crate) existing: Option<NotYet>,
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

impl Section for LoadBalancer {
    const KEY: &'static str = "load-balancers";
    const ABOUT: &'static str = "Load balancers, by name.";
    const IS_USABLE: bool = true;

    fn expand(&self, name: &str, all: &Sections, draft: &mut Draft) {
        let path = [Self::KEY, name];
        draft.must_have_network(&path);
        draft.must_have_two_zones("a load balancer", Self::KEY, name);
        self.group(draft, all, name);

        let spec = LoadBalancerSpec {
            subnets: draft.subnets(if self.internal { "private" } else { "public" }),
            security_groups: [group(name)].into(),
            internal: self.internal,
            deletion_protection: self.protect.into(),
            idle_timeout: self.idle_timeout.0.into(),
            client_keep_alive: 3600.into(),
            http2: true.into(),
            drop_invalid_headers: true.into(),
            preserve_host: false.into(),
        };
        let origin =
            Origin::new(&path, &[("idle-timeout", "idle-timeout"), ("internal", "internal")]);
        draft.make::<kinds::LoadBalancer>(name, &spec, origin);
        self.listeners(draft, name);
    }

    fn offer(&self, name: &str) -> Option<Offer> {
        Some(Offer {
            environment: vec![("URL", url(name, self.certificate.is_some()))],
            ports: self.ports(),
            is_outside: !self.internal,
            ..Offer::default()
        })
    }

    fn outputs(name: &str, body: &Node) -> Vec<Output> {
        let text =
            url(name, body.field("certificate").is_some_and(|it| it.content != Content::Null));
        vec![
            Output { name: "url", text, is_printed: true },
            Output::of("dns", "load-balancer", name, "dns"),
        ]
    }
}

impl LoadBalancer {
    /// The ports it listens on.
    fn ports(&self) -> Vec<u16> {
        if self.certificate.is_some() { vec![80, 443] } else { vec![80] }
    }

    /// What it does with plain HTTP.
    pub(super) fn http(&self) -> Http {
        let default = if self.certificate.is_some() { Http::Redirect } else { Http::Forward };
        self.http.unwrap_or(default)
    }

    fn group(&self, draft: &mut Draft, all: &Sections, name: &str) {
        let inside = draft.network.cidr.map(|cidr| IpRange(cidr.0.into()));
        let everybody: Option<IpRange> = "0.0.0.0/0".parse().ok();
        let from: BTreeSet<IpRange> = match &self.from {
            Some(from) => from.clone(),
            None if self.internal => inside.into_iter().collect(),
            None => everybody.into_iter().collect(),
        };
        let users = service::users(all, Self::KEY, name);
        let peers: Vec<Peer> = from
            .into_iter()
            .map(Peer::IpRange)
            .chain(users.map(|user| Peer::SecurityGroup(service::group(user))))
            .collect();
        let rule = |from: &Peer, port: u16| Ingress {
            from: from.clone(),
            port: Ports::Range(port, port),
            protocol: Protocol::Tcp,
            description: String::new(),
        };
        let ports = self.ports();
        let ingress =
            peers.iter().flat_map(|peer| ports.iter().map(move |port| rule(peer, *port))).collect();
        let spec = SecurityGroupSpec {
            vpc: Ref::named("main"),
            description: format!("load balancer {name}"),
            ingress,
            egress: network::inside(draft),
        };
        let origin = Origin::new(&[Self::KEY, name], &[("ingress", "from")]);
        draft.make::<SecurityGroup>(&group_name(name), &spec, origin);
    }

    fn listeners(&self, draft: &mut Draft, name: &str) {
        let path = [Self::KEY, name];
        let nothing = Action::Respond(Respond {
            status: 404,
            content_type: "text/plain".to_owned(),
            body: "nothing is routed here\n".to_owned(),
        });
        let default_action = match self.http() {
            Http::Forward => nothing.clone(),
            Http::Redirect if self.certificate.is_none() => {
                draft.error(
                    Code::MissingCertificate,
                    format!("`{name}` redirects to HTTPS but has no certificate"),
                    &[Self::KEY, name, "http"],
                    "nothing listens where this leads",
                    "add `certificate:` with the ARN of one, or write `http: forward`",
                );
                return;
            }
            Http::Redirect => Action::Redirect(Redirect {
                protocol: "HTTPS".to_owned(),
                host: "#{host}".to_owned(),
                port: "443".to_owned(),
                path: "/#{path}".to_owned(),
                query: "#{query}".to_owned(),
                permanent: true,
            }),
        };
        let http = ListenerSpec {
            load_balancer: Ref::named(name),
            port: 80,
            protocol: ListenerProtocol::Http.into(),
            certificate: None,
            tls_policy: None,
            default_action: default_action.into(),
            reserves: None,
        };
        draft.make::<Listener>(&format!("{name}-http"), &http, Origin::new(&path, &[]));
        match &self.certificate {
            Some(certificate) => {
                let https = ListenerSpec {
                    port: 443,
                    protocol: ListenerProtocol::Https.into(),
                    certificate: Some(certificate.clone()),
                    tls_policy: Some(self.tls_policy.clone().unwrap_or_else(|| TLS.to_owned())),
                    default_action: nothing.into(),
                    reserves: None,
                    ..http
                };
                let origin = Origin::new(&path, &[("certificate", "certificate")]);
                draft.make::<Listener>(&format!("{name}-https"), &https, origin);
                certificate_form(draft, name, &json(certificate));
            }
            None if self.tls_policy.is_some() => draft.error(
                Code::MissingCertificate,
                format!("`{name}` has a TLS policy but no certificate"),
                &[Self::KEY, name, "tls-policy"],
                "used for HTTPS only",
                "add `certificate:` with the ARN of one, or remove this",
            ),
            None => {}
        }
    }
}

/// Where a load balancer is reached.
fn url(name: &str, is_secure: bool) -> Text {
    let scheme = if is_secure { "https://" } else { "http://" };
    let dns =
        Part::Output { address: Address::new("load-balancer", name), field: "dns".to_owned() };
    Text::from_parts([Part::Literal(scheme.to_owned()), dns])
}

/// The security group of a load balancer.
pub(super) fn group(name: &str) -> Ref<SecurityGroup> {
    Ref::named(group_name(name))
}

fn group_name(name: &str) -> String {
    format!("load-balancer-{name}")
}

fn certificate_form(draft: &mut Draft, name: &str, certificate: &serde_json::Value) {
    if certificate.as_str().is_some_and(|text| !text.starts_with("arn:")) {
        let (region, partition) = (draft.region.clone(), Partition::of(&draft.region).name());
        draft.error(
            Code::BadValue,
            "a certificate is named by its ARN",
            &[LoadBalancer::KEY, name, "certificate"],
            "not an ARN",
            format!("write one such as `arn:{partition}:acm:{region}:123456789012:certificate/…`"),
        );
    }
}

fn idle_timeout() -> Seconds {
    Seconds(60)
}
