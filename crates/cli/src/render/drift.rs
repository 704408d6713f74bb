//! What was changed outside, to text.

use deployer_core::Scope;

use super::difference::differences;
use super::layout::truncate;
use super::theme::Theme;
use crate::commands::drift::Drift;

/// How far fields are set in under their resource.
const INDENT: usize = 2;

/// What was changed outside: each field with what it was given and what it is now.
pub(crate) fn drift(scope: &Scope, drift: &Drift, theme: &Theme, width: usize) -> String {
    let Drift { changed, missing, attached, unread: _ } = drift;
    let mut lines = Vec::new();
    for (address, fields) in changed {
        let title = format!("{address} is not as it was last given");
        lines.push(theme.caution.style(title).to_string());
        lines.extend(differences(fields, theme, INDENT, width));
    }
    for (address, what) in attached {
        let title = format!("{address} has more than the stack says");
        lines.push(theme.caution.style(title).to_string());
        lines.extend(what.iter().map(|what| format!("  · {}", truncate(what, width - 4))));
    }
    for address in missing {
        let title = format!("{address} is not there");
        lines.push(theme.caution.style(title).to_string());
        lines.push("  · deleted outside, or new in the file and not applied yet".to_owned());
    }
    if lines.is_empty() {
        let none = theme.good.style("No drift.");
        lines.push(format!("{none} {scope} is as it was last given."));
    }
    lines.join("\n") + "\n"
}
