//! Keys that have lost their indentation: those of an entry that stand among the entries, and those
//! of a section that stand among the sections. Reported once, and taken out, because all that they
//! would seem to be otherwise only follows from that.

use deployer_core::{Code, Diagnostic};
use serde_json::Value;

use crate::language;
use crate::mistakes::Mistakes;
use crate::node::{Content, Entry, Node};
use crate::sections::LIST;
use crate::words::is_word;

/// Reports and takes out the keys that stand too far to the left, in the stack and in its
/// environments. `schema` is that of the whole.
pub(crate) fn mend(root: &mut Node, schema: &Value, mistakes: &mut Mistakes) {
    layer(root, schema, true, mistakes);
    let Content::Map(entries) = &mut root.content else { return };
    let environments = entries.iter_mut().filter(|entry| entry.key == "environments");
    for entry in environments {
        let Content::Map(all) = &mut entry.value.content else { continue };
        for overlay in all {
            layer(&mut overlay.value, schema, false, mistakes);
        }
    }
}

fn layer(node: &mut Node, schema: &Value, is_stack: bool, mistakes: &mut Mistakes) {
    let Content::Map(entries) = &mut node.content else { return };
    if is_stack {
        of_sections(entries, schema, mistakes);
    }
    for section in LIST.iter().filter(|section| section.is_named && !section.is_later) {
        let Some(entry) = entries.iter_mut().find(|entry| entry.key == section.key) else {
            continue;
        };
        let body = &schema["properties"][section.key]["additionalProperties"];
        of_entries(section.key, &mut entry.value, body, mistakes);
    }
}

/// Keys below a section that are those of its entries.
fn of_entries(section: &str, all: &mut Node, body: &Value, mistakes: &mut Mistakes) {
    let Content::Map(entries) = &mut all.content else { return };
    let is_key = |key: &str| body["properties"].get(key).is_some();
    let is_of_body = |entry: &Entry| {
        is_key(&entry.key) && !matches!(&entry.value.content, Content::Map(_) | Content::Null)
    };
    let Some(first) = entries.iter().position(is_of_body) else { return };
    // The name that they belong below has nothing after its colon.
    let name = entries[..first].iter().rposition(|entry| {
        entry.value.content == Content::Null && is_word(&entry.key) && !is_key(&entry.key)
    });
    let lost = &entries[first];
    let below = match name {
        Some(name) => format!("`{}:`", entries[name].key),
        None => "a name of your choice, such as `web:`".to_owned(),
    };
    mistakes.push(misplaced(lost, &format!("an entry of `{section}`"), &below));
    let Some(name) = name else {
        all.content = Content::Unknown;
        return;
    };
    entries[name].value.content = Content::Unknown;
    let after = name + 1;
    let mut index = 0;
    entries.retain(|entry| {
        index += 1;
        index <= after || !is_key(&entry.key)
    });
}

/// Keys of the stack that are those of the section before them, or names in it.
fn of_sections(entries: &mut Vec<Entry>, schema: &Value, mistakes: &mut Mistakes) {
    let mut index = 0;
    while index + 1 < entries.len() {
        let section = LIST.iter().find(|section| section.key == entries[index].key);
        let section = section.filter(|_| entries[index].value.content == Content::Null);
        index += 1;
        let Some(section) = section.filter(|section| !section.is_later) else { continue };
        let whole = &schema["properties"][section.key];
        let is_lost = |entry: &Entry| {
            let keys = &whole["additionalProperties"]["properties"];
            let inner = entry.value.entries();
            let is_entry = section.is_named
                && is_word(&entry.key)
                && !inner.is_empty()
                && inner.iter().all(|entry| keys.get(&entry.key).is_some());
            let is_of_it = !section.is_named && whole["properties"].get(&entry.key).is_some();
            (is_of_it || is_entry) && !language::is_key(&entry.key)
        };
        let count = entries[index..].iter().take_while(|entry| is_lost(entry)).count();
        if count > 0 {
            let below = format!("`{}:`", section.key);
            mistakes.push(misplaced(&entries[index], "a section", &below));
            entries.drain(index..index + count);
            entries[index - 1].value.content = Content::Unknown;
        }
    }
}

fn misplaced(lost: &Entry, what: &str, below: &str) -> Diagnostic {
    Diagnostic::error(Code::UnknownKey, format!("`{}` is not {what}", lost.key))
        .at(lost.span, "begins too far to the left")
        .help(format!("indent it, and what belongs to it, below {below}"))
}
