//! A load balancer of TCP and UDP: each route is a listener, named by its port.

use std::collections::BTreeSet;

use deployer_core::{Address, Code, Ref, Target, Text};
use deployer_kinds::{
    self as kinds, Action, BalancerType, ElasticIp, ElasticIpSpec, Ingress, Listener,
    ListenerProtocol, ListenerSpec, LoadBalancerSpec, Peer, Ports, Protocol, StaticAddress, Subnet,
};

use super::body::LoadBalancer;
use super::domains;
use super::group::group;
use super::tls::{TLS, certificate_form};
use crate::draft::{Draft, Origin, json};
use crate::section::{Offer, Section, Sections};
use crate::sections::service::{self, Led};
use crate::words;

/// What only a load balancer has that reads HTTP.
const OF_HTTP: [&str; 4] = ["http", "idle-timeout", "web-acl", "answers"];

pub(super) fn expand(draft: &mut Draft, all: &Sections, balancer: &LoadBalancer, name: &str) {
    let path = [LoadBalancer::KEY, name];
    refuse_http(draft, balancer, name);
    draft.must_have_network(&path);
    let tier = if balancer.internal { "private" } else { "public" };
    draft.must_be_lent(tier, &path);
    draft.must_have_one_subnet_a_zone(tier, &path);
    let led = service::led(all, name);
    service::check_led(draft, all, name, &led);

    let rules = led.iter().flat_map(|it| rules(balancer, draft, all, (name, it))).collect();
    LoadBalancer::group(draft, name, rules);
    let subnets = draft.subnets(tier);
    let spec = LoadBalancerSpec {
        kind: BalancerType::Network.into(),
        addresses: addresses(draft, balancer, name, &subnets),
        subnets,
        security_groups: [group(name)].into(),
        internal: balancer.internal,
        deletion_protection: balancer.protect.into(),
        idle_timeout: 60.into(),
        client_keep_alive: 3600.into(),
        http2: true.into(),
        drop_invalid_headers: false.into(),
        preserve_host: false.into(),
        // There may be fewer tasks than zones, and each address is to lead to one.
        cross_zone: true.into(),
        web_acl: Text::from(""),
    };
    let fields = [("internal", "internal"), ("addresses", "addresses"), ("type", "type")];
    draft.make::<kinds::LoadBalancer>(name, &spec, Origin::new(&path, &fields));
    let mut ports = BTreeSet::new();
    for it in led.iter().filter(|it| it.is_understood()) {
        // That another has the port is reported.
        if ports.insert(it.listens()) {
            listener(draft, balancer, name, it);
        }
    }
    if let Some(certificate) = &balancer.certificate {
        certificate_form(draft, name, &json(certificate));
    }
    if balancer.tls_policy.is_some() && !led.iter().any(Led::is_decrypted) {
        let title = format!("`{name}` has a TLS policy and no route of TLS");
        let help = "write `protocol: tls` in a route, or remove this";
        let path = [LoadBalancer::KEY, name, "tls-policy"];
        draft.error(Code::BadValue, title, &path, "used for TLS only", help);
    }
    domains::expand(draft, balancer, name);
}

fn refuse_http(draft: &mut Draft, balancer: &LoadBalancer, name: &str) {
    for key in OF_HTTP {
        if draft.is_written(&[LoadBalancer::KEY, name], key) {
            let title = format!("`{key}` is about HTTP, which `{name}` does not read");
            let path = [LoadBalancer::KEY, name, key];
            let help = "remove it, or remove `type: network`";
            draft.key_error(Code::BadValue, title, &path, "of application load balancers", help);
        }
    }
    for (index, _, _) in balancer.redirects() {
        let index = index.to_string();
        let path = [LoadBalancer::KEY, name, "domains", &index, "redirect"];
        let title = format!("`{name}` sends nobody to another domain");
        let help = "remove it, or remove `type: network`";
        draft.error(Code::BadValue, title, &path, "it does not read HTTP", help);
    }
    if balancer.addresses.is_some() && balancer.internal {
        let path = [LoadBalancer::KEY, name, "addresses"];
        let title = format!("`{name}` is internal and has no public addresses");
        let help = "remove it, or remove `internal: true`";
        draft.error(Code::BadValue, title, &path, "these are public ones", help);
    }
}

/// What is given to who uses it: where it is reached, and by which ports.
pub(super) fn offer(balancer: &LoadBalancer, all: &Sections, name: &str) -> Offer {
    let led = service::led(all, name);
    let host = match balancer.domains.iter().find(|it| it.is_shown()) {
        Some(domain) => Text::from(domain.name.as_str()),
        None => Text::output(Address::new("load-balancer", name), "dns"),
    };
    // Of several each is named by what it leads to.
    let port = |it: &Led<'_>| {
        let suffix = match led.len() {
            1 => "PORT".to_owned(),
            _ => format!("{}_PORT", words::variable(&it.target_group())),
        };
        (suffix, Text::from(it.listens().to_string()))
    };
    let (udp, tcp): (Vec<_>, Vec<_>) = led.iter().partition(|it| takes_datagrams(it));
    let ports = |of: Vec<&Led<'_>>| of.into_iter().map(Led::listens).collect();
    Offer {
        environment: vec![("HOST", host)],
        named: led.iter().map(port).collect(),
        ports: ports(tcp),
        udp_ports: ports(udp),
        is_outside: !balancer.internal,
        ..Offer::default()
    }
}

fn takes_datagrams(it: &Led<'_>) -> bool {
    it.spoken() == ListenerProtocol::Udp
}

/// Lets clients in to the port of a route, and who uses it. A network load balancer knows members
/// of a group from within its network ("Update the security groups for your Network Load Balancer"
/// in the ELB user guide).
fn rules(
    balancer: &LoadBalancer,
    draft: &Draft,
    all: &Sections,
    (name, it): (&str, &Led<'_>),
) -> Vec<Ingress> {
    let protocol = if takes_datagrams(it) { Protocol::Udp } else { Protocol::Tcp };
    let rule = |from| Ingress {
        from,
        port: Ports::Range(it.listens(), it.listens()),
        protocol,
        description: String::new(),
    };
    let users = service::users(all, LoadBalancer::KEY, name);
    let users = users.map(|user| Peer::SecurityGroup(user.group()));
    balancer.from(draft).into_iter().map(Peer::IpRange).chain(users).map(rule).collect()
}

/// An elastic IP for each of the subnets.
fn addresses(
    draft: &mut Draft,
    balancer: &LoadBalancer,
    name: &str,
    subnets: &BTreeSet<Ref<Subnet>>,
) -> BTreeSet<StaticAddress> {
    if balancer.addresses.is_none() || balancer.internal {
        return BTreeSet::new();
    }
    let mut addresses = BTreeSet::new();
    for subnet in subnets {
        let (Target::Named(place) | Target::Physical(place)) = subnet.target();
        let place = place.strip_prefix("public-").unwrap_or(place);
        let address = format!("load-balancer-{name}-{place}");
        let origin = Origin::new(&[LoadBalancer::KEY, name], &[("", "addresses")]);
        draft.make::<ElasticIp>(&address, &ElasticIpSpec {}, origin);
        let (subnet, elastic_ip) = (subnet.clone(), Ref::named(address));
        addresses.insert(StaticAddress { subnet, elastic_ip });
    }
    addresses
}

fn listener(draft: &mut Draft, balancer: &LoadBalancer, name: &str, it: &Led<'_>) {
    let mut certificates = Vec::new();
    if it.is_decrypted() {
        let own = balancer.certificate.iter().cloned();
        certificates = own.chain(domains::certificates(balancer)).collect();
        if certificates.is_empty() {
            let title = format!("`{name}` has no certificate to decrypt with");
            let help = "add `domains:` to it, or `certificate:` with the ARN of one";
            let path = it.path(&["protocol"]);
            draft.error(Code::MissingCertificate, title, &path, "TLS needs one", help);
            return;
        }
    }
    let mut certificates = certificates.into_iter();
    let policy = balancer.tls_policy.clone().unwrap_or_else(|| TLS.to_owned());
    let spec = ListenerSpec {
        load_balancer: Ref::named(name),
        port: it.listens(),
        protocol: it.spoken().into(),
        certificate: certificates.next(),
        certificates: certificates.collect(),
        tls_policy: it.is_decrypted().then_some(policy),
        default_action: Action::Forward(Ref::named(it.target_group())).into(),
        reserves: None,
    };
    let origin = Origin::new(&it.path(&[]), &[("port", "port"), ("protocol", "protocol")]);
    draft.make::<Listener>(&format!("{name}-{}", it.listens()), &spec, origin);
}
