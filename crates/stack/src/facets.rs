//! JSON schemas: that of a type, and which branches, types and words one has.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// What marks the schema of a text that may hold outputs of resources.
pub(crate) const OUTPUTS: &str = "x-outputs";

/// The key below which a list is written that is added to another.
pub(crate) const ADD: &str = "add";

/// What marks the schema of a list that is added to another.
const ADDS: &str = "x-adds";

/// Whether a schema is that of a list that is added to another.
pub(crate) fn is_addition(schema: &Value) -> bool {
    schema.get(ADDS).is_some()
}

/// Whether a schema takes a list, or one that is added to another.
pub(crate) fn takes_additions(schema: &Value) -> bool {
    let branches = schema.as_object().and_then(branches);
    branches.is_some_and(|branches| branches.into_iter().any(is_addition))
}

/// A schema in which a list may be one that is added to another, wherever one may be laid over
/// another.
pub(crate) fn adding(schema: &Value) -> Value {
    let Value::Object(fields) = schema else { return schema.clone() };
    if schema.get("items").is_some() && types(fields).contains(&"array") {
        let mut list = fields.clone();
        let about = list.remove("description");
        let mut addition = list.clone();
        addition.insert("type".to_owned(), "array".into());
        addition.remove("default");
        let adds = json!({
            "type": "object", "properties": { ADD: addition }, "required": [ADD],
            "additionalProperties": false, ADDS: true,
        });
        let mut either = Map::new();
        either.extend(about.map(|about| ("description".to_owned(), about)));
        either.insert("anyOf".to_owned(), json!([list, adds]));
        return either.into();
    }
    let inner = fields.iter().map(|(key, value)| {
        let value = match (key.as_str(), value) {
            ("properties", Value::Object(keys)) => keys
                .iter()
                .map(|(key, schema)| (key.clone(), adding(schema)))
                .collect::<Map<_, _>>()
                .into(),
            ("additionalProperties", _) => adding(value),
            ("anyOf" | "oneOf", Value::Array(all)) => all.iter().map(adding).collect(),
            _ => value.clone(),
        };
        (key.clone(), value)
    });
    inner.collect::<Map<_, _>>().into()
}

/// Whether a key of a mapping goes when these are written over it: the keys of a choice of which one
/// alone can be made, such as where a route leads.
pub(crate) fn is_other_choice(schema: &Value, known: &str, written: &[&str]) -> bool {
    if written.is_empty() || written.contains(&known) {
        return false;
    }
    let branches = schema.as_object().and_then(branches).unwrap_or_else(|| vec![schema]);
    let has = |branch: &Value, key: &str| {
        branch.get("properties").is_some_and(|keys| keys.get(key).is_some())
    };
    let has_written = |branch: &Value| written.iter().all(|key| has(branch, key));
    let takes_one = |branch: &Value| branch.get("maxProperties").is_some_and(|most| *most == 1);
    let is_beside = |branch: &&&Value| has(branch, known) && has_written(branch);
    match branches.iter().find(is_beside) {
        Some(branch) => takes_one(branch),
        None => {
            branches.iter().any(|branch| has_written(branch))
                && branches.iter().any(|branch| has(branch, known))
        }
    }
}

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
