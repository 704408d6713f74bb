//! Writes YAML.

use std::fmt::Write;

use serde_json::Value;

use crate::node::Content;
use crate::scalar::plain;

/// A value as YAML, in blocks, with quotes where a word would read as something else.
pub fn to_yaml(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(fields) if !fields.is_empty() => block(value, 0, &mut text),
        Value::Array(items) if !items.is_empty() => block(value, 0, &mut text),
        plain => {
            text += &scalar(plain);
            text.push('\n');
        }
    }
    text
}

fn block(value: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                // Writing to a string cannot fail.
                let _ = write!(text, "{indent}{}:", word(key));
                below(value, depth, text);
            }
        }
        Value::Array(items) => {
            for item in items {
                let _ = write!(text, "{indent}-");
                let start = text.len();
                below(item, depth, text);
                // The first key of a mapping stands beside its dash.
                if let Some(rest) = text[start..].strip_prefix('\n') {
                    let joined = format!(" {}", rest.trim_start());
                    text.truncate(start);
                    *text += &joined;
                }
            }
        }
        _ => {}
    }
}

fn below(value: &Value, depth: usize, text: &mut String) {
    let is_block = match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_block {
        text.push('\n');
        block(value, depth + 1, text);
    } else {
        let _ = writeln!(text, " {}", scalar(value));
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Object(_) => "{}".to_owned(),
        Value::Array(_) => "[]".to_owned(),
        Value::String(text) => word(text),
        plain => plain.to_string(),
    }
}

/// A text without quotes where it can be, otherwise as JSON writes it, which is YAML too.
pub(crate) fn word(text: &str) -> String {
    let inside = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let begins = |c: char| c.is_ascii_alphanumeric() || c == '/';
    // Older readers take more words for booleans and numbers than ours.
    let old = ["yes", "no", "on", "off", "y", "n", "true", "false", "null"];
    let is_word = text.starts_with(begins)
        && text.chars().all(inside)
        && matches!(plain(text), Content::Text(_))
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && !old.contains(&text.to_lowercase().as_str());
    if is_word { text.to_owned() } else { Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_reads_back_the_same() {
        let value = json!({
            "a": [1, "1", "true", "no", "", "a: b", "- x", "#c", "ü\n\"'", [], {}, [[1], { "k": [2] }]],
            "b c": { "d": null, "e": 1.5, "f": [{ "g": "h", "i": { "j": 0 } }] },
            "7": "2024-01-01",
        });
        let text = to_yaml(&value);
        assert_eq!(crate::source::read(&text).unwrap().to_json(), value, "{text}");
    }
}
