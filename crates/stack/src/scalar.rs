//! What a word without quotes is. Stricter than YAML: only `true` and `false` are booleans, and a
//! number has no leading zero, because an account number is a text.

use serde_json::Number;

use crate::node::{Content, Numeral};

/// What a word without quotes is.
pub(crate) fn plain(text: &str) -> Content {
    match text {
        "" | "~" | "null" => Content::Null,
        "true" => Content::Bool(true),
        "false" => Content::Bool(false),
        _ => match number(text) {
            Some(value) => Content::Number(Numeral { value, written: text.to_owned() }),
            None => Content::Text(text.to_owned()),
        },
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let leading_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if leading_zero || !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if digits.chars().all(|c| c.is_ascii_digit()) {
        let unsigned = text.parse::<u64>().ok().map(Number::from);
        return unsigned.or_else(|| text.parse::<i64>().ok().map(Number::from));
    }
    let is_float =
        digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+'));
    if is_float { text.parse().ok().and_then(Number::from_f64) } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_words_that_look_like_nothing_else_are_not_texts() {
        for text in
            ["yes", "012", "0x1f", "2024-01-01", "99999999999999999999", "True", "1.2.3", "-"]
        {
            assert_eq!(plain(text), Content::Text(text.to_owned()));
        }
        assert_eq!(plain("true"), Content::Bool(true));
        assert_eq!(plain("~"), Content::Null);
        for (text, number) in
            [("12", json!(12)), ("-3", json!(-3)), ("1.5", json!(1.5)), ("1e3", json!(1000.0))]
        {
            assert!(
                matches!(plain(text), Content::Number(read) if json!(read.value) == number),
                "{text}"
            );
        }
    }
}
