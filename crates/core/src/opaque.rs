//! Values that AWS may not show.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeSeed, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::{Cause, Failure};

/// A value of a spec that AWS may not show, or show in a way that this version does not know.
///
/// In a file it is a `T` like any other. What a scan finds may be unread: it is no difference
/// unless [`Kind::change`](crate::Kind::change) makes it one, and no mark claims it. Its JSON form
/// is that of the value, or `{"unread": true}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Opaque<T> {
    /// The value.
    Known(T),
    /// There is one, or none, and nothing says which.
    Unread,
}

impl<T> Opaque<T> {
    /// The value, where it shows.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unread => None,
        }
    }

    /// The value of a spec that is wanted, where it is always known.
    ///
    /// # Errors
    /// When it is unread all the same: in what was found, or in a plan file edited by hand.
    pub fn wanted(&self) -> Result<&T, Failure> {
        self.known().ok_or_else(|| {
            Failure::new(Cause::Refused, "read the spec that is wanted", "a value of it is unread")
        })
    }
}

impl<T> From<T> for Opaque<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T> From<Option<T>> for Opaque<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unread, Self::Known)
    }
}

impl<T: Default> Default for Opaque<T> {
    fn default() -> Self {
        Self::Known(T::default())
    }
}

/// Whether this is the JSON form of a value that is unread.
pub fn is_unread(value: &Value) -> bool {
    let fields = value.as_object().filter(|fields| fields.len() == 1);
    fields.and_then(|fields| fields.get(UNREAD)) == Some(&Value::Bool(true))
}

/// The paths, with dots, of all that is unread in a spec.
pub fn unread(spec: &Value) -> BTreeSet<String> {
    let inner = |key: &str, value: &Value| -> Vec<String> {
        let below = unread(value).into_iter();
        below
            .map(|path| if path.is_empty() { key.to_owned() } else { format!("{key}.{path}") })
            .collect()
    };
    match spec {
        _ if is_unread(spec) => BTreeSet::from([String::new()]),
        Value::Object(fields) => fields.iter().flat_map(|(key, value)| inner(key, value)).collect(),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.flat_map(|(place, item)| inner(&place.to_string(), item)).collect()
        }
        _ => BTreeSet::new(),
    }
}

const UNREAD: &str = "unread";

impl<T: Serialize> Serialize for Opaque<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(value) => value.serialize(serializer),
            Self::Unread => json!({ UNREAD: true }).serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Opaque<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

/// Hands everything but the marker on to `T` piece by piece, so that a mistake in it keeps its
/// place.
struct Reader<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
    type Value = Opaque<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(Opaque::Known)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(Opaque::Known)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(Opaque::Known)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(Opaque::Known)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(Opaque::Known)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        T::deserialize(().into_deserializer()).map(Opaque::Known)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(items)).map(Opaque::Known)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let first = fields.next_key::<String>()?;
        if first.as_deref() == Some(UNREAD) {
            return fields.next_value::<bool>().map(|_| Opaque::Unread);
        }
        T::deserialize(MapAccessDeserializer::new(Begun { first, rest: fields })).map(Opaque::Known)
    }
}

/// A mapping whose first key has been looked at.
struct Begun<A> {
    first: Option<String>,
    rest: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Begun<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        match self.first.take() {
            Some(first) => seed.deserialize(first.into_deserializer()).map(Some),
            None => self.rest.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.rest.next_value_seed(seed)
    }
}

impl<T: JsonSchema> JsonSchema for Opaque<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    enum Action {
        Forward { group: String, weight: u8 },
        Close,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Spec {
        action: Opaque<Action>,
        #[serde(default)]
        length: Opaque<u16>,
        #[serde(default)]
        command: Opaque<Vec<String>>,
    }

    #[test]
    fn a_value_reads_and_writes_itself_as_if_it_stood_by_itself() {
        for spec in [
            json!({ "action": "close", "length": 3, "command": ["a"] }),
            json!({ "action": { "forward": { "group": "a", "weight": 1 } }, "length": 0, "command": [] }),
            json!({ "action": { "unread": true }, "length": { "unread": true }, "command": [] }),
        ] {
            let read: Spec = serde_json::from_value(spec.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), spec);
        }
    }

    #[test]
    fn a_mistake_within_it_keeps_its_place() {
        let spec = json!({ "action": { "forward": { "group": "a", "weight": "b" } } });
        let error = serde_path_to_error::deserialize::<_, Spec>(spec).unwrap_err();
        assert_eq!(error.path().to_string(), "action.forward.weight");
        for spec in
            [json!({}), json!({ "action": null }), json!({ "action": "close", "length": -1 })]
        {
            assert!(serde_json::from_value::<Spec>(spec.clone()).is_err(), "{spec}");
        }
    }

    #[test]
    fn all_that_is_unread_is_found() {
        let it = json!({ "unread": true });
        let spec =
            json!({ "a": it, "b": [1, { "c": it }], "d": { "unread": false }, "e": { "f": it } });
        let paths: Vec<String> = unread(&spec).into_iter().collect();
        assert_eq!(paths, ["a", "b.1.c", "e.f"]);
    }
}
