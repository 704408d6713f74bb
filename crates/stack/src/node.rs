//! A value of the stack file that knows where it stands in the text.

use deployer_core::{Part, Span, Text};
use serde_json::{Map, Number, Value};

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// The text of the value itself; empty where nothing is written.
    pub(crate) span: Span,
    /// The value.
    pub(crate) content: Content,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Null,
    Bool(bool),
    Number(Numeral),
    Text(String),
    /// A text that holds outputs of resources.
    Parts(Vec<Part>),
    /// What could not be filled in; that was reported.
    Unknown,
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A number, and how it is written: `1.10` is 1.1 as a number, and itself as a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Numeral {
    pub(crate) value: Number,
    pub(crate) written: String,
}

/// A key of a mapping with its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Where the key stands.
    pub(crate) span: Span,
    pub(crate) value: Node,
}

impl Entry {
    /// What to underline for the value: the value where it is short, its key where it is a block.
    pub(crate) fn value_span(&self) -> Span {
        self.value.own_span().unwrap_or(self.span)
    }
}

impl Node {
    /// An empty mapping that stands nowhere.
    pub(crate) fn empty() -> Self {
        Self { span: Span { start: 0, end: 0 }, content: Content::Map(Vec::new()) }
    }

    /// The entries of a mapping; none for anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The entry of this key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of this key.
    pub(crate) fn field(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Whether something below could not be filled in.
    pub(crate) fn has_unknown(&self) -> bool {
        match &self.content {
            Content::Unknown => true,
            Content::List(items) => items.iter().any(Node::has_unknown),
            Content::Map(entries) => entries.iter().any(|entry| entry.value.has_unknown()),
            _ => false,
        }
    }

    /// The text, when it is plain text.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text, when it is one or can be taken for one as it is written: `16`, `true`.
    pub(crate) fn written(&self) -> Option<String> {
        match &self.content {
            Content::Text(text) => Some(text.clone()),
            Content::Number(number) => Some(number.written.clone()),
            Content::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// The value without its places.
    pub(crate) fn to_json(&self) -> Value {
        match &self.content {
            Content::Null | Content::Unknown => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(number) => Value::Number(number.value.clone()),
            Content::Text(text) => Value::String(text.clone()),
            Content::Parts(parts) => {
                serde_json::to_value(Text::from_parts(parts.iter().cloned())).unwrap_or(Value::Null)
            }
            Content::List(items) => items.iter().map(Node::to_json).collect(),
            Content::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.value.to_json()))
                .collect::<Map<_, _>>()
                .into(),
        }
    }

    /// Where the value at the end of a path is best underlined, or the nearest that is written.
    pub(crate) fn place(&self, path: &[String]) -> Option<Span> {
        let mut node = self;
        let mut span = None;
        for piece in path {
            let (next, place) = match &node.content {
                Content::Map(_) => match node.entry(piece) {
                    Some(entry) => (&entry.value, Some(entry.value_span())),
                    None => break,
                },
                Content::List(items) => {
                    match piece.parse::<usize>().ok().and_then(|index| items.get(index)) {
                        Some(item) => (item, item.own_span().or(span)),
                        None => break,
                    }
                }
                _ => break,
            };
            (node, span) = (next, place);
        }
        span
    }

    /// Where the key at the end of a path stands.
    pub(crate) fn key_place(&self, path: &[String]) -> Option<Span> {
        let (last, before) = path.split_last()?;
        Some(self.follow(before)?.entry(last)?.span)
    }

    /// The value at the end of a path.
    pub(crate) fn follow(&self, path: &[String]) -> Option<&Node> {
        path.iter().try_fold(self, |node, piece| match &node.content {
            Content::Map(_) => node.field(piece),
            Content::List(items) => items.get(piece.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// Takes out what the path leads to.
    pub(crate) fn remove(&mut self, path: &[String]) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        match &mut self.content {
            Content::Map(entries) => {
                let Some(index) = entries.iter().position(|entry| entry.key == *first) else {
                    return false;
                };
                if rest.is_empty() {
                    entries.remove(index);
                    return true;
                }
                entries[index].value.remove(rest)
            }
            Content::List(items) => {
                let Some(index) = first.parse().ok().filter(|index| *index < items.len()) else {
                    return false;
                };
                if rest.is_empty() {
                    items.remove(index);
                    return true;
                }
                items[index].remove(rest)
            }
            _ => false,
        }
    }

    /// The span of the value when underlining it helps: not for blocks over several lines.
    fn own_span(&self) -> Option<Span> {
        match self.content {
            Content::Map(_) | Content::List(_) => None,
            _ => Some(self.span).filter(|span| span.end > span.start),
        }
    }
}
