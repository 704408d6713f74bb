//! What differs between two releases of a service: between the specs of two task definitions.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// One difference between two releases. No value of an environment variable, of a command or of an
/// option is in it, since any of them may be secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseChange {
    /// What differs: `memory`, `image`, the name of an environment variable. The container stands
    /// before it where there are several: `proxy: image`.
    pub name: String,
    /// In which way: `512 → 1024`, `added`, `changed`.
    pub how: String,
}

/// What differs between two releases, each by its spec as a scan gives it, by name.
pub fn release_changes(before: &Value, after: &Value) -> Vec<ReleaseChange> {
    let mut changes = Vec::new();
    for field in differing(before, after) {
        if field == "containers" {
            changes.extend(of_containers(&before[&field], &after[&field]));
        } else {
            let how = how(&field, &before[&field], &after[&field]);
            changes.push(ReleaseChange { name: field, how });
        }
    }
    changes.sort_by(|one, other| one.name.cmp(&other.name));
    changes
}

fn of_containers(before: &Value, after: &Value) -> Vec<ReleaseChange> {
    let are_several = [before, after].iter().any(|it| it.as_object().map_or(0, Map::len) > 1);
    let mut changes = Vec::new();
    for container in differing(before, after) {
        let (before, after) = (&before[&container], &after[&container]);
        if before.is_null() || after.is_null() {
            let name = format!("container {container}");
            changes.push(ReleaseChange { name, how: presence(before, after).to_owned() });
            continue;
        }
        let mut inside = of_variables(before, after);
        let fields = differing(before, after).filter(|it| !VARIABLES.contains(&it.as_str()));
        inside.extend(fields.map(|field| {
            let how = how(&field, &before[&field], &after[&field]);
            ReleaseChange { name: field, how }
        }));
        if are_several {
            for change in &mut inside {
                change.name = format!("{container}: {}", change.name);
            }
        }
        changes.extend(inside);
    }
    changes
}

/// The fields of a container that have environment variables.
const VARIABLES: [&str; 2] = ["environment", "secrets"];

/// Environment variables by their names, and the secrets among them by where they are.
fn of_variables(before: &Value, after: &Value) -> Vec<ReleaseChange> {
    let differ = VARIABLES.iter().flat_map(|it| differing(&before[*it], &after[*it]));
    let names: BTreeSet<String> = differ.collect();
    let changes = names.into_iter().map(|name| {
        let value = |of: &Value| {
            (of["environment"].get(&name).is_some(), of["secrets"].get(&name).cloned())
        };
        let how = match (value(before), value(after)) {
            ((_, Some(one)), (_, Some(other))) => format!("{} → {}", place(&one), place(&other)),
            ((false, None), (_, Some(secret))) => format!("added, secret {}", place(&secret)),
            ((true, None), (_, Some(secret))) => format!("now secret {}", place(&secret)),
            ((_, Some(_)), (true, None)) => "no longer a secret".to_owned(),
            ((false, None), (true, None)) => "added".to_owned(),
            ((true, None), (true, None)) => "changed".to_owned(),
            (_, (false, None)) => "removed".to_owned(),
        };
        ReleaseChange { name, how }
    });
    changes.collect()
}

/// In which way a field differs. Only what cannot be secret is shown.
fn how(field: &str, before: &Value, after: &Value) -> String {
    if let ("image", Some(before), Some(after)) = (field, before.as_str(), after.as_str()) {
        return of_images(before, after);
    }
    let shown = |value: &Value| match (field, value) {
        ("execution-role" | "task-role", value) => {
            let arn = value.as_str().or_else(|| value["id"].as_str())?;
            Some(arn.rsplit('/').next().unwrap_or(arn).to_owned())
        }
        ("architecture" | "user", Value::String(text)) if !text.is_empty() => Some(text.clone()),
        ("ports" | "udp-ports", value) => {
            let ports = value.as_array()?.iter().map(Value::to_string);
            Some(ports.collect::<Vec<_>>().join(", ")).filter(|ports| !ports.is_empty())
        }
        (_, Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
        _ => None,
    };
    match (shown(before), shown(after)) {
        (Some(before), Some(after)) if before != after => format!("{before} → {after}"),
        _ => presence(before, after).to_owned(),
    }
}

/// Whether something came, went or is another now.
fn presence(before: &Value, after: &Value) -> &'static str {
    let is_absent = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    match (is_absent(before), is_absent(after)) {
        (true, false) => "added",
        (false, true) => "removed",
        _ => "changed",
    }
}

/// Two images without their registries, and by the first twelve digits of their digests alone where
/// they are in one repository.
fn of_images(before: &str, after: &str) -> String {
    let named = |image: &str| {
        let name = image.rsplit('/').next().unwrap_or(image);
        match name.split_once("@sha256:") {
            Some((name, digest)) => format!("{name}@{}", digest.get(..12).unwrap_or(digest)),
            None => name.to_owned(),
        }
    };
    let (one, other) = (named(before), named(after));
    match (one.split_once('@'), other.split_once('@')) {
        (Some((repository, one)), Some((same, other))) if repository == same => {
            format!("{one} → {other}")
        }
        _ => format!("{one} → {other}"),
    }
}

/// Where a secret is, without the account: `session-a1b2c3:user` of a secret's ARN, `/app/token` of a
/// parameter's.
fn place(value: &Value) -> String {
    let place = value.as_str().unwrap_or("elsewhere");
    let name = place.split_once(":secret:").or_else(|| place.split_once(":parameter"));
    name.map_or(place, |(_, name)| name).trim_end_matches(':').to_owned()
}

/// The keys whose values differ between two mappings.
fn differing<'a>(before: &'a Value, after: &'a Value) -> impl Iterator<Item = String> {
    let keys = |value: &'a Value| value.as_object().into_iter().flat_map(|it| it.keys().cloned());
    let all: BTreeSet<String> = keys(before).chain(keys(after)).collect();
    all.into_iter().filter(move |key| before[key] != after[key])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn release(image: &str, token: &str, memory: u32) -> Value {
        json!({
            "cpu": 256, "memory": memory, "volumes": {},
            "containers": { "web": {
                "image": image, "environment": { "TOKEN": token, "PORT": "80" },
                "secrets": {}, "command": [], "ports": [80],
            } },
        })
    }

    fn said(before: &Value, after: &Value) -> Vec<String> {
        let changes = release_changes(before, after).into_iter();
        changes.map(|it| format!("{} {}", it.name, it.how)).collect()
    }

    #[test]
    fn what_differs_is_named_and_no_value_that_may_be_secret_is() {
        let image = |digest: &str| format!("1.dkr.ecr.eu-west-1.amazonaws.com/web@sha256:{digest}");
        let (one, other) = (image("0123456789abcdef"), image("fedcba9876543210"));
        let images = "image 0123456789ab → fedcba987654";
        let mut after = release(&other, "y", 1024);
        assert_eq!(
            said(&release(&one, "x", 512), &after),
            ["TOKEN changed", images, "memory 512 → 1024"]
        );
        after["containers"]["web"]["command"] = json!(["--password=x"]);
        after["containers"]["web"]["ports"] = json!([81, 82]);
        assert_eq!(
            said(&release(&other, "y", 1024), &after),
            ["command added", "ports 80 → 81, 82"]
        );
        assert!(said(&after, &after).is_empty());
        let pulled = "image web@0123456789ab → nginx:1.29";
        assert_eq!(said(&release(&one, "x", 1), &release("nginx:1.29", "x", 1)), [pulled]);
    }

    #[test]
    fn containers_are_named_where_there_are_several() {
        let mut two = release("a", "x", 512);
        two["containers"]["proxy"] = json!({ "image": "b:1" });
        two["containers"]["web"]["command"] = json!(["run"]);
        assert_eq!(
            said(&release("a", "x", 512), &two),
            ["container proxy added", "web: command added"]
        );
    }

    #[test]
    fn secrets_are_told_by_where_they_are() {
        let with = |environment: Value, secrets: Value| json!({ "containers": { "web": { "environment": environment, "secrets": secrets } } });
        let arn = |name: &str| format!("arn:aws:secretsmanager:eu-west-1:1:secret:{name}");
        let one =
            with(json!({ "A": "1" }), json!({ "B": arn("old-abcdef:user::"), "C": arn("c") }));
        let other = with(json!({}), json!({ "A": arn("a"), "B": arn("new-abcdef:user::") }));
        let said = said(&one, &other);
        assert_eq!(said, ["A now secret a", "B old-abcdef:user → new-abcdef:user", "C removed"]);
    }
}
