//! What is written as one text of a certain form, or shortly as one: how it is written, and what its
//! schema says.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};

/// Writes a type as its text, and gives it the schema of a text of a form, with examples and whatever
/// else is to stand there.
macro_rules! text_form {
    ($type:ident, $pattern:literal, $examples:tt $(, $key:ident: $value:literal)?) => {
        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }

        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string", "pattern": $pattern, "examples": $examples,
                    $(($key): $value,)?
                })
            }
        }
    };
}

pub(crate) use text_form;

/// One text, or a mapping of type `M`, each of which makes a `T`.
pub(crate) struct TextOr<M, T> {
    /// From a text, or why it is none of them.
    pub(crate) of_text: fn(String) -> Result<T, String>,
    /// From a mapping.
    pub(crate) of_mapping: fn(M) -> T,
}

impl<'de, M: Deserialize<'de>, T> Visitor<'de> for TextOr<M, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a mapping")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.of_text)(text.to_owned()).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        M::deserialize(MapAccessDeserializer::new(map)).map(self.of_mapping)
    }
}

/// The schema of one text, or a mapping of type `M`.
pub(crate) fn text_or<M: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mapping = M::json_schema(generator);
    json_schema!({ "anyOf": [{ "type": "string" }, mapping] })
}
