//! Arbitrary stacks, small enough that two of them have much in common, and what becomes of them.

use std::collections::BTreeSet;

use deployer_core::Stack;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::stacks::url;
use crate::{Mess, StackBuilder};

/// The names that resources have.
const NAMES: [&str; 3] = ["a", "b", "c"];

/// A few choices for each resource of a kind; which reference, which value.
type Choices = Vec<Option<(usize, usize, bool)>>;

/// Any stack over every kind.
pub fn stacks() -> impl Strategy<Value = Stack> {
    (
        choices(2),
        (choices(2), choices(3), choices(2), choices(3)),
        (choices(2), choices(2), choices(2), choices(2)),
    )
        .prop_map(
            |(networks, (marks, parts, gates, walls), (rules, stores, revisions, services))| {
                let mut draft = Draft::default();
                draft.add("network", &networks, |_, (_, value, extra)| {
                    let labels = if extra { json!({ "team": "a" }) } else { json!({}) };
                    Some(json!({ "range": format!("10.{value}.0.0/16"), "labels": labels }))
                });
                draft.add("mark", &marks, |draft, (network, value, _)| {
                    let network = draft.pick("network", network)?;
                    Some(json!({ "network": network, "text": format!("text {value}") }))
                });
                draft.add("part", &parts, |draft, (network, value, open)| {
                    let network = draft.pick("network", network)?;
                    Some(json!({ "network": network, "zone": NAMES[value], "open": open }))
                });
                draft.add("gate", &gates, |draft, (network, value, _)| {
                    let network = draft.pick("network", network)?;
                    let check = json!({ "path": "/up", "every": value });
                    Some(json!({ "network": network, "protocol": NAMES[value], "check": check }))
                });
                draft.add("wall", &walls, |draft, (network, admitted, both)| {
                    let network = draft.pick("network", network)?;
                    let walls =
                        [Some(admitted), both.then_some(admitted + 1)].into_iter().flatten();
                    let admits: BTreeSet<_> =
                        walls.filter_map(|which| draft.pick("wall", which)).collect();
                    Some(json!({ "network": network, "admits": admits }))
                });
                draft.add("rule", &rules, |draft, (gate, number, _)| {
                    Some(json!({ "gate": draft.pick("gate", gate)?, "number": number }))
                });
                draft.add("store", &stores, |draft, (network, value, _)| {
                    let network = draft.pick("network", network)?;
                    let walls: Vec<_> = draft.pick("wall", value).into_iter().collect();
                    let engine = NAMES[value];
                    Some(
                        json!({ "network": network, "engine": engine, "size": 20, "walls": walls }),
                    )
                });
                draft.add("revision", &revisions, |draft, (store, value, linked)| {
                    let url = match draft.pick("store", store).filter(|_| linked) {
                        Some(store) => url(&format!("store/{store}")),
                        None => json!("store://nowhere"),
                    };
                    Some(json!({ "image": format!("web:{value}"), "url": url }))
                });
                draft.add("service", &services, |draft, (which, value, both)| {
                    let first = draft.pick("part", which)?;
                    let second = draft.pick("part", which + usize::from(both))?;
                    let parts =
                        if first == second { json!([first]) } else { json!([first, second]) };
                    Some(json!({
                        "revision": draft.pick("revision", which)?,
                        "gates": [draft.pick("gate", value)?],
                        "walls": draft.pick("wall", which).into_iter().collect::<Vec<_>>(),
                        "parts": parts,
                        "shares": [{ "version": NAMES[value], "weight": which }],
                    }))
                });
                draft.builder.build()
            },
        )
}

/// What has become of which resources, one after another.
pub fn messes() -> impl Strategy<Value = Vec<(usize, Mess)>> {
    let mess = prop_oneof![
        Just(Mess::Twin),
        Just(Mess::Older),
        (0..400_u64).prop_map(Mess::Settling),
        (0..400_u64).prop_map(Mess::Leaving),
        Just(Mess::Half),
        Just(Mess::Unmarked),
        Just(Mess::Remarked),
    ];
    vec((0..30_usize, mess), 0..8)
}

fn choices(most: usize) -> impl Strategy<Value = Choices> {
    vec(prop::option::weighted(0.8, (0..3_usize, 0..3_usize, any::<bool>())), 0..=most)
}

#[derive(Default)]
struct Draft {
    builder: StackBuilder,
    there: Vec<(&'static str, &'static str)>,
}

impl Draft {
    fn add(
        &mut self,
        kind: &'static str,
        choices: &Choices,
        spec: impl Fn(&Self, (usize, usize, bool)) -> Option<Value>,
    ) {
        for (name, choice) in NAMES.into_iter().zip(choices) {
            if let Some(spec) = choice.and_then(|choice| spec(self, choice)) {
                self.builder = self.builder.clone().with(&format!("{kind}/{name}"), spec);
                self.there.push((kind, name));
            }
        }
    }

    /// The name of some resource of a kind, if there is one.
    fn pick(&self, kind: &str, which: usize) -> Option<&'static str> {
        let names: Vec<_> = self.there.iter().filter(|(other, _)| *other == kind).collect();
        names.get(which % names.len().max(1)).map(|(_, name)| *name)
    }
}
