//! What is put into a network and behind a load balancer, whoever made these.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Code, Diagnostic, Ref};
use deployer_kinds::Subnet;

use crate::draft::{Draft, owned};
use crate::guest::LentSubnet;
use crate::node::Content;

impl Draft {
    /// The subnets of a tier.
    pub(crate) fn subnets(&self, tier: &str) -> BTreeSet<Ref<Subnet>> {
        if self.network.lent.is_some() {
            return self.lent(tier).iter().map(|subnet| Ref::named(&subnet.name)).collect();
        }
        self.network.zones.iter().map(|zone| Ref::named(format!("{tier}-{zone}"))).collect()
    }

    /// The subnets of a tier in a network that exists already.
    pub(crate) fn lent(&self, tier: &str) -> &[LentSubnet] {
        let lent = self.network.lent.as_ref().and_then(|lent| lent.get(tier));
        lent.map(Vec::as_slice).unwrap_or_default()
    }

    /// Where the subnets of a tier are written.
    pub(crate) fn tier_path(&self, tier: &str) -> Vec<String> {
        match self.lent(tier).first().map(|subnet| subnet.path.as_slice()) {
            Some([list @ .., _]) if list.len() > 2 => list.to_vec(),
            Some(path) => path.to_vec(),
            None => owned(&["network", "existing"]),
        }
    }

    /// Whether a network that exists already lends subnets of a tier; reports it when not. `of` is
    /// what is put there.
    pub(crate) fn must_be_lent(&mut self, tier: &str, of: &[&str]) {
        if self.network.lent.is_none()
            || !self.lent(tier).is_empty()
            || self.is_broken(&["network"])
        {
            return;
        }
        let path = ["network", "existing"];
        let title = format!("`network.existing` has no {tier} subnets");
        let label = format!("`{}` is put into them", of.join("."));
        let help = format!("add `{tier}: [subnet-…]`");
        self.key_error(Code::MissingKey, title, &path, label, help);
    }

    /// Reports that something wants subnets in two zones, when there is one. `of` is the path of
    /// the entry that it belongs to.
    pub(crate) fn must_have_two_zones(&mut self, what: &str, tier: &str, of: &[&str; 2]) {
        let [section, name] = *of;
        let (count, path, help) = if self.network.lent.is_some() {
            self.must_be_lent(tier, of);
            (self.zones_of(tier), self.tier_path(tier), "name a subnet in a second zone")
        } else {
            (self.network.zones.len(), owned(&["network", "zones"]), "write `zones: 2`")
        };
        // Without any that is said already.
        if count == 0 {
            self.broken.insert((section.to_owned(), name.to_owned()));
        }
        if count == 1 && !self.is_broken(&["network"]) {
            let title = format!("{what} needs two zones");
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let label = format!("`{name}` cannot be in one");
            self.error(Code::OneZone, title, &path, label, help);
            self.broken.insert((section.to_owned(), name.to_owned()));
        }
    }

    /// Reports that a load balancer is to be in two subnets of one zone, which it cannot be (ELB API
    /// reference, `CreateLoadBalancer`).
    pub(crate) fn must_have_one_subnet_a_zone(&mut self, tier: &str, of: &[&str; 2]) {
        let mut zones: BTreeMap<&str, &LentSubnet> = BTreeMap::new();
        let mut twice = None;
        for subnet in self.lent(tier) {
            let Some(found) = &subnet.found else { continue };
            if let Some(first) = zones.insert(&found.zone, subnet) {
                twice = Some((first.path.clone(), subnet.path.clone(), found.zone.clone()));
            }
        }
        let Some((first, second, zone)) = twice else { return };
        let mistake = Diagnostic::error(
            Code::DuplicateZone,
            format!("`{}` cannot be in two subnets of {zone}", of.join(".")),
        )
        .at(self.place(&second), "one of them")
        .at(self.place(&first), "the other")
        .help(format!("name one subnet of each zone in `{tier}:`"));
        self.report(of, mistake);
    }

    /// How many zones the subnets of a tier may be in, as far as that is known.
    fn zones_of(&self, tier: &str) -> usize {
        let lent = self.lent(tier);
        let known: Option<BTreeSet<&str>> =
            lent.iter().map(|subnet| Some(subnet.found.as_ref()?.zone.as_str())).collect();
        known.map_or(lent.len(), |zones| zones.len())
    }

    /// Reports what only a thing has that the stack makes, beside `existing`. `what` is such a thing.
    pub(crate) fn refuse_beside_existing(&mut self, body: &[&str], own: &[&str], what: &str) {
        for key in own.iter().filter(|key| self.is_written(body, key)).copied().collect::<Vec<_>>()
        {
            let path: Vec<&str> = body.iter().copied().chain([key]).collect();
            let title = format!("`{key}` is of {what} that the stack makes");
            let label = "`existing` names one that is there";
            self.key_error(Code::BadValue, title, &path, label, "keep one of the two");
        }
    }

    /// Whether a key of a body is written, and not as nothing.
    pub(crate) fn is_written(&self, body: &[&str], key: &str) -> bool {
        let value = self.root.follow(&owned(body)).and_then(|body| body.field(key));
        value.is_some_and(|value| value.content != Content::Null)
    }

    /// The stack and the environment that made what `existing` names; reports its own. What is left
    /// out is as it is here.
    pub(crate) fn host(
        &mut self,
        (stack, environment): (Option<&String>, Option<&String>),
        existing: &[&str],
        what: &str,
    ) -> Option<(String, String)> {
        let own = (self.scope.stack.clone(), self.scope.environment.clone());
        let host = (stack.unwrap_or(&own.0).clone(), environment.unwrap_or(&own.1).clone());
        if host != own {
            return Some(host);
        }
        let title = format!("{what} of {}/{} would be its own", host.0, host.1);
        let help = "name another `environment:`, or another `stack:`";
        self.key_error(Code::BadValue, title, existing, "names itself", help);
        None
    }
}
