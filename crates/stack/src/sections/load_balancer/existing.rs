//! A load balancer that exists already: routes become rules of its listener, and nothing else of it
//! is made or changed.

use deployer_core::{Address, Arn, Code, ExistingBalancer, ExistingListener, Kind, Partition, Ref};
use deployer_kinds as kinds;
use deployer_kinds::{Listener, SecurityGroup, Vpc};
use serde_json::json;

use super::body::{Existing, LoadBalancer};
use super::domains;
use super::group::{group, group_name};
use crate::draft::Draft;
use crate::found::{Sought, Tagged};
use crate::guest::LentBalancer;
use crate::mistakes::listed;
use crate::section::Section;
use crate::sections::existing::{Maker, Named, made_by, only};

/// What is known of where one is reached, beside the outputs of its kind.
pub(super) const URL: &str = "url";

/// What only a load balancer has that the stack makes.
const OWN: [&str; 10] = [
    "http",
    "certificate",
    "tls-policy",
    "internal",
    "protect",
    "idle-timeout",
    "from",
    "web-acl",
    "type",
    "addresses",
];

pub(super) fn expand(draft: &mut Draft, balancer: &LoadBalancer, existing: &Existing, name: &str) {
    let body = [LoadBalancer::KEY, name];
    draft.refuse_beside_existing(&body, &OWN, "a load balancer");
    let is_named =
        existing.stack.is_some() || existing.environment.is_some() || existing.name.is_some();
    let tags = &existing.tags;
    let arn = match (&existing.arn, is_named, tags.is_empty()) {
        (Some(arn), false, true) => must_be_arn(draft, name, arn),
        (None, true, true) => {
            let Existing { stack, environment, name: there, .. } = existing;
            let maker = Maker { stack: stack.as_ref(), environment: environment.as_ref() };
            let there = there.as_deref().unwrap_or(name);
            let address = Address::new(kinds::LoadBalancer::NAME, there);
            let at = [LoadBalancer::KEY, name, "existing"];
            made_by(draft, maker, &address, ("load balancer", "arn"), &at)
        }
        (None, false, false) => {
            let tagged = Tagged { kind: kinds::LoadBalancer::NAME, tags: tags.clone(), vpc: None };
            only(draft, tagged, "load balancer", &path(name, "tags"))
        }
        (None, false, true) => {
            let title = format!("`{}.{name}.existing` does not say which", LoadBalancer::KEY);
            let help = "write `arn: arn:…`, or `tags:` of it, or `stack:` and `environment:` of \
                        who made it";
            let path = [LoadBalancer::KEY, name, "existing"];
            draft.key_error(Code::MissingKey, title, &path, "`arn` is missing here", help);
            Named::Wrong
        }
        (arn, ..) => {
            let title = "a load balancer is named in two ways";
            let path = path(name, if arn.is_some() { "arn" } else { "tags" });
            draft.key_error(Code::BadValue, title, &path, "one of them", "keep one of the two");
            Named::Wrong
        }
    };
    let lent = LentBalancer { groups: vec![group(name)], is_secure: None };
    draft.balancers.insert(name.to_owned(), lent);
    for (kind, name) in [
        (kinds::LoadBalancer::NAME, name.to_owned()),
        (Listener::NAME, name.to_owned()),
        (SecurityGroup::NAME, group_name(name)),
    ] {
        draft.existing.insert(Address::new(kind, name), json!({}));
    }
    match arn {
        Named::Known(arn) => look(draft, existing, name, &arn),
        Named::Unknown => {}
        Named::Wrong => give_up(draft, name),
    }
    if !balancer.domains.is_empty() {
        must_be_secure(draft, name);
        domains::expand(draft, balancer, name);
    }
}

/// Certificates are shown by a listener of HTTPS alone.
fn must_be_secure(draft: &mut Draft, name: &str) {
    let is_plain = draft.balancers.get(name).is_some_and(|it| it.is_secure == Some(false));
    if !is_plain {
        return;
    }
    let title = format!("`{name}` shows no certificates: its listener speaks plain HTTP");
    let path = [LoadBalancer::KEY, name, "domains"];
    let help = "name the port of a listener of HTTPS: `existing: { …, port: 443 }`";
    draft.key_error(Code::MissingCertificate, title, &path, "clients ask for it by HTTPS", help);
}

fn path<'p>(name: &'p str, key: &'p str) -> [&'p str; 4] {
    [LoadBalancer::KEY, name, "existing", key]
}

/// What is routed there has no place; that only follows.
fn give_up(draft: &mut Draft, name: &str) {
    draft.broken.insert((LoadBalancer::KEY.to_owned(), name.to_owned()));
}

/// The ARN that is written; reports what is none of an application load balancer.
fn must_be_arn(draft: &mut Draft, name: &str, arn: &str) -> Named {
    let read = Arn::read(arn).filter(|read| read.service == "elasticloadbalancing");
    if read.is_some_and(|read| read.resource.starts_with("loadbalancer/app/")) {
        return Named::Known(arn.to_owned());
    }
    let (region, partition) = (draft.region.clone(), Partition::of(&draft.region).name());
    let help = format!(
        "write one such as `arn:{partition}:elasticloadbalancing:{region}:123456789012:\
         loadbalancer/app/{name}/0123456789abcdef`"
    );
    let title = format!("`{arn}` is not the ARN of an application load balancer");
    draft.error(Code::BadValue, title, &path(name, "arn"), "", help);
    Named::Wrong
}

/// Takes over what was found of a load balancer, and reports what nothing could be routed by.
fn look(draft: &mut Draft, existing: &Existing, name: &str, arn: &str) {
    let at: Vec<&str> = match (&existing.arn, existing.tags.is_empty()) {
        (Some(_), _) => path(name, "arn").to_vec(),
        (None, false) => path(name, "tags").to_vec(),
        (None, true) => vec![LoadBalancer::KEY, name, "existing"],
    };
    if draft.found.is_missing(arn) {
        let label = "not in this account and region";
        let help = "`aws elbv2 describe-load-balancers` lists those that there are";
        draft.error(Code::UnknownReference, "there is no such load balancer", &at, label, help);
        return give_up(draft, name);
    }
    let Some(balancer) = draft.found.balancer_of(arn).cloned() else {
        draft.sought.insert(Sought::Balancer { arn: arn.to_owned() });
        return;
    };
    if !balancer.is_application {
        let title = format!("`{name}` is not an application load balancer");
        let help = "name one that has rules: `aws elbv2 describe-load-balancers` shows the types";
        draft.error(Code::BadValue, title, &at, "it leads no requests by rules", help);
        return give_up(draft, name);
    }
    must_be_in_the_network(draft, &balancer, name, &at);
    let Some(listener) = listener(draft, existing, &balancer, name, &at) else {
        return give_up(draft, name);
    };
    let groups: Vec<Ref<SecurityGroup>> = balancer.groups.iter().map(Ref::physical).collect();
    let lent = LentBalancer { groups, is_secure: Some(listener.is_secure) };
    draft.balancers.insert(name.to_owned(), lent);
    // As the dimensions of its metrics have it ("CloudWatch metrics for your Application Load
    // Balancer" in the ELB user guide).
    let metrics = arn.split_once(":loadbalancer/").map(|(_, metrics)| metrics);
    let output = json!({
        "id": arn, "dns": balancer.dns, "zone": balancer.zone, "metrics": metrics,
        URL: url(&balancer.dns, &listener),
    });
    draft.existing.insert(Address::new(kinds::LoadBalancer::NAME, name), output);
    draft.existing.insert(Address::new(Listener::NAME, name), json!({ "id": listener.id }));
    if let Some(group) = balancer.groups.first() {
        let address = Address::new(SecurityGroup::NAME, group_name(name));
        draft.existing.insert(address, json!({ "id": group }));
    }
}

/// Where a listener is reached that has no domain of the stack's.
fn url(dns: &str, listener: &ExistingListener) -> String {
    match (listener.is_secure, listener.port) {
        (true, 443) => format!("https://{dns}"),
        (false, 80) => format!("http://{dns}"),
        (true, port) => format!("https://{dns}:{port}"),
        (false, port) => format!("http://{dns}:{port}"),
    }
}

/// Target groups are in the VPC of their load balancer (ELB user guide, "Target groups").
fn must_be_in_the_network(draft: &mut Draft, balancer: &ExistingBalancer, name: &str, at: &[&str]) {
    let address = Address::new(Vpc::NAME, "main");
    let lent = draft.existing.get(&address).map(|output| output["id"].as_str());
    let vpc = match lent {
        // Nobody has looked yet.
        Some(None) => return,
        Some(Some(vpc)) => Some(vpc),
        None if draft.zones.is_none() => return,
        None => draft.found.own(&address),
    };
    if vpc == Some(&balancer.vpc) || draft.is_broken(&["network"]) {
        return;
    }
    let title = format!("`{name}` is in another network");
    let label = format!("it is in {}", balancer.vpc);
    let help =
        format!("put the services there: `network: {{ existing: {{ vpc: {} }} }}`", balancer.vpc);
    draft.error(Code::BadPlace, title, at, label, help);
}

/// The listener that gets the rules.
fn listener(
    draft: &mut Draft,
    existing: &Existing,
    balancer: &ExistingBalancer,
    name: &str,
    at: &[&str],
) -> Option<ExistingListener> {
    let all = &balancer.listeners;
    let usual = |is_secure: bool, usual: u16| {
        let these = all.iter().filter(|(_, it)| it.is_secure == is_secure);
        these.min_by_key(|(port, _)| (**port != usual, **port)).map(|(_, it)| it)
    };
    let port_path = path(name, "port");
    let (listener, asked, at) = match existing.port {
        Some(port) => (all.get(&port), format!("port {port}"), &port_path[..]),
        None => (usual(true, 443).or_else(|| usual(false, 80)), "any port".to_owned(), at),
    };
    if listener.is_none() {
        let ports: Vec<String> = all.keys().map(u16::to_string).collect();
        let ports: Vec<&str> = ports.iter().map(String::as_str).collect();
        let help = match ports.as_slice() {
            [] => "give it a listener, or name another load balancer".to_owned(),
            ports => format!("it listens on {}", listed(ports)),
        };
        let title = format!("`{name}` does not listen on {asked}");
        draft.error(Code::UnknownReference, title, at, "there is no listener", help);
    }
    listener.cloned()
}
