//! The `load-balancers` section.

mod answer;
mod body;
mod domain;
mod domains;
mod existing;
mod group;
mod network_type;
mod tls;

use std::collections::BTreeSet;

use deployer_core::{Address, Arn, Code, Part, Ref, Text};
use deployer_kinds::{
    self as kinds, Action, BalancerType, Ingress, IpRange, Listener, ListenerProtocol,
    ListenerSpec, LoadBalancerSpec, Peer, Ports, Protocol, Redirect, Respond, SecurityGroup,
    SecurityGroupSpec,
};

pub(in crate::sections) use self::answer::{ANSWERED, Answer};
pub(super) use self::body::{Http, LoadBalancer};
pub(in crate::sections) use self::domain::{Domain, resource};
pub(super) use self::group::groups;
use self::group::{group, group_name};
use self::tls::{TLS, certificate_form};
use super::{network, service};
use crate::draft::{Draft, Origin, json};
use crate::node::{Content, Node};
use crate::section::{Offer, Output, Section, Sections};

impl Section for LoadBalancer {
    const KEY: &'static str = "load-balancers";
    const ABOUT: &'static str = "Load balancers, by name.";
    const IS_USABLE: bool = true;

    fn expand(&self, name: &str, all: &Sections, draft: &mut Draft) {
        if let Some(existing) = &self.existing {
            return existing::expand(draft, self, existing, name);
        }
        if self.is_network() {
            return network_type::expand(draft, all, self, name);
        }
        let path = [Self::KEY, name];
        if self.addresses.is_some() {
            let title = format!("the addresses of `{name}` are AWS's to choose");
            let path = [Self::KEY, name, "addresses"];
            let help = "remove it, or write `type: network`";
            draft.error(Code::BadValue, title, &path, "for network load balancers", help);
        }
        draft.must_have_network(&path);
        let tier = if self.internal { "private" } else { "public" };
        draft.must_have_two_zones("a load balancer", tier, &path);
        draft.must_have_one_subnet_a_zone(tier, &path);
        let rules = self.rules(draft, all, name);
        Self::group(draft, name, rules);

        let spec = LoadBalancerSpec {
            kind: BalancerType::Application.into(),
            subnets: draft.subnets(tier),
            addresses: BTreeSet::new(),
            security_groups: [group(name)].into(),
            internal: self.internal,
            deletion_protection: self.protect.into(),
            idle_timeout: self.idle_timeout.0.into(),
            client_keep_alive: 3600.into(),
            http2: true.into(),
            drop_invalid_headers: true.into(),
            preserve_host: false.into(),
            web_acl: self.web_acl.clone().unwrap_or_else(|| Text::from("")),
            cross_zone: false.into(),
        };
        let fields = ["idle-timeout", "internal", "web-acl"].map(|field| (field, field));
        let origin = Origin::new(&path, &fields);
        self.web_acl_is_near(draft, name);
        draft.make::<kinds::LoadBalancer>(name, &spec, origin);
        self.listeners(draft, all, name);
        domains::expand(draft, self, name);
    }

    fn together(all: &Sections, draft: &mut Draft) {
        domains::request(draft, all);
    }

    fn offer(&self, name: &str, all: &Sections) -> Option<Offer> {
        if self.is_network() {
            return Some(network_type::offer(self, all, name));
        }
        Some(Offer {
            environment: vec![("URL", self.url(name))],
            ports: self.ports(),
            // Of one that exists already that is not known yet: everywhere is wide enough for both.
            is_outside: !self.internal,
            ..Offer::default()
        })
    }

    fn outputs(name: &str, body: &Node) -> Vec<Output> {
        let dns = Output::of("dns", "load-balancer", name, "dns");
        let is_there = |key| body.field(key).is_some_and(|it: &Node| it.content != Content::Null);
        if body.field("type").is_some_and(|it| it.content == Content::Text("network".to_owned())) {
            let host = domain::first(body).map_or_else(|| dns.text.clone(), Text::from);
            return vec![Output { name: "host", text: host, is_printed: true }, dns];
        }
        let text = match domain::first(body) {
            Some(domain) => Text::from(format!("https://{domain}")),
            None if is_there("existing") => existing_url(name),
            None => url(name, is_there("certificate")),
        };
        vec![Output { name: "url", text, is_printed: true }, dns]
    }
}

/// Whether a load balancer is one of TCP and UDP.
pub(in crate::sections) fn is_network(all: &Sections, name: &str) -> bool {
    all.get::<LoadBalancer>(name).is_some_and(LoadBalancer::is_network)
}

impl LoadBalancer {
    /// Whether it is one of TCP and UDP.
    pub(in crate::sections) fn is_network(&self) -> bool {
        self.kind == BalancerType::Network && self.existing.is_none()
    }

    /// Whether it listens for HTTPS.
    pub(super) fn is_secure(&self) -> bool {
        self.certificate.is_some() || !self.domains.is_empty()
    }

    /// The domains that are sent to another one, with their places in the list.
    pub(super) fn redirects(&self) -> impl Iterator<Item = (usize, &String, &str)> {
        let all = self.domains.iter().enumerate();
        all.filter_map(|(index, it)| Some((index, &it.name, it.redirect.as_deref()?)))
    }

    /// A web ACL is in the region of what it guards (AWS WAF API reference, `AssociateWebACL`).
    fn web_acl_is_near(&self, draft: &mut Draft, name: &str) {
        let arn = self.web_acl.as_ref().and_then(Text::literal).and_then(Arn::read);
        let Some(arn) = arn.filter(|arn| arn.resource.starts_with("regional/webacl/")) else {
            return;
        };
        if arn.region != draft.region {
            let (title, region) = (format!("the web ACL is in {}", arn.region), &draft.region);
            let help = format!("name one that is in {region}, where the load balancer is");
            let path = [Self::KEY, name, "web-acl"];
            draft.error(Code::BadPlace, title, &path, "another region", help);
        }
    }

    /// The ports it listens on.
    fn ports(&self) -> Vec<u16> {
        match &self.existing {
            Some(existing) => existing.port.map_or_else(|| vec![80, 443], |port| vec![port]),
            None if self.is_secure() => vec![80, 443],
            None => vec![80],
        }
    }

    /// Whether everybody whom it lets in reaches this port of it.
    pub(in crate::sections) fn listens_on(&self, port: u16) -> bool {
        self.ports().contains(&port)
    }

    /// Where it is reached.
    fn url(&self, name: &str) -> Text {
        match self.domains.iter().find(|it| it.is_shown()) {
            Some(domain) => Text::from(format!("https://{}", domain.name)),
            None if self.existing.is_some() => existing_url(name),
            None => url(name, self.certificate.is_some()),
        }
    }

    /// What it does with plain HTTP.
    pub(super) fn http(&self) -> Http {
        let default = if self.is_secure() { Http::Redirect } else { Http::Forward };
        self.http.unwrap_or(default)
    }

    /// The address ranges that reach it.
    fn from(&self, draft: &Draft) -> BTreeSet<IpRange> {
        let inside = draft.network.ranges.iter().copied();
        let everybody: Option<IpRange> = "0.0.0.0/0".parse().ok();
        match &self.from {
            Some(from) => from.clone(),
            None if self.internal => inside.collect(),
            None => everybody.into_iter().collect(),
        }
    }

    /// Lets in who may reach it.
    fn rules(&self, draft: &Draft, all: &Sections, name: &str) -> BTreeSet<Ingress> {
        let users = service::users(all, Self::KEY, name);
        let peers: Vec<Peer> = self
            .from(draft)
            .into_iter()
            .map(Peer::IpRange)
            .chain(users.map(|user| Peer::SecurityGroup(user.group())))
            .collect();
        let rule = |from: &Peer, port: u16| Ingress {
            from: from.clone(),
            port: Ports::Range(port, port),
            protocol: Protocol::Tcp,
            description: String::new(),
        };
        let ports = self.ports();
        let mut rules: BTreeSet<Ingress> =
            peers.iter().flat_map(|peer| ports.iter().map(move |port| rule(peer, *port))).collect();
        for (port, (from, _)) in service::test_ports(draft, all, name) {
            rules.extend(from.into_iter().map(|range| rule(&Peer::IpRange(range), port)));
        }
        rules
    }

    fn group(draft: &mut Draft, name: &str, ingress: BTreeSet<Ingress>) {
        let spec = SecurityGroupSpec {
            vpc: Ref::named("main"),
            description: format!("load balancer {name}"),
            ingress,
            egress: network::inside(draft),
        };
        let origin = Origin::new(&[Self::KEY, name], &[("ingress", "from")]);
        draft.make::<SecurityGroup>(&group_name(name), &spec, origin);
    }

    fn listeners(&self, draft: &mut Draft, all: &Sections, name: &str) {
        let path = [Self::KEY, name];
        let nothing = Action::Respond(Respond {
            status: 404,
            content_type: "text/plain".to_owned(),
            body: "nothing is routed here\n".to_owned(),
        });
        let default_action = match self.http() {
            Http::Forward => nothing.clone(),
            Http::Redirect if !self.is_secure() => {
                draft.error(
                    Code::MissingCertificate,
                    format!("`{name}` redirects to HTTPS but has no certificate"),
                    &[Self::KEY, name, "http"],
                    "nothing listens where this leads",
                    "add `domains:`, or `certificate:` with the ARN of one, or write `http: forward`",
                );
                return;
            }
            Http::Redirect => Action::Redirect(redirect("#{host}")),
        };
        let http = ListenerSpec {
            load_balancer: Ref::named(name),
            port: 80,
            protocol: ListenerProtocol::Http.into(),
            certificate: None,
            certificates: BTreeSet::new(),
            tls_policy: None,
            default_action: default_action.into(),
            reserves: None,
        };
        draft.make::<Listener>(&format!("{name}-http"), &http, Origin::new(&path, &[]));
        let mut of_tests = ListenerSpec { default_action: nothing.clone().into(), ..http.clone() };
        let mut certificates = domains::certificates(self).into_iter();
        match self.certificate.clone().or_else(|| certificates.next()) {
            Some(certificate) => {
                let https = ListenerSpec {
                    port: 443,
                    protocol: ListenerProtocol::Https.into(),
                    certificate: Some(certificate),
                    certificates: certificates.collect(),
                    tls_policy: Some(self.tls_policy.clone().unwrap_or_else(|| TLS.to_owned())),
                    default_action: nothing.into(),
                    reserves: None,
                    ..http
                };
                let origin = Origin::new(
                    &path,
                    &[("certificate", "certificate"), ("certificates", "domains")],
                );
                draft.make::<Listener>(&format!("{name}-https"), &https, origin);
                of_tests = https;
                if let Some(certificate) = &self.certificate {
                    certificate_form(draft, name, &json(certificate));
                }
            }
            None if self.tls_policy.is_some() => draft.error(
                Code::MissingCertificate,
                format!("`{name}` has a TLS policy but no certificate"),
                &[Self::KEY, name, "tls-policy"],
                "used for HTTPS only",
                "add `domains:`, or `certificate:` with the ARN of one, or remove this",
            ),
            None => {}
        }
        for (port, (_, service)) in service::test_ports(draft, all, name) {
            if !self.listens_on(port) {
                let spec = ListenerSpec { port, ..of_tests.clone() };
                let test = ["services", service, "rollout", "test"];
                let origin = Origin::new(&test, &[("port", "port")]);
                draft.make::<Listener>(&test_listener(name, port), &spec, origin);
            }
        }
    }
}

/// What the listener of a port for tests is called.
pub(in crate::sections) fn test_listener(name: &str, port: u16) -> String {
    format!("{name}-{port}")
}

/// Sends a client to HTTPS, at a host, with the path and the query that it asked for.
pub(super) fn redirect(host: &str) -> Redirect {
    Redirect {
        protocol: "HTTPS".to_owned(),
        host: host.to_owned(),
        port: "443".to_owned(),
        path: "/#{path}".to_owned(),
        query: "#{query}".to_owned(),
        permanent: true,
    }
}

/// Where a load balancer is reached that has no domain.
fn url(name: &str, is_secure: bool) -> Text {
    let scheme = if is_secure { "https://" } else { "http://" };
    let dns =
        Part::Output { address: Address::new("load-balancer", name), field: "dns".to_owned() };
    Text::from_parts([Part::Literal(scheme.to_owned()), dns])
}

/// Where one is reached that exists already and has no domain of the stack's.
fn existing_url(name: &str) -> Text {
    Text::output(Address::new("load-balancer", name), existing::URL)
}
