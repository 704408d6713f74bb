//! What a service is handed over.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Code, Diagnostic, Text};
use deployer_kinds::Statement;

use super::body::Service;
use super::owner::Owner;
use super::users::{is_later, usable};
use super::{connect, image, secrets};
use crate::draft::{Draft, owned};
use crate::mistakes::suggestion;
use crate::section::{Section, Sections};
use crate::stored::Readable;
use crate::{regions, words};

/// The settings a container gets from what its service uses.
#[derive(Debug, Default)]
pub(super) struct Handed {
    pub(super) environment: BTreeMap<String, Text>,
    pub(super) secrets: BTreeMap<String, Text>,
    /// The secrets that are read for it.
    pub(super) readable: BTreeSet<Readable>,
    /// What its tasks may do with what they use.
    pub(super) permitted: Vec<Statement>,
}

/// What a service is handed over.
pub(super) fn hand_over(
    draft: &mut Draft,
    all: &Sections,
    owner: Owner<'_>,
    body: &Service,
) -> Handed {
    let mut handed = Handed::default();
    let mut givers: BTreeMap<String, usize> = BTreeMap::new();
    for (index, used) in body.uses.iter().enumerate() {
        let place = index.to_string();
        let path = owner.path(&["uses", &place, "use"]);
        let Some((section, name)) = usable(all, &used.target) else {
            not_usable(draft, all, &used.target, &path);
            continue;
        };
        if let Some(alias) = used.alias.as_ref().filter(|alias| !words::is_variable(alias)) {
            let path = owner.path(&["uses", &place, "as"]);
            let title = format!("`{alias}` cannot begin an environment variable");
            let help = format!("write `as: {}`", words::variable(alias));
            draft.error(Code::BadName, title, &path, words::VARIABLE, help);
            continue;
        }
        if !draft.must_have(section.key, name, &path) {
            continue;
        }
        let is_service = section.key == Service::KEY;
        if is_service && !connect::can_use(draft, all, owner, name, &path) {
            continue;
        }
        let Some(offer) = (section.offer)(all, name) else { continue };
        if used.access.is_some() && offer.permits.is_empty() {
            let path = owner.path(&["uses", &place, "access"]);
            let title = format!("there is one way alone to use `{}`", used.target);
            draft.error(Code::BadUse, title, &path, "no other", "leave `access:` out");
            continue;
        }
        let permits = offer.permits.into_iter();
        let permits = permits.filter(|it| used.access.is_none_or(|access| access == it.access));
        handed.permitted.extend(permits.map(|it| it.statement));
        let prefix = used.alias.clone().unwrap_or_else(|| words::variable(name));
        let variable = |suffix: &str| match suffix {
            "" => prefix.clone(),
            suffix => format!("{prefix}_{suffix}"),
        };
        let named = |(suffix, text): (&'static str, Text)| (variable(suffix), text);
        let by_name = offer.named.iter().map(|(suffix, text)| (variable(suffix), text.clone()));
        let mut offered = offer.environment;
        if image::is_packed(draft, all, &owner.resource()) && regions::is_signed_for(&draft.region)
        {
            offered.extend(offer.packed);
        }
        let environment: Vec<_> = offered.into_iter().map(named).chain(by_name).collect();
        let secrets: Vec<_> = offer.secrets.into_iter().map(named).collect();
        // What is written by hand settles it as well.
        let is_written = |variable: &String| {
            body.environment.contains_key(variable) || body.secrets.contains_key(variable)
        };
        let variables = environment.iter().chain(&secrets).map(|(variable, _)| variable);
        let taken = variables.clone().filter(|variable| !is_written(variable));
        let taken = taken.filter_map(|variable| Some((*givers.get(variable)?, variable)));
        if let Some((other, variable)) = taken.min() {
            same_variable(draft, owner, (other, index), body, variable);
            continue;
        }
        givers.extend(variables.map(|variable| (variable.clone(), index)));
        handed.environment.extend(environment);
        handed.secrets.extend(secrets);
        handed.readable.extend(offer.readable);
    }
    let (values, readable) = secrets::secrets(draft, all, &owner.path(&["secrets"]), &body.secrets);
    handed.secrets.extend(values);
    handed.readable.extend(readable);
    // What is written by hand wins over what is handed over.
    handed.secrets.retain(|variable, _| {
        body.secrets.contains_key(variable) || !body.environment.contains_key(variable)
    });
    handed.environment.retain(|variable, _| !body.secrets.contains_key(variable));
    handed.environment.extend(body.environment.clone());
    handed
}

/// Reports that two things would be handed over as the same variable.
fn same_variable(
    draft: &mut Draft,
    owner: Owner<'_>,
    (first, second): (usize, usize),
    body: &Service,
    variable: &str,
) {
    let place = |index: usize| owned(&owner.path(&["uses", &index.to_string(), "use"]));
    let [one, other] = [first, second].map(|index| body.uses[index].target.clone());
    let alias = words::variable(&other.replace('/', "-"));
    let mistake = Diagnostic::error(
        Code::SameVariable,
        format!("`{one}` and `{other}` would both be handed over as `{variable}`"),
    )
    .at(draft.place(&place(second)), "this one")
    .at(draft.place(&place(first)), "and this one")
    .help(format!("give one of them a name of its own: `{{ use: {other}, as: {alias} }}`"));
    draft.report(&owner.path(&[]), mistake);
}
/// Reports variables of a container that ECS does not take.
pub(super) fn check_variables(
    draft: &mut Draft,
    at: &[&str],
    environment: &BTreeMap<String, Text>,
    secrets: &BTreeMap<String, String>,
) {
    let plain = environment.keys().map(|variable| ("environment", variable));
    let all = plain.chain(secrets.keys().map(|variable| ("secrets", variable)));
    for (key, variable) in all.filter(|(_, variable)| words::is_refused_variable(variable)) {
        draft.key_error(
            Code::BadName,
            format!("`{variable}` cannot be an environment variable"),
            &[at, &[key, variable]].concat(),
            "a name without `=`",
            format!("write `{}`", words::variable(variable)),
        );
    }
}

fn not_usable(draft: &mut Draft, all: &Sections, used: &str, path: &[&str]) {
    let (section, name) = used.split_once('/').unwrap_or(("", used));
    if is_later(all, section) {
        return draft.not_yet(used, path);
    }
    let usable = all.list.iter().filter(|section| section.is_usable);
    let mut usable = usable.map(|section| section.key);
    let advice = if let Some(section) = usable
        .clone()
        .find(|section| draft.declared.get(section).is_some_and(|names| names.contains(name)))
    {
        format!("write `{section}/{name}`")
    } else {
        suggestion(section, usable.by_ref())
    };
    let title = format!("tasks cannot use `{used}`");
    draft.error(Code::BadUse, title, path, "expected `section/name`", advice);
}
