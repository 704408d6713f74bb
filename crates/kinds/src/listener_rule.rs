//! A rule of a listener: which requests go where.

use std::collections::BTreeSet;

use deployer_core::{
    Change, Fact, Impact, Kind, Lead, Opaque, Problem, Ref, Replacement, Thing, Typical,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::listener::{Reserves, reserved};
use crate::{Action, Listener};

/// A host that nobody has: `invalid` is never delegated (RFC 2606).
const NOBODY: &str = "reserved.invalid";

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
        match spec.paths.len() + spec.hosts.len() + spec.methods.len() {
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
        let (at, turn) = (Thing::from(&spec.listener), Some(spec.priority));
        let to = spec.action.known().map(Action::destination);
        vec![Fact::Leads(Lead { at, turn, hosts, paths, methods, to })]
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
            let (paths, methods) = (BTreeSet::new(), BTreeSet::new());
            let last = ListenerRuleSpec::LAST;
            let priority = if wanted.priority < last { wanted.priority + 1 } else { last - 1 };
            return Some(ListenerRuleSpec { priority, paths, hosts, methods, ..wanted.clone() });
        };
        let reserves = reserved(&live.action, &wanted.action)?;
        Some(ListenerRuleSpec { reserves: Some(reserves), ..live.clone() })
    }
}

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
    /// What it does with a request it takes.
    pub action: Opaque<Action>,
    /// The target groups that are bound to it beside the one it forwards to, and get no requests.
    pub reserves: Option<Reserves>,
}

impl ListenerRuleSpec {
    /// The last turn there is (ELB API reference, `CreateRule`).
    pub const LAST: u32 = 50_000;

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
