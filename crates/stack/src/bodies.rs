//! Reads bodies through their types, and tells everything that is wrong with each.

use std::collections::BTreeMap;

use deployer_core::{Diagnostic, Text};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::draft::{Draft, owned};
use crate::language::{NAMED, body_schema};
use crate::node::{Content, Node};
use crate::sections::Sections;
use crate::shape::{self, Rules};
use crate::words::is_word;

/// Reads all sections.
pub(crate) fn read(draft: &mut Draft) -> Sections {
    let root = draft.root.clone();
    declare(draft, &root);
    let sections = Sections {
        network: network(draft, &root),
        load_balancers: named(draft, &root, "load-balancers"),
        repositories: named(draft, &root, "repositories"),
        databases: named(draft, &root, "databases"),
        secrets: named(draft, &root, "secrets"),
        services: named(draft, &root, "services"),
    };
    let outputs: BTreeMap<String, Text> = named(draft, &root, "outputs");
    draft.outputs.extend(outputs);
    sections
}

/// Takes down which names there are, readable or not.
fn declare(draft: &mut Draft, root: &Node) {
    for section in NAMED {
        let Some(node) = root.field(section) else { continue };
        match &node.content {
            Content::Map(entries) => {
                let names = entries.iter().map(|entry| entry.key.clone()).collect();
                draft.declared.insert(section, names);
            }
            _ => {
                draft.broken.insert((section.to_owned(), String::new()));
            }
        }
    }
}

fn network(draft: &mut Draft, root: &Node) -> Option<crate::sections::Network> {
    let node = root.field("network")?;
    let read = body(draft, node, &body_schema("network"), &["network"]);
    if read.is_none() {
        draft.broken.insert(("network".to_owned(), String::new()));
    }
    read
}

fn named<T: DeserializeOwned + JsonSchema>(
    draft: &mut Draft,
    root: &Node,
    section: &str,
) -> BTreeMap<String, T> {
    let schema = body_schema(section);
    let mut bodies = BTreeMap::new();
    for entry in root.field(section).into_iter().flat_map(Node::entries) {
        let read = body(draft, &entry.value, &schema, &[section, &entry.key]);
        match read.filter(|_| is_word(&entry.key)) {
            Some(read) => {
                bodies.insert(entry.key.clone(), read);
            }
            None => {
                draft.broken.insert((section.to_owned(), entry.key.clone()));
            }
        }
    }
    bodies
}

/// Reads one body.
fn body<T: DeserializeOwned>(
    draft: &mut Draft,
    node: &Node,
    schema: &Value,
    path: &[&str],
) -> Option<T> {
    let before = draft.mistakes.count();
    let key = draft.key_place(&owned(path));
    let key = if matches!(node.content, Content::Map(_)) { key } else { draft.place(&owned(path)) };
    shape::check(node, key, schema, &path.join("."), Rules::Whole, &mut draft.mistakes);
    if draft.mistakes.count() > before || has_told(draft, node) {
        return None;
    }
    typed(draft, node, path, |value| Ok(serde_path_to_error::deserialize(value)?))
}

/// Where a type stumbled, and over what.
pub(crate) struct Stumble {
    pub(crate) path: Vec<String>,
    pub(crate) message: String,
}

impl From<serde_path_to_error::Error<serde_json::Error>> for Stumble {
    fn from(error: serde_path_to_error::Error<serde_json::Error>) -> Self {
        use serde_path_to_error::Segment;
        let pieces = error.path().iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(key.clone()),
            _ => None,
        });
        Self { path: pieces.collect(), message: error.inner().to_string() }
    }
}

/// Reads a value through a type; takes out what it stumbles over and goes on, so that everything
/// is told.
pub(crate) fn typed<T>(
    draft: &mut Draft,
    node: &Node,
    path: &[&str],
    read: impl Fn(Value) -> Result<T, Stumble>,
) -> Option<T> {
    let mut rest = node.clone();
    let mut is_first = true;
    loop {
        let stumble = match read(rest.to_json()) {
            Ok(value) => return is_first.then_some(value),
            Err(stumble) => stumble,
        };
        // What is missing after something was taken out only follows from that.
        if !is_first && stumble.message.starts_with("missing field") {
            return None;
        }
        tell(draft, &rest, path, &stumble);
        is_first = false;
        if !rest.remove(&stumble.path) {
            return None;
        }
    }
}

fn tell(draft: &mut Draft, node: &Node, path: &[&str], stumble: &Stumble) {
    let mut whole = owned(path);
    whole.extend(stumble.path.iter().cloned());
    let shown = whole.join(".");
    let span = draft.place(&whole);
    let is_output = node.follow(&stumble.path).is_some_and(|node| matches!(node.content, Content::Parts(_)));
    let mistake = if is_output {
        Diagnostic::error("plain-text", format!("`{shown}` cannot hold an output of a resource"))
            .at(span, "must be known before anything is made")
            .help("write the value itself, or a variable")
    } else {
        Diagnostic::error("bad-value", &stumble.message).at(span, format!("not a value of `{shown}`"))
    };
    draft.mistakes.push(mistake);
}

/// Whether something inside was told before: a word that could not be filled in, for one.
fn has_told(draft: &Draft, node: &Node) -> bool {
    match &node.content {
        Content::Map(entries) => entries.iter().any(|entry| {
            draft.mistakes.is_told(entry.span) || has_told(draft, &entry.value)
        }),
        Content::List(items) => items.iter().any(|item| has_told(draft, item)),
        _ => node.span.end > node.span.start && draft.mistakes.is_told(node.span),
    }
}
