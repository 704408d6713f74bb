//! The keys of a stack, and their schemas.

use deployer_core::{Kinds, Text};
use serde_json::{Map, Value, json};

use crate::facets::{adding, schema_of};
use crate::node::Node;
use crate::sections;
use crate::shape::NOT_YET;

/// What names look like, for editors; the same as [`crate::words::is_word`].
pub(crate) const NAME: &str = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$";

/// The keys that an environment cannot lay over.
const ONCE: [&str; 3] = ["stack", "origin", "environments"];

/// The keys of a stack that are no sections.
const OTHERS: [&str; 10] = [
    "stack",
    "origin",
    "region",
    "account",
    "role",
    "tags",
    "variables",
    "environments",
    "outputs",
    "resources",
];

/// Whether a stack has such a key.
pub(crate) fn is_key(key: &str) -> bool {
    OTHERS.contains(&key) || sections::find(key).is_some()
}

/// The schema of a whole stack, for editors.
pub(crate) fn whole(kinds: &Kinds) -> Value {
    // A resource may override single fields of one that a section makes, so none is required.
    let kinds = kinds.iter().map(|kind| (kind.name, over(kind.spec_schema().as_value())));
    language(|_| true, kinds)
}

/// The schema of what is written in a stack: nothing is said of what is not used, because putting
/// the whole together takes far longer than reading a stack. Made for [`crate::shape::Rules::Written`],
/// which lets keys be missing by itself.
pub(crate) fn used(root: &Node, kinds: &Kinds) -> Value {
    let layers = || {
        let overlays = root.field("environments").into_iter().flat_map(Node::entries);
        std::iter::once(root).chain(overlays.map(|entry| &entry.value))
    };
    let is_used = |kind: &str| {
        layers().filter_map(|layer| layer.field("resources")).any(|all| all.field(kind).is_some())
    };
    let kinds = kinds.iter().map(|kind| {
        let spec = is_used(kind.name).then(|| adding(kind.spec_schema().as_value()));
        (kind.name, spec.unwrap_or(Value::Bool(true)))
    });
    language(|key| layers().any(|layer| layer.field(key).is_some()), kinds)
}

/// The schema of the keys that are wanted; of the others, that they are there.
fn language<'k>(
    is_wanted: impl Fn(&str) -> bool,
    kinds: impl Iterator<Item = (&'k str, Value)>,
) -> Value {
    let mut keys = Map::new();
    keys.insert("stack".to_owned(), json!({
        "type": "string",
        "description": "The name of the stack, at most 20 characters: a part of every name in AWS.",
    }));
    keys.insert("origin".to_owned(), json!({
        "type": "string",
        "description": "What distinguishes this stack from another of the same name in the same account: by default where the file is, as the remote of its git repository and the path in it, such as `github.com/acme/shop:deploy/stack.yaml`. Written here it stays the same when the file moves.",
    }));
    keys.insert(
        "region".to_owned(),
        json!({
            "type": "string",
            "description": "The AWS region, such as `eu-west-1`.",
        }),
    );
    keys.insert("account".to_owned(), json!({
        // Its digits are taken as they are written.
        "type": ["string", "number"],
        "description": "The account that it is for, twelve digits: with the credentials of another one nothing is read and nothing changed.",
    }));
    keys.insert("role".to_owned(), json!({
        "type": "string",
        "description": "The ARN of the role that leads to its account. It is assumed at the start, with the credentials at hand.",
    }));
    keys.insert("tags".to_owned(), json!({
        "type": "object",
        "description": "Tags that everything has from the first call, what the account keeps of the environment included, such as `{ team: notes, cost-center: 42 }`. Changed ones are written anew, and nobody notices; of those that are taken out, the ones that were given here are taken off. Tasks get them when they are started.",
        "additionalProperties": { "type": "string" },
    }));
    keys.insert("variables".to_owned(), json!({
        "type": "object",
        "description": "Variables that `${name}` stands for, with their defaults; one without a default must be given.",
        "additionalProperties": { "type": ["string", "number", "boolean", "null"] },
    }));
    for section in sections::LIST {
        let wanted = is_wanted(section.key);
        let body = if wanted { (section.schema)() } else { Value::Bool(true) };
        let schema = match section.is_named {
            _ if section.is_later => later(section.about),
            true => named(section.about, &alike(body)),
            false => body,
        };
        keys.insert(section.key.to_owned(), schema);
    }
    let about = "What `deployer outputs` prints, by name, with `${section/name.output}`.";
    // Their names are people's own.
    let outputs = json!({
        "type": "object", "description": about, "additionalProperties": schema_of::<Text>(),
    });
    keys.insert("outputs".to_owned(), outputs);
    let kinds: Map<String, Value> = kinds
        .map(|(kind, spec)| {
            let description = format!("Resources of kind `{kind}`, by name.");
            (kind.to_owned(), named(&description, &placed(spec)))
        })
        .collect();
    keys.insert("resources".to_owned(), json!({
        "type": "object",
        "description": "What the sections cannot say, kind by kind: resources of its own, or single fields of one that a section makes.",
        "properties": kinds,
        "additionalProperties": false,
    }));
    let mut overlay: Map<String, Value> = keys
        .iter()
        .filter(|(key, _)| !ONCE.contains(&key.as_str()))
        .map(|(key, schema)| (key.clone(), partial(schema)))
        .collect();
    overlay.insert("like".to_owned(), like("Another environment, which this one is laid over."));
    overlay.insert("expires".to_owned(), later("How long it is kept."));
    let overlay =
        json!({ "type": ["object", "null"], "properties": overlay, "additionalProperties": false });
    keys.insert(
        "environments".to_owned(),
        named("The environments, each with what differs in it: mappings merge, null removes, anything else replaces; of choices that exclude each other, the one written here removes the others.", &overlay),
    );
    json!({
        "type": "object",
        "properties": keys,
        "required": ["stack"],
        "additionalProperties": false,
    })
}

/// The schema of something that is not built yet.
fn later(about: &str) -> Value {
    json!({ NOT_YET: true, "description": about })
}

/// The schema of a key that names what something is like.
fn like(about: &str) -> Value {
    json!({ "type": ["string", "null"], "description": about })
}

/// The schema of a body that may be like another of its section: what must be there may come from
/// that.
fn alike(mut body: Value) -> Value {
    let about = "Another entry of this section, which this one is laid over.";
    if let Some(body) = body.as_object_mut() {
        if let Some(fields) = body.get_mut("properties").and_then(Value::as_object_mut) {
            fields.insert("like".to_owned(), like(about));
        }
        if let Some(required) = body.remove("required") {
            body.insert("if".to_owned(), json!({ "not": { "required": ["like"] } }));
            body.insert("then".to_owned(), json!({ "required": required }));
        }
    }
    body
}

/// The schema of a resource: what its kind says, and where it is.
fn placed(mut spec: Value) -> Value {
    if let Some(fields) = spec.get_mut("properties").and_then(Value::as_object_mut) {
        fields.insert(
            "at".to_owned(),
            json!({
                "type": "object",
                "description": "Where the resource is, if that is elsewhere than the stack.",
                "properties": {
                    "role": {
                        "type": "string",
                        "description": "The ARN of a role that leads to another account.",
                    },
                    "region": { "type": "string", "description": "Another AWS region." },
                },
                "additionalProperties": false,
            }),
        );
    }
    spec
}

/// The schema of single fields that are laid over those that a section makes.
pub(crate) fn over(spec: &Value) -> Value {
    adding(&partial(spec))
}

/// A schema in which every key may be missing, and null stands for "take it out".
pub(crate) fn partial(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let mut open: Map<String, Value> = fields
                .iter()
                .filter(|(key, _)| !["required", "default", "if", "then"].contains(&key.as_str()))
                .map(|(key, value)| match (key.as_str(), value) {
                    ("properties", Value::Object(keys)) => {
                        let keys: Map<String, Value> = keys
                            .iter()
                            .map(|(key, schema)| (key.clone(), partial(schema)))
                            .collect();
                        (key.clone(), Value::Object(keys))
                    }
                    ("additionalProperties" | "items" | "anyOf" | "oneOf", _) => {
                        (key.clone(), partial(value))
                    }
                    _ => (key.clone(), value.clone()),
                })
                .collect();
            match open.get("type").cloned() {
                Some(Value::String(name)) if name != "null" => {
                    open.insert("type".to_owned(), json!([name, "null"]));
                }
                Some(Value::Array(mut names)) if !names.contains(&json!("null")) => {
                    names.push(json!("null"));
                    open.insert("type".to_owned(), names.into());
                }
                _ => {}
            }
            if let Some(Value::Array(words)) = open.get_mut("enum")
                && !words.contains(&Value::Null)
            {
                words.push(Value::Null);
            }
            Value::Object(open)
        }
        Value::Array(items) => items.iter().map(partial).collect(),
        plain => plain.clone(),
    }
}

fn named(description: &str, body: &Value) -> Value {
    let mut body = body.clone();
    // An entry with nothing after its colon has all defaults.
    if let Some(schema) =
        body.as_object_mut().filter(|schema| schema.get("type") == Some(&json!("object")))
    {
        schema.insert("type".to_owned(), json!(["object", "null"]));
    }
    json!({
        "type": "object",
        "description": description,
        "propertyNames": { "pattern": NAME },
        "additionalProperties": body,
    })
}
