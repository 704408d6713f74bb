//! The escape hatch: resources in the kinds' own words, and single fields of those that sections
//! make.

use deployer_core::{Address, Kinds};
use serde_json::Value;

use crate::bodies::Stumble;
use crate::draft::{Draft, Made, Origin};
use crate::language::partial;
use crate::node::Node;
use crate::shape::{self, Rules};
use crate::words::is_word;

/// Merges `resources:` into what the sections made.
pub(crate) fn merge_in(draft: &mut Draft, kinds: &Kinds) {
    let root = draft.root.clone();
    let sections_are_whole = draft.broken.is_empty();
    for kind_entry in root.field("resources").into_iter().flat_map(Node::entries) {
        // An unknown kind is told by the check of what is written.
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
            let mistakes = &mut draft.mistakes;
            let fits =
                shape::check(&entry.value, entry.span, schema, &shown, Rules::Whole, mistakes);
            // What it overrides may be what could not be read.
            if made.is_none() && !is_addition {
                draft.broken.insert(("resources".to_owned(), entry.key.clone()));
                continue;
            }
            let origin = Origin::new(&path, &[]);
            let below = made
                .as_ref()
                .map_or(Value::Object(serde_json::Map::new()), |made| made.spec.clone());
            let read = crate::bodies::typed(draft, &entry.value, &path, |value| {
                kind.read(laid_over(below.clone(), &value)).map_err(|problem| Stumble {
                    path: pieces(&problem.path),
                    message: problem.message,
                })
            });
            match read.value.filter(|_| read.is_whole && fits) {
                Some(spec) => {
                    let origin = overridden(made, origin, &entry.value);
                    draft.made.insert(address, Made { spec, origin });
                }
                None => {
                    draft.broken.insert(("resources".to_owned(), entry.key.clone()));
                }
            }
        }
    }
}

/// The pieces of a path with dots, and indices in brackets: `ingress[0].from`.
fn pieces(path: &str) -> Vec<String> {
    let words = path.split(['.', '[']).map(|piece| piece.trim_end_matches(']'));
    words.filter(|piece| !piece.is_empty() && *piece != "?").map(str::to_owned).collect()
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
