//! The JSON schema of the language, for editors.

use deployer_core::Kinds;
use serde_json::{Map, Value, json};

use crate::language;
use crate::shape::NOT_YET;

/// A value that a variable stands in.
const VARIABLE: &str = r"\$\{";

/// What editors say of what is in the language and not built yet.
const LATER: &str = "Not built yet.";

/// The JSON schema (draft-07) of a stack file.
pub fn schema(kinds: &Kinds) -> Value {
    let mut schema = with_variables(&language::whole(kinds));
    if let Some(keys) = schema.as_object_mut() {
        keys.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        keys.insert("title".to_owned(), json!("A stack of deployer"));
        keys.insert("patternProperties".to_owned(), json!({ "^x-": {} }));
    }
    schema
}

/// Lets `${…}` stand for numbers, booleans and words, and takes out what only we understand.
fn with_variables(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let mut open: Map<String, Value> = fields
                .iter()
                // What begins with `x-` is for us alone.
                .filter(|(key, _)| !key.starts_with("x-") && *key != "format")
                .map(|(key, value)| match (key.as_str(), value) {
                    ("properties", Value::Object(keys)) => {
                        let open = |(key, schema): (&String, &Value)| {
                            (key.clone(), with_variables(schema))
                        };
                        (key.clone(), keys.iter().map(open).collect::<Map<_, _>>().into())
                    }
                    ("additionalProperties" | "items" | "anyOf" | "oneOf", _) => {
                        (key.clone(), with_variables(value))
                    }
                    _ => (key.clone(), value.clone()),
                })
                .collect();
            if fields.contains_key(NOT_YET) {
                let about = fields.get("description").and_then(Value::as_str).unwrap_or_default();
                open.insert("description".to_owned(), format!("{about} {LATER}").trim().into());
            }
            let variable = json!({ "type": "string", "pattern": VARIABLE });
            if let Some(Value::Array(words)) = open.get_mut("oneOf")
                && words.iter().all(|word| word.get("const").is_some())
            {
                words.push(variable);
            } else if let Some(words) = open.remove("enum") {
                open.remove("type");
                open.insert("anyOf".to_owned(), json!([{ "enum": words }, variable]));
            }
            let types: Vec<&str> = match fields.get("type") {
                Some(Value::String(name)) => vec![name],
                Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            };
            // A text is taken as it is written, but an amount has its unit.
            if types == ["string"] && !open.contains_key("pattern") && !fields.contains_key("enum")
            {
                open.insert("type".to_owned(), json!(["string", "number", "boolean"]));
            }
            let is_plain = types.iter().any(|name| ["integer", "number", "boolean"].contains(name));
            if is_plain && !types.contains(&"string") {
                let types: Vec<&str> = types.into_iter().chain(["string"]).collect();
                open.insert("type".to_owned(), json!(types));
                open.insert("pattern".to_owned(), json!(VARIABLE));
            }
            Value::Object(open)
        }
        Value::Array(items) => items.iter().map(with_variables).collect(),
        plain => plain.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::source;

    fn repository() -> PathBuf {
        PathBuf::from("../..")
    }

    fn instance(path: &Path) -> Value {
        let text = fs::read_to_string(path).unwrap();
        source::read(&text).unwrap().to_json()
    }

    fn files(folder: &str, beginning: &str) -> Vec<PathBuf> {
        let folder = repository().join(folder);
        let mut files: Vec<PathBuf> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.file_name().unwrap().to_str().unwrap().starts_with(beginning));
        files.sort();
        files
    }

    #[test]
    fn the_schema_is_one() {
        let schema = schema(&deployer_kinds::all());
        assert!(jsonschema::draft7::meta::is_valid(&schema));
    }

    #[test]
    fn stacks_and_examples_are_valid() {
        let validator = jsonschema::draft7::new(&schema(&deployer_kinds::all())).unwrap();
        let examples = files("examples", "").into_iter().map(|folder| folder.join("stack.yaml"));
        let files: Vec<PathBuf> = files("stacks", "").into_iter().chain(examples).collect();
        assert!(files.len() >= 5);
        for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "yaml")) {
            let wrong: Vec<String> = validator
                .iter_errors(&instance(file))
                .map(|error| format!("{}: {error}", error.instance_path))
                .collect();
            assert!(wrong.is_empty(), "{}: {wrong:#?}", file.display());
        }
    }

    #[test]
    fn what_an_editor_can_see_is_refused() {
        let validator = jsonschema::draft7::new(&schema(&deployer_kinds::all())).unwrap();
        let folder = "crates/stack/tests/mistakes";
        let seen = [
            "unknown-k",
            "unknown-se",
            "unknown-va",
            "number-",
            "old-b",
            "list-",
            "bad-name",
            "missing-key",
        ];
        for beginning in seen {
            let files = files(folder, beginning);
            let stacks: Vec<&PathBuf> = files
                .iter()
                .filter(|file| file.extension().is_some_and(|end| end == "yaml"))
                .filter(|file| {
                    !["unknown-variable.yaml", "unknown-secret.yaml"]
                        .iter()
                        .any(|name| file.ends_with(name))
                })
                .collect();
            assert!(!stacks.is_empty(), "{beginning}");
            for file in stacks {
                assert!(!validator.is_valid(&instance(file)), "{}", file.display());
            }
        }
    }

    #[test]
    fn a_variable_may_stand_for_any_value() {
        let validator = jsonschema::draft7::new(&schema(&deployer_kinds::all())).unwrap();
        let stack = |value: &str| {
            json!({
                "stack": "shop",
                "network": { "nat": value, "zones": value, "cidr": value },
                "databases": { "main": { "engine": value, "version": value, "protect": value } },
                "services": { "web": { "image": value, "cpu": value, "memory": value, "count": value } },
            })
        };
        assert!(validator.is_valid(&stack("${value}")));
        assert!(!validator.is_valid(&stack("value")));
    }
}
