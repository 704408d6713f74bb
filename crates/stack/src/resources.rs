//! The escape hatch: resources in the kinds' own words, and single fields of those that sections
//! make.

use deployer_core::{Address, Code, Diagnostic, KindInfo, Kinds, Place, Span};
use serde_json::Value;

use crate::bodies::Stumble;
use crate::draft::{Draft, Made, Origin};
use crate::facets::{self, ADD, adding, below, is_other_choice, takes_additions};
use crate::head;
use crate::language::over;
use crate::mistakes::{Mistakes, listed};
use crate::node::{Content, Entry, Node};
use crate::shape::{self, Rules};
use crate::words::is_word;

/// Merges `resources:` into what the sections made.
pub(crate) fn merge_in(draft: &mut Draft, kinds: &Kinds) {
    let root = draft.root.clone();
    for kind_entry in root.field("resources").into_iter().flat_map(Node::entries) {
        // An unknown kind is reported by the check of what is written.
        let Some(kind) = kinds.find(&kind_entry.key) else { continue };
        let whole = kind.spec_schema().to_value();
        let (lists, part) = (adding(&whole), over(&whole));
        for entry in kind_entry.value.entries().iter().filter(|entry| is_word(&entry.key)) {
            let address = Address::new(kind.name, &entry.key);
            let path = ["resources", kind.name, &entry.key];
            if entry.value.content == Content::Null {
                if draft.made.remove(&address).is_none() && !draft.may_be_unread(&address) {
                    let title = format!("there is no {address} to take out");
                    draft.mistakes.push(
                        Diagnostic::error(Code::UnknownReference, title)
                            .at(entry.span, "nothing makes it")
                            .help("remove this; `deployer expand` shows what the sections make"),
                    );
                }
                continue;
            }
            let made = draft.made.get(&address).cloned();
            // What it overrides may be what could not be read.
            let is_addition = made.is_none() && !draft.may_be_unread(&address);
            let shown = path.join(".");
            let (mut body, at) = apart(&entry.value);
            shape::as_written(&mut body, &lists);
            let meant =
                if is_addition { meant(draft, &address, &body, entry, &whole) } else { None };
            let schema = if is_addition && meant.is_none() { &whole } else { &part };
            let mistakes = &mut draft.mistakes;
            let fits = shape::check(&body, entry.span, schema, &shown, Rules::Whole, mistakes);
            if let Some(mistake) = meant {
                mistakes.push(mistake);
            } else if is_addition {
                let all = draft.made.iter().filter(|(other, made)| {
                    let section = made.origin.body.first();
                    other.kind == address.kind && section.is_some_and(|it| it != "resources")
                });
                let names: Vec<&str> = all.map(|(other, _)| other.name.as_str()).take(3).collect();
                if !names.is_empty() {
                    let more = format!("sections make such as {}", listed(&names));
                    draft.mistakes.advise(entry.span, &more);
                }
            }
            if made.is_none() && schema == &part {
                draft.broken.insert(("resources".to_owned(), entry.key.clone()));
                continue;
            }
            let origin = Origin::new(&path, &[]);
            let mut under = made
                .as_ref()
                .map_or(Value::Object(serde_json::Map::new()), |made| made.spec.clone());
            take_out(&mut under, &mut body, &whole);
            let read = crate::bodies::typed(draft, &body, &path, |value| {
                kind.read(laid_over(under.clone(), &value, &lists)).map_err(|problem| Stumble {
                    path: written_at(&body, &under, pieces(&problem.path)),
                    message: problem.message,
                })
            });
            match read.value.filter(|_| read.is_whole && fits) {
                Some(spec) => {
                    let place = match at {
                        Some(at) => place(draft, kind, &at, &path),
                        None => made.as_ref().map(|made| made.place.clone()).unwrap_or_default(),
                    };
                    if let Some(made) = &made {
                        drops(draft, kind, (made, &spec), &body, &path);
                    }
                    let origin = overridden(made, origin, &body);
                    draft.made.insert(address, Made { place, spec, origin });
                }
                None => {
                    draft.broken.insert(("resources".to_owned(), entry.key.clone()));
                }
            }
        }
    }
}

/// What a resource is, and where it is.
fn apart(node: &Node) -> (Node, Option<Node>) {
    let at = node.field("at").cloned();
    let mut body = node.clone();
    body.remove(&["at".to_owned()]);
    (body, at)
}

/// Reads where a resource is.
fn place(draft: &mut Draft, kind: &KindInfo, at: &Node, body: &[&str]) -> Place {
    let mut place = Place::default();
    let wrong = |draft: &mut Draft, title: String, node: &Node, help: &str| {
        let mistake = Diagnostic::error(Code::BadPlace, title).at(node.span, "").help(help);
        draft.report(body, mistake);
    };
    if let Some(node) = at.field("role") {
        match draft.way(node.text().unwrap_or_default()) {
            Ok(account) => place.account = Some(account),
            Err((title, help)) => wrong(draft, title, node, &help),
        }
    }
    if let Some(node) = at.field("region") {
        let region = node.text().unwrap_or_default();
        if !head::is_region(region) {
            let help = "expected one such as `eu-central-1`";
            wrong(draft, format!("`{region}` is not a valid AWS region"), node, help);
        } else if kind.global {
            let title = format!("a {} is in no region", kind.name);
            wrong(draft, title, node, "remove `region:`");
        } else {
            place.region = (region != draft.region).then(|| region.to_owned());
        }
    }
    place
}

/// The pieces of a path with dots, and indices in brackets: `ingress[0].from`.
fn pieces(path: &str) -> Vec<String> {
    let words = path.split(['.', '[']).map(|piece| piece.trim_end_matches(']'));
    words.filter(|piece| !piece.is_empty() && *piece != "?").map(str::to_owned).collect()
}

/// Takes out of a spec what `null` stands at, where null is no value itself.
fn take_out(spec: &mut Value, fields: &mut Node, schema: &Value) {
    let Content::Map(entries) = &mut fields.content else { return };
    entries.retain_mut(|entry| {
        let schema = facets::below(schema, &entry.key);
        if entry.value.content != Content::Null {
            take_out(
                spec.get_mut(&entry.key).unwrap_or(&mut Value::Null),
                &mut entry.value,
                schema,
            );
            return true;
        }
        let is_taken_out = !facets::takes_null(schema);
        if let (true, Some(spec)) = (is_taken_out, spec.as_object_mut()) {
            spec.remove(&entry.key);
        }
        !is_taken_out
    });
}

/// Reports a name that no section gives to a resource, where one is meant: what is written is not
/// enough for a resource of its own, and what a section makes for its entry of this name is called
/// otherwise.
fn meant(
    draft: &Draft,
    address: &Address,
    body: &Node,
    entry: &Entry,
    whole: &Value,
) -> Option<Diagnostic> {
    let mut unseen = Mistakes::default();
    if shape::check(body, entry.span, whole, "", Rules::Whole, &mut unseen) {
        return None;
    }
    let of_entry = draft.made.iter().filter(|(other, made)| {
        let is_of_section = made.origin.body.first().is_some_and(|it| it != "resources");
        let is_of_name = made.origin.body.get(1) == Some(&address.name)
            || format!("-{}-", other.name).contains(&format!("-{}-", address.name));
        other.kind == address.kind && is_of_section && is_of_name
    });
    let names: Vec<&str> = of_entry.map(|(other, _)| other.name.as_str()).collect();
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| {
        Diagnostic::error(Code::UnknownReference, format!("no section makes {address}"))
            .at(entry.span, "not enough for a resource of its own either")
            .help(format!("did you mean {}?", quoted.join(" or ")))
    })
}

/// Warns of what a section lets in, opens or binds, where a list that is written by hand leaves it
/// out: whoever adds an item seldom means to take others away.
fn drops(
    draft: &mut Draft,
    kind: &KindInfo,
    (made, spec): (&Made, &Value),
    body: &Node,
    path: &[&str],
) {
    let granted = |entry: &&Entry| kind.grants.iter().any(|grant| grant.field == entry.key);
    for entry in body.entries().iter().filter(granted) {
        let mut lists = Vec::new();
        replaced(entry, &entry.key, &mut lists);
        for (span, field) in lists {
            let pointer = format!("/{field}");
            let items = |spec: &Value| -> Vec<Value> {
                let items = spec.pointer(&pointer).and_then(Value::as_array).into_iter().flatten();
                items.map(undescribed).collect()
            };
            let (before, after) = (items(&made.spec), items(spec));
            let gone = before.iter().filter(|item| !after.contains(item)).count();
            if gone == 0 {
                continue;
            }
            let section = made.origin.body.join(".");
            let name = field.replace('/', ".");
            let these = if gone == 1 { "an item".to_owned() } else { format!("{gone} items") };
            let title = format!("`{}.{name}` drops {these} that `{section}` makes", path.join("."));
            let last = name.rsplit('.').next().unwrap_or_default();
            draft.mistakes.push(
                Diagnostic::warning(Code::Drops, title)
                    .at(span, "replaces the whole list")
                    .help(format!("write `{last}: {{ add: [ … ] }}` to keep what is there")),
            );
        }
    }
}

/// An item without what it is said to be for.
fn undescribed(item: &Value) -> Value {
    let mut item = item.clone();
    if let Some(fields) = item.as_object_mut() {
        fields.remove("description");
    }
    item
}

/// The lists at and below a key that replace others, each with the pointer to it.
fn replaced(entry: &Entry, pointer: &str, lists: &mut Vec<(Span, String)>) {
    match &entry.value.content {
        Content::List(_) => lists.push((entry.span, pointer.to_owned())),
        Content::Map(entries) => {
            for entry in entries.iter().filter(|entry| entry.key != ADD) {
                replaced(entry, &format!("{pointer}/{}", entry.key), lists);
            }
        }
        _ => {}
    }
}

/// Where a field of a spec is written: items that are added come after those that a section makes.
fn written_at(body: &Node, below: &Value, path: Vec<String>) -> Vec<String> {
    for (at, piece) in path.iter().enumerate() {
        let Some(index) = piece.parse::<usize>().ok() else { continue };
        let is_added = body.follow(&path[..at]).is_some_and(|node| node.field(ADD).is_some());
        let pointer = format!("/{}", path[..at].join("/"));
        let before = below.pointer(&pointer).and_then(Value::as_array).map_or(0, Vec::len);
        if is_added {
            let inner = [ADD.to_owned(), index.saturating_sub(before).to_string()];
            let rest = path[at + 1..].iter().cloned();
            return path[..at].iter().cloned().chain(inner).chain(rest).collect();
        }
    }
    path
}

/// What comes of a spec with some of its fields written by hand.
fn laid_over(spec: Value, fields: &Value, schema: &Value) -> Value {
    match (spec, fields) {
        (spec, Value::Object(fields)) if takes_additions(schema) && fields.contains_key(ADD) => {
            let items = spec.as_array().into_iter().flatten();
            let added = fields.get(ADD).and_then(Value::as_array).into_iter().flatten();
            items.chain(added).cloned().collect()
        }
        (Value::Object(mut spec), Value::Object(fields)) if !is_reference(&spec) => {
            let written: Vec<&str> = fields.keys().map(String::as_str).collect();
            spec.retain(|key, _| !is_other_choice(schema, key, &written));
            for (key, value) in fields {
                let before = spec.remove(key).unwrap_or(Value::Null);
                spec.insert(key.clone(), laid_over(before, value, below(schema, key)));
            }
            Value::Object(spec)
        }
        (_, fields) => fields.clone(),
    }
}

/// References have one key that says what they are; a new one replaces it.
fn is_reference(value: &serde_json::Map<String, Value>) -> bool {
    value.len() == 1 && ["ref", "id", "text"].iter().any(|key| value.contains_key(*key))
}

/// Fields written by hand come from `resources:`, the others from where they were.
fn overridden(made: Option<Made>, by: Origin, fields: &Node) -> Origin {
    let Some(made) = made else { return by };
    let mut origin = made.origin;
    origin.overrides = Some((by.body, fields.clone()));
    origin
}
