//! `like:` takes over another entry of the same section, or another environment.

use std::collections::BTreeMap;

use deployer_core::{Diagnostic, Span};
use serde_json::Value;

use crate::mistakes::{Mistakes, suggestion};
use crate::node::{Content, Entry, Node};
use crate::overlay::merge;
use crate::sections::LIST;

/// The key.
const LIKE: &str = "like";

/// Works out every `like:` of the sections. Gives the services that run another's image, because
/// they are like it and say nothing else.
pub(crate) fn resolve(
    root: &mut Node,
    schema: &Value,
    mistakes: &mut Mistakes,
) -> BTreeMap<String, String> {
    let mut builders = BTreeMap::new();
    let Content::Map(sections) = &mut root.content else { return builders };
    for section in LIST.iter().filter(|section| section.is_named && !section.is_later) {
        let Some(entry) = sections.iter_mut().find(|entry| entry.key == section.key) else {
            continue;
        };
        let bodies = &schema["properties"][section.key]["additionalProperties"];
        if section.key == "services" {
            builders = images(entry.value.entries());
        }
        resolve_all(section.key, &mut entry.value, bodies, mistakes);
    }
    builders
}

/// Works out every `like:` of the environments.
pub(crate) fn resolve_environments(root: &mut Node, schema: &Value, mistakes: &mut Mistakes) {
    let Content::Map(keys) = &mut root.content else { return };
    if let Some(entry) = keys.iter_mut().find(|entry| entry.key == "environments") {
        let overlay = &schema["properties"]["environments"]["additionalProperties"];
        resolve_all("environments", &mut entry.value, overlay, mistakes);
    }
}

/// Replaces each entry that is like another by what comes of the two.
fn resolve_all(section: &str, all: &mut Node, schema: &Value, mistakes: &mut Mistakes) {
    let Content::Map(entries) = &mut all.content else { return };
    if entries.iter().all(|entry| entry.value.field(LIKE).is_none()) {
        return;
    }
    let written = entries.clone();
    for entry in entries {
        let mut seen = vec![entry.key.clone()];
        entry.value = resolved(section, entry, &written, schema, &mut seen, mistakes);
    }
}

fn resolved(
    section: &str,
    entry: &Entry,
    all: &[Entry],
    schema: &Value,
    seen: &mut Vec<String>,
    mistakes: &mut Mistakes,
) -> Node {
    let Some(like) = entry.value.entry(LIKE) else { return entry.value.clone() };
    let mut own = entry.value.clone();
    own.remove(&[LIKE.to_owned()]);
    let span = like.value_span();
    let Some(name) = target(section, like) else {
        if like.value.content != Content::Null {
            mistakes.push(wrong_form(section, span));
        }
        return own;
    };
    let Some(other) = all.iter().find(|known| known.key == name) else {
        let names = all.iter().map(|known| known.key.as_str()).filter(|known| *known != entry.key);
        mistakes.push(
            Diagnostic::error("unknown-reference", format!("there is no `{name}` in `{section}`"))
                .at(span, "nothing has this name")
                .help(suggestion(name, names)),
        );
        return own;
    };
    if seen.contains(&other.key) {
        mistakes.push(
            Diagnostic::error("cycle", format!("`{}` is like itself", seen.join("` is like `")))
                .at(span, "leads back here")
                .help("write one of them out"),
        );
        return own;
    }
    seen.push(other.key.clone());
    merge(resolved(section, other, all, schema, seen, mistakes), &own, schema)
}

/// The name that is meant: `web`, or `services/web`.
fn target<'a>(section: &str, like: &'a Entry) -> Option<&'a str> {
    let text = like.value.text()?;
    match text.split_once('/') {
        Some((of, name)) => (of == section).then_some(name),
        None => Some(text),
    }
}

fn wrong_form(section: &str, span: Span) -> Diagnostic {
    Diagnostic::error("bad-value", format!("`like` names another entry of `{section}`"))
        .at(span, "not such a name")
        .help("write its name alone, such as `like: web`")
}

/// The services whose image is another's, and whose: the last of those that say where it is from.
fn images(services: &[Entry]) -> BTreeMap<String, String> {
    let find = |name: &str| services.iter().find(|entry| entry.key == name);
    let shared = services.iter().filter_map(|entry| {
        let mut last = entry;
        for _ in services {
            match last.value.entry(LIKE).filter(|_| last.value.field("image").is_none()) {
                Some(like) => last = find(target("services", like)?)?,
                None => break,
            }
        }
        (last.key != entry.key).then(|| (entry.key.clone(), last.key.clone()))
    });
    shared.collect()
}
