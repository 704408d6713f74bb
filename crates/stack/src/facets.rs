//! JSON schemas: that of a type, and which branches, types and words one has.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// The schema of a type, with everything inlined.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("title");
    }
    schema
}

pub(crate) fn branches(schema: &Map<String, Value>) -> Option<Vec<&Value>> {
    let branches = schema.get("anyOf").or_else(|| schema.get("oneOf"))?.as_array()?;
    let is_null = |branch: &&Value| branch.get("type").and_then(Value::as_str) == Some("null");
    Some(branches.iter().filter(|branch| !is_null(branch)).collect())
}

/// The schema of what stands at a key, in whichever branch has it.
pub(crate) fn below<'s>(schema: &'s Value, key: &str) -> &'s Value {
    let branches = schema.as_object().and_then(branches).unwrap_or_else(|| vec![schema]);
    let known = branches.iter().find_map(|branch| branch.get("properties")?.get(key));
    let others = || branches.iter().find_map(|branch| branch.get("additionalProperties"));
    known.or_else(others).unwrap_or(&Value::Null)
}

/// Whether null is a value of its own to a schema.
pub(crate) fn takes_null(schema: &Value) -> bool {
    let branches = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
    match (branches, schema.get("type")) {
        (Some(branches), _) => branches.iter().any(takes_null),
        (None, Some(Value::Array(names))) => names.iter().any(|name| name == "null"),
        (None, Some(name)) => name == "null",
        (None, None) => schema.get("const").or_else(|| schema.get("enum")).is_none(),
    }
}

/// The types a schema takes, of its branches where it has some.
pub(crate) fn types(schema: &Map<String, Value>) -> Vec<&str> {
    if let Some(branches) = branches(schema) {
        return branches.iter().filter_map(|branch| branch.as_object()).flat_map(types).collect();
    }
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ if schema.contains_key("const") || schema.contains_key("enum") => vec!["string"],
        _ => Vec::new(),
    }
}

pub(crate) fn allowed_words(schema: &Value) -> Vec<&str> {
    if let Some(branches) = schema.as_object().and_then(branches) {
        return branches.into_iter().flat_map(allowed_words).collect();
    }
    let single = schema.get("const").and_then(Value::as_str);
    let several = schema.get("enum").and_then(Value::as_array);
    single.into_iter().chain(several.into_iter().flatten().filter_map(Value::as_str)).collect()
}

/// The first sentence of a field's documentation, as an aside.
pub(crate) fn purpose(schema: Option<&Value>) -> String {
    let text = schema.and_then(|schema| schema.get("description")).and_then(Value::as_str);
    let sentence = text.and_then(|text| text.split(". ").next()).unwrap_or_default();
    if sentence.is_empty() {
        String::new()
    } else {
        format!(" — {}", sentence.trim_end_matches('.'))
    }
}

/// A key of the mapping that a schema takes: one that must be there, or the first.
pub(crate) fn example(schema: &Map<String, Value>) -> String {
    if schema.contains_key("propertyNames") {
        return "name".to_owned();
    }
    let required = schema.get("required").and_then(Value::as_array).and_then(|names| names.first());
    let keys = schema.get("properties").and_then(Value::as_object);
    let first = keys.and_then(|keys| keys.keys().next());
    let required = required.and_then(Value::as_str).map(str::to_owned);
    required.or_else(|| first.cloned()).unwrap_or_default()
}
