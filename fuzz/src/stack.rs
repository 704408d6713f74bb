//! Whatever a stack's text says: reading it ends, with a stack or with mistakes inside of it.

use std::sync::LazyLock;

use deployer_cli::render::{Theme, diagnostics};
use deployer_core::{Diagnostic, Kinds, Stack};
use deployer_stack::{Loaded, Options, expanded, load, outline, to_yaml};

/// The columns that mistakes are shown in.
const WIDTHS: [usize; 2] = [40, 120];

static KINDS: LazyLock<Kinds> = LazyLock::new(deployer_kinds::all);

/// Reads a text as the command line does, for every environment that is in it.
///
/// # Panics
/// When something does not hold.
pub fn check(text: &str) {
    let environments = match outline(text) {
        Ok(outline) => outline.environments,
        Err(mistakes) => {
            hold(text, &mistakes);
            Vec::new()
        }
    };
    // The work is the same for each, so a few show as much as many.
    for environment in std::iter::once(None).chain(environments.into_iter().take(3).map(Some)) {
        // What was found wrong is looked at in `told`.
        let _ = told(text, &Options { environment, ..Options::default() });
    }
}

/// Reads one environment. What loads also expands to itself.
///
/// # Errors
/// The mistakes in the text.
///
/// # Panics
/// When something does not hold.
pub fn told(text: &str, options: &Options) -> Result<Stack, Vec<Diagnostic>> {
    match load(text, options, &KINDS) {
        Ok(Loaded { stack, warnings, .. }) => {
            hold(text, &warnings);
            let written = to_yaml(&expanded(&stack));
            match load(&written, &Options::default(), &KINDS) {
                Ok(again) => assert_eq!(again.stack, stack, "{written}"),
                Err(mistakes) => panic!("{mistakes:#?} in\n{written}"),
            }
            Ok(stack)
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty(), "nothing is wrong and nothing loads");
            hold(text, &mistakes);
            Err(mistakes)
        }
    }
}

/// Asserts that mistakes are within the text, and shows them.
fn hold(text: &str, mistakes: &[Diagnostic]) {
    for mistake in mistakes {
        for label in &mistake.labels {
            let (start, end) = (label.span.start, label.span.end);
            assert!(text.get(start..end).is_some(), "{start}..{end}: {mistake:#?}");
        }
    }
    for width in WIDTHS {
        let shown = diagnostics(mistakes, "stack.yaml", text, &Theme::new(width > 80), width);
        assert_eq!(shown.is_empty(), mistakes.is_empty(), "{mistakes:#?}");
    }
}
