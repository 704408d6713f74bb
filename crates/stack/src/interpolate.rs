//! Fills `${…}` in: variables, the stack's own words, and outputs of resources.

use std::cell::Cell;
use std::collections::BTreeMap;

use deployer_core::{Address, Diagnostic, Part, Span};

use crate::mistakes::{Mistakes, suggestion};
use crate::node::{Content, Node};

/// More bytes than the variables of any stack fill in.
pub(crate) const MOST_FILLED: usize = 1 << 20;

/// What `${…}` can stand for.
pub(crate) struct Words<'a> {
    /// The stack's text, to underline inside of a value.
    pub(crate) source: &'a str,
    /// `${name}`: the variables, and `stack`, `environment` and `region`.
    pub(crate) meanings: BTreeMap<String, Content>,
    /// How many bytes may still be filled in.
    pub(crate) room: Cell<usize>,
}

/// An output that a value asks for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) address: Address,
    pub(crate) field: String,
    pub(crate) span: Span,
}

/// Fills in every value below `node`; tells which outputs were asked for.
pub(crate) fn interpolate(
    node: &mut Node,
    words: &Words<'_>,
    mistakes: &mut Mistakes,
    asked: &mut Vec<Asked>,
) {
    match &mut node.content {
        Content::Text(text) if text.contains("${") => {
            let text = std::mem::take(text);
            node.content = words.fill(&text, node.span, mistakes, asked);
        }
        Content::List(items) => {
            for item in items {
                interpolate(item, words, mistakes, asked);
            }
        }
        Content::Map(entries) => {
            for entry in entries {
                interpolate(&mut entry.value, words, mistakes, asked);
            }
        }
        _ => {}
    }
}

impl Words<'_> {
    fn fill(
        &self,
        text: &str,
        span: Span,
        mistakes: &mut Mistakes,
        asked: &mut Vec<Asked>,
    ) -> Content {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut is_known = true;
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            if let Some(escaped) = before.strip_suffix('$') {
                literal += escaped;
                literal += "${";
                rest = &from[2..];
                continue;
            }
            literal += before;
            let Some(end) = from.find('}') else {
                mistakes.push(
                    Diagnostic::error("unclosed-reference", "a `${` is not closed")
                        .at(self.inside(span, from), "this has no `}`")
                        .help("close it with `}`, or write `$${` for the text itself"),
                );
                return Content::Unknown;
            };
            let whole = &from[..=end];
            let place = self.inside(span, whole);
            let inner = from[2..end].trim();
            rest = &from[end + 1..];
            if inner.contains('/') {
                let Some(output) = output(inner, place, mistakes) else {
                    is_known = false;
                    continue;
                };
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(Part::Output {
                    address: output.address.clone(),
                    field: output.field.clone(),
                });
                asked.push(output);
                continue;
            }
            let word = self.meanings.get(inner);
            if !self.takes(word) {
                mistakes.push(
                    Diagnostic::error("too-large", "this is larger than any stack")
                        .at(place, format!("variables fill in over {MOST_FILLED} bytes")),
                );
                return Content::Unknown;
            }
            match word {
                // A variable that is the whole value keeps its type.
                Some(content) if whole == text => return content.clone(),
                Some(Content::Unknown) => is_known = false,
                Some(content) => literal += &shown(content),
                None => {
                    is_known = false;
                    mistakes.push(self.unknown(inner, place));
                }
            }
        }
        if !is_known {
            return Content::Unknown;
        }
        literal += rest;
        if parts.is_empty() {
            return Content::Text(literal);
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Content::Parts(parts)
    }

    /// Takes the room that a word needs, if there is enough.
    fn takes(&self, word: Option<&Content>) -> bool {
        let needed = match word {
            Some(Content::Text(text)) => text.len(),
            _ => 0,
        };
        let left = self.room.get().checked_sub(needed);
        self.room.set(left.unwrap_or_default());
        left.is_some()
    }

    fn unknown(&self, name: &str, place: Span) -> Diagnostic {
        let near = suggestion(name, self.meanings.keys().map(String::as_str));
        let and = if near.ends_with('?') { " Otherwise" } else { "; otherwise" };
        Diagnostic::error("unknown-variable", format!("there is no variable `{name}`"))
            .at(place, "nothing is known by this name")
            .help(format!(
                "{near}{and} add it to `variables:`, or write `$${{` for the text itself"
            ))
    }

    /// Where a piece of a value stands, when the value is written as it reads.
    fn inside(&self, span: Span, piece: &str) -> Span {
        let written = self.source.get(span.start..span.end).unwrap_or_default();
        match written.find(piece) {
            Some(at) => Span { start: span.start + at, end: span.start + at + piece.len() },
            None => span,
        }
    }
}

fn output(inner: &str, span: Span, mistakes: &mut Mistakes) -> Option<Asked> {
    let parsed = inner
        .rsplit_once('.')
        .and_then(|(address, field)| Some((address.parse::<Address>().ok()?, field)));
    let Some((address, field)) = parsed else {
        mistakes.push(
            Diagnostic::error("bad-reference", format!("`{inner}` names no output"))
                .at(span, "")
                .help("write `${kind/name.output}`, such as `${load-balancer/edge.dns}`"),
        );
        return None;
    };
    Some(Asked { address, field: field.to_owned(), span })
}

fn shown(content: &Content) -> String {
    match content {
        Content::Bool(value) => value.to_string(),
        Content::Number(value) => value.to_string(),
        Content::Text(text) => text.clone(),
        _ => String::new(),
    }
}
