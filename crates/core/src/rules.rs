//! The change rules of a kind, found by where in a spec a value stands.
//!
//! A rule's path is a field, or leads further in: `containers.*.image`, where `*` is any key of a
//! mapping or any item of a list. A rule covers all beneath it, and of several the longest counts.
//! Items of a list stand where they are counted, and those of a set where its order puts them; a
//! list that differs in anything but what others own differs as a whole, by the rule of the list.

use serde_json::{Map, Value};

use crate::diff::{below, differences, is_marker};
use crate::{Change, Difference, Impact, KindInfo, is_unread, unread};

impl KindInfo {
    /// What a difference at `path` between two specs leads to.
    pub fn change(&self, path: &[String], live: &Value, wanted: &Value) -> Change {
        let (length, rule) = self.rule(path).unwrap_or((0, Change::Replace(Impact::Unknown)));
        if length > 1 { rule } else { self.refine(path, live, wanted).unwrap_or(rule) }
    }

    /// What differs between a spec as it is and as it should be, and what each difference leads
    /// to. What others own is none, and what is unread only where [`Kind::change`] makes it one.
    ///
    /// [`Kind::change`]: crate::Kind::change
    pub fn compare(&self, live: &Value, wanted: &Value) -> Vec<(Difference, Change)> {
        differences(live, wanted, &|path, before| {
            let change = match (is_unread(before), path) {
                (false, _) => self.change(path, live, wanted),
                (true, [_]) => self.refine(path, live, wanted)?,
                (true, _) => return None,
            };
            (change != Change::Delegated).then_some(change)
        })
    }

    /// The spec that is wanted of what exists, with everything that others own as it is.
    #[must_use]
    pub fn leave_delegated(&self, live: &Value, wanted: &Value) -> Value {
        let is_delegated = |path: &[String]| self.change(path, live, wanted) == Change::Delegated;
        merge(&mut Vec::new(), live, wanted, &is_delegated)
    }

    /// The value of a field without what others own in it; none when some of it is unread.
    pub(crate) fn settled(&self, field: &str, value: &Value) -> Option<Value> {
        let is_delegated = |path: &[String]| {
            path.len() > 1 && matches!(self.rule(path), Some((_, Change::Delegated)))
        };
        unread(value).is_empty().then(|| strip(&mut vec![field.to_owned()], value, &is_delegated))
    }

    /// The longest rule for a path, and how long it is.
    fn rule(&self, path: &[String]) -> Option<(usize, Change)> {
        let rules = self.changes.iter().filter(|(pattern, _)| covers(pattern, path));
        rules
            .map(|(pattern, rule)| (pattern.split('.').count(), *rule))
            .max_by_key(|(length, _)| *length)
    }

    /// What the kind says of a field by its two values, or by the two specs.
    fn refine(&self, path: &[String], live: &Value, wanted: &Value) -> Option<Change> {
        let field = path.first()?;
        if (self.moved)(field, live, wanted) {
            return Some(Change::Delegated);
        }
        let of = |spec: &Value| spec.get(field).cloned().unwrap_or_default();
        (self.refined)(field, &of(live), &of(wanted))
    }
}

/// Whether a rule is about what stands at a path.
fn covers(pattern: &str, path: &[String]) -> bool {
    let mut pattern = pattern.split('.').enumerate();
    pattern.all(|(place, key)| path.get(place).is_some_and(|other| key == "*" || key == other))
}

type Asked<'a> = &'a dyn Fn(&[String]) -> bool;

fn merge(path: &mut Vec<String>, live: &Value, wanted: &Value, is_delegated: Asked<'_>) -> Value {
    match (live, wanted) {
        // Left out, it is not asked for; unread, nothing says what it is.
        (_, Value::Null) => Value::Null,
        _ if is_unread(live) => wanted.clone(),
        (Value::Object(was), Value::Object(fields)) if !is_marker(live) && !is_marker(wanted) => {
            let mut merged = Map::new();
            for (key, value) in fields {
                let was = was.get(key).unwrap_or(&Value::Null);
                let value = below(path, key, |path| match was {
                    Value::Null => value.clone(),
                    was => merge(path, was, value, is_delegated),
                });
                merged.insert(key.clone(), value);
            }
            for (key, value) in was.iter().filter(|(key, _)| !fields.contains_key(*key)) {
                if below(path, key, |path| is_delegated(path)) {
                    merged.insert(key.clone(), value.clone());
                }
            }
            merged.into()
        }
        _ if is_delegated(path) => live.clone(),
        (Value::Array(was), Value::Array(items)) => {
            let items = items.iter().enumerate();
            items
                .map(|(place, item)| match was.get(place) {
                    Some(was) => {
                        below(path, &place.to_string(), |path| merge(path, was, item, is_delegated))
                    }
                    None => item.clone(),
                })
                .collect()
        }
        _ => wanted.clone(),
    }
}

fn strip(path: &mut Vec<String>, value: &Value, is_delegated: Asked<'_>) -> Value {
    match value {
        _ if is_delegated(path) => Value::Null,
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| {
                (key.clone(), below(path, key, |path| strip(path, value, is_delegated)))
            });
            fields.collect::<Map<_, _>>().into()
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .map(|(place, item)| {
                    below(path, &place.to_string(), |path| strip(path, item, is_delegated))
                })
                .collect()
        }
        plain => plain.clone(),
    }
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;
    use crate::{Kind, Opaque};

    struct Rule;

    #[derive(Clone, Serialize, Deserialize, JsonSchema)]
    struct Spec {
        weights: Value,
        key: Opaque<String>,
    }

    #[derive(Clone, Serialize, Deserialize, JsonSchema)]
    struct Output {}

    impl Kind for Rule {
        const NAME: &'static str = "rule";
        const CHANGES: &'static [(&'static str, Change)] = &[
            ("weights", Change::InPlace(Impact::None)),
            ("weights.*", Change::Delegated),
            ("weights.*.name", Change::Never("keep it")),
            ("key", Change::Replace(Impact::None)),
        ];
        type Spec = Spec;
        type Output = Output;

        fn change(field: &str, live: &Value, _wanted: &Value) -> Option<Change> {
            let is_lost = field == "key" && is_unread(live);
            is_lost.then_some(Change::InPlace(Impact::Outage))
        }

        fn is_moved(field: &str, live: &Spec, wanted: &Spec) -> bool {
            field == "key" && wanted.weights["moves"] == true && live.key > wanted.key
        }
    }

    fn compared(live: &Value, wanted: &Value) -> Vec<(String, Change)> {
        let found = KindInfo::of::<Rule>().compare(live, wanted).into_iter();
        found.map(|(difference, change)| (difference.path, change)).collect()
    }

    #[test]
    fn the_longest_rule_for_a_place_counts() {
        let live = json!({ "weights": { "a": { "name": "x", "to": 1 }, "b": 2 } });
        let wanted = json!({ "weights": { "a": { "name": "x", "to": 3 }, "c": 4 } });
        assert_eq!(compared(&live, &wanted), [], "whatever keys there are is up to others");
        let wanted = json!({ "weights": { "a": { "name": "y", "to": 3 } } });
        let never = ("weights.a.name".to_owned(), Change::Never("keep it"));
        assert_eq!(compared(&live, &wanted), [never]);
        let list = json!({ "weights": [{ "name": "x", "to": 1 }] });
        assert_eq!(compared(&list, &json!({ "weights": [{ "name": "x", "to": 2 }] })), []);
        let whole = ("weights".to_owned(), Change::InPlace(Impact::None));
        assert_eq!(compared(&list, &json!({ "weights": [{ "name": "y", "to": 1 }] })), [whole]);
    }

    #[test]
    fn what_others_own_is_taken_from_what_is_there() {
        let kind = KindInfo::of::<Rule>();
        let live = json!({ "weights": { "a": { "name": "x", "to": 1 }, "b": 2 }, "key": "1" });
        let wanted = json!({ "weights": { "a": { "name": "y", "to": 3 } }, "key": "2" });
        let given = json!({ "weights": { "a": { "name": "y", "to": 1 }, "b": 2 }, "key": "2" });
        assert_eq!(kind.leave_delegated(&live, &wanted), given);
        let left_out = json!({ "weights": null, "key": "2" });
        assert_eq!(kind.leave_delegated(&live, &left_out), left_out);
    }

    #[test]
    fn what_the_cloud_moves_by_itself_is_what_others_own() {
        let kind = KindInfo::of::<Rule>();
        let spec = |key: &str| json!({ "weights": { "moves": true }, "key": key });
        assert_eq!(compared(&spec("2"), &spec("1")), []);
        assert_eq!(kind.leave_delegated(&spec("2"), &spec("1")), spec("2"));
        let back = ("key".to_owned(), Change::Replace(Impact::None));
        assert_eq!(compared(&spec("1"), &spec("2")), [back]);
    }

    #[test]
    fn a_kind_can_make_a_difference_of_what_is_unread() {
        let live = json!({ "weights": { "unread": true }, "key": { "unread": true } });
        let wanted = json!({ "weights": { "a": 1 }, "key": "1" });
        let lost = ("key".to_owned(), Change::InPlace(Impact::Outage));
        assert_eq!(compared(&live, &wanted), [lost]);
    }
}
