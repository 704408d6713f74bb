//! A stack on its way from sections to resources.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Address, Diagnostic, Kind, Ref, Scope, Span, Text};
use deployer_kinds::{Cidr, Subnet};
use serde::Serialize;
use serde_json::Value;

use crate::interpolate::Asked;
use crate::mistakes::{Mistakes, suggestion};
use crate::node::Node;

/// A stack on its way from sections to resources.
pub(crate) struct Draft {
    /// The text's tree, environment laid over and variables filled in.
    pub(crate) root: Node,
    pub(crate) scope: Scope,
    pub(crate) region: String,
    /// The names each section has, readable or not.
    pub(crate) declared: BTreeMap<&'static str, BTreeSet<String>>,
    /// The bodies that could not be read: section and name.
    pub(crate) broken: BTreeSet<(String, String)>,
    pub(crate) network: NetworkFacts,
    pub(crate) made: BTreeMap<Address, Made>,
    pub(crate) images: BTreeMap<String, Address>,
    pub(crate) outputs: BTreeMap<String, Text>,
    pub(crate) asked: Vec<Asked>,
    pub(crate) mistakes: Mistakes,
}

/// What other sections need to know of the network.
#[derive(Clone, Debug, Default)]
pub(crate) struct NetworkFacts {
    /// The letters of the zones.
    pub(crate) zones: Vec<char>,
    pub(crate) cidr: Option<Cidr>,
    /// Whether private subnets reach the internet.
    pub(crate) has_nat: bool,
}

/// A resource and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) spec: Value,
    pub(crate) origin: Origin,
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
            .map(|(field, place)| ((*field).to_owned(), place.split('.').map(str::to_owned).collect()))
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
        let address = Address::new(K::NAME, name);
        if let Some(other) = self.made.get(&address) {
            let (first, second) = (other.origin.body.join("."), origin.body.join("."));
            let mistake = Diagnostic::error(
                "name-taken",
                format!("`{first}` and `{second}` would both make {address}"),
            )
            .at(self.key_place(&origin.body), "one of the two")
            .at(self.key_place(&other.origin.body), "the other")
            .help("give one of them another name");
            self.mistakes.push(mistake);
            return;
        }
        self.made.insert(address, Made { spec: json(spec), origin });
    }

    /// The subnets of a tier.
    pub(crate) fn subnets(&self, tier: &str) -> BTreeSet<Ref<Subnet>> {
        self.network.zones.iter().map(|zone| Ref::named(format!("{tier}-{zone}"))).collect()
    }

    /// Where a value is best underlined.
    pub(crate) fn place(&self, path: &[String]) -> Span {
        self.root.place(path).unwrap_or(Span { start: 0, end: 0 })
    }

    /// Where the key at the end of a path stands.
    pub(crate) fn key_place(&self, path: &[String]) -> Span {
        self.root.key_place(path).unwrap_or_else(|| self.place(path))
    }

    /// Tells a mistake at a path.
    pub(crate) fn error(
        &mut self,
        code: &str,
        title: impl Into<String>,
        path: &[&str],
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        let span = self.place(&owned(path));
        self.mistakes.push(Diagnostic::error(code, title).at(span, label).help(help));
    }

    /// Whether a section has an entry of this name; tells it at `path` when not.
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
            format!("add it: `{section}: {{ {name}: {} }}`", example(section))
        } else {
            suggestion(name, names.iter().map(String::as_str))
        };
        let title = format!("there is no `{name}` in `{section}`");
        self.error("unknown-reference", title, path, "nothing has this name", advice);
        false
    }

    /// Tells, once, that there is no network for what stands at `path`.
    pub(crate) fn must_have_network(&mut self, path: &[&str]) {
        let no_network = self.root.field("network").is_none();
        if no_network && self.network.cidr.is_none() && !self.made.contains_key(&Address::new("vpc", "main")) {
            self.network.cidr = "10.0.0.0/16".parse().ok();
            let span = self.key_place(&owned(path));
            self.mistakes.push(
                Diagnostic::error("missing-network", "there is no network to put this in")
                    .at(span, "needs a network")
                    .help("add `network: {}` for one with two zones and a NAT gateway"),
            );
        }
    }
}

fn example(section: &str) -> &'static str {
    match section {
        "databases" => "{ engine: postgres, version: \"16\" }",
        _ => "{}",
    }
}

/// A path from borrowed pieces.
pub(crate) fn owned(path: &[&str]) -> Vec<String> {
    path.iter().map(|piece| (*piece).to_owned()).collect()
}

/// A spec as JSON.
pub(crate) fn json<T: Serialize>(spec: &T) -> Value {
    serde_json::to_value(spec).expect("specs have text keys and finite numbers only")
}
