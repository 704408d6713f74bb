//! `like:` takes over another entry of the same section, for a job also a service, or another
//! environment.

use std::collections::BTreeMap;

use deployer_core::{Code, Diagnostic, Span};
use serde_json::Value;

use crate::mistakes::{Mistakes, suggestion};
use crate::node::{Content, Entry, Node};
use crate::overlay::merge;
use crate::sections::{LIST, Owner};

/// The key.
const LIKE: &str = "like";

const SERVICES: &str = "services";
const JOBS: &str = "jobs";

/// More than anybody is like, one after another.
const LONGEST: usize = 64;

/// Works out every `like:` of the sections. Gives the services and jobs that run another's image,
/// because they are like it and do not say what image they run, by what their resources are called.
pub(crate) fn resolve(
    root: &mut Node,
    schema: &Value,
    mistakes: &mut Mistakes,
) -> BTreeMap<String, String> {
    let mut images_of = BTreeMap::new();
    let Content::Map(sections) = &mut root.content else { return images_of };
    let mut services = Vec::new();
    for section in LIST.iter().filter(|section| section.is_named && !section.is_later) {
        let Some(entry) = sections.iter_mut().find(|entry| entry.key == section.key) else {
            continue;
        };
        let bodies = &schema["properties"][section.key]["additionalProperties"];
        // A job is like a service as far as it has the same keys.
        let others = if section.key == JOBS { within(&services, bodies) } else { Vec::new() };
        match section.key {
            SERVICES => images_of = images(SERVICES, entry.value.entries()),
            JOBS => {
                let all: Vec<Entry> =
                    entry.value.entries().iter().chain(&others).cloned().collect();
                for (job, of) in images(JOBS, &all) {
                    let of = match of.strip_prefix("services/") {
                        Some(service) => images_of.get(service).map_or(service, String::as_str),
                        None => &Owner::job(&of).resource(),
                    };
                    images_of.insert(Owner::job(&job).resource(), of.to_owned());
                }
            }
            _ => {}
        }
        resolve_all(section.key, &mut entry.value, (bodies, &others), mistakes);
        if section.key == SERVICES {
            services = entry.value.entries().to_vec();
        }
    }
    images_of
}

/// Services as a job is like them: by what it calls them, with the keys that a job has.
fn within(services: &[Entry], bodies: &Value) -> Vec<Entry> {
    let is_known = |key: &str| bodies.get("properties").is_some_and(|it| it.get(key).is_some());
    let taken = services.iter().map(|service| {
        let mut service = service.clone();
        service.key = format!("{SERVICES}/{}", service.key);
        if let Content::Map(fields) = &mut service.value.content {
            fields.retain(|field| is_known(&field.key));
        }
        service
    });
    taken.collect()
}

/// The overlays of an environment, each to be laid over the one before: those it is like, and its
/// own. Reports what is wrong with any of them.
pub(crate) fn overlays(root: &Node, environment: &str, mistakes: &mut Mistakes) -> Vec<Node> {
    let all = root.field("environments").map(Node::entries).unwrap_or_default();
    for entry in all {
        walk("environments", entry, all, &mut |mistake| mistakes.push(mistake));
    }
    let entry = all.iter().find(|entry| entry.key == environment);
    let chain = entry.and_then(|entry| walk("environments", entry, all, &mut |_| ()));
    let chain = chain.into_iter().flatten().rev();
    let without = |entry: &Entry| {
        let mut overlay = entry.value.clone();
        overlay.remove(&[LIKE.to_owned()]);
        overlay
    };
    chain.map(without).collect()
}

/// Replaces each entry that is like another by what comes of all that it is like, and itself.
fn resolve_all(
    section: &str,
    all: &mut Node,
    (schema, others): (&Value, &[Entry]),
    mistakes: &mut Mistakes,
) {
    let Content::Map(entries) = &mut all.content else { return };
    let written: Vec<Entry> = entries.iter().chain(others).cloned().collect();
    for entry in entries.iter_mut().filter(|entry| entry.value.field(LIKE).is_some()) {
        let chain = walk(section, entry, &written, &mut |mistake| mistakes.push(mistake));
        // What is wrong was reported; nothing is said about what would follow from it.
        let span = entry.value.span;
        entry.value = chain.map_or(Node { span, content: Content::Unknown }, |chain| {
            chain.into_iter().rev().fold(Node::empty(), |model, entry| {
                let mut own = entry.value.clone();
                own.remove(&[LIKE.to_owned()]);
                merge(model, &own, schema)
            })
        });
    }
}

/// An entry, the one it is like, the one that is like, and so on; nothing where that leads nowhere.
fn walk<'a>(
    section: &str,
    first: &'a Entry,
    all: &'a [Entry],
    report: &mut dyn FnMut(Diagnostic),
) -> Option<Vec<&'a Entry>> {
    let mut chain = vec![all.iter().find(|entry| entry.key == first.key)?];
    loop {
        let last = *chain.last()?;
        let like = last.value.entry(LIKE).filter(|like| like.value.content != Content::Null);
        let Some(like) = like else { return Some(chain) };
        let span = like.value_span();
        // What is wrong further on is reported where it stands.
        let is_here = chain.len() == 1;
        let Some(name) = target(section, like) else {
            if is_here {
                report(wrong_form(section, span));
            }
            return None;
        };
        let Some(other) = all.iter().find(|known| known.key == name) else {
            let names =
                all.iter().map(|known| known.key.as_str()).filter(|known| *known != last.key);
            let title = format!("there is no `{name}` in `{section}`");
            if is_here {
                let mistake = Diagnostic::error(Code::UnknownReference, title);
                report(mistake.at(span, "nothing has this name").help(suggestion(name, names)));
            }
            return None;
        };
        let place = |key: &str| all.iter().position(|entry| entry.key == key);
        if chain.len() > LONGEST || chain.iter().any(|seen| seen.key == other.key) {
            // A ring is reported once: by the first of those in it.
            let is_ring = other.key == first.key;
            let is_first = chain.iter().all(|seen| place(&seen.key) >= place(&first.key));
            let keys: Vec<&str> = chain.iter().map(|seen| seen.key.as_str()).collect();
            let title = if is_ring {
                format!("`{}` is like itself", keys.join("` is like `"))
            } else {
                format!("`{}` is like more than {LONGEST}, one after another", first.key)
            };
            if (is_ring && is_first) || chain.len() > LONGEST {
                let mistake = Diagnostic::error(Code::Cycle, title);
                report(mistake.at(span, "leads on from here").help("write one of them out"));
            }
            return None;
        }
        chain.push(other);
    }
}

/// The name that is meant: `web`, or `services/web`; of a service that a job is like, with the section.
fn target<'a>(section: &str, like: &'a Entry) -> Option<&'a str> {
    let text = like.value.text()?;
    match text.split_once('/') {
        Some((SERVICES, _)) if section == JOBS => Some(text),
        Some((of, name)) => (of == section).then_some(name),
        None => Some(text),
    }
}

fn wrong_form(section: &str, span: Span) -> Diagnostic {
    Diagnostic::error(Code::BadValue, format!("`like` names another entry of `{section}`"))
        .at(span, "not such a name")
        .help("write its name alone, such as `like: web`")
}

/// The entries whose image is another's, and whose: the last of those that say where it is from.
fn images(section: &str, all: &[Entry]) -> BTreeMap<String, String> {
    let find = |name: &str| all.iter().find(|entry| entry.key == name);
    let shared = all.iter().filter_map(|entry| {
        // From one to the one it is like, until one says itself what image it runs.
        let mut last = entry;
        for _ in 0..LONGEST {
            match last.value.entry(LIKE).filter(|_| last.value.field("image").is_none()) {
                Some(like) => last = find(target(section, like)?)?,
                None => break,
            }
        }
        (last.key != entry.key).then(|| (entry.key.clone(), last.key.clone()))
    });
    shared.collect()
}
