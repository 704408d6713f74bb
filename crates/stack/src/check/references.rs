//! Whether what is referred to is there: names in `resources:`, and outputs in `${…}`.

use deployer_core::{Address, Code, Diagnostic, Kinds, Span, closest};
use serde_json::Value;

use crate::draft::Draft;
use crate::facets;
use crate::mistakes::{listed, suggestion};
use crate::node::{Content, Node};

/// The names that `resources:` refers to.
pub(super) fn named_in_resources(draft: &mut Draft, kinds: &Kinds) {
    let root = draft.root.clone();
    for kind_entry in root.field("resources").into_iter().flat_map(Node::entries) {
        let Some(kind) = kinds.find(&kind_entry.key) else { continue };
        let schema = facets::adding(kind.spec_schema().as_value());
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
        draft.mistakes.push(Diagnostic::error(Code::WrongKind, title).at(span, label).help(help));
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
    let all = draft.made.keys().chain(draft.existing.keys());
    let of_kind = all.filter(|address| address.kind == kind);
    of_kind.map(|address| address.name.as_str()).collect()
}

/// Reports a reference to nothing, unless what it means could only not be read.
fn missing(draft: &mut Draft, address: &Address, span: Span) -> bool {
    if draft.made.contains_key(address) || draft.existing.contains_key(address) {
        return false;
    }
    if !draft.may_be_unread(address) {
        let title = format!("there is no {address}");
        let names = names_of(draft, &address.kind);
        let help = match names.as_slice() {
            [] => format!("there is no {} at all; add it to `resources:`", address.kind),
            names => suggestion(&address.name, names.iter().copied()),
        };
        let mistake =
            Diagnostic::error(Code::UnknownReference, title).at(span, "names nothing").help(help);
        draft.mistakes.push(mistake);
    }
    true
}

/// The outputs that `${kind/name.output}` asks for.
pub(super) fn asked_outputs(draft: &mut Draft, kinds: &Kinds) {
    for asked in draft.asked.clone() {
        let Some(kind) = kinds.find(&asked.address.kind) else {
            let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
            let help = closest(&asked.address.kind, names.iter().copied())
                .map_or("`deployer schema` lists the kinds".to_owned(), |near| {
                    format!("did you mean `{near}`?")
                });
            let title = format!("there is no kind `{}`", asked.address.kind);
            let mistake = Diagnostic::error(Code::UnknownKind, title)
                .at(asked.span, "names no kind")
                .help(help);
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
                Diagnostic::error(Code::UnknownOutput, title)
                    .at(asked.span, "asks for what does not exist")
                    .help(suggestion(&asked.field, fields.iter().map(String::as_str))),
            );
        }
    }
}
