//! Environment variables that stand in a file beside the stack.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Code, Text};

use super::body::Service;
use super::owner::Owner;
use crate::draft::Draft;
use crate::env_file::{self, Wrong};

/// A service whose containers have the variables of their files as well. What the stack itself says
/// of a variable settles it.
pub(super) fn filled(draft: &mut Draft, owner: Owner<'_>, body: &Service) -> Service {
    let mut body = body.clone();
    let path = owner.path(&["env-file"]);
    fill(draft, &path, body.env_file.as_deref(), &mut body.environment, &body.secrets);
    for (name, sidecar) in &mut body.sidecars {
        let path = owner.path(&["sidecars", name, "env-file"]);
        let file = sidecar.env_file.as_deref();
        fill(draft, &path, file, &mut sidecar.environment, &sidecar.secrets);
    }
    body
}

fn fill(
    draft: &mut Draft,
    path: &[&str],
    file: Option<&str>,
    environment: &mut BTreeMap<String, Text>,
    secrets: &BTreeMap<String, String>,
) {
    let Some(file) = file else { return };
    let text = match draft.files.get(file) {
        None => {
            draft.unread.insert(file.to_owned());
            return;
        }
        Some(Err(why)) => {
            let (why, label) = (why.clone(), "no file that can be read");
            let help = "write its path, beginning at the folder of the stack";
            return draft.error(Code::BadValue, why, path, label, help);
        }
        Some(Ok(text)) => text.clone(),
    };
    let (variables, wrong) = env_file::read(&text);
    if !wrong.is_empty() {
        let lines = wrong.iter().map(|Wrong { line, what, .. }| format!("line {line}: {what}"));
        let title = format!("{file}, {}", lines.collect::<Vec<_>>().join("; "));
        let help: BTreeSet<String> = wrong.into_iter().map(|wrong| wrong.help).collect();
        let help = Vec::from_iter(help).join("; ");
        draft.error(Code::BadValue, title, path, "read from here", help);
    }
    for (name, value) in variables {
        if !secrets.contains_key(&name) {
            environment.entry(name).or_insert_with(|| Text::from(value));
        }
    }
}
