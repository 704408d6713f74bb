//! Reads YAML into nodes that know their places. The only file that names the YAML library.
//!
//! The reader is stricter than YAML: keys are not repeated, only `true` and `false` are booleans,
//! numbers have no leading zeros (an account number is a text), tags and several documents in one
//! file are refused, and what anchors can blow a file up to is limited.

use std::collections::BTreeMap;

use deployer_core::{Code, Diagnostic, Span};
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

use crate::mistakes::MOST_REPORTED;
use crate::node::{Content, Entry, Node};
use crate::scalar::plain;

/// More values than any stack has.
const MOST_NODES: usize = 50_000;
/// More bytes of text than any stack gets from its anchors.
const MOST_COPIED: usize = 1 << 20;
/// What the keys begin with that are the author's own, such as a place for anchors.
const AUTHORS_OWN: &str = "x-";

/// Deeper than any stack goes.
const DEEPEST: usize = 64;

/// Reads a text; reports the first mistake of form, or all repeated keys.
pub(crate) fn read(text: &str) -> Result<Node, Vec<Diagnostic>> {
    // A byte order mark, which some editors write, is not part of the first key.
    let body = text.trim_start_matches('\u{feff}');
    let skipped = text.len() - body.len();
    let starts = body.char_indices().map(|(index, _)| index + skipped);
    let mut reader = Reader {
        text,
        bytes: starts.chain([text.len()]).collect(),
        parser: Parser::new_from_str(body),
        anchors: BTreeMap::new(),
        nodes: 0,
        copied: 0,
        repeated: Vec::new(),
    };
    let mut node = reader.document().map_err(|mistake| vec![mistake])?;
    if let Content::Map(entries) = &mut node.content {
        entries.retain(|entry| !entry.key.starts_with(AUTHORS_OWN));
    }
    if reader.repeated.is_empty() { Ok(node) } else { Err(reader.repeated) }
}

struct Reader<'a> {
    text: &'a str,
    /// The byte at which each character begins.
    bytes: Vec<usize>,
    parser: Parser<'a, StrInput<'a>>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    copied: usize,
    repeated: Vec<Diagnostic>,
}

type Read<T> = Result<T, Diagnostic>;

impl<'a> Reader<'a> {
    fn document(&mut self) -> Read<Node> {
        let mut document = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart
                | Event::DocumentStart(_)
                | Event::DocumentEnd
                | Event::Nothing => {}
                _ if document.is_some() => {
                    return Err(Diagnostic::error(
                        Code::SeveralDocuments,
                        "a stack is one document",
                    )
                    .at(span, "a second one begins here")
                    .help("remove the `---`, or move the rest to another file"));
                }
                event => document = Some(self.node(event, span, 0)?),
            }
        }
        Ok(document.unwrap_or_else(Node::empty))
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Read<Node> {
        self.nodes += 1;
        if self.nodes > MOST_NODES || depth > DEEPEST {
            return Err(
                self.too_large(span, format!("over {MOST_NODES} values, or {DEEPEST} deep"))
            );
        }
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.no_tag(tag.is_some(), span)?;
                let content = match style {
                    ScalarStyle::Plain => plain(&text),
                    _ => Content::Text(text.into_owned()),
                };
                (Node { span: self.trimmed(span), content }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.no_tag(tag.is_some(), span)?;
                (self.list(span, depth)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                self.no_tag(tag.is_some(), span)?;
                (self.map(span, depth)?, anchor)
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(syntax(span, "this anchor is not complete yet"));
                };
                self.nodes += size(node);
                self.copied += letters(node);
                if self.copied > MOST_COPIED {
                    return Err(self.too_large(span, format!("over {MOST_COPIED} bytes of copies")));
                }
                return Ok(node.clone());
            }
            _ => return Err(syntax(span, "a value was expected here")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, start: Span, depth: usize) -> Read<Node> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                let span = self.trimmed(Span { start: start.start, end: span.end });
                return Ok(Node { span, content: Content::List(items) });
            }
            items.push(self.node(event, span, depth + 1)?);
        }
    }

    fn map(&mut self, start: Span, depth: usize) -> Read<Node> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut places: BTreeMap<String, Span> = BTreeMap::new();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => {
                    let span = self.trimmed(Span { start: start.start, end: span.end });
                    return Ok(Node { span, content: Content::Map(entries) });
                }
                Event::Scalar(key, _, _, tag) => {
                    self.no_tag(tag.is_some(), span)?;
                    key.into_owned()
                }
                _ => {
                    return Err(syntax(
                        self.first_line(span),
                        "a key is one word, not a list or mapping",
                    ));
                }
            };
            let span = self.trimmed(span);
            if key == "<<" {
                return Err(Diagnostic::error(Code::MergeKey, "`<<` is not part of the language")
                    .at(span, "merges with YAML's own means")
                    .help("write `like:` with the name of another entry of the section"));
            }
            let (event, value_span) = self.next()?;
            let value = self.node(event, value_span, depth + 1)?;
            if let Some(first) = places.get(&key) {
                if self.repeated.len() < MOST_REPORTED {
                    self.repeated.push(
                        Diagnostic::error(Code::DuplicateKey, format!("`{key}` is written twice"))
                            .at(span, "the second time")
                            .at(*first, "the first time")
                            .help("keep one of the two"),
                    );
                }
            } else {
                places.insert(key.clone(), span);
                entries.push(Entry { key, span, value });
            }
        }
    }

    fn next(&mut self) -> Read<(Event<'a>, Span)> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                let span =
                    Span { start: self.byte(span.start.index()), end: self.byte(span.end.index()) };
                Ok((event, span))
            }
            Some(Err(error)) => {
                let start = self.byte(error.marker().index());
                Err(self.unreadable(start, error.info()))
            }
            None => Ok((Event::StreamEnd, Span { start: self.text.len(), end: self.text.len() })),
        }
    }

    fn unreadable(&self, start: usize, info: &str) -> Diagnostic {
        let start = start.min(self.text.trim_end().len());
        let width = self.text[start..].chars().next().map_or(0, char::len_utf8);
        let mistake = syntax(Span { start, end: start + width }, info);
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let indent = &line[..line.len() - line.trim_start().len()];
        if indent.contains('\t') {
            return mistake.help("indent with spaces, not with tabs");
        }
        if info.starts_with("mapping values") {
            return mistake
                .help("indent keys of one mapping alike, and put texts with `: ` in quotes");
        }
        if info.contains("did not find expected") {
            return mistake.help("let the keys of one mapping begin in one column");
        }
        if info.contains("flow") {
            return mistake.help("close every `{` and `[`");
        }
        mistake
    }

    fn too_large(&self, span: Span, how: String) -> Diagnostic {
        Diagnostic::error(Code::TooLarge, "this is larger than any stack")
            .at(self.first_line(span), how)
    }

    fn no_tag(&self, tagged: bool, span: Span) -> Read<()> {
        if !tagged {
            return Ok(());
        }
        Err(Diagnostic::error(Code::YamlTag, "tags such as `!name` mean nothing in a stack")
            .at(self.first_line(span), "this value has one")
            .help("remove the tag"))
    }

    fn byte(&self, character: usize) -> usize {
        self.bytes.get(character).copied().unwrap_or(self.text.len())
    }

    /// Without the white space at its end.
    fn trimmed(&self, span: Span) -> Span {
        let inner = self.text.get(span.start..span.end).unwrap_or_default();
        Span { start: span.start, end: span.start + inner.trim_end().len() }
    }

    fn first_line(&self, span: Span) -> Span {
        let rest = self.text.get(span.start..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default().trim_end();
        Span { start: span.start, end: span.start + line.len() }
    }
}

fn syntax(span: Span, info: &str) -> Diagnostic {
    Diagnostic::error(Code::YamlSyntax, format!("this is not YAML: {info}")).at(span, "")
}

fn size(node: &Node) -> usize {
    match &node.content {
        Content::List(items) => items.iter().map(|item| 1 + size(item)).sum(),
        Content::Map(entries) => entries.iter().map(|entry| 1 + size(&entry.value)).sum(),
        _ => 0,
    }
}

/// The bytes of all texts in a value.
fn letters(node: &Node) -> usize {
    match &node.content {
        Content::Text(text) => text.len(),
        Content::List(items) => items.iter().map(letters).sum(),
        Content::Map(entries) => {
            entries.iter().map(|entry| entry.key.len() + letters(&entry.value)).sum()
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_knows_its_place_in_bytes() {
        let text = "grüße:\n  wörter: [ä, \"b\"] # more\n";
        let node = read(text).unwrap();
        let words = &node.entries()[0].value.entries()[0];
        assert_eq!(&text[words.span.start..words.span.end], "wörter");
        let Content::List(items) = &words.value.content else { panic!("{words:?}") };
        assert_eq!(&text[items[1].span.start..items[1].span.end], "\"b\"");
    }

    #[test]
    fn anchors_cannot_blow_a_file_up() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let previous = format!("*a{}, ", level - 1).repeat(10);
            text = format!("{text}a{level}: &a{level} [{previous}]\n");
        }
        assert_eq!(read(&text).unwrap_err()[0].code, Code::TooLarge);
    }

    #[test]
    fn anchors_of_values_without_a_text_cannot_either() {
        let mut text = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned();
        for level in 1..7 {
            let previous = format!("*a{}, ", level - 1).repeat(10);
            text = format!("{text}a{level}: &a{level} [{previous}]\n");
        }
        assert_eq!(read(&text).unwrap_err()[0].code, Code::TooLarge);
    }

    #[test]
    fn anchors_of_long_texts_cannot_either() {
        let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), "*a, ".repeat(1000));
        assert_eq!(read(&text).unwrap_err()[0].code, Code::TooLarge);
    }

    #[test]
    fn of_many_repeated_keys_the_first_are_reported() {
        assert_eq!(read(&"k: 1\n".repeat(3000)).unwrap_err().len(), MOST_REPORTED);
    }

    #[test]
    fn what_is_too_deep_is_refused_and_does_not_exhaust_the_stack() {
        for text in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000)] {
            assert!(read(&text).is_err());
        }
        assert!(read("a: &a [*a]").is_err());
    }

    #[test]
    fn line_ends_of_other_systems_and_a_byte_order_mark_change_nothing() {
        let text = "a:\n  b: [1, x]\n  c: |\n    d\n    e\n";
        let value = read(text).unwrap().to_json();
        for other in [text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
            assert_eq!(read(&other).unwrap().to_json(), value, "{other:?}");
        }
        let marked = read("\u{feff}a: x\n").unwrap();
        assert_eq!(marked.entries()[0].span, Span { start: 3, end: 4 });
    }
}
