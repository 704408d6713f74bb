//! One value of a spec as a person would write it, with what is secret left out.

use deployer_core::{Text, is_unread, references};
use serde_json::Value;

use crate::masking::masked;

/// What stands for a value that AWS does not show, or that this version does not know.
const UNREAD: &str = "(not shown by AWS)";

/// The value at this path of a spec, on one line.
pub(crate) fn value(path: &str, value: &Value) -> String {
    flow(&masked(path, value), true)
}

/// The value, and that it is known only later where it is.
pub(crate) fn wanted(path: &str, wanted: &Value) -> String {
    let text = value(path, wanted);
    if references(wanted).is_empty() { text } else { format!("{text} (known after apply)") }
}

/// Flow style, as in YAML.
fn flow(value: &Value, is_outermost: bool) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) => quoted(text, is_outermost),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(item, false)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            if let Some(text) = marker(value) {
                return text;
            }
            let fields = fields.iter().filter(|(_, value)| !is_nothing(value));
            let fields: Vec<String> =
                fields.map(|(name, value)| format!("{name}: {}", flow(value, false))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        plain => plain.to_string(),
    }
}

/// What a reference, an unresolved text or an unread value is written as.
pub(crate) fn marker(value: &Value) -> Option<String> {
    if is_unread(value) {
        return Some(UNREAD.to_owned());
    }
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    if let Some(target) = fields.get("ref").or_else(|| fields.get("id")) {
        return target.as_str().map(str::to_owned);
    }
    fields.get("text").filter(|parts| parts.is_array())?;
    serde_json::from_value::<Text>(value.clone()).ok().map(|text| text.to_string())
}

/// Whether a field need not be shown beside others: it is not set, or empty.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// The text, in quotes where it would be taken for something else without.
fn quoted(text: &str, is_outermost: bool) -> String {
    let is_plain = !text.is_empty()
        && text.trim() == text
        && !text.contains(['\n', '\r', '\t'])
        && (is_outermost || !text.contains([',', '{', '}', '[', ']', '"']));
    if is_plain { text.to_owned() } else { Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_read_as_they_are_written_in_a_stack() {
        let spec = json!([{ "port": 443, "from": "0.0.0.0/0", "note": null }, "a, b", ""]);
        assert_eq!(value("x", &spec), r#"[{from: 0.0.0.0/0, port: 443}, "a, b", ""]"#);
        assert_eq!(value("x", &json!({ "id": "sg-1" })), "sg-1");
        assert_eq!(value("x", &json!({ "unread": true })), UNREAD);
        assert_eq!(value("x", &Value::Null), "(none)");
    }

    #[test]
    fn what_is_not_known_yet_says_so() {
        assert_eq!(wanted("vpc", &json!({ "ref": "vpc/main" })), "vpc/main (known after apply)");
        assert_eq!(wanted("vpc", &json!({ "id": "vpc-1" })), "vpc-1");
    }
}
