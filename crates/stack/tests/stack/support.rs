//! What the tests of stacks share: reading files, and diagnostics as text.

use std::fs;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use deployer_core::{Diagnostic, Severity};
use deployer_stack::{Loaded, Options, load};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new("../..").canonicalize().unwrap()
}

/// A file of the repository.
pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Loads one environment, or shows what is wrong.
pub(crate) fn loaded(text: &str, environment: Option<&str>) -> Loaded {
    let options = Options { environment: environment.map(str::to_owned), ..Options::default() };
    load(text, &options, &deployer_kinds::all())
        .unwrap_or_else(|mistakes| panic!("{}", rendered("stack.yaml", text, &mistakes)))
}

/// Diagnostics as the command line shows them, without colour.
pub(crate) fn rendered(name: &str, text: &str, diagnostics: &[Diagnostic]) -> String {
    let shown: Vec<String> =
        diagnostics.iter().map(|diagnostic| one(name, text, diagnostic)).collect();
    shown.join("\n\n") + "\n"
}

fn one(name: &str, text: &str, diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&*diagnostic.title).id(diagnostic.code.name());
    let mut group = Group::with_title(title);
    if !diagnostic.labels.is_empty() {
        let mut snippet = Snippet::source(text).path(name);
        for (index, label) in diagnostic.labels.iter().enumerate() {
            let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let range = label.span.start..label.span.end;
            snippet = snippet.annotation(kind.span(range).label(&*label.text));
        }
        group = group.element(snippet);
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(&**help));
    }
    let rendered = Renderer::plain().render(&[group]);
    let lines: Vec<&str> = rendered.lines().map(str::trim_end).collect();
    lines.join("\n")
}
