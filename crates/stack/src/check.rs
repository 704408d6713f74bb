//! What can only be seen with all resources together.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{
    Address, Diagnostic, Graph, Kinds, Problem, Span, closest, references,
};
use deployer_kinds::Cidr;
use serde_json::Value;

use crate::draft::Draft;
use crate::mistakes::{listed, suggestion};
use crate::node::{Content, Node};

/// The kinds that the network section makes.
const OF_NETWORK: [&str; 6] =
    ["vpc", "subnet", "internet-gateway", "elastic-ip", "nat-gateway", "route-table"];

/// Checks all resources together.
pub(crate) fn check(draft: &mut Draft, kinds: &Kinds) {
    problems(draft, kinds);
    named_in_resources(draft, kinds);
    asked_outputs(draft, kinds);
    subnet_ranges(draft);
    cycles(draft);
    names(draft, kinds);
}

/// What each kind finds in its own specs.
fn problems(draft: &mut Draft, kinds: &Kinds) {
    for (address, made) in draft.made.clone() {
        let Some(kind) = kinds.find(&address.kind) else { continue };
        if draft.is_broken(&made.origin.body) {
            continue;
        }
        for problem in kind.check(&made.spec) {
            let path = made.origin.path(&problem.path);
            let place = draft.place(&path);
            draft.mistakes.push(told(&problem, &address, place));
        }
    }
}

fn told(problem: &Problem, address: &Address, span: Span) -> Diagnostic {
    let mistake = Diagnostic::error("bad-value", &problem.message).at(span, format!("of {address}"));
    match &problem.help {
        Some(help) => mistake.help(help),
        None => mistake,
    }
}

/// The names that `resources:` refers to.
fn named_in_resources(draft: &mut Draft, kinds: &Kinds) {
    let root = draft.root.clone();
    for kind_entry in root.field("resources").into_iter().flat_map(Node::entries) {
        let Some(kind) = kinds.find(&kind_entry.key) else { continue };
        let schema = kind.spec_schema().to_value();
        for entry in kind_entry.value.entries() {
            let is_broken = ("resources".to_owned(), entry.key.clone());
            if !draft.broken.contains(&is_broken) {
                references_below(draft, &entry.value, entry.span, &schema);
            }
        }
    }
}

fn references_below(draft: &mut Draft, node: &Node, key: Span, schema: &Value) {
    if let Some(kind) = schema.get("x-ref").and_then(Value::as_str) {
        if let Some(name) = node.text() {
            let span = if node.span.end > node.span.start { node.span } else { key };
            one_reference(draft, kind, name, span);
        }
        return;
    }
    for branch in ["anyOf", "oneOf"] {
        for schema in schema.get(branch).and_then(Value::as_array).into_iter().flatten() {
            references_below(draft, node, key, schema);
        }
    }
    match &node.content {
        Content::Map(entries) => {
            for entry in entries {
                let known = schema.get("properties").and_then(|keys| keys.get(&entry.key));
                let others = schema.get("additionalProperties");
                if let Some(schema) = known.or(others) {
                    references_below(draft, &entry.value, entry.span, schema);
                }
            }
        }
        Content::List(items) => {
            for item in items {
                if let Some(schema) = schema.get("items") {
                    references_below(draft, item, key, schema);
                }
            }
        }
        _ => {}
    }
}

fn one_reference(draft: &mut Draft, kind: &str, name: &str, span: Span) {
    if let Some((other, short)) = name.split_once('/') {
        let (label, help) = if other == kind {
            ("a name is enough here", format!("write `{short}`"))
        } else {
            ("of another kind", format!("name a {kind}{}", choices(draft, kind)))
        };
        let title = format!("expected the name of a {kind}, got `{name}`");
        draft.mistakes.push(Diagnostic::error("wrong-kind", title).at(span, label).help(help));
        return;
    }
    missing(draft, &Address::new(kind, name), span);
}

fn choices(draft: &Draft, kind: &str) -> String {
    match names_of(draft, kind).as_slice() {
        [] => String::new(),
        names => format!(": {}", listed(names)),
    }
}

fn names_of<'d>(draft: &'d Draft, kind: &str) -> Vec<&'d str> {
    let of_kind = draft.made.keys().filter(|address| address.kind == kind);
    of_kind.map(|address| address.name.as_str()).collect()
}

/// Tells a reference to nothing, unless what it means could only not be read.
fn missing(draft: &mut Draft, address: &Address, span: Span) -> bool {
    if draft.made.contains_key(address) {
        return false;
    }
    let is_broken = draft.broken.iter().any(|(section, name)| {
        let of_network = section == "network" && OF_NETWORK.contains(&address.kind.as_str());
        of_network || (section != "network" && address.name.starts_with(name.as_str()))
    });
    if !is_broken {
        let title = format!("there is no {address}");
        let names = names_of(draft, &address.kind);
        let help = match names.as_slice() {
            [] => format!("there is no {} at all; add it to `resources:`", address.kind),
            names => suggestion(&address.name, names.iter().copied()),
        };
        let mistake = Diagnostic::error("unknown-reference", title).at(span, "names nothing").help(help);
        draft.mistakes.push(mistake);
    }
    true
}

/// The outputs that `${kind/name.output}` asks for.
fn asked_outputs(draft: &mut Draft, kinds: &Kinds) {
    for asked in draft.asked.clone() {
        let Some(kind) = kinds.find(&asked.address.kind) else {
            let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
            let help = closest(&asked.address.kind, names.iter().copied())
                .map_or("`deployer schema` lists the kinds".to_owned(), |near| format!("did you mean `{near}`?"));
            let title = format!("there is no kind `{}`", asked.address.kind);
            let mistake = Diagnostic::error("unknown-kind", title).at(asked.span, "names no kind").help(help);
            draft.mistakes.push(mistake);
            continue;
        };
        if missing(draft, &asked.address, asked.span) {
            continue;
        }
        let fields = kind.output_fields();
        if !fields.contains(&asked.field) {
            let title = format!("a {} has no output `{}`", kind.name, asked.field);
            draft.mistakes.push(
                Diagnostic::error("unknown-output", title)
                    .at(asked.span, "asks for nothing there is")
                    .help(suggestion(&asked.field, fields.iter().map(String::as_str))),
            );
        }
    }
}

/// Subnets lie inside of their VPC and apart from each other.
fn subnet_ranges(draft: &mut Draft) {
    let range = |spec: &Value| spec.get("cidr")?.as_str()?.parse::<Cidr>().ok();
    let vpc = |spec: &Value| references(&spec["vpc"]).into_iter().next();
    let subnets: Vec<_> = draft
        .made
        .iter()
        .filter(|(address, _)| address.kind == "subnet")
        .filter_map(|(address, made)| {
            let path = made.origin.path("cidr");
            Some((address.clone(), range(&made.spec)?, vpc(&made.spec)?, path))
        })
        .collect();
    let taken: Vec<Cidr> = subnets.iter().map(|(_, cidr, _, _)| *cidr).collect();
    for (index, (address, cidr, vpc, path)) in subnets.iter().enumerate() {
        let is_by_hand = path.first().is_some_and(|section| section == "resources");
        let around = draft.made.get(vpc).and_then(|made| range(&made.spec));
        if let Some(around) = around.filter(|around| !around.0.contains(&cidr.0)) {
            let span = draft.place(path);
            let title = format!("`{cidr}` is not inside of {vpc}, which has `{around}`");
            draft.mistakes.push(
                Diagnostic::error("cidr-outside", title)
                    .at(span, format!("of {address}"))
                    .help(format!("take a part of `{around}`")),
            );
        }
        let clash = subnets.iter().enumerate().find(|(other, (_, range, of, _))| {
            *other != index && of == vpc && range.overlaps(*cidr) && (is_by_hand || *other < index)
        });
        if let Some((_, (other, range, _, other_path))) = clash {
            // Two written by hand are told once, at the later one.
            let both = other_path.first().is_some_and(|section| section == "resources");
            if is_by_hand && !(both && other > address) {
                let span = draft.place(path);
                let title = format!("{address} and {other} share addresses");
                draft.mistakes.push(
                    Diagnostic::error("cidr-overlap", title)
                        .at(span, format!("{other} has `{range}`"))
                        .help(format!("take a part that is free{}", free(&taken, *cidr, around))),
                );
            }
        }
    }
}

/// The first range of the same size that nobody has.
fn free(taken: &[Cidr], like: Cidr, around: Option<Cidr>) -> String {
    let candidates = around.and_then(|around| around.0.subnets(like.0.prefix_len()).ok());
    let free = candidates
        .into_iter()
        .flatten()
        .map(Cidr)
        .find(|candidate| !taken.iter().any(|cidr| cidr.overlaps(*candidate)));
    free.map(|cidr| format!(": `{cidr}`")).unwrap_or_default()
}

/// Resources that wait for each other in a ring.
fn cycles(draft: &mut Draft) {
    let graph = Graph::new(
        draft.made.iter().map(|(address, made)| (address.clone(), references(&made.spec))),
    );
    let Err(cycle) = graph.order() else { return };
    let ring: Vec<String> =
        cycle.0.iter().chain(cycle.0.first()).map(Address::to_string).collect();
    let mut mistake = Diagnostic::error("cycle", "resources wait for each other in a ring");
    let mut places = BTreeSet::new();
    for address in &cycle.0 {
        let Some(made) = draft.made.get(address) else { continue };
        let path = made.origin.overrides.as_ref().map_or(&made.origin.body, |(body, _)| body);
        let span = draft.key_place(path);
        if places.insert(span) {
            mistake = mistake.at(span, format!("makes {address}"));
        }
    }
    draft.mistakes.push(mistake.help(format!("{}: take one of these references out", ring.join(" → "))));
}

/// Names in AWS that would be the same, now or after a replacement.
fn names(draft: &mut Draft, kinds: &Kinds) {
    let mut taken: BTreeMap<(String, String), Address> = BTreeMap::new();
    let addresses: Vec<Address> = draft.made.keys().cloned().collect();
    let mut clashes = Vec::new();
    for address in &addresses {
        let Some(kind) = kinds.find(&address.kind).filter(|kind| kind.naming.is_some()) else { continue };
        let name = kind.physical_name(&draft.scope, address, 1).to_lowercase();
        if let Some(other) = taken.insert((address.kind.clone(), name.clone()), address.clone()) {
            clashes.push((address.clone(), other, name.clone()));
        }
        // `web-2` is what the second `web` would be called.
        let second = address.name.rsplit_once('-').and_then(|(base, number)| {
            let other = Address::new(&address.kind, base);
            let generation = number.parse::<u32>().ok().filter(|generation| *generation > 1)?;
            let later = kind.physical_name(&draft.scope, &other, generation).to_lowercase();
            (draft.made.contains_key(&other) && later == name).then_some(other)
        });
        if let Some(other) = second {
            clashes.push((address.clone(), other, name));
        }
    }
    for (address, other, name) in clashes {
        let body = |address: &Address| draft.made.get(address).map(|made| made.origin.body.clone());
        let (Some(first), Some(second)) = (body(&address), body(&other)) else { continue };
        let mistake = Diagnostic::error(
            "same-name",
            format!("{address} and a successor of {other} would both be called `{name}` in AWS"),
        )
        .at(draft.key_place(&first), "one of the two")
        .at(draft.key_place(&second), "the other")
        .help(format!("rename one: `{}` instead of `{}`", letters(&address.name), address.name));
        draft.mistakes.push(mistake);
    }
}

/// A name that ends in no number.
fn letters(name: &str) -> String {
    match name.rsplit_once('-') {
        Some((base, number)) => format!("{base}-{}", ordinal(number)),
        None => name.to_owned(),
    }
}

fn ordinal(number: &str) -> &'static str {
    match number {
        "2" => "second",
        "3" => "third",
        _ => "other",
    }
}
