//! What is secret by its name or by its shape, left out of everything that is shown: of plans for
//! people and for machines, of what a stack expands into, of what was changed outside.
//!
//! Secrets belong into `secrets:`, where only their names are. This is for those that do not stand
//! there, and errs on the side of showing too little.

use deployer_core::{Event, ISSUED, What, is_secretive, is_unread, references};
use serde_json::Value;

/// What stands in the place of a value that is not shown.
pub(crate) const MASKED: &str = "(not shown)";

/// What stands in the place of a part of a text.
const LEFT_OUT: &str = "…";

/// The field at this path of a spec with nothing secret in it. What it refers to stays.
pub(crate) fn masked(path: &str, value: &Value) -> Value {
    let mut segments = path.rsplit('.');
    let (last, parent) = (segments.next().unwrap_or_default(), segments.next());
    if parent == Some("environment") { named(last, value) } else { within(last, value) }
}

/// The value of a variable with this name.
fn named(name: &str, value: &Value) -> Value {
    let is_shown = value.is_null()
        || is_unread(value)
        || !is_secretive(name)
        || value.as_str().is_some_and(|text| text.is_empty() || text.starts_with("arn:"))
        || (value.is_object() && !references(value).is_empty());
    if is_shown { within(name, value) } else { MASKED.into() }
}

/// The value found under this key.
fn within(key: &str, value: &Value) -> Value {
    match value {
        Value::String(text) => without_secrets(text).into(),
        Value::Array(items) => {
            let mut shown: Vec<Value> = Vec::with_capacity(items.len());
            let mut is_next_secret = false;
            for item in items {
                let text = item.as_str();
                let is_secret = std::mem::take(&mut is_next_secret) && text.is_some();
                // `--token`, and what it is in the next word.
                let flag = text.filter(|text| text.starts_with('-') && !text.contains('='));
                is_next_secret = !is_secret && flag.is_some_and(is_secretive);
                shown.push(if is_secret { MASKED.into() } else { within(key, item) });
            }
            shown.into()
        }
        Value::Object(fields) => {
            let is_variable = key == "environment";
            let field = |name: &String, value: &Value| {
                if is_variable { named(name, value) } else { within(name, value) }
            };
            let fields = fields.iter().map(|(name, value)| (name.clone(), field(name, value)));
            Value::Object(fields.collect())
        }
        plain => plain.clone(),
    }
}

/// A text without what is secret in it: whole JSON and keys, passwords in addresses, values of
/// names that are secretive, and what begins as secrets do.
pub(crate) fn without_secrets(text: &str) -> String {
    if text.contains("PRIVATE KEY-----") {
        return MASKED.to_owned();
    }
    let is_json = text.trim_start().starts_with(['{', '[']);
    match serde_json::from_str::<Value>(text) {
        Ok(json) if is_json => in_json(&json).to_string(),
        _ => without_issued(&without_values(&without_passwords(text), Style::Settings)),
    }
}

/// What AWS, a build or a task has said, without what is plainly secret in it. Prose has colons
/// behind names of secrets, as in `registry auth: no such host`, so these mean nothing here.
pub(crate) fn said(text: &str) -> String {
    if text.contains("PRIVATE KEY-----") {
        return MASKED.to_owned();
    }
    without_issued(&without_values(&without_passwords(text), Style::Prose))
}

/// An event without what is plainly secret in its words.
pub(crate) fn masked_event(event: &Event) -> Event {
    let mut event = event.clone();
    match &mut event.what {
        What::Said { line: words, .. }
        | What::Waiting { on: words, .. }
        | What::Abandoned { on: words, .. } => *words = said(words),
        What::Retrying { failure, .. } | What::Failed { failure, .. } => {
            failure.message = said(&failure.message);
        }
        _ => {}
    }
    event
}

/// JSON that stands in a text, as settings often do. Every key in it is a name.
fn in_json(json: &Value) -> Value {
    match json {
        Value::Object(fields) => {
            let field = |name: &String, value: &Value| match value {
                Value::String(_) | Value::Number(_) if is_secretive(name) => MASKED.into(),
                value => in_json(value),
            };
            let fields = fields.iter().map(|(name, value)| (name.clone(), field(name, value)));
            Value::Object(fields.collect())
        }
        Value::Array(items) => items.iter().map(in_json).collect(),
        Value::String(text) => without_secrets(text).into(),
        plain => plain.clone(),
    }
}

/// Addresses without the passwords in them, and without a user that is one, as in
/// `https://TOKEN@host`.
fn without_passwords(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let end = after.find(|c: char| c.is_whitespace() || "/?#'\"<>".contains(c));
        let authority = &after[..end.unwrap_or(after.len())];
        rest = &after[authority.len()..];
        match authority.rsplit_once('@') {
            Some((user, host)) => {
                let user = user.split_once(':').map(|(user, _)| format!("{user}:{LEFT_OUT}"));
                shown.push_str(&user.unwrap_or_else(|| LEFT_OUT.to_owned()));
                shown.push('@');
                shown.push_str(host);
            }
            None => shown.push_str(authority),
        }
    }
    shown + rest
}

/// How a text is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// As settings: what follows a colon is a value.
    Settings,
    /// As sentences, in which a colon means nothing but before `Bearer` and `Basic`.
    Prose,
}

/// What stands behind `password=`, `--token=`, `Authorization: Bearer` and the like is left out.
fn without_values(text: &str, style: Style) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['=', ':']) {
        let (before, after) = rest.split_at(at);
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        let name = &before[before.trim_end_matches(is_name).len()..];
        let (sign, value) = after.split_at(1);
        let gap = value.len() - value.trim_start_matches(' ').len();
        shown.push_str(before);
        shown.push_str(sign);
        rest = value;
        // A colon also stands in times, ports and ARNs.
        let is_given = sign == "=" || gap > 0;
        if !is_given || !is_secretive(name) || value.starts_with("arn:") {
            continue;
        }
        let (blanks, value) = value.split_at(gap);
        // `Bearer` and `Basic` are no secrets, what follows is.
        let scheme = ["Bearer ", "Basic "].into_iter().find(|scheme| value.starts_with(scheme));
        if style == Style::Prose && sign == ":" && scheme.is_none() {
            continue;
        }
        let value = &value[scheme.map_or(0, str::len)..];
        let quote = value.chars().next().filter(|c| "'\"".contains(*c));
        let end = match quote {
            Some(quote) => value[1..].find(quote).map_or(value.len(), |end| end + 2),
            None => value
                .find(|c: char| c.is_whitespace() || ",;&'\")}]".contains(c))
                .unwrap_or(value.len()),
        };
        if end > 0 {
            shown.push_str(blanks);
            shown.push_str(scheme.unwrap_or_default());
            shown.push_str(LEFT_OUT);
            rest = &value[end..];
        }
    }
    shown + rest
}

/// What an issuer has marked as a secret is left out wherever it stands.
fn without_issued(text: &str) -> String {
    let mut shown = text.to_owned();
    for beginning in ISSUED {
        while let Some(at) = shown.find(beginning) {
            let is_part = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
            let end = shown[at..].find(|c| !is_part(c)).map_or(shown.len(), |end| at + end);
            shown.replace_range(at..end, LEFT_OUT);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn variables_are_masked_by_their_names() {
        for name in [
            "API_KEY",
            "DB_PASS",
            "DB_PASSWORD",
            "SMTP_AUTH",
            "SENTRY_DSN",
            "apiKey",
            "PGPASSWORD",
            "COOKIE_SALT",
            "GITHUB_TOKEN",
            "SSHKEY",
            "db-pwd",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            let path = format!("containers.web.environment.{name}");
            assert_eq!(masked(&path, &json!("s3cr3t")), MASKED, "{name}");
            let whole = json!({ "environment": { name: "s3cr3t", "LOG": "info" } });
            let shown = json!({ "environment": { name: MASKED, "LOG": "info" } });
            assert_eq!(masked("containers.web", &whole), shown, "{name}");
        }
        for name in ["LOG", "HOST", "PASSENGERS", "AUTHOR", "KEYBOARD", "TIMEOUT"] {
            assert_eq!(masked(&format!("environment.{name}"), &json!("plain")), "plain", "{name}");
        }
    }

    #[test]
    fn what_only_refers_to_a_secret_is_shown() {
        for value in [json!(null), json!(""), json!("arn:aws:x"), json!({ "ref": "secret/a" })] {
            assert_eq!(masked("environment.DB_PASSWORD", &value), value);
        }
        let arn = json!("arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf");
        assert_eq!(masked("secrets.DB_PASSWORD", &arn), arn);
    }

    #[test]
    fn texts_are_masked_by_their_shape() {
        for (text, shown) in [
            ("postgres://notes:s3cr3t@db:5432/n?a=b", "postgres://notes:…@db:5432/n?a=b"),
            ("https://t0k3n@github.com/a/b", "https://…@github.com/a/b"),
            ("http://host/a:b@c", "http://host/a:b@c"),
            ("a://b:c@d e://f:g@h", "a://b:…@d e://f:…@h"),
            (
                "jdbc:postgresql://db/n?user=u&password=s3cr3t&ssl=true",
                "jdbc:postgresql://db/n?user=u&password=…&ssl=true",
            ),
            ("Server=db;Password=s3cr3t;Port=1", "Server=db;Password=…;Port=1"),
            ("serve --token=s3cr3t --port=80", "serve --token=… --port=80"),
            ("sh -c 'API_KEY=\"a b\" run'", "sh -c 'API_KEY=… run'"),
            ("Authorization: Bearer s3cr3t", "Authorization: Bearer …"),
            ("password: s3cr3t, user: u", "password: …, user: u"),
            ("use ghp_0123456789abcdef here", "use … here"),
            ("eyJhbGciOiJIUzI1NiJ9.e30.sig", "…"),
            (
                "{\"user\":\"u\",\"password\":\"s3cr3t\"}",
                "{\"password\":\"(not shown)\",\"user\":\"u\"}",
            ),
            ("-----BEGIN RSA PRIVATE KEY-----\nMII", MASKED),
            ("10:30, port:8080, KEY=", "10:30, port:8080, KEY="),
            (
                "arn:aws:secretsmanager:eu-west-1:1:secret:a",
                "arn:aws:secretsmanager:eu-west-1:1:secret:a",
            ),
        ] {
            assert_eq!(without_secrets(text), shown, "{text}");
        }
    }

    #[test]
    fn what_others_say_loses_what_is_plainly_secret_and_stays_readable() {
        for (text, shown) in [
            ("no host for postgres://notes:s3cr3t@db/n", "no host for postgres://notes:…@db/n"),
            ("docker build --build-arg TOKEN=s3cr3t .", "docker build --build-arg TOKEN=… ."),
            ("pull with ghp_0123456789abcdef failed", "pull with … failed"),
            (
                "unable to pull secrets or registry auth: execution resource retrieval failed",
                "unable to pull secrets or registry auth: execution resource retrieval failed",
            ),
            ("token: the security token is expired", "token: the security token is expired"),
            ("sent Authorization: Bearer s3cr3t to it", "sent Authorization: Bearer … to it"),
            ("-----BEGIN PRIVATE KEY-----", MASKED),
        ] {
            assert_eq!(said(text), shown);
        }
    }

    #[test]
    fn no_event_shows_what_is_plainly_secret() {
        let words = "postgres://notes:s3cr3t@db".to_owned();
        let failure = deployer_core::Failure::new(deployer_core::Cause::Refused, "", words.clone());
        let (step, took) = (0, std::time::Duration::ZERO);
        for what in [
            What::Said { step, line: words.clone() },
            What::Waiting { step, on: words.clone() },
            What::Abandoned { step, on: words },
            What::Retrying { step, failure: failure.clone() },
            What::Failed { step, took, failure },
        ] {
            let shown = format!("{:?}", masked_event(&Event { at: took, what }));
            assert!(shown.contains("postgres://notes:…@db"), "{shown}");
        }
    }

    #[test]
    fn the_word_after_a_flag_is_its_value() {
        let command = json!(["serve", "--token", "s3cr3t", "--port", "80", "--api-key=s3cr3t"]);
        let shown = json!(["serve", "--token", MASKED, "--port", "80", "--api-key=…"]);
        assert_eq!(masked("containers.web.command", &command), shown);
    }

    #[test]
    fn texts_with_references_lose_their_literal_secrets() {
        let text = json!({ "text": ["postgres://notes:s3cr3t@", { "output": "x" }, "/notes"] });
        let shown = json!({ "text": ["postgres://notes:…@", { "output": "x" }, "/notes"] });
        assert_eq!(masked("environment.URL", &text), shown);
    }
}
