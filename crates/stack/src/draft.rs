//! A stack on its way from sections to resources.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{
    Address, Code, Diagnostic, Kind, Outputs, Partition, Place, Roles, Scope, Span, Text,
};
use deployer_kinds::IpRange;
use serde::Serialize;
use serde_json::Value;

use crate::found::{Found, Sought};
use crate::guest::{Lent, LentBalancer};
use crate::mistakes::{Mistakes, suggestion};
use crate::node::Node;
use crate::shape::not_yet;
use crate::zones::Zones;

/// A stack on its way from sections to resources.
pub(crate) struct Draft {
    /// The text's tree, environment laid over and variables filled in.
    pub(crate) root: Node,
    pub(crate) scope: Scope,
    /// Whether the environment is like another one.
    pub(crate) is_like_another: bool,
    pub(crate) region: String,
    /// The zones, where somebody has looked.
    pub(crate) zones: Option<Zones>,
    /// What the stack names and did not make, as far as somebody has looked.
    pub(crate) found: Found,
    /// The same, where nobody has looked yet.
    pub(crate) sought: BTreeSet<Sought>,
    /// The files that it names, as far as somebody has read them.
    pub(crate) files: BTreeMap<String, Result<String, String>>,
    /// The others.
    pub(crate) unread: BTreeSet<String>,
    /// The addresses by which the stack refers to what it did not make, each with what is known of
    /// that.
    pub(crate) existing: Outputs,
    /// The names each section has, readable or not.
    pub(crate) declared: BTreeMap<&'static str, BTreeSet<String>>,
    /// The least that may be written for an entry of each section, as advice shows it.
    pub(crate) examples: BTreeMap<&'static str, &'static str>,
    /// The bodies that could not be read: section and name.
    pub(crate) broken: BTreeSet<(String, String)>,
    pub(crate) network: NetworkFacts,
    /// The load balancers that the stack did not make, by name.
    pub(crate) balancers: BTreeMap<String, LentBalancer>,
    pub(crate) made: BTreeMap<Address, Made>,
    /// The roles that lead to other accounts.
    pub(crate) roles: Roles,
    pub(crate) images: BTreeMap<String, BTreeSet<Address>>,
    /// The services that run another's image because they are like it, and whose.
    pub(crate) images_of: BTreeMap<String, String>,
    pub(crate) outputs: BTreeMap<String, Text>,
    pub(crate) asked: Vec<Asked>,
    pub(crate) mistakes: Mistakes,
}

/// What other sections need to know of the network.
#[derive(Clone, Debug)]
pub(crate) struct NetworkFacts {
    /// The letters of the zones.
    pub(crate) zones: Vec<char>,
    /// The ranges of its addresses, where they are known.
    pub(crate) ranges: BTreeSet<IpRange>,
    /// The subnets, where it exists already.
    pub(crate) lent: Option<Lent>,
    /// Whether it was reported that there is none.
    pub(crate) is_asked_for: bool,
    /// Whether private subnets reach the internet.
    pub(crate) has_nat: bool,
    /// Whether they reach services of AWS without it.
    pub(crate) has_private_access: bool,
    /// The services of AWS that a network reaches inside of it that exists already.
    pub(crate) endpoints: BTreeSet<String>,
    /// The zones that stand for whichever there are, since nobody has looked.
    pub(crate) assumed: Vec<String>,
}

impl Default for NetworkFacts {
    /// Of one that is missing: what else is wrong can be reported all the same.
    fn default() -> Self {
        Self {
            zones: vec!['a', 'b'],
            ranges: BTreeSet::new(),
            lent: None,
            is_asked_for: false,
            has_nat: true,
            has_private_access: false,
            endpoints: BTreeSet::new(),
            assumed: Vec::new(),
        }
    }
}

/// A resource and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) place: Place,
    pub(crate) spec: Value,
    pub(crate) origin: Origin,
}

/// An output that a value asks for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) address: Address,
    pub(crate) field: String,
    pub(crate) span: Span,
}

/// The part of the text that a resource comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// The path of the body, such as `services.web`.
    pub(crate) body: Vec<String>,
    /// Which field of the spec comes from which path below the body.
    pub(crate) fields: Vec<(String, Vec<String>)>,
    /// The fields that `resources:` says otherwise, and where.
    pub(crate) overrides: Option<(Vec<String>, Node)>,
}

impl Origin {
    /// A resource that comes from this body, with the fields that were written there.
    pub(crate) fn new(body: &[&str], fields: &[(&str, &str)]) -> Self {
        let fields = fields
            .iter()
            .map(|(field, place)| {
                ((*field).to_owned(), place.split('.').map(str::to_owned).collect())
            })
            .collect();
        Self { body: owned(body), fields, overrides: None }
    }

    /// The path in the text of a field of the spec.
    pub(crate) fn path(&self, field: &str) -> Vec<String> {
        let pieces: Vec<String> = field.split('.').map(str::to_owned).collect();
        let by_hand = self.overrides.as_ref().filter(|(_, node)| node.follow(&pieces).is_some());
        if let Some((body, _)) = by_hand {
            return body.iter().cloned().chain(pieces).collect();
        }
        if self.body.first().is_some_and(|section| section == "resources") {
            return self.body.iter().cloned().chain(pieces).collect();
        }
        let written = self
            .fields
            .iter()
            .filter(|(known, _)| field == known || field.starts_with(&format!("{known}.")))
            .max_by_key(|(known, _)| known.len());
        let mut path = self.body.clone();
        path.extend(written.into_iter().flat_map(|(_, place)| place.iter().cloned()));
        path
    }
}

impl Draft {
    /// Adds a resource.
    pub(crate) fn make<K: Kind>(&mut self, name: &str, spec: &K::Spec, origin: Origin) {
        self.make_at::<K>(Place::default(), name, spec, origin);
    }

    /// The account that a role leads to, which is noted as the way there.
    ///
    /// # Errors
    /// What is wrong with it, and advice.
    pub(crate) fn way(&mut self, role: &str) -> Result<String, (String, String)> {
        let Some(account) = Place::account_of_role(role) else {
            let partition = Partition::of(&self.region).name();
            let help = format!("write it as `arn:{partition}:iam::123456789012:role/NAME`");
            return Err((format!("`{role}` is not the ARN of a role"), help));
        };
        if let Some(other) = self.roles.get(account).filter(|other| *other != role) {
            let title = format!("two roles lead to the account {account}: {other} and {role}");
            return Err((title, "use one of them for everything there".to_owned()));
        }
        self.roles.insert(account.to_owned(), role.to_owned());
        Ok(account.to_owned())
    }

    /// Adds a resource at a place.
    pub(crate) fn make_at<K: Kind>(
        &mut self,
        place: Place,
        name: &str,
        spec: &K::Spec,
        origin: Origin,
    ) {
        let address = Address::new(K::NAME, name);
        if let Some(other) = self.made.get(&address) {
            let (first, second) = (other.origin.body.join("."), origin.body.join("."));
            let mistake = Diagnostic::error(
                Code::NameTaken,
                format!("`{first}` and `{second}` would both make {address}"),
            )
            .at(self.key_place(&origin.body), "one of the two")
            .at(self.key_place(&other.origin.body), "the other")
            .help("give one of them another name");
            self.mistakes.push(mistake);
            return;
        }
        self.made.insert(address, Made { place, spec: json(spec), origin });
    }

    /// Where a value is best underlined.
    pub(crate) fn place(&self, path: &[String]) -> Span {
        self.root.place(path).unwrap_or(Span { start: 0, end: 0 })
    }

    /// Where the key at the end of a path stands.
    pub(crate) fn key_place(&self, path: &[String]) -> Span {
        self.root.key_place(path).unwrap_or_else(|| self.place(path))
    }

    /// Reports a mistake in the value at a path.
    pub(crate) fn error(
        &mut self,
        code: Code,
        title: impl Into<String>,
        path: &[&str],
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        let span = self.place(&owned(path));
        self.report(path, Diagnostic::error(code, title).at(span, label).help(help));
    }

    /// Reports a mistake in the key at the end of a path.
    pub(crate) fn key_error(
        &mut self,
        code: Code,
        title: impl Into<String>,
        path: &[&str],
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        let span = self.key_place(&owned(path));
        self.report(path, Diagnostic::error(code, title).at(span, label).help(help));
    }

    /// Reports a mistake in the body that a path leads into. Of a body that could be read only in
    /// part, names that mean nothing are reported; all else may follow from what is missing.
    pub(crate) fn report(&mut self, path: &[&str], mistake: Diagnostic) {
        let of_its_own =
            [Code::UnknownReference, Code::BadUse, Code::BadName].contains(&mistake.code);
        if of_its_own || !self.is_broken(path) {
            self.mistakes.push(mistake);
        }
    }

    /// Whether a resource may be one that a body would make that could not be read.
    pub(crate) fn may_be_unread(&self, address: &Address) -> bool {
        let is_of_network = OF_NETWORK.contains(&address.kind.as_str());
        self.broken.iter().any(|(section, name)| match section.as_str() {
            "network" => is_of_network,
            "resources" => address.name == *name,
            _ if is_of_network => false,
            "services" if address.kind == "cluster" => true,
            _ => name.is_empty() || format!("-{}-", address.name).contains(&format!("-{name}-")),
        })
    }

    /// Whether the body that a path leads into could be read in part only.
    pub(crate) fn is_broken<S: AsRef<str>>(&self, path: &[S]) -> bool {
        let piece = |index: usize| path.get(index).map(AsRef::as_ref).unwrap_or_default();
        self.broken
            .iter()
            .any(|(section, name)| section == piece(0) && (name.is_empty() || name == piece(1)))
    }

    /// Whether a section has an entry of this name; reports it at `path` when not.
    pub(crate) fn must_have(&mut self, section: &str, name: &str, path: &[&str]) -> bool {
        let empty = BTreeSet::new();
        let names = self.declared.get(section).unwrap_or(&empty);
        if names.contains(name) {
            return !self.broken.contains(&(section.to_owned(), name.to_owned()));
        }
        if self.broken.contains(&(section.to_owned(), String::new())) {
            return false;
        }
        let advice = if names.is_empty() {
            let example = self.examples.get(section).copied().unwrap_or("{}");
            format!("add it: `{section}: {{ {name}: {example} }}`")
        } else {
            suggestion(name, names.iter().map(String::as_str))
        };
        let title = format!("there is no `{name}` in `{section}`");
        self.error(Code::UnknownReference, title, path, "nothing has this name", advice);
        false
    }

    /// Reports that what stands at `path` is in the language and not built yet.
    pub(crate) fn not_yet(&mut self, what: &str, path: &[&str]) {
        let span = self.place(&owned(path));
        self.report(path, not_yet(what, span));
    }

    /// Reports, once, that there is no network for what stands at `path`.
    pub(crate) fn must_have_network(&mut self, path: &[&str]) {
        let is_there = self.root.field("network").is_some() || self.is_broken(&["network"]);
        if !is_there && !self.network.is_asked_for {
            self.network.is_asked_for = true;
            let span = self.key_place(&owned(path));
            self.mistakes.push(
                Diagnostic::error(Code::MissingNetwork, "there is no network to put this in")
                    .at(span, "needs a network")
                    .help("add `network: {}` for one with two zones and a NAT gateway"),
            );
        }
    }
}

/// The kinds that the network section makes, and no other does.
const OF_NETWORK: [&str; 10] = [
    "vpc",
    "subnet",
    "internet-gateway",
    "elastic-ip",
    "nat-gateway",
    "route-table",
    "gateway-endpoint",
    "interface-endpoint",
    "network-acl",
    "flow-log",
];

/// A path from borrowed pieces.
pub(crate) fn owned(path: &[&str]) -> Vec<String> {
    path.iter().map(|piece| (*piece).to_owned()).collect()
}

/// A spec as JSON.
pub(crate) fn json<T: Serialize>(spec: &T) -> Value {
    serde_json::to_value(spec).expect("specs have text keys and finite numbers only")
}
