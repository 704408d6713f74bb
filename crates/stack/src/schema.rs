//! The JSON schema of the language, for editors.

use deployer_core::Kinds;
use serde_json::{Map, Value, json};

use crate::language::{language, partial};

/// The JSON schema (draft-07) of a stack file.
pub fn schema(kinds: &Kinds) -> Value {
    // A resource may override single fields of one that a section makes, so none is required.
    let mut schema = with_variables(&language(kinds, partial));
    if let Some(keys) = schema.as_object_mut() {
        keys.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        keys.insert("title".to_owned(), json!("A stack of deployer"));
    }
    schema
}

/// Lets `${…}` stand for numbers, booleans and words, and takes out what only we understand.
fn with_variables(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let mut open: Map<String, Value> = fields
                .iter()
                .filter(|(key, _)| !matches!(key.as_str(), "x-ref" | "format"))
                .map(|(key, value)| match (key.as_str(), value) {
                    ("properties", Value::Object(keys)) => {
                        let open = |(key, schema): (&String, &Value)| (key.clone(), with_variables(schema));
                        (key.clone(), keys.iter().map(open).collect::<Map<_, _>>().into())
                    }
                    ("additionalProperties" | "items" | "anyOf" | "oneOf", _) => {
                        (key.clone(), with_variables(value))
                    }
                    _ => (key.clone(), value.clone()),
                })
                .collect();
            let types: Vec<&str> = match fields.get("type") {
                Some(Value::String(name)) => vec![name],
                Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            };
            let is_plain = types.iter().any(|name| ["integer", "number", "boolean"].contains(name));
            if is_plain && !types.contains(&"string") {
                let types: Vec<&str> = types.into_iter().chain(["string"]).collect();
                open.insert("type".to_owned(), json!(types));
                open.insert("pattern".to_owned(), json!(r"\$\{"));
            }
            Value::Object(open)
        }
        Value::Array(items) => items.iter().map(with_variables).collect(),
        plain => plain.clone(),
    }
}
