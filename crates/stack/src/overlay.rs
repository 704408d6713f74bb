//! Lays one part of a stack over another: an environment over the stack, an entry over the one it is
//! like. Mappings merge, everything else replaces, null removes; and of choices that exclude each
//! other, the one that is written over the others removes them.

use serde_json::Value;

use crate::facets::{ADD, below, is_other_choice, takes_additions};
use crate::node::{Content, Entry, Node};

/// What marks the keys that one excludes, in its schema.
const EXCLUDES: &str = "x-excludes";

/// What comes of `base` with `overlay` over it; `schema` is that of both.
pub(crate) fn merge(base: Node, overlay: &Node, schema: &Value) -> Node {
    lay_over(base, overlay, schema, (false, false))
}

/// The same; where it `keeps` nulls, because what comes of the two is laid over something itself,
/// or at least those that remove nothing here, since it `overrides` what sections make.
fn lay_over(base: Node, overlay: &Node, schema: &Value, (keeps, overrides): (bool, bool)) -> Node {
    let Content::Map(over) = &overlay.content else { return overlay.clone() };
    if let Some(added) = overlay.field(ADD).filter(|_| takes_additions(schema)) {
        return added_to(base, overlay, added);
    }
    let (span, mut entries) = match base.content {
        Content::Map(entries) => (base.span, entries),
        _ => (overlay.span, Vec::new()),
    };
    let keeps = keeps || is_alike(schema, &entries) || is_alike(schema, over);
    for entry in over {
        let below = below(schema, &entry.key);
        let existing = entries.iter().position(|known| known.key == entry.key);
        // What stands there is laid over what the sections make.
        let is_override = entry.key == "resources" && schema.pointer("/properties/stack").is_some();
        let keeps_new = keeps || overrides;
        if entry.value.content == Content::Null {
            match existing {
                Some(index) if keeps => entries[index].value = entry.value.clone(),
                Some(index) => drop(entries.remove(index)),
                None if keeps_new => entries.push(entry.clone()),
                None => {}
            }
            continue;
        }
        if let Some(index) = existing {
            let value = std::mem::replace(&mut entries[index].value, Node::empty());
            let overrides = overrides || is_override;
            entries[index].value = lay_over(value, &entry.value, below, (keeps, overrides));
        } else {
            let overrides = overrides || is_override;
            let value = lay_over(Node::empty(), &entry.value, below, (keeps, overrides));
            entries.push(Entry { value, ..entry.clone() });
        }
        entries.retain(|known| !is_excluded(below, &known.key, over));
    }
    let written = over.iter().filter(|entry| entry.value.content != Content::Null);
    let written: Vec<&str> = written.map(|entry| entry.key.as_str()).collect();
    entries.retain(|known| !is_other_choice(schema, &known.key, &written));
    Node { span, content: Content::Map(entries) }
}

/// What comes of a list, or of one that is added to what a section makes, when another is added.
fn added_to(mut base: Node, overlay: &Node, added: &Node) -> Node {
    let Content::List(added) = &added.content else { return overlay.clone() };
    let list = match &mut base.content {
        Content::Map(entries) => entries.iter_mut().find(|entry| entry.key == ADD),
        Content::List(items) => {
            items.extend(added.iter().cloned());
            return base;
        }
        _ => None,
    };
    match list.map(|entry| &mut entry.value.content) {
        Some(Content::List(items)) => {
            items.extend(added.iter().cloned());
            base
        }
        _ => overlay.clone(),
    }
}

/// Whether a mapping is laid over another entry of its section.
fn is_alike(schema: &Value, entries: &[Entry]) -> bool {
    let can_be = schema.pointer("/properties/like").is_some();
    can_be && entries.iter().any(|it| it.key == "like" && it.value.content != Content::Null)
}

/// Whether a key that was there goes when one of this schema is written, and is not written with it.
fn is_excluded(schema: &Value, known: &str, over: &[Entry]) -> bool {
    let excludes = schema.get(EXCLUDES).and_then(Value::as_array);
    let is_listed = excludes.is_some_and(|keys| keys.iter().any(|key| *key == known));
    is_listed && over.iter().all(|entry| entry.key != known)
}

/// Makes entries with nothing after their colon empty mappings, `depth` levels down:
/// `secrets: { session: }` is a secret with all defaults. Where a written `null` removes, it stays.
pub(crate) fn fill_empty(node: &mut Node, depth: usize, removes: bool) {
    let is_written = node.span.start < node.span.end;
    if node.content == Content::Null && !(removes && is_written) {
        node.content = Content::Map(Vec::new());
    }
    if let (Content::Map(entries), true) = (&mut node.content, depth > 0) {
        for entry in entries {
            fill_empty(&mut entry.value, depth - 1, removes);
        }
    }
}
