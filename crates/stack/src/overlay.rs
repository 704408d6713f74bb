//! Lays an environment over the stack: mappings merge, everything else replaces, null removes.

use crate::node::{Content, Node};

/// What comes of `base` with `overlay` over it.
pub(crate) fn merge(base: Node, overlay: &Node) -> Node {
    let (Content::Map(mut entries), Content::Map(over)) = (base.content, &overlay.content) else {
        return overlay.clone();
    };
    for entry in over {
        let existing = entries.iter().position(|known| known.key == entry.key);
        match (existing, &entry.value.content) {
            (Some(index), Content::Null) => {
                entries.remove(index);
            }
            (Some(index), _) => {
                let value = std::mem::replace(&mut entries[index].value, Node::empty());
                entries[index].value = merge(value, &entry.value);
            }
            (None, Content::Null) => {}
            (None, _) => {
                let mut added = entry.clone();
                added.value = merge(
                    Node { content: Content::Map(Vec::new()), ..added.value.clone() },
                    &added.value,
                );
                entries.push(added);
            }
        }
    }
    Node { span: base.span, content: Content::Map(entries) }
}

/// Takes out every key without a value, from the given depth on; above it, no value is an empty
/// mapping (`secrets: { session: }`).
pub(crate) fn without_nulls(node: &mut Node, depth: usize) {
    match &mut node.content {
        Content::Map(entries) => {
            for entry in entries.iter_mut().filter(|_| depth > 0) {
                if entry.value.content == Content::Null {
                    entry.value.content = Content::Map(Vec::new());
                }
            }
            entries.retain(|entry| entry.value.content != Content::Null);
            for entry in entries {
                without_nulls(&mut entry.value, depth.saturating_sub(1));
            }
        }
        Content::List(items) => {
            for item in items {
                without_nulls(item, 0);
            }
        }
        _ => {}
    }
}
