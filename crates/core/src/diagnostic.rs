//! What a person reads about a mistake, as data. Only the command line renders it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Address, Code};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Nothing is done until it is mended.
    Error,
    /// Worth knowing; the work continues.
    Warning,
}

/// A stretch of the stack's text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A note at a place of the stack's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// The text to show there; empty for a bare underline.
    pub text: String,
}

/// One mistake: what it is, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Which kind of mistake it is.
    pub code: Code,
    /// One line that says what is wrong.
    pub title: String,
    /// The places it is about, the offending one first.
    pub labels: Vec<Label>,
    /// Advice that can be typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The resource that it is about, for whoever knows where that is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Address>,
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(code: Code, title: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            title: title.into(),
            labels: Vec::new(),
            help: None,
            about: None,
        }
    }

    /// A warning without a place.
    pub fn warning(code: Code, title: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, title) }
    }

    /// Adds a place.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Says which resource it is about.
    #[must_use]
    pub fn about(mut self, address: &Address) -> Self {
        self.about = Some(address.clone());
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// More letters than a word has; to compare two words takes time and room for their product.
const LONGEST: usize = 100;

/// The candidate a misspelt word most likely stands for, if one is near enough to suggest.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let is_word = |text: &&str| text.chars().count() <= LONGEST;
    let allowed = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| is_word(&word) && is_word(candidate))
        .map(|candidate| (edits(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The number of single-letter edits and swaps of neighbours between two words.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_finds_its_neighbour() {
        assert_eq!(closest("ingres", ["egress", "ingress", "vpc"]), Some("ingress"));
        assert_eq!(closest("prot", ["port", "path"]), Some("port"));
        assert_eq!(closest("colour", ["vpc", "subnet"]), None);
    }

    #[test]
    fn what_is_longer_than_words_are_is_no_misspelt_word() {
        let (word, other) = ("a".repeat(2000), "a".repeat(2001));
        assert_eq!(closest(&word, [&*other]), None);
    }
}
