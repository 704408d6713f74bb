//! What was changed outside, to text.

use std::collections::BTreeSet;

use deployer_core::{Address, Difference, Scope};

use super::difference::differences;
use super::layout::truncate;
use super::theme::Theme;

/// What was changed outside.
pub(crate) struct Drift {
    /// Whether nothing of it exists: then all is missing, and nothing was changed.
    pub(crate) is_new: bool,
    /// Fields that are not as they were last given, by resource: before is what was given.
    pub(crate) changed: Vec<(Address, Vec<Difference>)>,
    /// Resources that are not there: deleted, or never made.
    pub(crate) missing: Vec<Address>,
    /// What others attached, by resource.
    pub(crate) attached: Vec<(Address, Vec<String>)>,
    /// Fields that AWS does not show, or that this version cannot read, by resource: whether they
    /// have changed is not known, and no drift.
    pub(crate) unread: Vec<(Address, BTreeSet<String>)>,
}

/// How far fields are set in under their resource.
const INDENT: usize = 2;

/// How wide the fields are that stand among other text.
const NARROW: usize = 76;

/// The fields of a resource that were changed outside, in plain text, each with what it was given and
/// what it is now.
pub(crate) fn drifted(address: &Address, fields: &[Difference]) -> Vec<String> {
    let fields = differences(fields, &Theme::default(), INDENT, NARROW);
    std::iter::once(address.to_string()).chain(fields).collect()
}

/// What was changed outside: each field with what it was given and what it is now.
pub(crate) fn drift(scope: &Scope, drift: &Drift, theme: &Theme, width: usize) -> String {
    let Drift { is_new, changed, missing, attached, unread: _ } = drift;
    if *is_new && !missing.is_empty() {
        let title = theme.caution.style(format!("Nothing of {scope} exists."));
        let count = missing.len();
        return format!("{title} `deployer apply` makes its {count} resources.\n");
    }
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
