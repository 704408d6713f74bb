//! Collects what is wrong, once each.

use deployer_core::{Code, Diagnostic, Label, Severity, Span};

/// How many mistakes are reported: more than anybody mends before looking again, and few enough
/// that reporting them takes no time.
pub(crate) const MOST_REPORTED: usize = 100;

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Mistakes {
    found: Vec<Diagnostic>,
}

impl Mistakes {
    /// Adds a diagnostic, unless its kind was reported at this place already, or there are plenty.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        // The one error among many warnings counts.
        let is_plenty = self.found.len() >= MOST_REPORTED;
        if is_plenty && (diagnostic.severity == Severity::Warning || self.count() > 0) {
            return;
        }
        let place = |diagnostic: &Diagnostic| diagnostic.labels.first().map(|label| label.span);
        let known = self.found.iter().any(|known| {
            let same = known.code == diagnostic.code && place(known) == place(&diagnostic);
            same && (place(known).is_some() || known.title == diagnostic.title)
        });
        if !known {
            self.found.push(diagnostic);
        }
    }

    /// Adds several.
    pub(crate) fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        for diagnostic in diagnostics {
            self.push(diagnostic);
        }
    }

    /// Adds to the advice about what is missing at a place, if something is reported there.
    pub(crate) fn advise(&mut self, span: Span, more: &str) {
        let is_here = |mistake: &&mut Diagnostic| {
            let place = mistake.labels.first().map(|label| label.span);
            mistake.code == Code::MissingKey && place == Some(span)
        };
        if let Some(mistake) = self.found.iter_mut().find(is_here) {
            let help = mistake.help.take().unwrap_or_default();
            mistake.help = Some(format!("{help}; {more}"));
        }
    }

    /// How many errors there are.
    pub(crate) fn count(&self) -> usize {
        self.found.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count()
    }

    /// Whether something was reported about this place already.
    pub(crate) fn is_reported(&self, span: Span) -> bool {
        let inside = |label: &Label| span.start <= label.span.start && label.span.end <= span.end;
        self.found.iter().any(|diagnostic| diagnostic.labels.first().is_some_and(inside))
    }

    /// The warnings, or everything when there is an error; in the order of the text.
    pub(crate) fn finish(mut self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let place = |diagnostic: &Diagnostic| diagnostic.labels.first().map(|label| label.span);
        self.found.sort_by_key(place);
        if self.count() > 0 { Err(self.found) } else { Ok(self.found) }
    }
}

/// The end of a sentence of advice: the likely word, or all there are.
pub(crate) fn suggestion<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    match deployer_core::closest(word, candidates.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => match candidates.as_slice() {
            [] => "there are none".to_owned(),
            [only] => format!("there is `{only}`"),
            _ => format!("there are {}", listed(&candidates)),
        },
    }
}

/// The end of a sentence of advice: the likely word, or what was expected.
pub(crate) fn expected<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let quoted: Vec<String> = candidates.iter().map(|word| format!("`{word}`")).collect();
    match (deployer_core::closest(word, candidates), quoted.as_slice()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, []) => "expected nothing here".to_owned(),
        (None, [only]) => format!("expected {only}"),
        (None, several) => format!("expected one of {}", several.join(", ")),
    }
}

/// `a`, `b` and `c`.
pub(crate) fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
