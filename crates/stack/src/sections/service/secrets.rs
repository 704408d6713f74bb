//! The values that tasks get from what is secret.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Code, Text};

use super::users::{is_later, usable};
use crate::draft::Draft;
use crate::section::{Offer, Sections};
use crate::stored::{Readable, Stored};
use crate::words;

/// Where a value is kept outside of the stack, and what must be readable for it: of an ARN, the name
/// of a parameter, or a secret that exists already.
pub(super) fn stored(all: &Sections, source: &str) -> Option<(Stored, Vec<Readable>)> {
    if let Ok(stored) = Stored::read(source, "") {
        let readable = vec![stored.readable(None)];
        return Some((stored, readable));
    }
    let offer = offered(all, source)?;
    Some((offer.stored?, offer.readable))
}

/// What must be readable for the value of a secret variable, as far as it can be read.
pub(super) fn readable(all: &Sections, source: &str) -> Vec<Readable> {
    let stored = stored(all, source).map(|(_, readable)| readable);
    stored.or_else(|| Some(offered(all, source)?.readable)).unwrap_or_default()
}

/// What a thing offers of which a value is named.
fn offered(all: &Sections, source: &str) -> Option<Offer> {
    let thing = source.split_once('.').map_or(source, |(thing, _)| thing);
    let (section, name) = usable(all, thing)?;
    (section.offer)(all, name)
}

/// The values of secret variables, or of secret options of a log, and the secrets that must be
/// readable for them.
pub(super) fn secrets(
    draft: &mut Draft,
    all: &Sections,
    at: &[&str],
    written: &BTreeMap<String, String>,
) -> (BTreeMap<String, Text>, BTreeSet<Readable>) {
    let (mut values, mut readable) = (BTreeMap::new(), BTreeSet::new());
    for (variable, source) in written {
        let path = [at, &[variable]].concat();
        if let Some((value, read)) = secret(draft, all, source, &path) {
            values.insert(variable.clone(), value);
            readable.extend(read);
        }
    }
    (values, readable)
}

/// The value of a secret variable, and the secrets that must be readable for it.
fn secret(
    draft: &mut Draft,
    all: &Sections,
    source: &str,
    path: &[&str],
) -> Option<(Text, Vec<Readable>)> {
    if Stored::is_meant(source) {
        return match Stored::read(source, &draft.region) {
            Ok(stored) => Some((Text::from(stored.from.as_str()), vec![stored.readable(None)])),
            Err((label, help)) => {
                let title = format!("`{source}` is not a secret");
                draft.error(Code::BadUse, title, path, label, help);
                None
            }
        };
    }
    let (thing, field) = source.split_once('.').unwrap_or((source, ""));
    if thing.split_once('/').is_some_and(|(section, _)| is_later(all, section)) {
        draft.not_yet(source, path);
        return None;
    }
    let Some((section, name)) = usable(all, thing) else {
        let help = if draft.declared.get("secrets").is_some_and(|names| names.contains(source)) {
            format!("write `secrets/{source}`")
        } else {
            "write `secrets/…`, `databases/….password`, the ARN of a secret, or the name of a \
             parameter, `/app/token`"
                .to_owned()
        };
        let title = format!("`{source}` is not a secret");
        draft.error(Code::BadUse, title, path, "expected `section/name`", help);
        return None;
    };
    if !draft.must_have(section.key, name, path) {
        return None;
    }
    if section.later.contains(&field) {
        draft.not_yet(source, path);
        return None;
    }
    let offer = (section.offer)(all, name)?;
    if let Some(stored) = offer.stored.as_ref().and_then(|stored| stored.key(field)) {
        return Some((Text::from(stored.from.as_str()), offer.readable));
    }
    let suffix = if field.is_empty() { String::new() } else { words::variable(field) };
    let secrets = || offer.secrets.iter().chain(&offer.on_request);
    if let Some((_, text)) = secrets().find(|(known, _)| *known == suffix) {
        return Some((text.clone(), offer.readable));
    }
    let fields = secrets().map(|(known, _)| match known.to_lowercase().as_str() {
        "" => format!("`{thing}`"),
        field => format!("`{thing}.{field}`"),
    });
    let fields: Vec<String> = fields.collect();
    let help = if fields.is_empty() {
        "nothing of it is secret: name it in `uses:`".to_owned()
    } else {
        format!("write {}", fields.join(" or "))
    };
    let title = format!("`{source}` is not a secret value");
    draft.error(Code::BadUse, title, path, "expected `section/name.output`", help);
    None
}
