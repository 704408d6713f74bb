//! Compares a value with a JSON schema and reports every difference, each at its place.
//!
//! The schemas are those the types generate, so the editor, this check and serde agree. Serde
//! stops at its first mistake; this does not.

use deployer_core::{Code, Diagnostic, Part, Span};
use serde_json::{Map, Value};

use crate::advice;
use crate::facets::{OUTPUTS, allowed_words, below, branches, is_addition, purpose, types};
use crate::mistakes::{Mistakes, expected, listed};
use crate::node::{Content, Entry, Node, Numeral};
use crate::words::{is_word, latin};

/// What marks a schema of something that is in the language and not built yet.
pub(crate) const NOT_YET: &str = "x-not-yet";

/// Which rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// The text as written: keys may be missing, nothing may stand anywhere, `${…}` may become
    /// anything.
    Written,
    /// What came of overlays and variables: every key that must be there is.
    Whole,
}

/// Reports every difference between `node` and `schema`, and returns whether there is none. `path`
/// names the node in messages, `key` is where its own key stands.
pub(crate) fn check(
    node: &Node,
    key: Span,
    schema: &Value,
    path: &str,
    rules: Rules,
    mistakes: &mut Mistakes,
) -> bool {
    let mut shape = Shape { rules, mistakes, is_right: true };
    shape.walk(node, key, schema, path);
    shape.is_right
}

struct Shape<'m> {
    rules: Rules,
    mistakes: &'m mut Mistakes,
    is_right: bool,
}

impl Shape<'_> {
    fn report(&mut self, mistake: Diagnostic) {
        self.is_right = false;
        self.mistakes.push(mistake);
    }

    fn walk(&mut self, node: &Node, key: Span, schema: &Value, path: &str) {
        if schema.get(NOT_YET).is_some() {
            // Out of an overlay, or given up: nothing is asked for.
            if node.content != Content::Null {
                self.report(not_yet(path, key));
            }
            return;
        }
        if node.content == Content::Unknown {
            return;
        }
        let Some(schema) = schema.as_object() else { return };
        if self.rules == Rules::Written && is_open(node, schema) {
            return;
        }
        if let Some(branches) = branches(schema) {
            return self.choose(node, key, &branches, path);
        }
        let allowed = types(schema);
        if !allowed.is_empty() && !allowed.iter().any(|name| fits(node, name)) {
            return self.wrong_type(node, key, &allowed, path, schema);
        }
        if let Content::Parts(parts) = &node.content
            && allowed.contains(&"string")
            && !schema.contains_key(OUTPUTS)
        {
            return self.report(plain_text(path, parts, key));
        }
        self.values(node, key, schema, path);
        match &node.content {
            Content::Map(_) => self.mapping(node, key, schema, path),
            Content::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let place = span_of(item, key);
                    if let Some(schema) = schema.get("items") {
                        self.walk(item, place, schema, &format!("{path}.{index}"));
                    }
                }
            }
            _ => {}
        }
    }

    fn mapping(&mut self, node: &Node, key: Span, schema: &Map<String, Value>, path: &str) {
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let others = schema.get("additionalProperties");
        let mut meant = Vec::new();
        for entry in node.entries() {
            let inner = join(path, &entry.key);
            let place = span_of(&entry.value, entry.span);
            if let Some(schema) = properties.get(&entry.key) {
                self.walk(&entry.value, place, schema, &inner);
                continue;
            }
            if others == Some(&Value::Bool(false)) {
                self.unknown_key(entry, properties, path);
                meant.extend(advice::meant(&entry.key, &entry.value, properties));
                continue;
            }
            if schema.contains_key("propertyNames") && !is_word(&entry.key) {
                let is_pattern = path == "environments" && entry.key.contains('*');
                if is_pattern {
                    self.report(not_yet(&inner, entry.span));
                    continue;
                }
                self.report(bad_name(&entry.key, entry.span));
            }
            if let Some(schema) = others {
                self.walk(&entry.value, place, schema, &inner);
            }
        }
        if self.rules == Rules::Written {
            return;
        }
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            // A misspelt key is reported already.
            if node.field(name).is_none() && !meant.contains(&name) {
                self.report(
                    Diagnostic::error(Code::MissingKey, format!("`{path}` needs `{name}`"))
                        .at(key, format!("`{name}` is missing here"))
                        .help(format!("add `{name}:`{}", purpose(properties.get(name)))),
                );
            }
        }
    }

    fn unknown_key(&mut self, entry: &Entry, properties: &Map<String, Value>, path: &str) {
        let (key, span) = (entry.key.as_str(), entry.span);
        let known = properties.keys().map(String::as_str);
        let mistake = if path.is_empty() {
            Diagnostic::error(Code::UnknownSection, format!("there is no section `{key}`"))
                .at(span, "not a section of a stack")
        } else {
            Diagnostic::error(Code::UnknownKey, format!("unknown key `{key}`"))
                .at(span, format!("not a key of `{path}`"))
        };
        self.report(match advice::renamed(key, &entry.value, properties) {
            Some((_, advice)) => mistake.help(advice),
            None => mistake.help(expected(key, known)),
        });
    }

    /// Takes the branch that fits best, so that what is wrong inside of it can be reported.
    fn choose(&mut self, node: &Node, key: Span, branches: &[&Value], path: &str) {
        let kind = type_of(node);
        // Only a mapping can be meant to add to a list.
        let branches: Vec<&Value> = branches
            .iter()
            .copied()
            .filter(|branch| kind == "object" || !is_addition(branch))
            .collect();
        let fitting: Vec<&Value> = branches
            .iter()
            .copied()
            .filter(|branch| {
                let allowed = branch.as_object().map(types).unwrap_or_default();
                allowed.iter().any(|name| fits(node, name))
            })
            .collect();
        match fitting.as_slice() {
            [] => {
                let all = branches.iter().filter_map(|branch| branch.as_object());
                let mut allowed: Vec<&str> = all.flat_map(types).collect();
                allowed.dedup();
                let schemas = || branches.iter().filter_map(|branch| branch.as_object());
                let takes_keys = |schema: &&Map<String, Value>| types(schema).contains(&"object");
                let shown = schemas().find(takes_keys).or_else(|| schemas().next());
                let empty = Map::new();
                self.wrong_type(node, key, &allowed, path, shown.unwrap_or(&empty));
            }
            [only] => self.walk(node, key, only, path),
            several if kind == "object" => self.tagged(node, key, several, path),
            several => {
                let words: Vec<&str> =
                    several.iter().flat_map(|branch| allowed_words(branch)).collect();
                let open = several.iter().any(|branch| allowed_words(branch).is_empty());
                let written = node.written();
                let is_later = |branch: &&Value| {
                    branch.get(NOT_YET).is_some()
                        && branch.get("const").and_then(Value::as_str) == written.as_deref()
                };
                if several.iter().any(is_later) {
                    self.report(not_yet(&format!("{path}: {}", written.unwrap_or_default()), key));
                } else if !open {
                    self.word(node, key, &words, path);
                }
            }
        }
    }

    /// One mapping of several, each known by its only key: `cargo:` or `dockerfile:`.
    fn tagged(&mut self, node: &Node, key: Span, branches: &[&Value], path: &str) {
        let properties = |branch: &Value| {
            branch.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
        };
        let written = |branch: &&&Value| {
            node.entries().iter().any(|entry| properties(branch).contains_key(&entry.key))
        };
        if let Some(branch) = branches.iter().find(written) {
            return self.walk(node, key, branch, path);
        }
        let all: Map<String, Value> =
            branches.iter().flat_map(|branch| properties(branch)).collect();
        if let Some(entry) = node.entries().first() {
            return self.unknown_key(entry, &all, path);
        }
        let words: Vec<&str> = all.keys().map(String::as_str).collect();
        self.report(
            Diagnostic::error(Code::MissingKey, format!("`{path}` is empty"))
                .at(key, "nothing is written here")
                .help(format!("write one of {}", listed(&words))),
        );
    }

    fn values(&mut self, node: &Node, key: Span, schema: &Map<String, Value>, path: &str) {
        let schema_value = Value::Object(schema.clone());
        let words = allowed_words(&schema_value);
        if !words.is_empty() {
            self.word(node, key, &words, path);
        }
        let Content::Number(Numeral { value: number, .. }) = &node.content else { return };
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        let (lowest, highest) = (bound("minimum"), bound("maximum"));
        let value = number.as_f64().unwrap_or_default();
        if lowest.is_some_and(|lowest| value < lowest)
            || highest.is_some_and(|highest| value > highest)
        {
            let advice = match (lowest, highest) {
                (Some(lowest), Some(highest)) => format!("expected {lowest} to {highest}"),
                (Some(lowest), None) => format!("expected {lowest} or more"),
                _ => format!("expected {} or less", highest.unwrap_or_default()),
            };
            self.report(
                Diagnostic::error(Code::BadValue, format!("{number} is out of range"))
                    .at(key, format!("not a valid value of `{path}`"))
                    .help(advice),
            );
        }
    }

    fn word(&mut self, node: &Node, key: Span, words: &[&str], path: &str) {
        let Some(text) = node.written() else { return };
        if !words.contains(&text.as_str()) {
            self.report(
                Diagnostic::error(Code::UnknownValue, format!("`{text}` is not a valid `{path}`"))
                    .at(key, "not one of its values")
                    .help(expected(&text, words.iter().copied())),
            );
        }
    }

    fn wrong_type(
        &mut self,
        node: &Node,
        key: Span,
        allowed: &[&str],
        path: &str,
        schema: &Map<String, Value>,
    ) {
        let wanted: Vec<&str> =
            allowed.iter().filter(|name| **name != "null").map(|name| described(name)).collect();
        let mut wanted_once = wanted.clone();
        wanted_once.dedup();
        let wanted = wanted_once.join(" or ");
        let got = match &node.content {
            Content::Number(number) if allowed.contains(&"integer") => {
                format!("`{}`", number.written)
            }
            _ => described(type_of(node)).to_owned(),
        };
        let mistake =
            Diagnostic::error(Code::WrongType, format!("`{path}` is {wanted}, not {got}"))
                .at(key, format!("expected {wanted}"));
        let help = advice::instead(node, schema, allowed);
        self.report(match help {
            Some(help) => mistake.help(help),
            None => mistake,
        });
    }
}

/// Reports that something is in the language and not built yet.
pub(crate) fn not_yet(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error(Code::NotYet, format!("`{what}` is not built yet"))
        .at(span, "not yet")
        .help("remove it for now")
}

/// Takes numbers, `true` and `false` for texts as they are written, wherever a text is wanted.
pub(crate) fn as_written(node: &mut Node, schema: &Value) {
    if let Some(text) = node.written() {
        let allowed = schema.as_object().map(types).unwrap_or_default();
        if allowed.contains(&"string") && !allowed.iter().any(|name| is_of(node, name)) {
            node.content = Content::Text(text);
        }
        return;
    }
    match &mut node.content {
        Content::List(items) => {
            let branches = schema.as_object().and_then(branches).unwrap_or_else(|| vec![schema]);
            let inner = branches.iter().find_map(|branch| branch.get("items"));
            for item in items {
                as_written(item, inner.unwrap_or(&Value::Null));
            }
        }
        Content::Map(entries) => {
            for entry in entries {
                as_written(&mut entry.value, below(schema, &entry.key));
            }
        }
        _ => {}
    }
}

/// Whether a value is of a type; a whole number is a number too.
fn is_of(node: &Node, name: &str) -> bool {
    let kind = type_of(node);
    name == kind || (name == "number" && kind == "integer")
}

/// Whether a value is of a type, or can be taken for one: a number for a text.
fn fits(node: &Node, name: &str) -> bool {
    is_of(node, name) || (name == "string" && node.written().is_some())
}

/// A name that cannot be part of an address.
pub(crate) fn bad_name(name: &str, span: Span) -> Diagnostic {
    let mistake = Diagnostic::error(Code::BadName, format!("`{name}` cannot be a name"))
        .at(span, "lower-case letters, digits and single hyphens, beginning with a letter");
    let lower = latin(name).to_lowercase();
    let mut words: Vec<&str> =
        lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut better = words.join("-");
    if let Some(first) =
        words.first().copied().filter(|first| !first.starts_with(|c: char| c.is_ascii_alphabetic()))
    {
        // `1web` is `web-1`, and `2-web` is `web-2`.
        let rest = first.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = &first[..first.len() - rest.len()];
        words.remove(0);
        let letters = [rest].into_iter().chain(words).filter(|word| !word.is_empty());
        better = letters.chain([digits]).collect::<Vec<_>>().join("-");
    }
    let help =
        if is_word(&better) { format!("write `{better}`") } else { "use another name".to_owned() };
    mistake.help(help)
}

/// Reports an output of a resource where a value must be known before anything is made.
fn plain_text(path: &str, parts: &[Part], span: Span) -> Diagnostic {
    let help = match parts {
        [Part::Output { address, .. }] if address.kind == "secret" => {
            let name = &address.name;
            format!("programs get secrets when they run: write `secrets/{name}` in `secrets:`")
        }
        [Part::Output { address, field }]
            if field == "id" || path.ends_with(&format!(".{}", address.kind)) =>
        {
            format!("write its name alone: `{}`", address.name)
        }
        _ => "write the value itself, or a variable".to_owned(),
    };
    let title = format!("`{path}` cannot hold an output of a resource");
    Diagnostic::error(Code::PlainText, title)
        .at(span, "must be known before anything is made")
        .help(help)
}

/// Whether something else may come of it. A variable stands for one value, never for a list or a
/// mapping.
fn is_open(node: &Node, schema: &Map<String, Value>) -> bool {
    match &node.content {
        Content::Null => true,
        Content::Text(text) if text.contains("${") => {
            let allowed = types(schema);
            let is_value = |name: &&str| !["array", "object", "null"].contains(name);
            allowed.is_empty() || allowed.iter().any(is_value)
        }
        _ => false,
    }
}

fn type_of(node: &Node) -> &'static str {
    match &node.content {
        Content::Null | Content::Unknown => "null",
        Content::Bool(_) => "boolean",
        Content::Number(number) if number.value.is_f64() => "number",
        Content::Number(_) => "integer",
        Content::Text(_) | Content::Parts(_) => "string",
        Content::List(_) => "array",
        Content::Map(_) => "object",
    }
}

fn described(name: &str) -> &'static str {
    match name {
        "null" => "nothing",
        "boolean" => "`true` or `false`",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "a text",
        "array" => "a list",
        _ => "a mapping",
    }
}

fn span_of(node: &Node, otherwise: Span) -> Span {
    match node.content {
        Content::Map(_) | Content::List(_) => otherwise,
        _ if node.span.end > node.span.start => node.span,
        _ => otherwise,
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
