//! The escape hatch: resources in the kinds' own words, and single fields of those that sections
//! make.

use deployer_core::{Address, Code, Diagnostic, KindInfo, Kinds, Partition, Place};
use serde_json::Value;

use crate::bodies::Stumble;
use crate::draft::{Draft, Made, Origin};
use crate::facets;
use crate::head;
use crate::language::partial;
use crate::node::{Content, Node};
use crate::shape::{self, Rules};
use crate::words::is_word;

/// Merges `resources:` into what the sections made.
pub(crate) fn merge_in(draft: &mut Draft, kinds: &Kinds) {
    let root = draft.root.clone();
    let sections_are_whole = draft.broken.is_empty();
    for kind_entry in root.field("resources").into_iter().flat_map(Node::entries) {
        // An unknown kind is reported by the check of what is written.
        let Some(kind) = kinds.find(&kind_entry.key) else { continue };
        let whole = kind.spec_schema().to_value();
        let part = partial(&whole);
        for entry in kind_entry.value.entries().iter().filter(|entry| is_word(&entry.key)) {
            let address = Address::new(kind.name, &entry.key);
            let path = ["resources", kind.name, &entry.key];
            let made = draft.made.get(&address).cloned();
            let is_addition = made.is_none() && sections_are_whole;
            let schema = if is_addition { &whole } else { &part };
            let shown = path.join(".");
            let (mut body, at) = apart(&entry.value);
            shape::as_written(&mut body, &whole);
            let mistakes = &mut draft.mistakes;
            let fits = shape::check(&body, entry.span, schema, &shown, Rules::Whole, mistakes);
            // What it overrides may be what could not be read.
            if made.is_none() && !is_addition {
                draft.broken.insert(("resources".to_owned(), entry.key.clone()));
                continue;
            }
            let origin = Origin::new(&path, &[]);
            let mut below = made
                .as_ref()
                .map_or(Value::Object(serde_json::Map::new()), |made| made.spec.clone());
            take_out(&mut below, &mut body, &whole);
            let read = crate::bodies::typed(draft, &body, &path, |value| {
                kind.read(laid_over(below.clone(), &value)).map_err(|problem| Stumble {
                    path: pieces(&problem.path),
                    message: problem.message,
                })
            });
            match read.value.filter(|_| read.is_whole && fits) {
                Some(spec) => {
                    let place = match at {
                        Some(at) => place(draft, kind, &at, &path),
                        None => made.as_ref().map(|made| made.place.clone()).unwrap_or_default(),
                    };
                    let origin = overridden(made, origin, &body);
                    draft.made.insert(address, Made { place, spec, origin });
                }
                None => {
                    draft.broken.insert(("resources".to_owned(), entry.key.clone()));
                }
            }
        }
    }
}

/// What a resource is, and where it is.
fn apart(node: &Node) -> (Node, Option<Node>) {
    let at = node.field("at").cloned();
    let mut body = node.clone();
    body.remove(&["at".to_owned()]);
    (body, at)
}

/// Reads where a resource is.
fn place(draft: &mut Draft, kind: &KindInfo, at: &Node, body: &[&str]) -> Place {
    let mut place = Place::default();
    let wrong = |draft: &mut Draft, title: String, node: &Node, help: &str| {
        let mistake = Diagnostic::error(Code::BadPlace, title).at(node.span, "").help(help);
        draft.report(body, mistake);
    };
    if let Some(node) = at.field("role") {
        let partition = Partition::of(&draft.region).name();
        let role = node.text().unwrap_or_default();
        let account = Place::account_of_role(role).map(ToOwned::to_owned);
        let other = account.as_ref().and_then(|account| draft.roles.get(account)).cloned();
        match (account, other) {
            (None, _) => wrong(
                draft,
                format!("`{role}` is not the ARN of a role"),
                node,
                &format!("write it as `arn:{partition}:iam::123456789012:role/NAME`"),
            ),
            (Some(account), Some(other)) if other != role => wrong(
                draft,
                format!("two roles lead to the account {account}: {other} and {role}"),
                node,
                "use one of them for everything there",
            ),
            (Some(account), _) => {
                draft.roles.insert(account.clone(), role.to_owned());
                place.account = Some(account);
            }
        }
    }
    if let Some(node) = at.field("region") {
        let region = node.text().unwrap_or_default();
        if !head::is_region(region) {
            let help = "expected one such as `eu-central-1`";
            wrong(draft, format!("`{region}` is not a valid AWS region"), node, help);
        } else if kind.global {
            let title = format!("a {} is in no region", kind.name);
            wrong(draft, title, node, "remove `region:`");
        } else {
            place.region = (region != draft.region).then(|| region.to_owned());
        }
    }
    place
}

/// The pieces of a path with dots, and indices in brackets: `ingress[0].from`.
fn pieces(path: &str) -> Vec<String> {
    let words = path.split(['.', '[']).map(|piece| piece.trim_end_matches(']'));
    words.filter(|piece| !piece.is_empty() && *piece != "?").map(str::to_owned).collect()
}

/// Takes out of a spec what `null` stands at, where null is no value itself.
fn take_out(spec: &mut Value, fields: &mut Node, schema: &Value) {
    let Content::Map(entries) = &mut fields.content else { return };
    entries.retain_mut(|entry| {
        let schema = facets::below(schema, &entry.key);
        if entry.value.content != Content::Null {
            take_out(
                spec.get_mut(&entry.key).unwrap_or(&mut Value::Null),
                &mut entry.value,
                schema,
            );
            return true;
        }
        let is_taken_out = !facets::takes_null(schema);
        if let (true, Some(spec)) = (is_taken_out, spec.as_object_mut()) {
            spec.remove(&entry.key);
        }
        !is_taken_out
    });
}

/// What comes of a spec with some of its fields written by hand.
fn laid_over(spec: Value, fields: &Value) -> Value {
    match (spec, fields) {
        (Value::Object(mut spec), Value::Object(fields)) if !is_reference(&spec) => {
            for (key, value) in fields {
                let before = spec.remove(key).unwrap_or(Value::Null);
                spec.insert(key.clone(), laid_over(before, value));
            }
            Value::Object(spec)
        }
        (_, fields) => fields.clone(),
    }
}

/// References have one key that says what they are; a new one replaces it.
fn is_reference(value: &serde_json::Map<String, Value>) -> bool {
    value.len() == 1 && ["ref", "id", "text"].iter().any(|key| value.contains_key(*key))
}

/// Fields written by hand come from `resources:`, the others from where they were.
fn overridden(made: Option<Made>, by: Origin, fields: &Node) -> Origin {
    let Some(made) = made else { return by };
    let mut origin = made.origin;
    origin.overrides = Some((by.body, fields.clone()));
    origin
}
