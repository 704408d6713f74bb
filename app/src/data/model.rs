//! Notebooks and notes as plain values; what is too long or empty cannot become one.

use thiserror::Error;
use uuid::Uuid;

use crate::clock;

/// The notebook that every visitor of a deployment shares.
pub const HOME: &str = "home";

/// Some notes under one title; whoever has its id can read and write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notebook {
    /// The part of its link that cannot be guessed.
    pub id: String,
    /// Its title.
    pub title: String,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// What a worker last found out about its notes, in one sentence.
    pub digest: Option<String>,
}

/// A short text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its id; ids sort by the time they were made.
    pub id: String,
    /// The notebook it is in.
    pub notebook_id: String,
    /// The text.
    pub body: String,
    /// When it was added, in milliseconds since 1970.
    pub created_at: i64,
    /// When it was last edited, in milliseconds since 1970.
    pub updated_at: i64,
}

/// What came of adding a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// It is a new one.
    New(Note),
    /// The same request had been answered before, with this note.
    Before(Note),
    /// There is no such notebook.
    NoNotebook,
}

/// Which notes of a notebook to list, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Only notes that contain this text, whatever the case of its letters.
    pub search: Option<String>,
    /// Only notes older than the one with this id.
    pub before: Option<String>,
    /// At most this many.
    pub limit: u16,
}

/// Some notes of a notebook, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The notes.
    pub notes: Vec<Note>,
    /// What to ask for as `before` to go on; none when these were the last.
    pub next: Option<String>,
}

/// A text that does not fit where it was meant to go.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{problem}")]
pub struct Invalid {
    /// The field of the form or the document.
    pub field: &'static str,
    problem: String,
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $field:literal, $what:literal, $limits:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// Takes a text without the white space around it, if its length is allowed.
            pub fn parse(text: &str) -> Result<Self, Invalid> {
                // Browsers count the end of a line as one sign and send it as two.
                let text = text.replace("\r\n", "\n");
                let found = if text.trim().is_empty() { 0 } else { text.chars().count() };
                let (from, to): (usize, usize) = $limits;
                let problem = if !(from..=to).contains(&found) {
                    format!("{} must have {from} to {to} characters, not {found}", $what)
                } else if text.contains('\0') {
                    format!("{} must not contain the NUL sign", $what)
                } else {
                    return Ok(Self(text.trim().to_owned()));
                };
                Err(Invalid { field: $field, problem })
            }

            /// Shows the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

text!(
    /// The text of a note.
    Body, "body", "a note", (1, 2000)
);
text!(
    /// The title of a notebook.
    Title, "title", "a title", (1, 100)
);
/// What a client calls one attempt to add a note, so that trying again adds no second one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Takes a key of 1 to 100 visible ASCII signs.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let fine = (1..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if fine {
            return Ok(Self(text.to_owned()));
        }
        let problem = "an idempotency key must have 1 to 100 visible ASCII signs".into();
        Err(Invalid { field: "Idempotency-Key", problem })
    }

    /// Shows the key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Notebook {
    pub(super) fn new(title: &Title) -> Self {
        Self {
            id: Uuid::new_v4().simple().to_string(),
            title: title.as_str().to_owned(),
            created_at: clock::now(),
            digest: None,
        }
    }
}

impl Note {
    /// Tells whether the text is no longer the one that was added.
    pub fn is_edited(&self) -> bool {
        self.updated_at != self.created_at
    }

    pub(super) fn new(notebook_id: &str, body: &Body) -> Self {
        let now = clock::now();
        Self {
            id: Uuid::now_v7().simple().to_string(),
            notebook_id: notebook_id.to_owned(),
            body: body.as_str().to_owned(),
            created_at: now,
            updated_at: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_trimmed_and_counted_in_characters() {
        assert_eq!(Body::parse("  milk \n").expect("fits").as_str(), "milk");
        assert!(Body::parse(&"é".repeat(2000)).is_ok());
        let error = Body::parse(&"é".repeat(2001)).expect_err("too long");
        assert_eq!(error.to_string(), "a note must have 1 to 2000 characters, not 2001");
        assert!(Body::parse(&"a\r\n".repeat(1000)).is_ok());
        assert!(Title::parse("   ").is_err());
        assert!(Title::parse("a\0b").is_err());
    }
}
