//! What differs between a resource as it is and as it should be.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::resolve::references;

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The field, as a path with dots: `health-check.path`.
    pub path: String,
    /// The value in AWS; null when there is none.
    pub before: Value,
    /// The value wanted; null when there is to be none.
    pub after: Value,
    /// Whether the value is known only once another resource exists.
    pub unknown: bool,
    /// Whether it was changed outside: the value wanted is the one that was applied last.
    pub drift: bool,
}

impl Difference {
    /// The top-level field the path begins with.
    pub fn field(&self) -> &str {
        self.path.split('.').next().unwrap_or_default()
    }
}

/// Compares a live spec with a wanted one, both normalised.
///
/// Null in the wanted spec is an `Option` left out: whatever AWS has is right. A key of a mapping
/// that the wanted spec lacks is a difference. Lists are compared as a whole.
pub fn differences(live: &Value, wanted: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), live, wanted, &mut found);
    found
}

fn compare(path: String, before: &Value, after: &Value, found: &mut Vec<Difference>) {
    if covers(after, before) {
        return;
    }
    if let (Value::Object(was), Value::Object(wanted)) = (before, after)
        && !is_marker(after)
    {
        let inner =
            |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        for (key, value) in wanted {
            compare(inner(key), was.get(key).unwrap_or(&Value::Null), value, found);
        }
        for (key, value) in was.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
            compare_removed(inner(key), value, found);
        }
        return;
    }
    let unknown = !references(after).is_empty();
    let (before, after) = (before.clone(), after.clone());
    found.push(Difference { path, before, after, unknown, drift: false });
}

fn compare_removed(path: String, before: &Value, found: &mut Vec<Difference>) {
    if !before.is_null() {
        let (before, after) = (before.clone(), Value::Null);
        found.push(Difference { path, before, after, unknown: false, drift: false });
    }
}

/// Whether the live value satisfies the wanted one.
fn covers(wanted: &Value, live: &Value) -> bool {
    match (wanted, live) {
        (Value::Null, _) => true,
        (Value::Object(wanted), Value::Object(live)) => {
            wanted.iter().all(|(key, value)| covers(value, live.get(key).unwrap_or(&Value::Null)))
                && live.iter().all(|(key, value)| value.is_null() || wanted.contains_key(key))
        }
        (Value::Array(wanted), Value::Array(live)) => {
            wanted.len() == live.len() && wanted.iter().zip(live).all(|(a, b)| covers(a, b))
        }
        (wanted, live) => wanted == live,
    }
}

/// A reference or an unresolved text is one value, not a mapping to look into.
fn is_marker(value: &Value) -> bool {
    value.as_object().is_some_and(|object| {
        object.len() == 1 && ["ref", "id", "text"].iter().any(|key| object.contains_key(*key))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(live: &Value, wanted: &Value) -> Vec<String> {
        differences(live, wanted).into_iter().map(|difference| difference.path).collect()
    }

    #[test]
    fn an_option_left_out_is_not_compared() {
        assert!(paths(&json!({ "a": 1, "b": 2 }), &json!({ "a": 1, "b": null })).is_empty());
    }

    #[test]
    fn a_key_removed_from_a_mapping_is_a_difference() {
        let live = json!({ "environment": { "A": "1", "B": "2" } });
        assert_eq!(paths(&live, &json!({ "environment": { "A": "1" } })), ["environment.B"]);
    }

    #[test]
    fn only_the_inner_field_that_differs_is_named() {
        let live = json!({ "health": { "path": "/", "port": 80 } });
        assert_eq!(
            paths(&live, &json!({ "health": { "path": "/up", "port": 80 } })),
            ["health.path"]
        );
    }

    #[test]
    fn a_reference_that_is_not_known_yet_differs_and_says_so() {
        let found = differences(
            &json!({ "vpc": { "id": "vpc-1" } }),
            &json!({ "vpc": { "ref": "vpc/main" } }),
        );
        assert_eq!((found[0].path.as_str(), found[0].unknown), ("vpc", true));
    }

    #[test]
    fn a_list_of_another_length_differs_as_a_whole() {
        let found = differences(&json!({ "zones": ["a"] }), &json!({ "zones": ["a", "b"] }));
        assert_eq!((found.len(), found[0].path.as_str()), (1, "zones"));
    }
}
