//! The domains of a load balancer: their certificates, and their records.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Address, Code, Diagnostic, Place, Ref, Text};
use deployer_kinds::{
    Alias, Certificate, CertificateKey, CertificateSpec, ListenerCertificate,
    ListenerCertificateSpec, Record, RecordSpec, RecordType, ValidationRecord,
    ValidationRecordSpec,
};

use super::body::LoadBalancer;
use super::domain::{Domain, resource};
use crate::draft::{Draft, Origin, owned};
use crate::section::{Section, Sections};
use crate::sections::service::{self, Led};

/// How many certificates a listener has beside its default one (quotas for application load
/// balancers in the ELB user guide).
const MOST_BESIDE: usize = 25;

/// Seconds for which whoever asks may keep what is answered for one of ours.
const TTL: u32 = 300;

/// A domain, with the load balancer it is of and its place in the list.
struct Listed<'s> {
    balancer: &'s str,
    index: usize,
    domain: &'s Domain,
}

impl Listed<'_> {
    fn path(&self) -> [String; 4] {
        [LoadBalancer::KEY, self.balancer, "domains", &self.index.to_string()].map(str::to_owned)
    }
}

/// The domains that have a certificate together, by what they are without a wildcard, in the order of
/// the file: of all load balancers, since ACM validates a domain once for all of an account's. That of
/// a wildcard is good for all that is one label longer, at the same load balancer.
fn together(all: &Sections) -> Vec<(&str, Vec<Listed<'_>>)> {
    let mut groups: Vec<(&str, Vec<Listed<'_>>)> = Vec::new();
    let needs_own = |(name, it): &(&str, &LoadBalancer)| {
        let is_shown = !it.is_network() || service::led(all, name).iter().any(Led::is_decrypted);
        it.certificate.is_none() && is_shown
    };
    for (balancer, body) in all.of::<LoadBalancer>().filter(needs_own) {
        for (index, domain) in body.domains.iter().enumerate() {
            if is_covered(body, domain) {
                continue;
            }
            let listed = Listed { balancer, index, domain };
            match groups.iter_mut().find(|(base, _)| *base == domain.base()) {
                Some((_, group)) => group.push(listed),
                None => groups.push((domain.base(), vec![listed])),
            }
        }
    }
    groups
}

/// Whether a wildcard of the load balancer is good for a domain.
fn is_covered(balancer: &LoadBalancer, domain: &Domain) -> bool {
    let mut wildcards = balancer.domains.iter().filter_map(|it| it.name.strip_prefix("*."));
    domain
        .name
        .split_once('.')
        .is_some_and(|(first, rest)| first != "*" && wildcards.any(|wildcard| wildcard == rest))
}

/// The certificates of a load balancer, the first of which is shown to everybody else.
pub(super) fn certificates(balancer: &LoadBalancer) -> Vec<Text> {
    if balancer.certificate.is_some() {
        return Vec::new();
    }
    let mut bases: Vec<&str> = Vec::new();
    for domain in balancer.domains.iter().filter(|it| !is_covered(balancer, it)) {
        if !bases.contains(&domain.base()) {
            bases.push(domain.base());
        }
    }
    let output = |base| Text::output(Address::new("certificate", resource(base)), "id");
    bases.into_iter().map(output).collect()
}

/// Makes the records that lead to a load balancer.
pub(super) fn expand(draft: &mut Draft, balancer: &LoadBalancer, name: &str) {
    look(draft, balancer, name);
    let mut seen = BTreeSet::new();
    for (index, domain) in balancer.domains.iter().enumerate() {
        let path = Listed { balancer: name, index, domain }.path();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if domain.has_zone() && seen.insert(&domain.name) {
            point(draft, name, domain, &path);
        }
    }
}

/// Requests the certificates of all load balancers, and makes the records that validate them.
pub(super) fn request(draft: &mut Draft, all: &Sections) {
    for (base, group) in together(all) {
        let path = group[0].path();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut names: BTreeSet<String> = group.iter().map(|it| it.domain.name.clone()).collect();
        let first =
            if names.contains(base) { base.to_owned() } else { group[0].domain.name.clone() };
        names.remove(&first);
        let spec = CertificateSpec { domain: first, others: names, key: CertificateKey::Rsa2048 };
        let resource = resource(base);
        draft.make::<Certificate>(&resource, &spec, Origin::new(&path, &[]));
        show(draft, all, &resource, &group);
        let Some(zone) = zone_of(draft, &group) else { continue };
        let output = |field: &str| Text::output(Address::new("certificate", &resource), field);
        let spec = ValidationRecordSpec {
            zone: zone.domain.zone(),
            certificate: output("id"),
            domain: base.to_owned(),
            records: output("records"),
            ttl: TTL,
        };
        let place = place(draft, zone.domain, &path);
        draft.make_at::<ValidationRecord>(place, &resource, &spec, Origin::new(&path, &[]));
    }
}

/// Puts a certificate at the listeners of load balancers that exist already.
fn show(draft: &mut Draft, all: &Sections, certificate: &str, group: &[Listed<'_>]) {
    let is_others = |name: &str| {
        all.of::<LoadBalancer>().any(|(other, body)| other == name && body.existing.is_some())
    };
    let mut seen = BTreeSet::new();
    for listed in group.iter().filter(|it| is_others(it.balancer)) {
        if !seen.insert(listed.balancer) {
            continue;
        }
        let path = listed.path();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let spec = ListenerCertificateSpec {
            listener: Ref::named(listed.balancer),
            certificate: Ref::named(certificate),
        };
        let name = format!("{}-{certificate}", listed.balancer);
        draft.make::<ListenerCertificate>(&name, &spec, Origin::new(&path, &[]));
    }
}

/// The first of some domains with one base that says in which zone they are, or the first that does
/// not say that there is none; reports two that say otherwise.
fn zone_of<'g, 's>(draft: &mut Draft, group: &'g [Listed<'s>]) -> Option<&'g Listed<'s>> {
    let with_zone: Vec<&Listed<'_>> = group.iter().filter(|it| it.domain.has_zone()).collect();
    let said: Vec<&Listed<'_>> =
        with_zone.iter().copied().filter(|it| it.domain.zone.is_some()).collect();
    for pair in said.windows(2) {
        let [first, second] = pair else { continue };
        if first.domain.zone != second.domain.zone {
            let at = |it: &Listed<'_>| draft.place(&it.path());
            let title = format!("`{}` is in two zones", first.domain.base());
            let mistake = Diagnostic::error(Code::BadValue, title)
                .at(at(second), "in this one")
                .at(at(first), "and in this one")
                .help("write the same zone at both: they are validated by one record");
            draft.report(&[LoadBalancer::KEY, second.balancer], mistake);
        }
    }
    said.into_iter().chain(with_zone).next()
}

/// Makes the record that leads to the load balancer.
fn point(draft: &mut Draft, balancer: &str, domain: &Domain, path: &[&str]) {
    let of = |field: &str| Text::output(Address::new("load-balancer", balancer), field);
    // Each has a name of its own, so that none is in the way of the other.
    let set = format!("{}-{}", draft.scope.stack, draft.scope.environment);
    let failover = domain.failover.map(|it| it.of(draft.is_like_another, set)).unwrap_or_default();
    let alias = Alias {
        name: of("dns"),
        zone: of("zone"),
        // Who does not answer is left out, which is what the other one is for.
        evaluate_health: failover.set().is_some(),
    };
    let spec = RecordSpec {
        zone: domain.zone(),
        name: domain.name.clone(),
        kind: RecordType::A,
        values: BTreeSet::new(),
        ttl: TTL,
        alias: Some(alias),
        failover,
    };
    let place = place(draft, domain, path);
    let fields: &[(&str, &str)] =
        if domain.zone.is_some() { &[("name", "name"), ("zone", "zone")] } else { &[] };
    draft.make_at::<Record>(place, &resource(&domain.name), &spec, Origin::new(path, fields));
}

/// Where the zone of a domain is.
fn place(draft: &mut Draft, domain: &Domain, path: &[&str]) -> Place {
    let Some(role) = domain.zone.as_ref().and_then(|zone| zone.role.clone()) else {
        return Place::default();
    };
    match draft.way(&role) {
        Ok(account) => Place { account: Some(account), region: None },
        Err((title, help)) => {
            let path: Vec<&str> = path.iter().copied().chain(["zone", "role"]).collect();
            draft.error(Code::BadPlace, title, &path, "", help);
            Place::default()
        }
    }
}

/// Reports what cannot be had together.
fn look(draft: &mut Draft, balancer: &LoadBalancer, name: &str) {
    let at = |index: usize, rest: &[&str]| -> Vec<String> {
        let index = index.to_string();
        let path = [LoadBalancer::KEY, name, "domains", &index];
        owned(&path.iter().copied().chain(rest.iter().copied()).collect::<Vec<_>>())
    };
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, domain) in balancer.domains.iter().enumerate() {
        if let Some(first) = seen.insert(&domain.name, index) {
            let mistake = Diagnostic::error(Code::NameTaken, "a domain is there twice")
                .at(draft.place(&at(index, &[])), "this one")
                .at(draft.place(&at(first, &[])), "and this one")
                .help("remove one of them");
            draft.report(&[LoadBalancer::KEY, name], mistake);
        }
        let Some(target) = &domain.redirect else { continue };
        let others = balancer.domains.iter().filter(|it| it.redirect.is_none());
        if !others.clone().any(|other| other.name == *target) {
            let names: Vec<&str> = others.map(|it| it.name.as_str()).collect();
            let help = match names.first() {
                Some(first) => format!("lead it to another of the domains: `redirect: {first}`"),
                None => format!("add `{target}` to the domains"),
            };
            let title = format!("`{}` is sent where this load balancer is not", domain.name);
            let label = "none of its domains that answer themselves";
            let mistake = Diagnostic::error(Code::UnknownReference, title)
                .at(draft.place(&at(index, &["redirect"])), label)
                .help(help);
            draft.report(&[LoadBalancer::KEY, name], mistake);
        }
    }
    let count = certificates(balancer).len();
    // The default one of a listener that exists already is somebody else's.
    let most = if balancer.existing.is_some() { MOST_BESIDE } else { MOST_BESIDE + 1 };
    if count > most {
        draft.error(
            Code::BadValue,
            format!("{count} certificates are too many for `{name}`"),
            &[LoadBalancer::KEY, name, "domains"],
            format!("it can have {most}"),
            "put wildcards such as `*.example.com` in the place of single names",
        );
    }
}
