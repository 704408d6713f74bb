//! What went wrong before or instead of a run.

use super::diagnostic::diagnostics;
use super::failure::{failure, heading, note};
use super::theme::Theme;
use crate::exit::Error;

/// The error with its advice.
pub(crate) fn error(error: &Error, theme: &Theme, width: usize) -> String {
    let mut text = String::new();
    match error {
        Error::Stack(mistakes) | Error::Protected(mistakes) | Error::Account(mistakes) => {
            let diagnostics =
                diagnostics(&mistakes.diagnostics, &mistakes.name, &mistakes.text, theme, width);
            text.push_str(&diagnostics);
        }
        Error::Cloud(failures) => {
            let all: Vec<String> =
                failures.iter().map(|why| failure(why, None, theme, width)).collect();
            text.push_str(&all.join("\n"));
            return text;
        }
        Error::Unswept(why) if !matches!(**why, Error::Interrupted) => {
            text.push_str(&self::error(why, theme, width));
            text.push('\n');
        }
        _ => {}
    }
    text.push_str(&heading("error:", &error.to_string(), theme, width).join("\n"));
    text.push('\n');
    if let Some(help) = error.help() {
        text.push_str(&note("help: ", &help, width).join("\n"));
        text.push('\n');
    }
    text
}
