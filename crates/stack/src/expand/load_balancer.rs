//! A load balancer becomes itself, its listeners and its security group.

use std::collections::BTreeSet;

use deployer_core::Ref;
use deployer_kinds::{
    Action, Ingress, Listener, ListenerProtocol, ListenerSpec, LoadBalancer, LoadBalancerSpec,
    Network, Peer, Ports, Protocol, Redirect, Respond, SecurityGroup, SecurityGroupSpec,
};

use super::{network, uses};
use crate::draft::{Draft, Origin, json};
use crate::sections::{self, Http, Sections};

pub(super) fn expand(draft: &mut Draft, sections: &Sections) {
    for (name, body) in &sections.load_balancers {
        let path = ["load-balancers", name.as_str()];
        draft.must_have_network(&path);
        draft.must_have_two_zones("a load balancer", "load-balancers", name);
        group(draft, sections, name, body);

        let spec = LoadBalancerSpec {
            subnets: draft.subnets(if body.internal { "private" } else { "public" }),
            security_groups: [Ref::named(name)].into(),
            internal: body.internal,
            deletion_protection: body.deletion_protection,
            idle_timeout: body.idle_timeout,
            client_keep_alive: 3600,
            http2: true,
            drop_invalid_headers: true,
            preserve_host: false,
        };
        let origin =
            Origin::new(&path, &[("idle-timeout", "idle-timeout"), ("internal", "internal")]);
        draft.make::<LoadBalancer>(name, &spec, origin);
        listeners(draft, name, body);
    }
}

/// The ports a load balancer listens on.
pub(super) fn ports(body: &sections::LoadBalancer) -> Vec<u16> {
    if body.certificate.is_some() { vec![80, 443] } else { vec![80] }
}

/// What a load balancer does with plain HTTP.
pub(super) fn http(body: &sections::LoadBalancer) -> Http {
    let default = if body.certificate.is_some() { Http::Redirect } else { Http::Forward };
    body.http.unwrap_or(default)
}

fn group(draft: &mut Draft, sections: &Sections, name: &str, body: &sections::LoadBalancer) {
    let inside = draft.network.cidr.map(|cidr| Network(cidr.0.into()));
    let everybody: Option<Network> = "0.0.0.0/0".parse().ok();
    let from: BTreeSet<Network> = match &body.from {
        Some(from) => from.clone(),
        None if body.internal => inside.into_iter().collect(),
        None => everybody.into_iter().collect(),
    };
    let users = uses::of(sections, "load-balancers", name).into_iter();
    let peers: Vec<Peer> = from
        .into_iter()
        .map(Peer::Network)
        .chain(users.map(|user| Peer::SecurityGroup(Ref::named(user))))
        .collect();
    let rule = |from: &Peer, port: u16| Ingress {
        from: from.clone(),
        port: Ports::Range(port, port),
        protocol: Protocol::Tcp,
        description: String::new(),
    };
    let ports = ports(body);
    let ingress =
        peers.iter().flat_map(|peer| ports.iter().map(move |port| rule(peer, *port))).collect();
    let spec = SecurityGroupSpec {
        vpc: Ref::named("main"),
        description: format!("load balancer {name}"),
        ingress,
        egress: network::everything(),
    };
    let origin = Origin::new(&["load-balancers", name], &[("ingress", "from")]);
    draft.make::<SecurityGroup>(name, &spec, origin);
}

fn listeners(draft: &mut Draft, name: &str, body: &sections::LoadBalancer) {
    let path = ["load-balancers", name];
    let nothing = Action::Respond(Respond {
        status: 404,
        content_type: "text/plain".to_owned(),
        body: "nothing is routed here\n".to_owned(),
    });
    let default_action = match http(body) {
        Http::Forward => nothing.clone(),
        Http::Redirect if body.certificate.is_none() => {
            draft.error(
                "missing-certificate",
                format!("`{name}` redirects to HTTPS but has no certificate"),
                &["load-balancers", name, "http"],
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
    match &body.certificate {
        Some(certificate) => {
            let https = ListenerSpec {
                port: 443,
                protocol: ListenerProtocol::Https.into(),
                certificate: Some(certificate.clone()),
                tls_policy: body.tls_policy.clone(),
                default_action: nothing.into(),
                reserves: None,
                ..http
            };
            let origin = Origin::new(&path, &[("certificate", "certificate")]);
            draft.make::<Listener>(&format!("{name}-https"), &https, origin);
            certificate_form(draft, name, &json(certificate));
        }
        None if body.tls_policy.is_some() => draft.error(
            "missing-certificate",
            format!("`{name}` has a TLS policy but no certificate"),
            &["load-balancers", name, "tls-policy"],
            "used for HTTPS only",
            "add `certificate:` with the ARN of one, or take this out",
        ),
        None => {}
    }
}

fn certificate_form(draft: &mut Draft, name: &str, certificate: &serde_json::Value) {
    if certificate.as_str().is_some_and(|text| !text.starts_with("arn:")) {
        draft.error(
            "bad-value",
            "a certificate is named by its ARN",
            &["load-balancers", name, "certificate"],
            "not an ARN",
            "write one such as `arn:aws:acm:eu-west-1:123456789012:certificate/…`",
        );
    }
}
