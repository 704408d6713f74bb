//! What a command has to say, for a person and for a machine.

use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Value, json};

use crate::render::Theme;
use crate::wire::document::Document;
use crate::wire::error::ErrorLine;
use crate::wire::run::{Event, RunLine};

/// A result. [`Session::answer`](crate::session::Session::answer) prints it, and nothing else does.
pub(crate) trait Answer {
    /// What machines get.
    type Wire: Serialize + JsonSchema;

    /// Whether the version of the format stands in it, as it does wherever there is room for it.
    const IS_VERSIONED: bool = true;

    /// What machines get.
    fn wire(&self) -> Self::Wire;

    /// What a person reads.
    fn text(&self, page: &Page) -> String;
}

/// What a person reads it on.
#[derive(Clone, Copy)]
pub(crate) struct Page {
    /// The colours.
    pub(crate) theme: Theme,
    /// How many columns there are; in a file or a pipe so many that nothing is cut.
    pub(crate) width: usize,
}

/// The form of what a command prints for machines.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// One document.
    Document(fn(&mut SchemaGenerator) -> Value),
    /// A document a line, as things happen.
    Lines,
    /// Documents of one form, one a line.
    Stream(fn(&mut SchemaGenerator) -> Value),
    /// What it prints for people: a schema, a script.
    Same,
}

impl Form {
    /// The schema of a document, or of a line; that of an error is one as well.
    pub(crate) fn schema(self, generator: &mut SchemaGenerator) -> Option<Value> {
        Some(match self {
            Self::Document(schema) | Self::Stream(schema) => {
                json!({ "anyOf": [schema(generator), document::<ErrorLine>(generator)] })
            }
            Self::Lines => {
                let (line, event) = (document::<RunLine>(generator), document::<Event>(generator));
                json!({ "anyOf": [line, event, document::<ErrorLine>(generator)] })
            }
            Self::Same => return None,
        })
    }
}

/// The schema of a document.
pub(crate) fn document<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<Document<T>>().to_value()
}

/// The schema of one that has no version in it.
pub(crate) fn plain<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

/// One document as machines get it.
pub(crate) fn as_json(what: impl Serialize) -> Value {
    json!(Document::of(what))
}
