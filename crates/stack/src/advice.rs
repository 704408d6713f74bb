//! What to write instead: advice that is right when it is typed.

use deployer_core::closest;
use serde_json::{Map, Value};

use crate::facets::{ADD, example, purpose, types};
use crate::node::{Content, Node};
use crate::quantities::{self, UNIT};
use crate::scalar;
use crate::words::kebab;
use crate::yaml;

/// What marks a list of the words of a command.
pub(crate) const WORDS: &str = "x-words";

/// What names, in a schema of a mapping by names, the one that advice shows.
const NAME: &str = "x-name";

/// Longer values are not repeated in advice.
const LONGEST: usize = 60;

/// Keys that people know from elsewhere or from before, as they would be written here; a key that
/// stands beside what they mean; and what to write, where `{}` is the value that is written.
const RENAMED: &[(&[&str], &str, &str)] = &[
    // Services: Compose, task definitions, Copilot.
    (
        &["env", "env-vars", "environment-variables", "variables"],
        "environment",
        "write `environment`",
    ),
    (&["env-file"], "environment", "write the variables themselves below `environment:`"),
    (&["desired-count", "replicas", "instances"], "count", "write `count`"),
    (&["restart"], "count", "remove it: tasks that end are started again"),
    (&["container-name", "hostname"], "count", "remove it: the service's own name is enough"),
    (
        &["healthcheck", "health-check", "health"],
        "health-command",
        "write `health: /` below a port for the load balancer's check, or `health-command` for one inside the container",
    ),
    (&["depends-on", "links"], "uses", "write `uses: [databases/main]`"),
    (&["dockerfile"], "image", "write `image: { build: { dockerfile: {} } }`"),
    (&["cargo"], "image", "write `image: { build: { cargo: {} } }`"),
    (&["archive"], "image", "write `image: { build: { archive: {} } }`"),
    (
        &["entrypoint", "entry-point"],
        "command",
        "remove it: `command` replaces the image's command, and the entry point is the image's own",
    ),
    (&["platform", "cpu-architecture"], "architecture", "write `architecture: arm64`, or `x86-64`"),
    (&["cpus", "vcpu", "cpu-limit"], "cpu", "write `cpu: 256`: 1024 units are a core"),
    (&["mem", "mem-limit", "memory-limit"], "memory", "write `memory: 512 MiB`"),
    (&["container-port", "target-port"], "port", "write `port: {}`"),
    (&["port", "expose"], "ports", "write `ports: { http: { port: {} } }`"),
    (
        &["http", "route", "listener"],
        "ports",
        "write it below a port: `ports: { http: { port: 80, route: { load-balancer: edge } } }`",
    ),
    (
        &["autoscaling", "auto-scaling", "scaling", "range"],
        "scale",
        "write `scale: { min: 2, max: 8, cpu: 60% }`",
    ),
    (&["ephemeral-storage"], "storage", "write `storage: 40 GiB`"),
    (
        &["readonly", "readonly-root-filesystem", "read-only-root", "read-only-root-filesystem"],
        "read-only",
        "write `read-only: true`",
    ),
    (&["init-process-enabled"], "init", "write `init: true`"),
    (&["exec", "enable-execute-command"], "execute-command", "write `execute-command: true`"),
    (
        &["policies", "iam", "task-role"],
        "permissions",
        "write `permissions: [{ actions: [\"s3:GetObject\"], resources: [\"*\"] }]`",
    ),
    (
        &["health-check-grace-period", "health-check-grace-period-seconds"],
        "grace-period",
        "write `grace-period: 60 s`",
    ),
    (&["logging", "log-configuration"], "logs", "write `logs: { keep: 30 days }`"),
    (
        &["deployment", "deployment-configuration"],
        "rollout",
        "write `rollout: { minimum: 100%, maximum: 200% }`",
    ),
    // Their ports, routes, health checks, rollouts and logs.
    (&["version"], "protocol", "write `protocol`"),
    (
        &["healthcheck", "health-check", "health-check-path"],
        "health",
        "write `health: /`, the path that is asked for",
    ),
    (&["path", "host"], "route", "write it below `route:`"),
    (&["alb", "lb", "balancer"], "load-balancer", "write `load-balancer: {}`"),
    (&["paths"], "path", "write `path: {}`"),
    (&["hosts", "domain"], "host", "write `host: {}`"),
    (&["success-codes", "matcher", "http-code"], "codes", "write `codes: {}`"),
    (&["healthy-threshold"], "healthy", "write `healthy: {}`"),
    (&["unhealthy-threshold"], "unhealthy", "write `unhealthy: {}`"),
    (&["minimum-healthy-percent", "min-healthy"], "minimum", "write `minimum: 100%`"),
    (&["maximum-percent", "max-percent"], "maximum", "write `maximum: 200%`"),
    (&["retention", "retention-days", "retention-in-days"], "keep", "write `keep: 30 days`"),
    // Images.
    (&["tag"], "build", "write the image as a text: `image: nginx:1.29`"),
    (
        &["from", "name", "location", "uri", "url", "registry"],
        "build",
        "write the image as a text: `image: {}`",
    ),
    (&["dockerfile"], "build", "write `build: { dockerfile: {} }`"),
    (&["cargo"], "build", "write `build: { cargo: {} }`"),
    (&["archive"], "build", "write `build: { archive: {} }`"),
    (&["context"], "build", "write `build: { dockerfile: Dockerfile }`"),
    // Databases: Terraform, CloudFormation.
    (&["multi-az"], "standby", "write `standby: {}`"),
    (
        &["publicly-accessible"],
        "standby",
        "remove it: a database is reached from inside the network alone",
    ),
    (&["deletion-protection", "delete-protection"], "protect", "write `protect: {}`"),
    (&["instance-class", "instance-type", "db-instance-class"], "class", "write `class: {}`"),
    (&["allocated-storage"], "storage", "write `storage: {} GiB`"),
    (&["max-allocated-storage"], "max-storage", "write `max-storage: {} GiB`"),
    (&["engine-version"], "version", "write `version: {}`"),
    (&["db-name", "database-name", "name"], "database", "write `database: {}`"),
    (&["username", "master-username"], "user", "write `user: {}`"),
    (
        &["backups", "backup-retention-period", "backup-days"],
        "backup-retention",
        "write `backup-retention: {}`",
    ),
    (&["skip-final-snapshot"], "final-snapshot", "write `final-snapshot`, which says the contrary"),
    (&["auto-minor-version-upgrade"], "minor-upgrades", "write `minor-upgrades: {}`"),
    // Load balancers, networks, secrets, repositories.
    (&["certificate-arn", "ssl-certificate"], "certificate", "write `certificate: {}`"),
    (
        &["https", "tls", "ssl"],
        "certificate",
        "write `certificate: arn:aws:acm:…`, the ARN of one that has been issued; HTTPS follows from it",
    ),
    (&["ssl-policy"], "tls-policy", "write `tls-policy: {}`"),
    (
        &["scheme"],
        "internal",
        "write `internal: true` for one that is reached from inside the network alone",
    ),
    (&["azs", "availability-zones"], "zones", "write `zones: 2`"),
    (
        &["nat-gateway", "nat-gateways", "enable-nat-gateway", "single-nat-gateway"],
        "nat",
        "write `nat: single`, `per-zone` or `none`",
    ),
    (&["cidr-block", "vpc-cidr"], "cidr", "write `cidr: {}`"),
    (
        &["recovery-window", "recovery-window-in-days", "recovery-days"],
        "recovery",
        "write `recovery: 7 days`",
    ),
    (&["scan-on-push"], "scan", "write `scan: on-push`"),
    // The stack.
    (&["name", "project"], "stack", "write `stack: {}`"),
    (&["version"], "stack", "remove it: a stack file has no version"),
    (&["vpc", "networks"], "network", "write `network: {}`"),
    (&["alb", "loadbalancers"], "load-balancers", "write `load-balancers: { edge: {} }`"),
    (&["parameters", "vars"], "variables", "write `variables`"),
];

/// What is meant by a key that is written otherwise, and how to write it.
pub(crate) fn renamed<'p>(
    key: &str,
    value: &Node,
    properties: &'p Map<String, Value>,
) -> Option<(&'p str, String)> {
    let property = |name: &str| properties.get_key_value(name).map(|(name, _)| name.as_str());
    let written = kebab(key);
    if let Some(same) = property(&written) {
        return Some((same, format!("write `{same}`")));
    }
    if let ("build", Some(image)) = (written.as_str(), property("image")) {
        let how = match &value.content {
            Content::Map(_) => short(value),
            _ => "{ dockerfile: Dockerfile }".to_owned(),
        };
        return Some((image, format!("write `image: {{ build: {how} }}`")));
    }
    let found = RENAMED.iter().find_map(|(words, meant, advice)| {
        words.contains(&written.as_str()).then_some(())?;
        Some((property(meant)?, *advice))
    });
    let (meant, advice) = found?;
    // An empty mapping in advice stands for itself.
    let is_example = advice.ends_with("network: {}`") || advice.contains("edge: {}");
    let advice = if is_example { advice.to_owned() } else { advice.replace("{}", &short(value)) };
    Some((meant, advice))
}

/// What to write in the place of a value of the wrong type, if that can be seen.
pub(crate) fn instead(
    node: &Node,
    schema: &Map<String, Value>,
    allowed: &[&str],
) -> Option<String> {
    let written = node.written();
    if schema.get(UNIT).is_some_and(|unit| unit == "cpu")
        && let Some(units) = written.as_deref().and_then(quantities::cpu_units)
    {
        return Some(format!("write `{units}`: 1024 units are a core"));
    }
    match &node.content {
        Content::Map(_) if allowed == ["array"] && node.field(ADD).is_some() => {
            Some("write the list alone: no section makes one to add to".to_owned())
        }
        Content::Text(text) if allowed.contains(&"boolean") => {
            Some(match text.to_lowercase().as_str() {
                "yes" | "on" | "true" | "y" => "write `true`".to_owned(),
                "no" | "off" | "false" | "n" => "write `false`".to_owned(),
                _ => "write `true` or `false`".to_owned(),
            })
        }
        Content::Text(text) if allowed.contains(&"integer") => Some(plain_number(text, schema)),
        Content::Number(_) if allowed.contains(&"integer") => {
            Some(format!("write a whole number{}", purpose_of(schema)))
        }
        Content::List(items) if allowed.contains(&"object") => {
            mapping_of(items, schema).or_else(|| keys(schema))
        }
        Content::Null => Some("write a value, or remove the key".to_owned()),
        Content::Text(text) if allowed == ["array"] => {
            let is_command = schema.contains_key(WORDS);
            let list = if is_command { words(text) } else { vec![text.clone()] };
            let words: Vec<String> = list.iter().map(|word| scalar_in_flow(word)).collect();
            Some(format!("write a list: `[{}]`", words.join(", ")))
        }
        _ if written.is_some() && allowed.contains(&"object") => {
            wrapped(node, schema).or_else(|| keys(schema))
        }
        _ => keys(schema),
    }
}

/// How a number is written that stands in a text.
fn plain_number(text: &str, schema: &Map<String, Value>) -> String {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let rest = text[digits.len()..].trim();
    let is_unit = rest.chars().all(|c| c.is_alphabetic() || c == '%');
    match (digits.is_empty(), rest.starts_with(['.', ','])) {
        (false, true) => format!("write a whole number{}", purpose_of(schema)),
        (false, false) if is_unit => format!("write a plain number: `{digits}`"),
        _ => "write a number".to_owned(),
    }
}

fn purpose_of(schema: &Map<String, Value>) -> String {
    purpose(Some(&Value::Object(schema.clone())))
}

/// The keys that a mapping has.
fn keys(schema: &Map<String, Value>) -> Option<String> {
    if let Some(example) = schema.get("examples").and_then(|examples| examples.get(0)) {
        return Some(format!("write `{}`", flow_of(example)));
    }
    let example = example(schema);
    (!example.is_empty()).then(|| format!("write its keys, such as `{{ {example}: … }}`"))
}

/// A single value as the mapping that it stands for: `80` as `{ port: 80 }`.
fn wrapped(node: &Node, schema: &Map<String, Value>) -> Option<String> {
    if let Some(others) = schema.get("additionalProperties").and_then(Value::as_object) {
        let name = name_in(schema);
        return Some(format!("write `{{ {name}: {} }}`", one(node, others)?));
    }
    Some(format!("write `{}`", one(node, schema)?))
}

/// A single value as the mapping with the one key that must be there.
fn one(node: &Node, schema: &Map<String, Value>) -> Option<String> {
    let required = schema.get("required").and_then(Value::as_array)?;
    let [Value::String(key)] = required.as_slice() else { return None };
    let wanted = types(schema.get("properties")?.get(key)?.as_object()?);
    let value = match &node.content {
        Content::Number(number) if wanted.contains(&"integer") => number.written.clone(),
        // `8080:80/tcp` is port 80 of the container.
        Content::Text(text) if wanted.contains(&"integer") => {
            let last = text.rsplit(':').next().unwrap_or_default();
            let digits: String = last.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u16>().ok()?.to_string()
        }
        Content::Text(text) if wanted.contains(&"string") => scalar_in_flow(text),
        _ => return None,
    };
    Some(format!("{{ {key}: {value} }}"))
}

fn name_in(schema: &Map<String, Value>) -> &str {
    schema.get(NAME).and_then(Value::as_str).unwrap_or("name")
}

/// A list as the mapping by names that it stands for: of `NAME=value`, of `{ name, value }`, or of
/// the one value that each must have.
fn mapping_of(items: &[Node], schema: &Map<String, Value>) -> Option<String> {
    let others = schema.get("additionalProperties").and_then(Value::as_object)?;
    let takes_text = types(others).contains(&"string");
    let entries = items.iter().enumerate().map(|(index, item)| {
        if takes_text {
            return pair(item);
        }
        if let Some(name) = item.field("name").and_then(Node::text) {
            return Some(format!("{name}: {{ … }}"));
        }
        let name = match index {
            0 => name_in(schema).to_owned(),
            _ => format!("{}-{}", name_in(schema), index + 1),
        };
        Some(format!("{name}: {}", one(item, others)?))
    });
    let entries: Option<Vec<String>> = entries.collect();
    let entries = entries.filter(|entries| !entries.is_empty())?;
    Some(format!("write a mapping: `{{ {} }}`", entries.join(", ")))
}

/// How `NAME=value`, `{ name: NAME, value: … }` and `{ NAME: value }` are written in a mapping.
fn pair(item: &Node) -> Option<String> {
    if let Some(text) = item.text() {
        return Some(match text.split_once('=') {
            Some((name, value)) => format!("{}: {}", yaml::word(name), scalar_in_flow(value)),
            None => format!("{}: …", yaml::word(text)),
        });
    }
    let value = ["value", "value-from", "valueFrom"].iter().find_map(|key| item.field(key));
    match (item.field("name").and_then(Node::text), value, item.entries()) {
        (Some(name), Some(value), _) => Some(format!("{}: {}", yaml::word(name), short(value))),
        (None, _, [only]) => Some(format!("{}: {}", yaml::word(&only.key), short(&only.value))),
        _ => None,
    }
}

/// The words of a command that is written as one text; what only a shell understands is left to one.
fn words(text: &str) -> Vec<String> {
    let text = text.strip_prefix("CMD-SHELL ").or(text.strip_prefix("CMD ")).unwrap_or(text);
    let is_for_shell = text.contains(|c: char| "&|;<>$`*?~(){}[]#\"'\\\n".contains(c));
    let begins = text.split_whitespace().next().unwrap_or_default();
    if is_for_shell || begins.contains('=') {
        return vec!["sh".to_owned(), "-c".to_owned(), text.to_owned()];
    }
    text.split_whitespace().map(str::to_owned).collect()
}

/// A value in one line, unless it is too long to be repeated.
fn short(node: &Node) -> String {
    let text = flow(node);
    if text.chars().count() > LONGEST { "…".to_owned() } else { text }
}

fn flow(node: &Node) -> String {
    match &node.content {
        Content::Null | Content::Unknown | Content::Parts(_) => "…".to_owned(),
        Content::Text(text) => scalar_in_flow(text),
        Content::List(items) => {
            format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        Content::Map(entries) if entries.is_empty() => "{}".to_owned(),
        Content::Map(entries) => {
            let entries = entries
                .iter()
                .map(|entry| format!("{}: {}", yaml::word(&entry.key), flow(&entry.value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Content::Bool(_) | Content::Number(_) => node.written().unwrap_or_default(),
    }
}

/// A value of a schema in one line.
fn flow_of(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| format!("{}: {}", yaml::word(key), flow_of(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(flow_of).collect::<Vec<_>>().join(", "))
        }
        Value::String(text) => scalar_in_flow(text),
        plain => plain.to_string(),
    }
}

/// A text among others in one line: numbers stay as they are written.
fn scalar_in_flow(text: &str) -> String {
    match scalar::plain(text) {
        Content::Number(_) | Content::Bool(_) => text.to_owned(),
        _ => yaml::word(text),
    }
}

/// The key that is likely meant.
pub(crate) fn meant<'p>(
    key: &str,
    value: &Node,
    properties: &'p Map<String, Value>,
) -> Option<&'p str> {
    let renamed = renamed(key, value, properties).map(|(meant, _)| meant);
    renamed.or_else(|| closest(key, properties.keys().map(String::as_str)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_split_into_words_unless_it_is_for_a_shell() {
        assert_eq!(words("npm start"), ["npm", "start"]);
        assert_eq!(words("CMD curl -f http://localhost/"), ["curl", "-f", "http://localhost/"]);
        for shell in ["a && b", "echo $HOME", "curl x || exit 1", "say 'a b'", "PORT=1 npm start"] {
            assert_eq!(words(shell), ["sh", "-c", shell]);
        }
        assert_eq!(words("CMD-SHELL a || exit 1"), ["sh", "-c", "a || exit 1"]);
    }
}
