//! What each kind finds in its own specs, reported at the keys they come from.

use deployer_core::{Address, Code, Diagnostic, Kinds, Problem, Span};
use serde_json::Value;

use crate::draft::{Draft, Made};
use crate::facets::{self, ADD};
use crate::node::{Content, Node};
use crate::quantities;
use crate::sections;

/// What each kind finds in its own specs.
pub(super) fn problems(draft: &mut Draft, kinds: &Kinds) {
    for (address, made) in draft.made.clone() {
        let Some(kind) = kinds.find(&address.kind) else { continue };
        for problem in kind.check(&made.spec) {
            let path = written_at(draft, &made, &problem.path);
            if draft.is_broken(&made.origin.body) && !is_whole(draft, &made, &problem, &path) {
                continue;
            }
            // One that names the key is about the key.
            let is_of_key =
                path.last().is_some_and(|it| problem.message.contains(&format!("`{it}`")));
            let place = if is_of_key { draft.key_place(&path) } else { draft.place(&path) };
            draft.mistakes.push(mistake(&problem, &address, unit(&path).as_deref(), place));
        }
    }
}

/// Whether all that a problem is about could be read, of a body that could be read in part: what
/// could not has the value that it has when it is left out.
fn is_whole(draft: &Draft, made: &Made, problem: &Problem, path: &[String]) -> bool {
    let is_read = |path: &[String]| !draft.mistakes.is_reported(draft.place(path));
    let others = problem.along.iter().map(|field| made.origin.path(field));
    path.len() > made.origin.body.len()
        && draft.root.follow(path).is_some()
        && is_read(path)
        && others.into_iter().all(|path| is_read(&path))
}

fn mistake(problem: &Problem, address: &Address, unit: Option<&str>, span: Span) -> Diagnostic {
    let write = |amount: u32| quantities::written(unit?, amount);
    let (message, help) = problem.shown(write);
    let mistake = Diagnostic::error(Code::BadValue, message).at(span, format!("of {address}"));
    match help {
        Some(help) => mistake.help(help),
        None => mistake,
    }
}

/// The unit in which the value at a path of the text is written; none where it is a plain number.
fn unit(path: &[String]) -> Option<String> {
    let section = sections::find(path.first()?)?;
    let body = (section.schema)();
    let keys = path.iter().skip(if section.is_named { 2 } else { 1 });
    let schema = keys.fold(&body, |schema, key| facets::below(schema, key));
    schema.get(quantities::UNIT)?.as_str().map(str::to_owned)
}

/// The path in the text of a field of a spec. What has no order stands in a spec in an order of its
/// own, so an item of it is where the text has the one that is most like it.
fn written_at(draft: &Draft, made: &Made, field: &str) -> Vec<String> {
    let pieces: Vec<&str> = field.split('.').collect();
    let index = pieces.iter().position(|piece| piece.parse::<usize>().is_ok());
    let found = index.and_then(|at| {
        let list = made.origin.path(&pieces[..at].join("."));
        let item = made.spec.pointer(&format!("/{}", pieces[..=at].join("/")))?;
        let (place, items) = items(draft, list)?;
        let (best, likeness) = items
            .iter()
            .enumerate()
            .map(|(index, written)| (index, likeness(written, item)))
            .max_by_key(|(index, likeness)| (*likeness, std::cmp::Reverse(*index)))?;
        let further = pieces[at + 1..].iter().map(|piece| (*piece).to_owned());
        let path = place.into_iter().chain([best.to_string()]).chain(further);
        (likeness > 0).then(|| path.collect())
    });
    found.unwrap_or_else(|| {
        let path = made.origin.path(field);
        // Where a key of a section has a mapping of the spec in it, as far into that as is written.
        let is_mapped = path.len() > made.origin.body.len();
        let mut further = (1..pieces.len()).filter(|_| is_mapped).map(|from| {
            let rest = pieces[from..].iter().map(|piece| (*piece).to_owned());
            path.iter().cloned().chain(rest).collect::<Vec<_>>()
        });
        let written = further.find(|path| draft.root.follow(path).is_some());
        written.unwrap_or(path)
    })
}

/// The items that are written at a path: a list, or those that are added to what a section makes.
fn items(draft: &Draft, mut path: Vec<String>) -> Option<(Vec<String>, &[Node])> {
    let mut node = draft.root.follow(&path)?;
    if let Some(added) = node.field(ADD) {
        path.push(ADD.to_owned());
        node = added;
    }
    match &node.content {
        Content::List(items) => Some((path, items)),
        _ => None,
    }
}

/// How many of the values that are written are in a spec.
fn likeness(written: &Node, value: &Value) -> usize {
    match &written.content {
        Content::Map(entries) => {
            let alike = entries
                .iter()
                .filter_map(|entry| Some(likeness(&entry.value, value.get(&entry.key)?)));
            alike.sum()
        }
        Content::List(items) => {
            let values = value.as_array().into_iter().flatten();
            items.iter().zip(values).map(|(item, value)| likeness(item, value)).sum()
        }
        _ => {
            let text = written.written();
            let value = match value {
                Value::Object(fields) => match fields.get("ref").and_then(Value::as_str) {
                    Some(address) => address.rsplit('/').next().map(str::to_owned),
                    None => fields.get("id").and_then(Value::as_str).map(str::to_owned),
                },
                Value::String(text) => Some(text.clone()),
                plain => Some(plain.to_string()),
            };
            usize::from(text.is_some() && text == value)
        }
    }
}
