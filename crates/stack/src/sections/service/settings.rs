//! Environment variables that stand in a file beside the stack, or below a path of parameters.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Code, Text};

use super::body::Service;
use super::owner::Owner;
use crate::draft::{Draft, owned};
use crate::env_file::{self, Wrong};
use crate::found::Sought;
use crate::stored::Stored;
use crate::words;

/// A service whose containers have the variables of their paths and of their files as well. What
/// the stack itself says of a variable settles it, and a path comes before a file.
pub(super) fn filled(draft: &mut Draft, owner: Owner<'_>, body: &Service) -> Service {
    let mut body = body.clone();
    let path = owner.path(&["secrets-from"]);
    fill_from(draft, &path, &body.secrets_from, &body.environment, &mut body.secrets);
    let path = owner.path(&["env-file"]);
    fill(draft, &path, body.env_file.as_deref(), &mut body.environment, &body.secrets);
    for (name, sidecar) in &mut body.sidecars {
        let path = owner.path(&["sidecars", name, "secrets-from"]);
        let from = &sidecar.secrets_from;
        fill_from(draft, &path, from, &sidecar.environment, &mut sidecar.secrets);
        let path = owner.path(&["sidecars", name, "env-file"]);
        let file = sidecar.env_file.as_deref();
        fill(draft, &path, file, &mut sidecar.environment, &sidecar.secrets);
    }
    body
}

/// Adds the parameters below some paths. ECS reads none by a path, so each is named.
fn fill_from(
    draft: &mut Draft,
    at: &[&str],
    paths: &[String],
    environment: &BTreeMap<String, Text>,
    secrets: &mut BTreeMap<String, String>,
) {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for (index, path) in paths.iter().enumerate() {
        let (index, mut at) = (index.to_string(), at.to_vec());
        // One alone is written without a list.
        if draft.root.follow(&owned(&[&at[..], &[&index]].concat())).is_some() {
            at.push(&index);
        }
        for name in below(draft, &at, path) {
            let variable = words::capitals(name.rsplit('/').next().unwrap_or_default());
            if environment.contains_key(&variable) || secrets.contains_key(&variable) {
                continue;
            }
            if !words::is_variable(&variable) {
                let title = format!("`{name}` cannot be an environment variable");
                let label = format!("`{variable}` is none: {}", words::VARIABLE);
                let help = "rename the parameter, or name those that are wanted in `secrets:`";
                draft.error(Code::BadName, title, &at, label, help);
            } else if let Some(other) = found.get(&variable).filter(|other| **other != name) {
                let title = format!("`{other}` and `{name}` would both be `{variable}`");
                let help = format!("say which one in `secrets:`: `{variable}: {name}`");
                draft.error(Code::SameVariable, title, &at, "read from here", help);
            } else {
                found.insert(variable, name);
            }
        }
    }
    secrets.extend(found);
}

/// The names of the parameters right below a path; none before somebody has looked.
fn below(draft: &mut Draft, at: &[&str], written: &str) -> BTreeSet<String> {
    let path = written.strip_suffix("/*").filter(|path| Stored::is_parameter(path));
    let Some(path) = path else {
        let title = format!("`{written}` is not a path of parameters");
        let help = "write what the names begin with, and `/*`: `/app/prod/*`";
        draft.error(Code::BadValue, title, at, "", help);
        return BTreeSet::new();
    };
    let Some(names) = draft.found.names_below(path).cloned() else {
        draft.sought.insert(Sought::Parameters { path: path.to_owned() });
        return BTreeSet::new();
    };
    if names.is_empty() {
        let title = format!("there is no parameter right below `{path}`");
        let help = format!("`aws ssm put-parameter --name {path}/… --type SecureString` makes one");
        let label = "looked for in this account and region";
        draft.error(Code::UnknownReference, title, at, label, help);
    }
    names
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
