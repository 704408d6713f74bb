//! The short forms that some keys of a service have.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{Built, Health, ImageSource, Use};
use crate::later::NotYet;

/// One text, or a mapping of type `M`, each of which makes a `T`.
struct TextOr<M, T> {
    of_text: fn(String) -> T,
    of_mapping: fn(M) -> T,
}

impl<'de, M: Deserialize<'de>, T> Visitor<'de> for TextOr<M, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a mapping")
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok((self.of_text)(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        M::deserialize(MapAccessDeserializer::new(map)).map(self.of_mapping)
    }
}

/// The schema of one text, or a mapping of type `M`.
fn text_or<M: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mapping = M::json_schema(generator);
    json_schema!({ "anyOf": [{ "type": "string" }, mapping] })
}

/// A path alone, or the whole mapping.
pub(super) fn health<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Health, D::Error> {
    deserializer.deserialize_any(TextOr {
        of_text: |path| Health { path: Some(path), ..Health::default() },
        of_mapping: |health: Health| health,
    })
}

/// One text, or a list of them.
pub(super) fn paths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Form;

    impl<'de> Visitor<'de> for Form {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or a list of texts")
        }

        fn visit_str<E>(self, text: &str) -> Result<Vec<String>, E> {
            Ok(vec![text.to_owned()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<String>, A::Error> {
            let mut texts = Vec::new();
            while let Some(text) = seq.next_element()? {
                texts.push(text);
            }
            Ok(texts)
        }
    }

    deserializer.deserialize_any(Form)
}

pub(super) fn health_schema(generator: &mut SchemaGenerator) -> Schema {
    text_or::<Health>(generator)
}

pub(super) fn paths_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }]
    })
}

impl<'de> Deserialize<'de> for Use {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOr {
            of_text: |target| Self { target, alias: None },
            of_mapping: |Mapping { target, alias, .. }: Mapping| Self { target, alias },
        })
    }
}

impl Serialize for Use {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { target, alias } = self.clone();
        if alias.is_none() {
            return target.serialize(serializer);
        }
        Mapping { target, alias, access: None }.serialize(serializer)
    }
}

/// The long form of [`Use`].
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Mapping {
    /// What is used, as `section/name`.
    #[serde(rename = "use")]
    target: String,
    /// What the variables begin with: `DATABASE` makes `DATABASE_HOST`.
    #[serde(rename = "as")]
    alias: Option<String>,
    /// What may be done with it: `send`, `read-write`.
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<NotYet>,
}

impl JsonSchema for Use {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Use".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        text_or::<Mapping>(generator)
    }
}

impl<'de> Deserialize<'de> for ImageSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        // A text with outputs in it is a mapping of its parts.
        let is_text = value.is_string() || value.get("text").is_some();
        let read = if is_text {
            serde_json::from_value(value).map(Self::Pulled)
        } else {
            serde_json::from_value(value).map(Self::Built)
        };
        read.map_err(serde::de::Error::custom)
    }
}

impl Serialize for ImageSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Pulled(name) => name.serialize(serializer),
            Self::Built(built) => built.serialize(serializer),
        }
    }
}

impl JsonSchema for ImageSource {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ImageSource".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        text_or::<Built>(generator)
    }
}
