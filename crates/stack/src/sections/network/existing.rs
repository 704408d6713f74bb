//! A network that exists already: its VPC and its subnets are named, and nothing of it is made or
//! changed.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Address, Code, Diagnostic, Kind, WayOut};
use deployer_kinds::{Subnet, Vpc};
use serde_json::json;

use super::body::{Existing, ExistingSubnets};
use super::private_access;
use crate::draft::{Draft, owned};
use crate::found::{Sought, Tagged};
use crate::guest::{Lent, LentSubnet};
use crate::section::Sections;
use crate::sections::existing::{Named, only};
use crate::zones::TIERS;

/// Where it is written.
const PATH: [&str; 2] = ["network", "existing"];

/// What only a network has that the stack makes.
const OWN: [&str; 8] =
    ["cidr", "also", "subnets", "zones", "nat", "private-access", "acls", "flow-logs"];

/// A network by what is known of it.
struct Host {
    /// Its VPC, where that is known.
    vpc: Option<String>,
    lent: Lent,
}

pub(super) fn expand(draft: &mut Draft, existing: &Existing, all: &Sections) {
    draft.refuse_beside_existing(&[PATH[0]], &OWN, "a network");
    let is_of_environment = existing.stack.is_some() || existing.environment.is_some();
    let ways = [
        ("vpc", existing.vpc.is_some()),
        ("tags", !existing.tags.is_empty()),
        ("stack", existing.stack.is_some()),
        ("environment", existing.environment.is_some()),
    ];
    let written: Vec<&str> = ways.iter().filter(|way| way.1).map(|way| way.0).collect();
    let host = match written.as_slice() {
        ["vpc"] => existing.vpc.as_ref().and_then(|vpc| by_hand(draft, existing, Some(vpc))),
        ["tags"] => by_tags(draft, existing),
        ["stack" | "environment", ..] => of_environment(draft, existing),
        [first, .., last] => {
            let title = "a network is named in two ways";
            let label = format!("`{first}` names it too");
            let path = [PATH[0], PATH[1], if is_of_environment { written[1] } else { *last }];
            draft.key_error(Code::BadValue, title, &path, label, "keep one of the two");
            None
        }
        _ => {
            let help = "write `vpc: vpc-…` with its subnets, or `tags:` of it, or `stack:` and \
                        `environment:` of who made it";
            let title = "`network.existing` does not say which network";
            draft.key_error(Code::MissingKey, title, &PATH, "`vpc` is missing here", help);
            None
        }
    };
    let Some(Host { vpc, mut lent }) = host else {
        draft.network.lent = Some(Lent::new());
        draft.broken.insert(("network".to_owned(), String::new()));
        return;
    };
    let id = |id: &Option<String>| id.as_ref().map_or_else(|| json!({}), |id| json!({ "id": id }));
    draft.existing.insert(Address::new(Vpc::NAME, "main"), id(&vpc));
    for subnet in lent.values().flatten() {
        draft.existing.insert(Address::new(Subnet::NAME, &subnet.name), id(&subnet.id));
    }
    // Until somebody has looked, what is named is taken to be right.
    draft.network.has_nat = !lent["private"].is_empty();
    if let Some(vpc) = vpc {
        look(draft, &vpc, &mut lent);
    }
    // Databases have no way out in either.
    if lent["data"].is_empty() {
        let instead = if lent["private"].is_empty() { "public" } else { "private" };
        let instead = lent[instead].clone();
        lent.insert("data", instead);
    }
    draft.network.lent = Some(lent);
    if draft.network.has_private_access {
        private_access::warn_guest(draft, all);
    }
}

/// A network that has some tags, alone of all there are.
fn by_tags(draft: &mut Draft, existing: &Existing) -> Option<Host> {
    let tagged = Tagged { kind: Vpc::NAME, tags: existing.tags.clone(), vpc: None };
    match only(draft, tagged, "VPC", &[PATH[0], PATH[1], "tags"]) {
        Named::Known(vpc) => by_hand(draft, existing, Some(&vpc)),
        Named::Unknown => by_hand(draft, existing, None),
        Named::Wrong => None,
    }
}

/// A network whose identifiers are written, or at least those of its subnets.
fn by_hand(draft: &mut Draft, existing: &Existing, vpc: Option<&str>) -> Option<Host> {
    let mut is_right = match vpc {
        Some(vpc) if existing.vpc.is_some() => {
            must_begin(draft, vpc, "vpc-", &[PATH[0], PATH[1], "vpc"])
        }
        _ => true,
    };
    let mut lent = Lent::new();
    for tier in TIERS {
        let subnets = match existing.written(tier) {
            ExistingSubnets::Named(ids) => {
                let named = named(draft, tier, ids);
                is_right &= named.is_some();
                named.unwrap_or_default()
            }
            ExistingSubnets::Tagged(tagged) => {
                let found = carrying(draft, tier, &tagged.tags, vpc);
                is_right &= found.is_some();
                found.unwrap_or_default()
            }
        };
        lent.insert(tier, subnets);
    }
    if is_right && lent.values().all(Vec::is_empty) {
        let title = "`network.existing` names no subnets";
        let help = "add `private: [subnet-…]` for services, and `public: [subnet-…]` for load \
                    balancers, or `private: { tags: … }`";
        draft.key_error(Code::MissingKey, title, &PATH, "there is nothing to be put into", help);
        is_right = false;
    }
    is_right.then(|| Host { vpc: vpc.map(str::to_owned), lent })
}

/// The subnets of a tier by their identifiers; none where one of these is none.
fn named(draft: &mut Draft, tier: &str, ids: &[String]) -> Option<Vec<LentSubnet>> {
    let mut is_right = true;
    let mut subnets: Vec<LentSubnet> = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        let index = index.to_string();
        let path = [PATH[0], PATH[1], tier, &index];
        is_right &= must_begin(draft, id, "subnet-", &path);
        if subnets.iter().any(|other| other.id.as_ref() == Some(id)) {
            let title = format!("`{id}` is written twice");
            draft.error(Code::BadValue, title, &path, "the second time", "keep one of the two");
            continue;
        }
        let name = format!("{tier}-{}", subnets.len() + 1);
        subnets.push(LentSubnet { name, path: owned(&path), id: Some(id.clone()), found: None });
    }
    is_right.then_some(subnets)
}

/// The subnets of a tier by their tags; none where there are none.
fn carrying(
    draft: &mut Draft,
    tier: &str,
    tags: &BTreeMap<String, String>,
    vpc: Option<&str>,
) -> Option<Vec<LentSubnet>> {
    let path = [PATH[0], PATH[1], tier, "tags"];
    let subnet = |(index, id): (usize, Option<String>)| LentSubnet {
        name: format!("{tier}-{}", index + 1),
        path: owned(&path),
        id,
        found: None,
    };
    // Until somebody has looked there are two.
    let assumed = || Some([None, None].into_iter().enumerate().map(subnet).collect());
    let Some(vpc) = vpc else { return assumed() };
    let tagged = Tagged { kind: Subnet::NAME, tags: tags.clone(), vpc: Some(vpc.to_owned()) };
    match draft.found.carrying(&tagged) {
        None => {
            draft.sought.insert(Sought::Tagged(tagged));
            assumed()
        }
        Some(ids) if ids.is_empty() => {
            let title = format!("no subnet of {vpc} has these tags");
            let help = format!(
                "`aws ec2 describe-subnets --filters Name=vpc-id,Values={vpc}` shows those there \
                 are, with their tags"
            );
            let label = format!("there is none for `{tier}`");
            draft.error(Code::UnknownReference, title, &path, label, help);
            None
        }
        Some(ids) => Some(ids.iter().cloned().map(Some).enumerate().map(subnet).collect()),
    }
}

/// Whether something is an identifier of its kind; reports it when not.
fn must_begin(draft: &mut Draft, id: &str, begin: &str, path: &[&str]) -> bool {
    let is_one = id.strip_prefix(begin).is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
    });
    if !is_one {
        let title = format!("`{id}` is not an identifier");
        let help = format!("write it as the console shows it: `{begin}0123456789abcdef0`");
        draft.error(Code::BadValue, title, path, format!("expected `{begin}…`"), help);
    }
    is_one
}

/// The network that an environment has made.
fn of_environment(draft: &mut Draft, existing: &Existing) -> Option<Host> {
    let named = (existing.stack.as_ref(), existing.environment.as_ref());
    let (stack, environment) = draft.host(named, &PATH, "the network")?;
    let host = format!("{stack}/{environment}");
    let subnet = |name: &str, id: Option<String>| LentSubnet {
        name: name.to_owned(),
        path: owned(&PATH),
        id,
        found: None,
    };
    let Some(found) = draft.found.made_by(&stack, &environment) else {
        draft.sought.insert(Sought::Environment { stack, environment });
        let assumed = |tier: &str| ["a", "b"].map(|it| subnet(&format!("{tier}-{it}"), None));
        let lent = TIERS.into_iter().map(|tier| (tier, assumed(tier).to_vec())).collect();
        return Some(Host { vpc: None, lent });
    };
    let address = Address::new(Vpc::NAME, "main");
    let id = |output: &serde_json::Value| Some(output.get("id")?.as_str()?.to_owned());
    let Some(vpc) = found.made.get(&address).and_then(id) else {
        let mistake = missing(draft, &host, found.made.is_empty(), found.doubted.get(&address));
        draft.report(&PATH, mistake);
        return None;
    };
    let of_tier = |tier: &'static str| {
        let subnets = found.made.iter().filter(|(address, _)| {
            let name = address.name.strip_prefix(tier).unwrap_or_default();
            address.kind == Subnet::NAME && name.starts_with('-')
        });
        let subnets =
            subnets.filter_map(|(address, it)| Some(subnet(&address.name, Some(id(it)?))));
        (tier, subnets.collect())
    };
    let lent = TIERS.into_iter().map(of_tier).collect();
    Some(Host { vpc: Some(vpc), lent })
}

/// Why there is no network of an environment.
fn missing(draft: &Draft, host: &str, is_empty: bool, doubt: Option<&String>) -> Diagnostic {
    let span = draft.key_place(&owned(&PATH));
    let region = &draft.region;
    match doubt {
        Some(because) => Diagnostic::error(
            Code::Disputed,
            format!("the network of {host} may be somebody else's"),
        )
        .at(span, because)
        .help(format!("`deployer adopt --all` with the file of {host} settles whose it is")),
        None if is_empty => {
            let title = format!("there is no network of {host} in {region}");
            Diagnostic::error(Code::UnknownReference, title)
                .at(span, "nothing in this account and region was made by it")
                .help(format!("deploy {host} first, or name the VPC: `vpc: vpc-…`"))
        }
        None => Diagnostic::error(Code::UnknownReference, format!("{host} has made no network"))
            .at(span, "it has no vpc/main of its own")
            .help("name the VPC and its subnets: `vpc: vpc-…`, `private: [subnet-…]`"),
    }
}

/// Takes over what was found of a network, and reports what nothing could be put into.
fn look(draft: &mut Draft, vpc: &str, lent: &mut Lent) {
    if draft.found.is_missing(vpc) {
        let title = format!("there is no VPC {vpc}");
        let label = format!("not in {} of this account", draft.region);
        let help = "`aws ec2 describe-vpcs` lists those that there are";
        let key = if draft.is_written(&PATH, "vpc") { "vpc" } else { "tags" };
        draft.error(Code::UnknownReference, title, &[PATH[0], PATH[1], key], label, help);
        draft.broken.insert((PATH[0].to_owned(), String::new()));
        return;
    }
    let Some(network) = draft.found.network_of(vpc).cloned() else {
        let subnets: BTreeSet<String> =
            lent.values().flatten().filter_map(|subnet| subnet.id.clone()).collect();
        // Without any there is a mistake already, and those that are not known yet are looked for.
        let are_known = lent.values().flatten().all(|subnet| subnet.id.is_some());
        if are_known && !subnets.is_empty() {
            draft.sought.insert(Sought::Network { vpc: vpc.to_owned(), subnets });
        }
        return;
    };
    let mut is_right = true;
    for (tier, subnets) in lent.iter_mut() {
        for subnet in subnets {
            subnet.found = subnet.id.as_ref().and_then(|id| network.subnets.get(id)).cloned();
            let wrong = wrong(vpc, tier, subnet);
            is_right &= wrong.is_none();
            if let Some((code, title, label, help)) = wrong {
                let span = draft.place(&subnet.path);
                draft.report(&PATH, Diagnostic::error(code, title).at(span, label).help(help));
            }
        }
    }
    if !network.has_dns {
        let title = format!("no names are resolved in {vpc}");
        let help = format!(
            "`aws ec2 modify-vpc-attribute --vpc-id {vpc} --enable-dns-support` turns it on"
        );
        let label = "its DNS support is off: tasks would not find their registry";
        draft.error(Code::NoWayOut, title, &[PATH[0], PATH[1], "vpc"], label, help);
    }
    draft.network.ranges = network.ranges.iter().filter_map(|range| range.parse().ok()).collect();
    let private = &lent["private"];
    let leads_out = |subnet: &LentSubnet| {
        subnet.found.as_ref().is_some_and(|found| found.way == WayOut::Elsewhere)
    };
    draft.network.has_nat = !private.is_empty() && private.iter().all(leads_out);
    draft.network.has_private_access = !draft.network.has_nat && !network.endpoints.is_empty();
    draft.network.endpoints = network.endpoints;
    if !is_right {
        draft.broken.insert((PATH[0].to_owned(), String::new()));
    }
}

/// What is wrong with a subnet that is named: the mistake, what stands beside its place, and advice.
fn wrong(vpc: &str, tier: &str, subnet: &LentSubnet) -> Option<(Code, String, String, String)> {
    let id = subnet.id.as_ref()?;
    let Some(found) = &subnet.found else {
        let title = format!("there is no subnet {id}");
        let help =
            format!("`aws ec2 describe-subnets --filters Name=vpc-id,Values={vpc}` lists them");
        return Some((
            Code::UnknownReference,
            title,
            "not in this account and region".to_owned(),
            help,
        ));
    };
    if found.vpc != vpc {
        let title = format!("{id} is in another network");
        let help = format!("name a subnet of {vpc}");
        return Some((Code::BadPlace, title, format!("it is in {}", found.vpc), help));
    }
    if tier == "public" && found.way != WayOut::Gateway {
        let title = format!("{id} is not a public subnet");
        let help = "name it in `private:`, or give its route table a route from 0.0.0.0/0 to the \
                    internet gateway";
        let label = "no internet gateway leads to it".to_owned();
        return Some((Code::NoWayOut, title, label, help.to_owned()));
    }
    None
}
