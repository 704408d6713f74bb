//! What differs between a resource as it is and as it should be.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::resolve::references;
use crate::{Change, is_unread};

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The field, as a path with dots: `health-check.path`.
    pub path: String,
    /// The value in AWS; null when there is none.
    pub before: Value,
    /// The value wanted; null when there should be none.
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

/// Says what a difference at a path leads to, by what AWS has there; none when it is none.
type Judge<'a> = &'a dyn Fn(&[String], &Value) -> Option<Change>;

/// Compares a live spec with a wanted one, both normalised.
///
/// Null in the wanted spec is an `Option` left out: whatever AWS has is right. A key of a mapping
/// that the wanted spec lacks is a difference. Lists are compared as a whole, item by item.
pub(crate) fn differences(
    live: &Value,
    wanted: &Value,
    judge: Judge<'_>,
) -> Vec<(Difference, Change)> {
    let mut found = Vec::new();
    compare(&mut Vec::new(), live, wanted, judge, &mut found);
    found
}

fn compare(
    path: &mut Vec<String>,
    before: &Value,
    after: &Value,
    judge: Judge<'_>,
    found: &mut Vec<(Difference, Change)>,
) {
    if covers(path, after, before, judge) {
        return;
    }
    if let (Value::Object(was), Value::Object(wanted)) = (before, after)
        && !is_marker(after)
        && !is_unread(before)
    {
        for (key, value) in wanted {
            let was = was.get(key).unwrap_or(&Value::Null);
            below(path, key, |path| compare(path, was, value, judge, found));
        }
        for (key, value) in was.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
            below(path, key, |path| add(path, value, &Value::Null, judge, found));
        }
        return;
    }
    add(path, before, after, judge, found);
}

fn add(
    path: &[String],
    before: &Value,
    after: &Value,
    judge: Judge<'_>,
    found: &mut Vec<(Difference, Change)>,
) {
    let change = if before.is_null() && after.is_null() { None } else { judge(path, before) };
    found.extend(change.map(|change| {
        let unknown = !references(after).is_empty();
        let (path, before, after) = (path.join("."), before.clone(), after.clone());
        (Difference { path, before, after, unknown, drift: false }, change)
    }));
}

/// Whether the live value satisfies the wanted one.
fn covers(path: &mut Vec<String>, wanted: &Value, live: &Value, judge: Judge<'_>) -> bool {
    let is_whole = is_marker(wanted) || is_unread(live);
    match (wanted, live) {
        (Value::Null, _) => true,
        (Value::Object(wanted), Value::Object(live)) if !is_whole => {
            wanted.iter().all(|(key, value)| {
                let live = live.get(key).unwrap_or(&Value::Null);
                below(path, key, |path| covers(path, value, live, judge))
            }) && live.iter().filter(|(key, _)| !wanted.contains_key(*key)).all(|(key, value)| {
                value.is_null() || below(path, key, |path| judge(path, value).is_none())
            })
        }
        (Value::Array(wanted), Value::Array(live)) if wanted.len() == live.len() => {
            wanted.iter().zip(live).enumerate().all(|(place, (wanted, live))| {
                below(path, &place.to_string(), |path| covers(path, wanted, live, judge))
            })
        }
        (wanted, live) => wanted == live || judge(path, live).is_none(),
    }
}

/// A reference or an unresolved text is one value, not a mapping to look into.
pub(crate) fn is_marker(value: &Value) -> bool {
    value.as_object().is_some_and(|object| {
        object.len() == 1 && ["ref", "id", "text"].iter().any(|key| object.contains_key(*key))
    })
}

/// Does something one step further in.
pub(crate) fn below<T>(
    path: &mut Vec<String>,
    key: &str,
    look: impl FnOnce(&mut Vec<String>) -> T,
) -> T {
    path.push(key.to_owned());
    let found = look(path);
    path.pop();
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Impact;

    fn found(live: &Value, wanted: &Value) -> Vec<Difference> {
        let found = differences(live, wanted, &|_, _| Some(Change::InPlace(Impact::None)));
        found.into_iter().map(|(difference, _)| difference).collect()
    }

    fn paths(live: &Value, wanted: &Value) -> Vec<String> {
        found(live, wanted).into_iter().map(|difference| difference.path).collect()
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
        let found =
            found(&json!({ "vpc": { "id": "vpc-1" } }), &json!({ "vpc": { "ref": "vpc/main" } }));
        assert_eq!((found[0].path.as_str(), found[0].unknown), ("vpc", true));
    }

    #[test]
    fn a_list_of_another_length_differs_as_a_whole() {
        let found = found(&json!({ "zones": ["a"] }), &json!({ "zones": ["a", "b"] }));
        assert_eq!((found.len(), found[0].path.as_str()), (1, "zones"));
    }
}
