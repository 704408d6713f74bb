//! Stacks put together from the language's own schema: mostly right, a little off here and there.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use arbitrary::{Arbitrary, Result, Unstructured};
use deployer_stack::schema;
use serde_json::{Map, Value, json};

/// The names of resources and sections, few enough that references find something.
const NAMES: [&str; 4] = ["main", "web", "a", "b"];
/// The names of environments.
const ENVIRONMENTS: [&str; 3] = ["dev", "prod", "default"];
/// The names of variables.
const VARIABLES: [&str; 3] = ["size", "name", "flag"];
/// Texts that mean something somewhere, or nearly do.
const TEXTS: [&str; 40] = [
    "main",
    "web",
    "a",
    "b",
    "",
    "é",
    "${size}",
    "${name}",
    "${flag}",
    "a-${name}-${stack}",
    "$${",
    "${",
    "${environment}",
    "${region}",
    "${vpc/main.id}",
    "${db-instance/main.host}",
    "http://${load-balancer/main.dns}/",
    "10.0.0.0/16",
    "10.0.0.0/24",
    "10.0.1.0/24",
    "0.0.0.0/0",
    "0.0.0.0/32",
    "1.2.3.4",
    "fd00::/8",
    "eu-west-1",
    "eu-west-1a",
    "eu-west-1b",
    "/*",
    "/healthz",
    "1 GiB",
    "20 GiB",
    "16384 TiB",
    "18446744073709551615 GiB",
    "7 days",
    "none",
    "16",
    "databases/main",
    "services/web",
    "public.ecr.aws/nginx/nginx:1",
    "arn:aws:acm:eu-west-1:123456789012:certificate/1",
];
/// Numbers at the edges of what is allowed somewhere.
const NUMBERS: [i64; 18] =
    [0, 1, 2, 3, 5, 6, 20, 80, 256, 443, 512, 1024, 4096, 8080, 65535, 65536, -1, i64::MAX];
/// Deeper than any branch of the language.
const DEEPEST: usize = 12;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema(&deployer_kinds::all()));

/// A stack, environments to lay over it, and values for its variables.
#[derive(Clone, Debug)]
pub struct Written {
    /// The stack without its environments.
    pub base: Value,
    /// What each environment says.
    pub environments: Map<String, Value>,
    /// What is given on the command line.
    pub given: BTreeMap<String, String>,
}

impl<'a> Arbitrary<'a> for Written {
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        let overlay = &SCHEMA["properties"]["environments"]["additionalProperties"];
        let mut environments = Map::new();
        for _ in 0..input.int_in_range(0..=2)? {
            let name = *input.choose(&ENVIRONMENTS)?;
            environments.insert(name.to_owned(), value(overlay, 0, input)?);
        }
        let mut given = BTreeMap::new();
        for _ in 0..input.int_in_range(0..=2)? {
            let name = *input.choose(&VARIABLES)?;
            given.insert(name.to_owned(), (*input.choose(&TEXTS)?).to_owned());
        }
        let mut base = object(&SCHEMA, 0, input)?;
        base.remove("environments");
        let head = [("stack", json!("shop")), ("region", json!("eu-west-1"))];
        for (key, usual) in head {
            if !is_off(input)? {
                base.insert(key.to_owned(), usual);
            }
        }
        let mut variables = Map::new();
        for name in VARIABLES {
            if !is_off(input)? {
                variables.insert(name.to_owned(), scalar(input)?);
            }
        }
        base.insert("variables".to_owned(), variables.into());
        Ok(Self { base: base.into(), environments, given })
    }
}

/// One in sixteen is not as the schema says.
fn is_off(input: &mut Unstructured<'_>) -> Result<bool> {
    Ok(input.arbitrary::<u8>()? >= 240)
}

fn value(schema: &Value, depth: usize, input: &mut Unstructured<'_>) -> Result<Value> {
    if depth > DEEPEST || is_off(input)? {
        return scalar(input);
    }
    if let Some(word) = schema.get("const") {
        return Ok(word.clone());
    }
    for several in ["anyOf", "oneOf"] {
        if let Some(choices) = schema.get(several).and_then(Value::as_array) {
            return value(input.choose(choices)?, depth + 1, input);
        }
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return Ok(input.choose(words)?.clone());
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.clone(),
        one => vec![one.clone()],
    };
    match input.choose(&types)?.as_str() {
        Some("object") => Ok(object(schema, depth, input)?.into()),
        Some("array") => {
            let most = 3;
            let items = (0..input.int_in_range(0..=most)?)
                .map(|_| value(&schema["items"], depth + 1, input));
            Ok(items.collect::<Result<Vec<_>>>()?.into())
        }
        Some("boolean") => Ok(input.arbitrary::<bool>()?.into()),
        Some("integer" | "number") => Ok((*input.choose(&NUMBERS)?).into()),
        Some("null") => Ok(Value::Null),
        _ => text(schema, input),
    }
}

fn object(
    schema: &Value,
    depth: usize,
    input: &mut Unstructured<'_>,
) -> Result<Map<String, Value>> {
    let mut fields = Map::new();
    let required: Vec<&str> = match &schema["required"] {
        Value::Array(keys) => keys.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    for (key, field) in schema["properties"].as_object().into_iter().flatten() {
        let chance = input.arbitrary::<u8>()?;
        let is_there = if required.contains(&key.as_str()) { chance < 240 } else { chance > 160 };
        if is_there {
            fields.insert(key.clone(), value(field, depth + 1, input)?);
        }
    }
    if schema["additionalProperties"].is_object() {
        for _ in 0..input.int_in_range(0..=2)? {
            let name = *input.choose(&NAMES)?;
            let field = value(&schema["additionalProperties"], depth + 1, input)?;
            fields.insert(name.to_owned(), field);
        }
    }
    Ok(fields)
}

/// A text: an example of the schema's own where it has some, or one of ours.
fn text(schema: &Value, input: &mut Unstructured<'_>) -> Result<Value> {
    let examples = schema["examples"].as_array().into_iter().flatten();
    let own: Vec<&Value> = examples.chain(schema.get("default")).collect();
    if !own.is_empty() && input.arbitrary::<u8>()? < 170 {
        return Ok((*input.choose(&own)?).clone());
    }
    Ok((*input.choose(&TEXTS)?).into())
}

fn scalar(input: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match input.int_in_range(0..=6)? {
        0 => Value::Null,
        1 => input.arbitrary::<bool>()?.into(),
        2 => (*input.choose(&NUMBERS)?).into(),
        3 => json!([]),
        4 => json!({}),
        _ => (*input.choose(&TEXTS)?).into(),
    })
}
