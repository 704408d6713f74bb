//! Mistakes in a stack, each at its place in the text.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use deployer_core::{Diagnostic, Label, Severity, Span, one_line};

use super::layout::between_words;
use super::theme::Theme;
use crate::blotting::Blotted;
use crate::wire::error as wire;

/// The mistakes in `text`, which was read from `name`, one after another.
pub fn diagnostics(
    mistakes: &[Diagnostic],
    name: &str,
    text: &str,
    theme: &Theme,
    width: usize,
) -> String {
    let renderer = if theme.is_coloured { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(width).decor_style(DecorStyle::Ascii);
    if mistakes.is_empty() {
        return String::new();
    }
    let (mut shown, blotted) = (String::new(), Blotted::new(text));
    for mistake in mistakes {
        let mistake = without_secrets(mistake, &blotted);
        let mistake = within_width(mistake, width);
        shown.push_str(&renderer.render(&[group(&mistake, name, &blotted.shown)]));
        shown.push_str("\n\n");
    }
    shown
}

/// A mistake without what is secret beside it.
fn without_secrets(mistake: &Diagnostic, blotted: &Blotted<'_>) -> Diagnostic {
    let ranges = mistake.labels.iter().map(|label| within(label.span, blotted.text));
    let unsaid = blotted.unsaid(ranges);
    let said = |text: &str| unsaid.left_out_of(text);
    let label = |label: &Label| Label { text: said(&label.text), ..label.clone() };
    Diagnostic {
        title: said(&mistake.title),
        help: mistake.help.as_deref().map(said),
        labels: mistake.labels.iter().map(label).collect(),
        ..mistake.clone()
    }
}

/// A mistake whose title and advice are broken where they are longer than a line.
fn within_width(mistake: Diagnostic, width: usize) -> Diagnostic {
    let fit = |text: &str, beginning: usize| {
        let width = width.saturating_sub(beginning);
        let lines = text.split('\n').flat_map(|line| between_words(line, width));
        lines.collect::<Vec<_>>().join("\n")
    };
    let beginning = "warning[]: ".len() + mistake.code.name().len();
    Diagnostic {
        title: fit(&one_line(&mistake.title), beginning),
        help: mistake.help.map(|help| fit(&help, "    = help: ".len())),
        ..mistake
    }
}

/// The mistakes as machines get them: each label with its file, line and column, from 1, in
/// characters.
pub(crate) fn located_diagnostics(
    mistakes: &[Diagnostic],
    name: &str,
    text: &str,
) -> Vec<wire::Diagnostic> {
    let position = |byte: usize| {
        let before = &text[..byte];
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (line, before[start..].chars().count() + 1)
    };
    let label = |label: &Label| {
        let range = within(label.span, text);
        let (line, column) = position(range.start);
        let (end_line, end_column) = position(range.end);
        let (file, text) = (name.to_owned(), label.text.clone());
        wire::Label { file, line, column, end_line, end_column, text }
    };
    let blotted = Blotted::new(text);
    let each = mistakes.iter().map(|mistake| {
        let mistake = without_secrets(mistake, &blotted);
        wire::Diagnostic {
            severity: mistake.severity,
            code: mistake.code,
            labels: mistake.labels.iter().map(label).collect(),
            title: mistake.title,
            help: mistake.help,
        }
    });
    each.collect()
}

/// What is shown of it.
fn group<'a>(mistake: &'a Diagnostic, name: &'a str, text: &'a str) -> Group<'a> {
    let level = match mistake.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&mistake.title).id(mistake.code.name());
    let annotations = mistake.labels.iter().enumerate().map(|(place, label)| {
        let kind = if place == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let label_text = Some(one_line(&label.text)).filter(|text| !text.is_empty());
        kind.span(within(label.span, text)).label(label_text)
    });
    let mut group = Group::with_title(title);
    if !mistake.labels.is_empty() {
        let snippet = Snippet::source(text).path(name).annotations(annotations);
        group = group.element(snippet);
    }
    match &mistake.help {
        Some(help) => group.element(Level::HELP.message(help.as_str())),
        None => group,
    }
}

/// The span, moved onto letters of the text where it is not: a place a little off is better than
/// no message.
fn within(span: Span, text: &str) -> Range<usize> {
    let end = text.floor_char_boundary(span.end);
    text.floor_char_boundary(span.start).min(end)..end
}

#[cfg(test)]
mod tests {
    use deployer_core::Code;

    use super::*;

    const STACK: &str = "stack: notes\nnetwrk:\n  cidr: 10.0.0.0/16\n";

    fn mistake() -> Diagnostic {
        Diagnostic::error(Code::UnknownKey, "there is no section `netwrk`")
            .at(Span { start: 13, end: 19 }, "not a section")
            .help("did you mean `network`?")
    }

    #[test]
    fn a_mistake_is_shown_where_it_is() {
        let shown = diagnostics(&[mistake()], "deployer.yaml", STACK, &Theme::default(), 80);
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn a_mistake_without_a_place_has_its_advice() {
        let mistake =
            Diagnostic::error(Code::Cycle, "resources wait for each other").help("cut it");
        let shown = diagnostics(&[mistake], "deployer.yaml", STACK, &Theme::default(), 80);
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn a_place_that_is_off_does_no_harm() {
        let off = Diagnostic::error(Code::WrongType, "y").at(Span { start: 900, end: 901 }, "");
        let shown = diagnostics(&[off], "deployer.yaml", "é", &Theme::new(true), 80);
        assert!(shown.contains('y'));
    }
}
