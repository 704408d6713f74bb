//! Reading references off a serialised spec, and putting real values in their place.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Address, Part, Text};

/// The outputs that are known, by address.
pub type Outputs = BTreeMap<Address, Value>;

/// Every resource of the stack that a spec refers to.
pub fn references(spec: &Value) -> BTreeSet<Address> {
    let mut found = BTreeSet::new();
    collect(spec, &mut found);
    found
}

/// The spec with every reference whose output is known replaced by its value. What is not known
/// yet keeps its marker.
pub fn resolve(spec: &Value, outputs: &Outputs) -> Value {
    replaced(spec, outputs, &|_| None)
}

/// The same, with what is known of a text in its place also where the rest is not known yet.
pub fn resolve_partly(spec: &Value, outputs: &Outputs) -> Value {
    let partly = |parts: &[Part]| {
        let filled = parts.iter().map(|part| match part {
            Part::Output { address, field } => match output(outputs, address, field) {
                Some(text) => Part::Literal(text),
                None => part.clone(),
            },
            Part::Literal(_) => part.clone(),
        });
        Some(json!(Text::from_parts(filled)))
    };
    replaced(spec, outputs, &partly)
}

fn replaced(spec: &Value, outputs: &Outputs, partly: &dyn Fn(&[Part]) -> Option<Value>) -> Value {
    match marker(spec) {
        Some(Marker::Ref(address)) => match output(outputs, &address, "id") {
            Some(id) => json!({ "id": id }),
            None => spec.clone(),
        },
        Some(Marker::Text(parts)) => {
            let pieces: Option<String> = parts
                .iter()
                .map(|part| match part {
                    Part::Literal(text) => Some(text.clone()),
                    Part::Output { address, field } => output(outputs, address, field),
                })
                .collect();
            let pieces = pieces.map(Value::String);
            pieces.or_else(|| partly(&parts)).unwrap_or_else(|| spec.clone())
        }
        None => match spec {
            Value::Array(items) => {
                items.iter().map(|item| replaced(item, outputs, partly)).collect()
            }
            Value::Object(fields) => fields
                .iter()
                .map(|(key, value)| (key.clone(), replaced(value, outputs, partly)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            plain => plain.clone(),
        },
    }
}

impl Text {
    /// The text with its outputs filled in, as far as they are known.
    #[must_use]
    pub fn with(self, outputs: &Outputs) -> Self {
        match resolve_partly(&json!(self), outputs) {
            Value::String(text) => Self::from(text),
            filled => Self::deserialize(filled).unwrap_or(self),
        }
    }
}

enum Marker {
    Ref(Address),
    Text(Vec<Part>),
}

/// Recognises the JSON forms that `Ref` and `Text` serialise to.
fn marker(value: &Value) -> Option<Marker> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    if let Some(target) = object.get("ref") {
        return Address::deserialize(target).ok().map(Marker::Ref);
    }
    let parts = object.get("text").filter(|parts| parts.is_array())?;
    Vec::deserialize(parts).ok().map(Marker::Text)
}

fn collect(value: &Value, found: &mut BTreeSet<Address>) {
    match marker(value) {
        Some(Marker::Ref(address)) => {
            found.insert(address);
        }
        Some(Marker::Text(parts)) => {
            found.extend(parts.into_iter().filter_map(|part| match part {
                Part::Output { address, .. } => Some(address),
                Part::Literal(_) => None,
            }));
        }
        None => match value {
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Object(fields) => fields.values().for_each(|field| collect(field, found)),
            _ => {}
        },
    }
}

/// An output as text. Null means that AWS has not returned it yet.
fn output(outputs: &Outputs, address: &Address, field: &str) -> Option<String> {
    match outputs.get(address)?.get(field)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Value {
        json!({
            "vpc": { "ref": "vpc/main" },
            "url": { "text": [
                { "literal": "http://" },
                { "output": { "address": "load-balancer/edge", "field": "dns" } },
            ]},
            "plain": [1, { "id": "sg-1" }],
        })
    }

    #[test]
    fn references_are_read_off_the_spec() {
        let found: Vec<String> = references(&spec()).iter().map(Address::to_string).collect();
        assert_eq!(found, ["load-balancer/edge", "vpc/main"]);
    }

    #[test]
    fn what_is_known_is_filled_in_and_the_rest_keeps_its_marker() {
        let outputs = Outputs::from([(Address::new("vpc", "main"), json!({ "id": "vpc-1" }))]);
        let resolved = resolve(&spec(), &outputs);
        assert_eq!(resolved["vpc"], json!({ "id": "vpc-1" }));
        assert_eq!(resolved["url"], spec()["url"]);
        assert_eq!(references(&resolved).len(), 1);
    }

    #[test]
    fn an_output_that_is_null_is_not_known() {
        let outputs = Outputs::from([(
            Address::new("load-balancer", "edge"),
            json!({ "id": "x", "dns": null }),
        )]);
        assert_eq!(resolve(&spec(), &outputs)["url"], spec()["url"]);
    }
}
