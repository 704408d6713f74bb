//! A rule of a listener: which requests go where.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{
    Change, Fact, Impact, Kind, Lead, Opaque, Problem, Ref, Replacement, Thing, Typical,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Reserves, is_shifted, reserved};
use crate::{IpRange, Listener};

/// A host that nobody has: `invalid` is never delegated (RFC 2606).
const NOBODY: &str = "reserved.invalid";

/// The most characters of a method and of the name of a header, and of a value.
const LONGEST_NAME: usize = 40;
const LONGEST_VALUE: usize = 128;

/// A rule of a listener.
pub struct ListenerRule;

impl Kind for ListenerRule {
    const NAME: &'static str = "listener-rule";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("listener", Change::Replace(Impact::Outage)),
        ("priority", Change::InPlace(Impact::None)),
        ("paths", Change::InPlace(Impact::None)),
        ("hosts", Change::InPlace(Impact::None)),
        ("methods", Change::InPlace(Impact::None)),
        ("headers", Change::InPlace(Impact::None)),
        ("query", Change::InPlace(Impact::None)),
        ("sources", Change::InPlace(Impact::None)),
        ("action", Change::InPlace(Impact::None)),
        ("reserves", Change::InPlace(Impact::None)),
    ];
    const LEADS: Option<&'static str> = Some("action");
    const DELETION: Impact = Impact::None;
    const REPLACEMENT: Replacement = Replacement::CreateFirst;
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    type Spec = ListenerRuleSpec;
    type Output = ListenerRuleOutput;

    fn check(spec: &ListenerRuleSpec) -> Vec<Problem> {
        let mut problems = Vec::new();
        // Priorities run from 1 to 50000; a rule takes five values in all (ELBv2 API reference).
        if !(1..=ListenerRuleSpec::LAST).contains(&spec.priority) {
            let message = format!("{} is not a valid priority", spec.priority);
            problems.push(Problem::new("priority", message, "expected 1 to 50000"));
        }
        problems.extend(wrong_conditions(spec));
        let wrong = |action: &Action| action.problems("action", spec.reserves.as_ref());
        problems.extend(spec.action.known().map(wrong).unwrap_or_default());
        match spec.conditions() {
            0 => problems.push(Problem::new(
                "",
                "a rule without a condition matches nothing",
                "add `paths: [\"/*\"]`",
            )),
            1..=5 => {}
            count => problems.push(Problem::new(
                "paths",
                format!("a rule can have five conditions, not {count}"),
                "spread them over several rules",
            )),
        }
        problems
    }

    fn facts(spec: &ListenerRuleSpec) -> Vec<Fact> {
        let ListenerRuleSpec { hosts, paths, methods, .. } = spec.clone();
        let header = |(name, values): (&String, _)| (format!("{}:", name.to_lowercase()), values);
        let query = |(name, values): (&String, _)| (format!("{name} ="), values);
        // Values are compared without case (ELB user guide, "Condition types").
        let values = |(name, values): (String, &BTreeSet<String>)| {
            (name, values.iter().map(|value| value.to_lowercase()).collect())
        };
        let also = spec.headers.iter().map(header).chain(spec.query.iter().map(query));
        let mut also: BTreeMap<_, _> = also.map(values).collect();
        if !spec.sources.is_empty() {
            // Any two ranges are taken to have addresses in common.
            also.insert("an address of".to_owned(), ["*".to_owned()].into());
        }
        let (at, turn) = (Thing::from(&spec.listener), Some(spec.priority));
        let to = spec.action.known().map(Action::destination);
        vec![Fact::Leads(Lead { at, turn, hosts, paths, methods, also, to })]
    }

    /// What each group of a pair gets is ECS's to say.
    fn is_moved(field: &str, live: &ListenerRuleSpec, wanted: &ListenerRuleSpec) -> bool {
        field == "action" && is_shifted(&live.action, live.reserves.as_ref(), &wanted.action)
    }

    fn is_reserved(live: &ListenerRuleSpec) -> bool {
        live.is_reserved()
    }

    /// A new one is there for a host that nobody has until its tasks are, right behind its turn:
    /// whoever has that takes these requests until then, and nobody's place among the others
    /// changes when the two change places.
    fn reserve(
        live: Option<&ListenerRuleSpec>,
        wanted: &ListenerRuleSpec,
    ) -> Option<ListenerRuleSpec> {
        let Some(live) = live else {
            let hosts = [NOBODY.to_owned()].into();
            let last = ListenerRuleSpec::LAST;
            let priority = if wanted.priority < last { wanted.priority + 1 } else { last - 1 };
            return Some(ListenerRuleSpec {
                priority,
                hosts,
                paths: BTreeSet::new(),
                methods: BTreeSet::new(),
                headers: BTreeMap::new(),
                query: BTreeMap::new(),
                sources: BTreeSet::new(),
                ..wanted.clone()
            });
        };
        // ECS leads requests to the group that comes.
        if wanted.action.known().is_some_and(|action| matches!(action, Action::Shift(_))) {
            return None;
        }
        let reserves = reserved(&live.action, live.reserves.as_ref(), &wanted.action)?;
        Some(ListenerRuleSpec { reserves: Some(reserves), ..live.clone() })
    }
}

/// What ELB refuses of methods, headers and the query (its API reference,
/// `HttpRequestMethodConditionConfig`, `HttpHeaderConditionConfig`, `QueryStringConditionConfig`).
fn wrong_conditions(spec: &ListenerRuleSpec) -> Vec<Problem> {
    let mut problems = Vec::new();
    let is_method =
        |text: &str| text.bytes().all(|it| it.is_ascii_uppercase() || b"-_".contains(&it));
    for method in spec.methods.iter().filter(|it| !is_method(it) || it.len() > LONGEST_NAME) {
        let help = format!("write it in capitals: `{}`", method.to_uppercase());
        problems.push(Problem::new("methods", format!("`{method}` is not a method"), help));
    }
    let mut names = BTreeSet::new();
    for name in spec.headers.keys() {
        let at = format!("headers.{name}");
        if name.eq_ignore_ascii_case("host") {
            let help = "write it beside the headers: `host:` of a route, `hosts:` of a rule";
            problems.push(Problem::new(at, format!("`{name}` is not asked for as a header"), help));
        } else if !names.insert(name.to_lowercase()) {
            let help = "write all its values at one of them";
            problems.push(Problem::new(at, format!("`{name}` is there twice"), help));
        } else if name.len() > LONGEST_NAME {
            let help = "expected at most 40 characters";
            problems.push(Problem::new(at, format!("`{name}` is too long for a header"), help));
        }
    }
    for (field, patterns) in [("headers", &spec.headers), ("query", &spec.query)] {
        for (name, values) in patterns {
            let at = format!("{field}.{name}");
            if values.is_empty() {
                let help = "give one or more, with `*` for any";
                problems.push(Problem::new(at, format!("`{name}` has no value to be"), help));
            } else if values.iter().any(|value| value.is_empty() || value.len() > LONGEST_VALUE) {
                let message = format!("`{name}` has a value that ELB does not take");
                problems.push(Problem::new(at, message, "expected 1 to 128 characters"));
            }
        }
    }
    problems
}

/// Values by a name, one of which is to be met.
pub type Patterns = BTreeMap<String, BTreeSet<String>>;

/// What we want of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ListenerRuleSpec {
    /// The listener it belongs to.
    pub listener: Ref<Listener>,
    /// Its turn: rules are tried from the lowest number, 1 to 50000.
    pub priority: u32,
    /// The paths it takes, with `*` and `?`.
    #[serde(default)]
    pub paths: BTreeSet<String>,
    /// The hosts it takes, with `*` and `?`.
    #[serde(default)]
    pub hosts: BTreeSet<String>,
    /// The request methods it takes.
    #[serde(default)]
    pub methods: BTreeSet<String>,
    /// The headers that a request it takes has, and what each of them is, with `*` and `?`.
    #[serde(default)]
    pub headers: Patterns,
    /// The parameters in the query of a request it takes, and what each of them is, with `*` and
    /// `?`.
    #[serde(default)]
    pub query: Patterns,
    /// The address ranges it takes requests from. That is whoever connects: a proxy, if there is
    /// one.
    #[serde(default)]
    pub sources: BTreeSet<IpRange>,
    /// What it does with a request it takes.
    pub action: Opaque<Action>,
    /// The target groups that are bound to it beside the one it forwards to, and get no requests.
    pub reserves: Option<Reserves>,
}

impl ListenerRuleSpec {
    /// The last turn there is (ELB API reference, `CreateRule`).
    pub const LAST: u32 = 50_000;

    /// How many values it compares a request with.
    fn conditions(&self) -> usize {
        let of = |patterns: &Patterns| patterns.values().map(BTreeSet::len).sum::<usize>();
        let Self { paths, hosts, methods, headers, query, sources, .. } = self;
        paths.len() + hosts.len() + methods.len() + of(headers) + of(query) + sources.len()
    }

    /// Whether it only binds what it is to lead to: it takes no request, whatever its turn.
    pub fn is_reserved(&self) -> bool {
        self.hosts.iter().any(|host| host == NOBODY)
    }
}

/// What AWS returns for a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ListenerRuleOutput {
    /// The ARN.
    pub id: String,
}
