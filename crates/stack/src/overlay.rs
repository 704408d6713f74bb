//! Lays one part of a stack over another: an environment over the stack, an entry over the one it is
//! like. Mappings merge, everything else replaces, null removes; and of choices that exclude each
//! other, the one that is written over the others removes them.

use serde_json::Value;

use crate::facets::branches;
use crate::node::{Content, Entry, Node};

/// What marks the keys that one excludes, in its schema.
const EXCLUDES: &str = "x-excludes";

/// What comes of `base` with `overlay` over it; `schema` is that of both.
pub(crate) fn merge(base: Node, overlay: &Node, schema: &Value) -> Node {
    let (Content::Map(mut entries), Content::Map(over)) = (base.content, &overlay.content) else {
        return overlay.clone();
    };
    for entry in over {
        let below = below(schema, &entry.key);
        if entry.value.content != Content::Null {
            entries.retain(|known| !is_excluded(&entry.key, below, &known.key, over));
        }
        let existing = entries.iter().position(|known| known.key == entry.key);
        match (existing, &entry.value.content) {
            (Some(index), Content::Null) => {
                entries.remove(index);
            }
            (Some(index), _) => {
                let value = std::mem::replace(&mut entries[index].value, Node::empty());
                entries[index].value = merge(value, &entry.value, below);
            }
            (None, Content::Null) => {}
            (None, _) => {
                let mut added = entry.clone();
                let nothing = Node { content: Content::Map(Vec::new()), ..added.value.clone() };
                added.value = merge(nothing, &added.value, below);
                entries.push(added);
            }
        }
    }
    Node { span: base.span, content: Content::Map(entries) }
}

/// Whether a key that was there goes when another is written, and is not written with it. What exists
/// already has no fields of its own.
fn is_excluded(written: &str, schema: &Value, known: &str, over: &[Entry]) -> bool {
    let excludes = schema.get(EXCLUDES).and_then(Value::as_array);
    let by_schema = excludes.is_some_and(|keys| keys.iter().any(|key| *key == known));
    (by_schema || written == "existing") && over.iter().all(|entry| entry.key != known)
}

/// The schema of what stands at a key.
fn below<'s>(schema: &'s Value, key: &str) -> &'s Value {
    let branches = schema.as_object().and_then(branches).unwrap_or_else(|| vec![schema]);
    let known = branches.iter().find_map(|branch| branch.get("properties")?.get(key));
    let others = || branches.iter().find_map(|branch| branch.get("additionalProperties"));
    known.or_else(others).unwrap_or(&Value::Null)
}

/// Makes entries with nothing after their colon empty mappings, `depth` levels down:
/// `secrets: { session: }` is a secret with all defaults.
pub(crate) fn fill_empty(node: &mut Node, depth: usize) {
    if node.content == Content::Null {
        node.content = Content::Map(Vec::new());
    }
    if let (Content::Map(entries), true) = (&mut node.content, depth > 0) {
        for entry in entries {
            fill_empty(&mut entry.value, depth - 1);
        }
    }
}
