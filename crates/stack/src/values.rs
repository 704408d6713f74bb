//! A file that gives variables their values.

use std::collections::BTreeMap;

use deployer_core::{Code, Diagnostic};

use crate::mistakes::Mistakes;
use crate::node::{Content, Node};
use crate::source;

/// Reads the values of variables: a mapping of names to texts, numbers, `true` and `false`, each
/// taken as it is written.
///
/// # Errors
/// Every mistake in it.
pub fn values(text: &str) -> Result<BTreeMap<String, String>, Vec<Diagnostic>> {
    let root = source::read(text)?;
    let mut mistakes = Mistakes::default();
    if !matches!(root.content, Content::Map(_) | Content::Null) {
        mistakes.push(
            Diagnostic::error(Code::WrongType, "values of variables are a mapping")
                .at(root.span, "not a mapping")
                .help("write each as `NAME: VALUE`"),
        );
    }
    let mut values = BTreeMap::new();
    for entry in root.entries() {
        let value = Node::written(&entry.value);
        match value {
            Some(value) => {
                values.insert(entry.key.clone(), value);
            }
            None => mistakes.push(
                Diagnostic::error(
                    Code::WrongType,
                    format!("the value of `{}` is not a text", entry.key),
                )
                .at(entry.span, "has no single value")
                .help("write a text, a number, `true` or `false`"),
            ),
        }
    }
    mistakes.finish()?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_as_they_are_written() {
        let read = values("# for prod\nversion: 1.10\nname: \"a b\"\non: true\n").unwrap();
        let expected = [("name", "a b"), ("on", "true"), ("version", "1.10")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(read, BTreeMap::from(expected));
        assert!(values("").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_mapping_of_single_values_is_a_mistake() {
        for text in ["- a", "just text", "a: [1, 2]\n", "a:\n", "a: {b: c}\n"] {
            assert!(values(text).is_err(), "{text}");
        }
    }
}
