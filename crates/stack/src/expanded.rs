//! A stack as `deployer expand` prints it: nothing but `resources:`, ready to be loaded again.

use deployer_core::{Desired, Part, Roles, Stack, Text};
use serde_json::{Map, Value, json};

/// What a stack looks like with all its sections expanded.
pub fn expanded(stack: &Stack) -> Value {
    let mut kinds: Map<String, Value> = Map::new();
    for (address, desired) in &stack.resources {
        let kind = kinds.entry(address.kind.clone()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(names) = kind {
            names.insert(address.name.clone(), resource(desired, &stack.roles));
        }
    }
    let outputs: Map<String, Value> =
        stack.outputs.iter().map(|(name, text)| (name.clone(), shown(text).into())).collect();
    let environment = &stack.scope.environment;
    let mut whole = json!({
        "stack": stack.scope.stack,
        "region": stack.region,
        "outputs": outputs,
        "resources": kinds,
    });
    if let (Value::Object(keys), Some(origin)) = (&mut whole, &stack.scope.origin) {
        keys.insert("origin".to_owned(), origin.clone().into());
    }
    if let Value::Object(keys) = &mut whole {
        for (key, value) in [("account", &stack.home.account), ("role", &stack.home.role)] {
            keys.extend(value.clone().map(|value| (key.to_owned(), value.into())));
        }
    }
    if let (Value::Object(keys), true) = (&mut whole, environment != "default") {
        keys.insert("environments".to_owned(), json!({ environment.as_str(): {} }));
    }
    whole
}

/// A resource as people write it.
fn resource(desired: &Desired, roles: &Roles) -> Value {
    let Desired { place, spec } = desired;
    let mut written = written(spec);
    if let (Value::Object(fields), false) = (&mut written, place.is_home()) {
        let mut at = Map::new();
        let role = place.account.as_ref().and_then(|account| roles.get(account));
        for (key, value) in [("role", role), ("region", place.region.as_ref())] {
            at.extend(value.map(|value| (key.to_owned(), value.clone().into())));
        }
        fields.insert("at".to_owned(), at.into());
    }
    written
}

/// A spec as people write it.
fn written(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            if let (1, Some(Value::String(address))) = (fields.len(), fields.get("ref"))
                && let Some((_, name)) = address.split_once('/')
            {
                return name.into();
            }
            if fields.len() == 1
                && fields.get("text").is_some_and(Value::is_array)
                && let Ok(text) = serde_json::from_value::<Text>(value.clone())
            {
                return shown(&text).into();
            }
            // A field that is not set is left out: null would take a default out.
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            fields.map(|(key, value)| (key.clone(), written(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(written).collect(),
        Value::String(text) => escaped(text).into(),
        plain => plain.clone(),
    }
}

fn shown(text: &Text) -> String {
    let part = |part: &Part| match part {
        Part::Literal(text) => escaped(text),
        Part::Output { address, field } => format!("${{{address}.{field}}}"),
    };
    text.parts().iter().map(part).collect()
}

fn escaped(text: &str) -> String {
    text.replace("${", "$${")
}
