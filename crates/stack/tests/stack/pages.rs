//! The pages about kinds and sections, from their schemas and change rules.

use std::fmt::Write;

use deployer_core::{Change, Impact, KindInfo, Kinds};
use serde_json::Value;

const HEAD: &str = "# Kinds

Every kind of resource, in the words that `resources:` takes and `deployer expand` prints. Generated from the
code by the tests of `deployer-stack`; do not edit.

A field that refers to another resource takes its name (`vpc: main`), or the identifier of something outside
of the stack (`vpc: { id: vpc-0abc }`). A text may hold `${kind/name.output}`. *A change* says what a
difference in the field leads to.
";

const SECTIONS: &str = "# Sections

What people write in a stack file; `deployer expand` shows the resources it becomes. Generated from the code by
the tests of `deployer-stack`; do not edit.

The rules of the language, which hold for all of them, are in [language.md](../language.md).
";

const ENVIRONMENTS: &str = "
An environment may have every key that the stack has but `stack` and `origin`, and `like: other`. Without
`environments` there is one, `default`.

```yaml
stack: notes
region: eu-west-1
environments:
  dev: {}
  prod:
    region: eu-central-1
    services: { web: { scale: { min: 4 } } }
    databases: { main: { standby: true, class: db.m7g.large } }
network: {}
databases:
  main: { engine: postgres, version: 16 }
services:
  web: { image: \"nginx:1.29\", uses: [databases/main], scale: { min: 1 } }
```
";

const RESOURCES: &str = "
The fields of each kind are in [kinds.md](kinds.md). An entry with the name of a resource that a section makes
lays its fields over it: mappings merge, lists and values replace, `null` removes, and `{ add: [ … ] }` adds to
a list; any other name is a resource of its own. `at: { role: …, region: … }` puts one into another account or
region.

```yaml
stack: notes
region: eu-west-1
network: { nat: single }
services:
  web: { image: \"nginx:1.29\" }
resources:
  log-group:
    web: { retention-days: 90 }
  route-table:
    private-a: { routes: { 0.0.0.0/0: null } }
  security-group:
    service-web: { ingress: { add: [{ port: 9090, from: 203.0.113.0/24 }] } }
    office: { vpc: main, ingress: [{ port: 443, from: 203.0.113.0/24 }] }
```
";

/// How the description of what is not built yet ends.
const LATER: &str = "Not built yet.";

/// The page about sections, from the schema of the language.
pub(crate) fn sections(schema: &Value) -> String {
    let mut page = SECTIONS.to_owned();
    for (name, about) in schema["properties"].as_object().into_iter().flatten() {
        // Writing to a string cannot fail.
        let _ = write!(page, "\n## {name}\n\n{}\n", text_of(about));
        match name.as_str() {
            "environments" => page.push_str(ENVIRONMENTS),
            "resources" => page.push_str(RESOURCES),
            _ => nested(&mut page, name, about),
        }
    }
    page
}

/// The page about kinds.
pub(crate) fn page(kinds: &Kinds) -> String {
    let mut page = HEAD.to_owned();
    for kind in kinds.iter() {
        section(&mut page, kind);
    }
    page
}

fn section(page: &mut String, kind: &KindInfo) {
    let schema = kind.spec_schema().to_value();
    // Writing to a string cannot fail, here and below.
    let _ = write!(page, "\n## {}\n\n", kind.name);
    if kind.changes.is_empty() {
        page.push_str("It has no fields.\n");
    } else {
        page.push_str("| field | type | default | a change | |\n|---|---|---|---|---|\n");
        let (further, fields): (Vec<_>, Vec<_>) =
            kind.changes.iter().partition(|(path, _)| path.contains('.'));
        for (field, rule) in fields {
            let about = &schema["properties"][field];
            let _ = writeln!(
                page,
                "| `{field}` | {} | {} | {} | {} |",
                type_of(about),
                default(about, is_required(&schema, field)),
                change(&rule),
                cell(&text_of(about)),
            );
        }
        for (path, rule) in further {
            let _ = write!(page, "\n`{path}`: {}.\n", change(&rule));
        }
        for field in kind.fields() {
            nested(page, field, &schema["properties"][field]);
        }
    }
    let outputs = kind.output_schema().to_value();
    page.push_str("\nOutputs:\n\n");
    for (name, about) in outputs["properties"].as_object().into_iter().flatten() {
        let _ = writeln!(page, "- `{name}`: {}", text_of(about));
    }
}

/// The fields inside of a field, as a list.
fn nested(page: &mut String, path: &str, schema: &Value) {
    let inner = inside(schema);
    let fields: Vec<(&String, &Value)> =
        inner.iter().filter_map(|schema| schema["properties"].as_object()).flatten().collect();
    if fields.is_empty() {
        return;
    }
    let _ = write!(page, "\nIn `{path}`:\n\n");
    for (name, about) in &fields {
        let needed = inner.iter().any(|schema| is_required(schema, name));
        let single = inner.len() > 1;
        let default = match (single, about.get("default"), needed) {
            (true, ..) | (_, None, true) => String::new(),
            (_, Some(value), _) => format!("; `{value}` when left out"),
            (_, None, false) => "; may be left out".to_owned(),
        };
        // One of several is described where it is chosen.
        let choice = inner.iter().find(|schema| single && schema["properties"].get(name).is_some());
        let text = choice.map(|schema| text_of(schema)).filter(|text| !text.is_empty());
        let text = text.unwrap_or_else(|| text_of(about));
        let _ = match text.strip_suffix(LATER) {
            Some(text) => writeln!(page, "- `{name}` (not built yet): {}", text.trim_end()),
            None => writeln!(page, "- `{name}` ({}{default}): {text}", type_of(about)),
        };
    }
    for (name, about) in fields {
        nested(page, &format!("{path}.{name}"), about);
    }
}

/// The mappings that a field holds: its own, those of its items, or one of several.
fn inside(schema: &Value) -> Vec<&Value> {
    if is_reference(schema) {
        return Vec::new();
    }
    if schema["properties"].is_object() {
        return vec![schema];
    }
    for key in ["items", "additionalProperties"] {
        if schema[key].is_object() {
            return inside(&schema[key]);
        }
    }
    let branches = schema["anyOf"].as_array().or(schema["oneOf"].as_array());
    branches.into_iter().flatten().flat_map(inside).collect()
}

fn is_reference(schema: &Value) -> bool {
    schema.get("x-ref").is_some()
}

fn is_required(schema: &Value, field: &str) -> bool {
    let required = schema["required"].as_array().or(schema["then"]["required"].as_array());
    required.is_some_and(|names| names.iter().any(|name| name == field))
}

fn type_of(schema: &Value) -> String {
    if let Some(kind) = schema["x-ref"].as_str() {
        return format!("a [{kind}](#{kind})");
    }
    let words = words(schema);
    if !words.is_empty() {
        return words.join(", ");
    }
    if let Some(branches) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        let mut types: Vec<String> =
            branches.iter().filter(|branch| branch["type"] != "null").map(type_of).collect();
        types.dedup();
        return types.join(" or ");
    }
    let names: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    // Numbers, `true` and `false` are taken for texts as they are written.
    if ["string", "number", "boolean"].iter().all(|name| names.contains(name)) {
        return "text".to_owned();
    }
    let types = names
        .into_iter()
        .filter(|name| *name != "null" && !(*name == "string" && is_variable(schema)))
        .map(|name| match name {
            "string" => "text".to_owned(),
            "integer" => "number".to_owned(),
            "boolean" => "true or false".to_owned(),
            "array" if schema["uniqueItems"] == true => {
                format!("set of {}", type_of(&schema["items"]))
            }
            "array" => format!("list of {}", type_of(&schema["items"])),
            "object" if schema["additionalProperties"].is_object() => {
                format!("names to {}", type_of(&schema["additionalProperties"]))
            }
            _ => "mapping".to_owned(),
        });
    types.collect::<Vec<_>>().join(" or ")
}

/// Every value may be a variable, which goes without saying.
fn is_variable(schema: &Value) -> bool {
    schema["pattern"] == r"\$\{"
}

fn words(schema: &Value) -> Vec<String> {
    let branches = schema["oneOf"].as_array().into_iter().flatten();
    let single = branches.filter_map(|branch| {
        let is_later = text_of(branch).ends_with(LATER);
        let word = branch["const"].as_str()?;
        Some(if is_later { format!("`{word}` (not yet)") } else { format!("`{word}`") })
    });
    let listed = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    single.chain(listed.map(|word| format!("`{word}`"))).collect()
}

fn default(schema: &Value, is_required: bool) -> String {
    match schema.get("default") {
        Some(value) => format!("`{}`", cell(&value.to_string())),
        None if is_required => "must be given".to_owned(),
        None => "AWS's own".to_owned(),
    }
}

fn change(rule: &Change) -> String {
    match rule {
        Change::InPlace(impact) => format!("in place; {}", noticed(*impact)),
        Change::Replace(impact) => format!("makes a new one; {}", noticed(*impact)),
        Change::Delegated => "left alone once made".to_owned(),
        Change::Never(instead) => format!("refused: {instead}"),
    }
}

fn noticed(impact: Impact) -> &'static str {
    match impact {
        Impact::None => "nobody notices",
        Impact::Rolling => "tasks roll over",
        Impact::Elsewhere => "others answer",
        Impact::Restart => "a short interruption",
        Impact::Outage => "an outage",
        Impact::DataLoss => "**data is lost**",
        Impact::Unknown => "effects not known",
    }
}

fn text_of(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('\n', " ")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
