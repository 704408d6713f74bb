//! The short forms that some keys of a service have.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::service::Health;

/// A path alone, or the whole mapping.
pub(super) fn health<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Health, D::Error> {
    struct Form;

    impl<'de> Visitor<'de> for Form {
        type Value = Health;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a path or a mapping")
        }

        fn visit_str<E>(self, path: &str) -> Result<Health, E> {
            Ok(Health { path: Some(path.to_owned()), ..Health::default() })
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Health, A::Error> {
            Health::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_any(Form)
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
    let whole = Health::json_schema(generator);
    json_schema!({ "anyOf": [{ "type": "string" }, whole] })
}

pub(super) fn paths_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }]
    })
}
