//! What a spec was when it was applied, field by field, small enough for a tag.
//!
//! A mark is the number of this form and a colon, then for each field three characters that stand
//! for its name and three for its value: `1:Mc-1YU…`. An entry is found by the name alone,
//! whatever other fields there are, so that a release which adds, removes or reorders fields still
//! reads what an earlier one wrote of the others.
//!
//! It takes no key, since what proves whose a resource is lies elsewhere. Nor does it reveal a
//! value: one in 262,144 of all values has the same three characters. But anybody who reads the tags
//! can confirm a guess, and find the value when it is one of a short list. So no field of a spec
//! holds a secret; it says where one is kept.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::KindInfo;

/// The number of this form. A mark of any other says nothing.
const VERSION: &str = "1:";

/// Characters for a name, and for a value: 18 bits. So 42 fields fit into the 256 characters of a
/// tag.
const WIDTH: usize = 3;

/// Sixty-four characters that every service takes in a tag ("Tag naming limits and requirements"
/// in the tagging user guide).
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl KindInfo {
    /// The mark of a normalised spec. It says nothing of fields in which something is unread, nor
    /// of what others own further in.
    pub fn mark(&self, spec: &Value) -> String {
        let values = self.fields().filter_map(|field| {
            let value = spec.get(field).unwrap_or(&Value::Null);
            Some((field, self.settled(field, value)?))
        });
        write(values)
    }

    /// Whether a field had this value when the mark was made; none when the mark does not say.
    pub fn is_marked(&self, mark: &str, field: &str, value: &Value) -> Option<bool> {
        read(mark, field, &self.settled(field, value)?)
    }
}

fn write<'a>(fields: impl Iterator<Item = (&'a str, Value)>) -> String {
    let entries = fields.map(|(field, value)| entry(field, &value));
    std::iter::once(VERSION.to_owned()).chain(entries).collect()
}

fn read(mark: &str, field: &str, value: &Value) -> Option<bool> {
    let entries = mark.strip_prefix(VERSION)?.as_bytes();
    let wanted = entry(field, value);
    let (name, _) = wanted.as_bytes().split_at(WIDTH);
    let found = entries.chunks_exact(2 * WIDTH).find(|entry| entry.starts_with(name))?;
    Some(found == wanted.as_bytes())
}

/// A field that is left out is as good as null.
fn entry(field: &str, value: &Value) -> String {
    code(field) + &code(&format!("{field} {value}"))
}

/// A text's hash in three characters that every service takes in a tag.
pub fn code(text: &str) -> String {
    let hash = Sha256::digest(text);
    let sixes = hash.iter().take(WIDTH).map(|byte| ALPHABET[usize::from(byte % 64)]);
    sixes.map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn mark(fields: &[(String, Value)]) -> String {
        write(fields.iter().map(|(field, value)| (field.as_str(), value.clone())))
    }

    /// Fields and their values, in an order of no meaning, no two under the same characters.
    fn fields() -> impl Strategy<Value = Vec<(String, Value)>> {
        prop::collection::btree_map("[a-z]{1,8}(-[a-z]{1,8})?", 0..5_u8, 1..=42)
            .prop_map(|fields| {
                let apart: BTreeMap<String, (String, Value)> = fields
                    .into_iter()
                    .map(|(field, value)| (code(&field), (field, json!(value))))
                    .collect();
                apart.into_values().collect::<Vec<_>>()
            })
            .prop_shuffle()
    }

    proptest! {
        #[test]
        fn what_a_field_was_is_read_whatever_becomes_of_the_others(
            fields in fields(),
            kept in any::<prop::sample::Index>(),
            other in 5..9_u8,
        ) {
            let (earlier, later) = fields.split_at(kept.index(fields.len() + 1));
            let mark = mark(earlier);
            for (field, value) in earlier {
                prop_assert_eq!(read(&mark, field, value), Some(true));
                let is_alike = entry(field, value) == entry(field, &json!(other));
                prop_assert_eq!(read(&mark, field, &json!(other)), Some(is_alike));
            }
            for (field, value) in later {
                prop_assert_eq!(read(&mark, field, value), None);
            }
        }

        #[test]
        fn forty_two_fields_fit_into_a_tag(fields in fields()) {
            let mark = mark(&fields);
            prop_assert!(mark.len() <= 256, "{}", mark.len());
            let is_taken = |it: char| it.is_ascii_alphanumeric() || "_.:/=+-@ ".contains(it);
            prop_assert!(mark.chars().all(is_taken), "{}", mark);
        }
    }

    #[test]
    fn the_form_of_a_mark_stays() {
        let spec = [("size".to_owned(), json!(20)), ("engine".to_owned(), json!("pg"))];
        assert_eq!(mark(&spec), "1:Mc-1YUtfvTU3");
    }

    #[test]
    fn a_mark_of_another_form_or_cut_short_does_not_say() {
        let spec = [("size".to_owned(), json!(20)), ("engine".to_owned(), json!("pg"))];
        let mark = mark(&spec);
        let other = mark.replacen("1:", "2:", 1);
        for other in [&other, "", "1", "1:", "é", &mark[..4], &mark[2..]] {
            assert_eq!(read(other, "size", &json!(20)), None, "{other}");
        }
        let cut = &mark[..mark.len() - 1];
        assert_eq!(read(cut, "size", &json!(20)), Some(true));
        assert_eq!(read(cut, "engine", &json!("pg")), None);
    }
}
