//! Fills `${…}` in: variables, the stack's own words, and outputs of resources.

use std::cell::Cell;
use std::collections::BTreeMap;

use deployer_core::{Address, Code, Diagnostic, Part, Span, closest};

use crate::draft::Asked;
use crate::mistakes::{Mistakes, suggestion};
use crate::node::{Content, Node};
use crate::section::{Output, SectionInfo};
use crate::sections::{self, LIST};
use crate::shape::not_yet;

/// More bytes than the variables of any stack fill in.
pub(crate) const MOST_FILLED: usize = 1 << 20;

/// What `${…}` can stand for.
pub(crate) struct Words<'a> {
    /// The stack's text, to underline inside of a value.
    pub(crate) source: &'a str,
    /// `${name}`: the variables, and `stack`, `environment` and `region`.
    pub(crate) meanings: BTreeMap<String, Content>,
    /// What can be read of each entry of each section, by `section/name`.
    pub(crate) outputs: BTreeMap<String, Vec<Output>>,
    /// Whether outputs are read of single resources here, as `${kind/name.output}`.
    pub(crate) are_kinds_known: Cell<bool>,
    /// How many bytes may still be filled in.
    pub(crate) room: Cell<usize>,
}

/// Fills in every value below `node`; returns which outputs were asked for.
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
                    Diagnostic::error(Code::UnclosedReference, "a `${` is not closed")
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
                match self.output(inner, place) {
                    Ok(read) => {
                        for part in read {
                            match part {
                                Part::Literal(text) => literal += &text,
                                Part::Output { address, field } => {
                                    if !literal.is_empty() {
                                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                                    }
                                    asked.push(Asked {
                                        address: address.clone(),
                                        field: field.clone(),
                                        span: place,
                                    });
                                    parts.push(Part::Output { address, field });
                                }
                            }
                        }
                    }
                    Err(mistake) => {
                        mistakes.push(mistake);
                        is_known = false;
                    }
                }
                continue;
            }
            let word = self.meanings.get(inner);
            if !self.takes(word) {
                mistakes.push(
                    Diagnostic::error(Code::TooLarge, "this is larger than any stack")
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
        Diagnostic::error(Code::UnknownVariable, format!("there is no variable `{name}`"))
            .at(place, "nothing is known by this name")
            .help(format!(
                "{near}{and} add it to `variables:`, or write `$${{` for the text itself"
            ))
    }

    /// What `${section/name.output}` stands for, and in `resources:` `${kind/name.output}`.
    fn output(&self, inner: &str, span: Span) -> Result<Vec<Part>, Diagnostic> {
        let wrong = |title: String| Diagnostic::error(Code::BadReference, title).at(span, "");
        let none = || {
            wrong(format!("`{inner}` names no output"))
                .help("write `${section/name.output}`, such as `${load-balancers/edge.url}`")
        };
        let (thing, field) = inner.rsplit_once('.').ok_or_else(none)?;
        let (section, name) = thing.split_once('/').unwrap_or((thing, ""));
        match sections::find(section) {
            Some(section) if section.is_named => {
                return self.of_section(section, name, field, span);
            }
            Some(_) => {
                return Err(wrong(format!("`{section}` has no outputs"))
                    .help("read those of an entry: `${load-balancers/edge.url}`"));
            }
            None => {}
        }
        let named = LIST.iter().filter(|section| section.is_named).map(|section| section.key);
        let near = closest(section, named).filter(|_| !self.are_kinds_known.get());
        let address = thing.parse::<Address>().ok();
        match address {
            Some(address) if self.are_kinds_known.get() => {
                Ok(vec![Part::Output { address, field: field.to_owned() }])
            }
            Some(address) => {
                let part = Part::Output { address, field: field.to_owned() };
                let help = self.instead(&part).or_else(|| {
                    near.map(|near| format!("did you mean `${{{near}/{name}.{field}}}`?"))
                });
                let help = help.unwrap_or_else(|| {
                    "outputs of single resources can be read in `resources:` and `outputs:` alone"
                        .to_owned()
                });
                Err(wrong(format!("`{section}` is not a section")).help(help))
            }
            None => Err(none()),
        }
    }

    fn of_section(
        &self,
        section: &SectionInfo,
        name: &str,
        field: &str,
        span: Span,
    ) -> Result<Vec<Part>, Diagnostic> {
        let key = section.key;
        if section.is_later || section.later.contains(&field) {
            return Err(not_yet(&format!("{key}/{name}.{field}"), span));
        }
        let wrong = |code: Code, title: String| Diagnostic::error(code, title).at(span, "");
        let Some(outputs) = self.outputs.get(&format!("{key}/{name}")) else {
            let prefix = format!("{key}/");
            let names = self.outputs.keys().filter_map(|known| known.strip_prefix(&prefix));
            let title = format!("there is no `{name}` in `{key}`");
            return Err(wrong(Code::UnknownReference, title).help(suggestion(name, names)));
        };
        let found = outputs.iter().find(|output| output.name == field);
        found.map(|output| output.text.parts().to_vec()).ok_or_else(|| {
            let title = format!("`{key}/{name}` has no output `{field}`");
            let names = outputs.iter().map(|output| output.name);
            wrong(Code::UnknownOutput, title).help(suggestion(field, names))
        })
    }

    /// How an output of a resource is read by its section.
    fn instead(&self, wanted: &Part) -> Option<String> {
        self.outputs.iter().find_map(|(thing, outputs)| {
            let output = outputs.iter().find(|output| output.text.parts() == [wanted.clone()])?;
            Some(format!("write `${{{thing}.{}}}`", output.name))
        })
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

fn shown(content: &Content) -> String {
    match content {
        Content::Bool(value) => value.to_string(),
        Content::Number(number) => number.written.clone(),
        Content::Text(text) => text.clone(),
        _ => String::new(),
    }
}
