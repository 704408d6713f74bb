//! How one resource names another: a whole [`Ref`], or a piece of a [`Text`].
//!
//! Both keep a marker in their JSON form, so that the edges of the graph are read off the
//! serialised spec and no kind can forget one.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::{Address, Kind, Thing};

/// What a [`Ref`] points at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A resource of the same stack, by its name within the kind.
    Named(String),
    /// Something that exists and is not ours, by the identifier AWS gave it.
    Physical(String),
}

/// A reference to a resource of kind `R`: `vpc: main`, or `vpc: { id: vpc-0abc }` for one that
/// is not in the stack.
///
/// Its JSON form is `{"ref": "vpc/main"}` or `{"id": "vpc-0abc"}`; resolving turns the first into
/// the second.
pub struct Ref<R> {
    target: Target,
    kind: PhantomData<fn() -> R>,
}

impl<R: Kind> Ref<R> {
    /// Refers to a resource of this stack.
    pub fn named(name: impl Into<String>) -> Self {
        Self { target: Target::Named(name.into()), kind: PhantomData }
    }

    /// Refers to something by the identifier AWS gave it.
    pub fn physical(id: impl Into<String>) -> Self {
        Self { target: Target::Physical(id.into()), kind: PhantomData }
    }

    /// What it points at.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The identifier AWS gave the thing, where it is known.
    pub fn known(&self) -> Option<&str> {
        match &self.target {
            Target::Physical(id) => Some(id),
            Target::Named(_) => None,
        }
    }

    /// The identifier AWS gave the thing, once resolved.
    ///
    /// # Panics
    /// When it still names a resource of the stack. The engine resolves every reference of a spec
    /// before it hands the spec on, so inside `create`, `update` and `delete` this holds.
    pub fn id(&self) -> &str {
        match &self.target {
            Target::Physical(id) => id,
            Target::Named(name) => panic!("{}/{name} was used before it was resolved", R::NAME),
        }
    }
}

impl<R: Kind> From<&Ref<R>> for Thing {
    fn from(reference: &Ref<R>) -> Self {
        match reference.target() {
            Target::Named(name) => Self::Named(Address::new(R::NAME, name)),
            Target::Physical(id) => Self::Physical(id.clone()),
        }
    }
}

impl<R> Clone for Ref<R> {
    fn clone(&self) -> Self {
        Self { target: self.target.clone(), kind: PhantomData }
    }
}

impl<R> PartialEq for Ref<R> {
    fn eq(&self, other: &Self) -> bool {
        self.target == other.target
    }
}

impl<R> Eq for Ref<R> {}

impl<R> PartialOrd for Ref<R> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<R> Ord for Ref<R> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.target.cmp(&other.target)
    }
}

impl<R: Kind> fmt::Debug for Ref<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Named(name) => write!(f, "{}/{name}", R::NAME),
            Target::Physical(id) => f.write_str(id),
        }
    }
}

impl<R: Kind> Serialize for Ref<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.target {
            Target::Named(name) => json!({ "ref": Address::new(R::NAME, name) }),
            Target::Physical(id) => json!({ "id": id }),
        }
        .serialize(serializer)
    }
}

impl<'de, R: Kind> Deserialize<'de> for Ref<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let single = value.as_object().filter(|object| object.len() == 1);
        if let Some(name) = value.as_str() {
            return Ok(Self::named(name));
        }
        if let Some(id) = single.and_then(|object| object.get("id")).and_then(Value::as_str) {
            if id.trim().is_empty() {
                return Err(D::Error::custom(format!("the identifier of a {} is empty", R::NAME)));
            }
            return Ok(Self::physical(id));
        }
        if let Some(text) = single.and_then(|object| object.get("ref")).and_then(Value::as_str) {
            let address: Address = text.parse().map_err(D::Error::custom)?;
            if address.kind == R::NAME {
                return Ok(Self::named(address.name));
            }
            return Err(D::Error::custom(format!("expected a {}, got {address}", R::NAME)));
        }
        Err(D::Error::custom(format!(
            "expected the name of a {}, or `{{ id: … }}` for one outside the stack",
            R::NAME
        )))
    }
}

impl<R: Kind> JsonSchema for Ref<R> {
    fn schema_name() -> Cow<'static, str> {
        format!("Ref-{}", R::NAME).into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            // Means nothing to editors; the stack crate reads from it which names may stand here.
            "x-ref": R::NAME,
            "description": format!("The name of a {}, or the identifier of one outside the stack.", R::NAME),
            "anyOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": { "id": { "type": "string" } },
                    "required": ["id"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

/// A piece of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Text as it stands.
    Literal(String),
    /// One output of a resource, known once that resource exists.
    Output {
        /// The resource.
        address: Address,
        /// The name of the output, such as `host`.
        field: String,
    },
}

/// A string that may hold outputs of other resources: `postgres://${db-instance/main.host}/`.
///
/// Its JSON form is a plain string when it holds none, and `{"text": [parts]}` otherwise.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(Vec<Part>);

impl Text {
    /// Puts a text together from its parts.
    pub fn from_parts(parts: impl IntoIterator<Item = Part>) -> Self {
        Self(parts.into_iter().collect())
    }

    /// One output of a resource and nothing else.
    pub fn output(address: Address, field: impl Into<String>) -> Self {
        Self(vec![Part::Output { address, field: field.into() }])
    }

    /// The parts, in order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// The text, once every output in it is resolved; nothing while one is not.
    pub fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The text, once resolved.
    ///
    /// # Panics
    /// When an output in it is not resolved yet; see [`Ref::id`] for why that cannot be in a step.
    pub fn resolved(&self) -> &str {
        self.literal().unwrap_or_else(|| panic!("`{self:?}` was used before it was resolved"))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(vec![Part::Literal(text.to_owned())])
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(vec![Part::Literal(text)])
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Literal(text) => f.write_str(text),
            Part::Output { address, field } => write!(f, "${{{address}.{field}}}"),
        })
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.literal() {
            Some(text) => serializer.serialize_str(text),
            None => json!({ "text": self.0 }).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self::from(text)),
            Value::Object(mut object) if object.len() == 1 => match object.remove("text") {
                Some(parts) => serde_json::from_value(parts).map(Self).map_err(D::Error::custom),
                None => Err(D::Error::custom("expected a string")),
            },
            other => Err(D::Error::custom(format!("expected a string, got {}", described(&other)))),
        }
    }
}

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "x-outputs": true })
    }
}

fn described(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(_) | Value::Number(_) => format!("{value}; put it in quotes"),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_outputs_is_a_plain_string() {
        let text = Text::from("a ${b}");
        assert_eq!(serde_json::to_value(&text).unwrap(), json!("a ${b}"));
        assert_eq!(serde_json::from_value::<Text>(json!("a ${b}")).unwrap(), text);
    }

    #[test]
    fn a_text_with_outputs_survives_a_round_trip() {
        let text = Text::from_parts([
            Part::Literal("postgres://".into()),
            Part::Output { address: Address::new("db-instance", "main"), field: "host".into() },
        ]);
        let value = serde_json::to_value(&text).unwrap();
        assert_eq!(serde_json::from_value::<Text>(value).unwrap(), text);
        assert_eq!(text.to_string(), "postgres://${db-instance/main.host}");
        assert_eq!(text.literal(), None);
    }
}
