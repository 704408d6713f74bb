//! The fields of a step that differ, before → after.

use deployer_core::Difference;
use owo_colors::Style;
use serde_json::Value;

use super::layout::{broken, pad, width_of};
use super::theme::Theme;
use super::value::{marker, value, wanted};
use crate::masking::{MASKED, masked};

/// How many lines one value gets at most; `--json` has the rest.
const LINES: usize = 12;

/// The widest that the column of paths gets.
const PATHS: usize = 40;

/// One field on its way onto the page.
struct Field {
    path: String,
    change: Change,
}

enum Change {
    /// One value for another.
    Value { before: String, after: String },
    /// A value where there was none, of something that is made.
    New(String),
    /// Elements of a list that go, and those that come.
    Elements { gone: Vec<String>, come: Vec<String> },
}

/// The lines for the fields that differ, each `indent` columns in.
pub(super) fn differences(
    differences: &[Difference],
    theme: &Theme,
    indent: usize,
    width: usize,
) -> Vec<String> {
    let fields: Vec<Field> = differences.iter().flat_map(fields).collect();
    lines(&fields, theme, indent, width)
}

/// The lines for every field of something that is made.
pub(super) fn whole(spec: &Value, theme: &Theme, indent: usize, width: usize) -> Vec<String> {
    let (mut leaves, spec) = (Vec::new(), masked("", spec));
    leaves_of(String::new(), &spec, &mut leaves);
    let fields: Vec<Field> = leaves
        .into_iter()
        .map(|(path, leaf)| {
            let change = match leaf {
                Value::Array(items) if !items.is_empty() => Change::Elements {
                    gone: vec![],
                    come: items.iter().map(|item| wanted(&path, item)).collect(),
                },
                leaf => Change::New(wanted(&path, leaf)),
            };
            Field { path, change }
        })
        .collect();
    lines(&fields, theme, indent, width)
}

fn lines(fields: &[Field], theme: &Theme, indent: usize, width: usize) -> Vec<String> {
    let column = fields.iter().map(|field| width_of(&field.path)).max().unwrap_or(0).min(PATHS);
    let margin = " ".repeat(indent);
    let mut lines = Vec::new();
    for Field { path, change } in fields {
        let room = width.saturating_sub(indent + column.max(width_of(path)) + 2);
        let path = theme.faint.style(pad(path, column)).to_string();
        match change {
            Change::New(text) if width_of(text) <= room => {
                lines.push(format!("{margin}{path}  {text}"));
            }
            Change::New(text) => {
                lines.push(format!("{margin}{}", path.trim_end()));
                lines.extend(set("  ", text, &Style::new(), indent, width));
            }
            Change::Value { before, after } if width_of(before) + width_of(after) + 3 <= room => {
                let before = theme.bad.style(before);
                lines.push(format!("{margin}{path}  {before} → {}", theme.good.style(after)));
            }
            Change::Value { before, after } => {
                lines.push(format!("{margin}{}", path.trim_end()));
                lines.extend(set("  ", before, &theme.bad, indent, width));
                lines.extend(set("→ ", after, &theme.good, indent, width));
            }
            Change::Elements { gone, come } => {
                lines.push(format!("{margin}{}", path.trim_end()));
                for (sign, style, elements) in [("- ", theme.bad, gone), ("+ ", theme.good, come)] {
                    let set = |element: &String| set(sign, element, &style, indent, width);
                    lines.extend(elements.iter().flat_map(set));
                }
            }
        }
    }
    lines
}

/// A value on lines of its own, behind a sign.
fn set(sign: &str, text: &str, style: &Style, indent: usize, width: usize) -> Vec<String> {
    let mut lines = broken(text, width.saturating_sub(indent + 4));
    if lines.len() > LINES {
        lines.truncate(LINES);
        lines.push("…".to_owned());
    }
    let margin = " ".repeat(indent + 2);
    let signs = std::iter::once(sign).chain(std::iter::repeat("  "));
    let lines = lines.iter().zip(signs);
    lines.map(|(line, sign)| format!("{margin}{}", style.style(format!("{sign}{line}")))).collect()
}

/// A difference, taken apart into what a person wants to compare.
fn fields(difference: &Difference) -> Vec<Field> {
    let Difference { path, before, after, .. } = difference;
    // Of two lists both are masked whole: in a command a word is the value of the one before.
    let (before, after) = (&masked(path, before), &masked(path, after));
    match (before, after) {
        (Value::Array(_), Value::Array(_)) if before == after => {
            vec![changed(path, &MASKED.into(), &MASKED.into())]
        }
        (Value::Array(before), Value::Array(after)) => vec![elements(path, before, after)],
        (Value::Array(before), Value::Null) if !before.is_empty() => {
            vec![elements(path, before, &[])]
        }
        (Value::Null, Value::Array(after)) if !after.is_empty() => {
            vec![elements(path, &[], after)]
        }
        (Value::Null, Value::Object(_)) | (Value::Object(_), Value::Null) => {
            let is_new = before.is_null();
            let mut leaves = Vec::new();
            leaves_of(path.clone(), if is_new { after } else { before }, &mut leaves);
            leaves
                .into_iter()
                .map(|(path, leaf)| {
                    let (before, after) =
                        if is_new { (&Value::Null, leaf) } else { (leaf, &Value::Null) };
                    changed(&path, before, after)
                })
                .collect()
        }
        _ => vec![changed(path, before, after)],
    }
}

fn changed(path: &str, before: &Value, after: &Value) -> Field {
    let (mut before, mut after) = (value(path, before), wanted(path, after));
    if before == after {
        // Two values that are both masked.
        (before, after) = ("(not shown)".to_owned(), "(another, not shown)".to_owned());
    }
    Field { path: path.to_owned(), change: Change::Value { before, after } }
}

/// Which elements go and which come. Where none does, only the order differs.
fn elements(path: &str, before: &[Value], after: &[Value]) -> Field {
    let gone = without(before, after);
    let come = without(after, before);
    if gone.is_empty() && come.is_empty() {
        return changed(path, &before.into(), &after.into());
    }
    Field {
        path: path.to_owned(),
        change: Change::Elements {
            gone: gone.into_iter().map(|element| value(path, element)).collect(),
            come: come.into_iter().map(|element| wanted(path, element)).collect(),
        },
    }
}

/// What is in `these` and not in `others`, each as often as it is there.
fn without<'a>(these: &'a [Value], others: &[Value]) -> Vec<&'a Value> {
    let mut others: Vec<&Value> = others.iter().collect();
    these
        .iter()
        .filter(|element| match others.iter().position(|other| other == element) {
            Some(place) => {
                others.swap_remove(place);
                false
            }
            None => true,
        })
        .collect()
}

/// The values inside nested mappings, each with its path; what is not set is left out.
fn leaves_of<'a>(path: String, value: &'a Value, leaves: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(fields) if marker(value).is_none() && !fields.is_empty() => {
            for (key, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                leaves_of(path, value, leaves);
            }
        }
        _ => leaves.push((path, value)),
    }
}

#[cfg(test)]
mod tests {
    use deployer_core::KindInfo;
    use deployer_kinds::Vpc;
    use serde_json::json;

    use super::*;

    fn shown(before: &Value, after: &Value) -> String {
        // To compare takes a kind, and any will do.
        let found = KindInfo::of::<Vpc>().compare(before, after).into_iter();
        let found: Vec<Difference> = found.map(|(difference, _)| difference).collect();
        differences(&found, &Theme::default(), 2, 80).join("\n")
    }

    #[test]
    fn a_value_is_shown_before_and_after() {
        let text = shown(&json!({ "count": 1, "cpu": 256 }), &json!({ "count": 2, "cpu": 512 }));
        assert_eq!(text, "  count  1 → 2\n  cpu    256 → 512");
    }

    #[test]
    fn of_a_list_only_what_goes_and_what_comes_is_shown() {
        let text = shown(
            &json!({ "ingress": [{ "port": 22 }, { "port": 80 }] }),
            &json!({ "ingress": [{ "port": 80 }, { "port": 443 }] }),
        );
        assert_eq!(text, "  ingress\n    - {port: 22}\n    + {port: 443}");
    }

    #[test]
    fn a_list_in_another_order_is_shown_whole() {
        let text = shown(&json!({ "command": ["a", "b"] }), &json!({ "command": ["b", "a"] }));
        assert_eq!(text, "  command  [a, b] → [b, a]");
    }

    #[test]
    fn what_is_new_is_shown_field_by_field() {
        let after = json!({ "health": { "path": "/up", "port": 80, "match": null } });
        let text = shown(&json!({ "health": null }), &after);
        assert_eq!(text, "  health.path  (none) → /up\n  health.port  (none) → 80");
    }

    #[test]
    fn two_values_too_long_for_one_line_get_one_each() {
        let image = |digest: &str| {
            format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/notes@sha256:{digest}")
        };
        let text = shown(
            &json!({ "containers": { "web": { "image": image("1f") } } }),
            &json!({ "containers": { "web": { "image": image("2e") } } }),
        );
        let expected = "  containers.web.image
      123456789012.dkr.ecr.eu-west-1.amazonaws.com/notes@sha256:1f
    → 123456789012.dkr.ecr.eu-west-1.amazonaws.com/notes@sha256:2e";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_masked_value_that_changes_shows_that_it_does() {
        let text = shown(
            &json!({ "environment": { "TOKEN": "a" } }),
            &json!({ "environment": { "TOKEN": "b" } }),
        );
        assert_eq!(text, "  environment.TOKEN  (not shown) → (another, not shown)");
    }
}
