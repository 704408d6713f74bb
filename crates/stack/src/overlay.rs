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
