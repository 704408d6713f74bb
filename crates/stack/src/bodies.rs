//! Reads bodies through their types, and reports everything that is wrong with each.

use std::collections::BTreeMap;

use deployer_core::{Code, Diagnostic};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::draft::{Draft, owned};
use crate::facets::schema_of;
use crate::node::{Content, Node};
use crate::shape::{self, Rules};
use crate::words::is_word;

/// What people name as they like: nothing in AWS is called by it.
pub(crate) const OUTPUTS: &str = "outputs";

/// Reads the bodies of a section, by name; one that holds no names is the body itself.
pub(crate) fn of<T: DeserializeOwned + JsonSchema>(
    draft: &mut Draft,
    section: &str,
    is_named: bool,
) -> BTreeMap<String, T> {
    let schema = schema_of::<T>();
    let Some(node) = draft.root.field(section).cloned() else { return BTreeMap::new() };
    let mut bodies = BTreeMap::new();
    if !is_named {
        let read = body(draft, &node, &schema, &[section]);
        if !read.is_whole {
            draft.broken.insert((section.to_owned(), String::new()));
        }
        bodies.extend(read.value.map(|value| (String::new(), value)));
        return bodies;
    }
    for entry in node.entries() {
        let read = body(draft, &entry.value, &schema, &[section, &entry.key]);
        let is_name = section == OUTPUTS || is_word(&entry.key);
        if !read.is_whole || !is_name {
            draft.broken.insert((section.to_owned(), entry.key.clone()));
        }
        // What could be read of a broken body still shows what is wrong elsewhere.
        if let Some(value) = read.value.filter(|_| is_name) {
            bodies.insert(entry.key.clone(), value);
        }
    }
    bodies
}

/// Reads one body: what of it could be read, and whether that is all of it.
fn body<T: DeserializeOwned>(
    draft: &mut Draft,
    node: &Node,
    schema: &Value,
    path: &[&str],
) -> Reading<T> {
    let key = match node.content {
        Content::Map(_) => draft.key_place(&owned(path)),
        _ => draft.place(&owned(path)),
    };
    let shown = path.join(".");
    let mut node = node.clone();
    shape::as_written(&mut node, schema);
    let fits = shape::check(&node, key, schema, &shown, Rules::Whole, &mut draft.mistakes);
    let reading = typed(draft, &node, path, |value| Ok(serde_path_to_error::deserialize(value)?));
    Reading { is_whole: reading.is_whole && fits, ..reading }
}

/// What could be read of a body.
pub(crate) struct Reading<T> {
    pub(crate) value: Option<T>,
    /// Whether that is all of it.
    pub(crate) is_whole: bool,
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
/// is reported.
pub(crate) fn typed<T>(
    draft: &mut Draft,
    node: &Node,
    path: &[&str],
    read: impl Fn(Value) -> Result<T, Stumble>,
) -> Reading<T> {
    let mut rest = node.clone();
    let mut is_whole = !node.has_unknown();
    let mut removed: Vec<Vec<String>> = Vec::new();
    loop {
        let stumble = match read(rest.to_json()) {
            Ok(value) => return Reading { value: Some(value), is_whole },
            Err(stumble) => stumble,
        };
        // What is wrong around something that was taken out only follows from that.
        let follows = removed
            .iter()
            .any(|path| path.len() > stumble.path.len() && path.starts_with(&stumble.path));
        let is_unknown = rest.follow(&stumble.path).is_none_or(Node::has_unknown);
        if !follows && !is_unknown {
            report(draft, &rest, path, &stumble);
        }
        is_whole = false;
        if !rest.remove(&stumble.path) {
            return Reading { value: None, is_whole };
        }
        removed.push(stumble.path);
    }
}

/// Reports what a type stumbled over, unless the comparison with its schema did.
fn report(draft: &mut Draft, node: &Node, path: &[&str], stumble: &Stumble) {
    let body = owned(path);
    let span = node.place(&stumble.path).unwrap_or_else(|| draft.place(&body));
    let key = node.key_place(&stumble.path).unwrap_or(span);
    let whole = node.follow(&stumble.path).map_or(span, |node| node.span);
    if [span, key, whole].iter().any(|place| draft.mistakes.is_reported(*place)) {
        return;
    }
    let names = stumble.path.iter().filter(|piece| piece.parse::<usize>().is_err());
    let shown = body.iter().chain(names).map(String::as_str).collect::<Vec<_>>().join(".");
    let missing = stumble.message.strip_prefix("missing field `");
    let missing = missing.and_then(|rest| rest.split_once('`'));
    let mistake = match missing {
        Some((name, _)) => Diagnostic::error(Code::MissingKey, format!("`{shown}` needs `{name}`"))
            .at(span, format!("`{name}` is missing here"))
            .help(format!("add `{name}:`")),
        None => Diagnostic::error(Code::BadValue, &stumble.message)
            .at(span, format!("not a valid value of `{shown}`")),
    };
    draft.mistakes.push(mistake);
}
