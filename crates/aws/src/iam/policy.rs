//! IAM's policy documents as statements, and statements as policy documents.
//!
//! Reading is total: what a [`Statement`] cannot say becomes a statement whose only action is the
//! text AWS has. It equals nothing that a stack can want, so the plan shows it and replaces it.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::Text;
use deployer_kinds::{Effect, Statement};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

/// The version that every policy of today has (IAM user guide, "Version" of policy elements).
const VERSION: &str = "2012-10-17";

/// What a service does to take a role.
const ASSUME: &str = "sts:AssumeRole";

/// A document as IAM hands it out: URL-encoded as RFC 3986 says (IAM API reference).
pub(crate) fn decoded(document: &str) -> String {
    percent_decode_str(document).decode_utf8_lossy().into_owned()
}

/// The policy that lets these services take a role.
pub(crate) fn trust(services: &BTreeSet<String>) -> String {
    let statement = json!({
        "Effect": "Allow",
        "Principal": { "Service": services },
        "Action": ASSUME,
    });
    json!({ "Version": VERSION, "Statement": [statement] }).to_string()
}

/// The services that a trust policy lets take the role, and nothing else: a document that says
/// more than [`trust`] can is given back as if it were the name of one.
pub(crate) fn services(document: &str) -> BTreeSet<String> {
    let read = || {
        let statements = listed(document)?;
        let [statement] = statements.as_slice() else { return None };
        let statement = statement.as_object()?;
        let known = ["Effect", "Principal", "Action", "Sid"];
        let principal = statement.get("Principal")?.as_object()?;
        let is_plain = statement.keys().all(|key| known.contains(&key.as_str()))
            && statement.get("Effect")? == "Allow"
            && strings(statement.get("Action")?)? == BTreeSet::from([ASSUME.to_owned()])
            && principal.len() == 1;
        is_plain.then(|| strings(principal.get("Service")?)).flatten()
    };
    read().unwrap_or_else(|| BTreeSet::from([document.to_owned()]))
}

/// The document of these statements.
pub(crate) fn document(statements: &[Statement]) -> String {
    let statements: Vec<Value> = statements.iter().map(write).collect();
    json!({ "Version": VERSION, "Statement": statements }).to_string()
}

/// The statements of a document.
pub(crate) fn statements(document: &str) -> Vec<Statement> {
    match listed(document) {
        Some(statements) => statements
            .iter()
            .map(|statement| read(statement).unwrap_or_else(|| unreadable(statement.to_string())))
            .collect(),
        None => vec![unreadable(document.to_owned())],
    }
}

fn write(statement: &Statement) -> Value {
    let resources: Vec<&str> = statement.resources.iter().map(Text::resolved).collect();
    let mut written = json!({
        "Effect": match statement.effect {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        },
        "Action": statement.actions,
        "Resource": resources,
    });
    if !statement.conditions.is_empty() {
        written["Condition"] = json!(statement.conditions);
    }
    written
}

/// `None` for what a [`Statement`] cannot say: `NotAction`, `NotResource`, a principal.
fn read(statement: &Value) -> Option<Statement> {
    let known = ["Effect", "Action", "Resource", "Condition", "Sid"];
    let statement = statement.as_object()?;
    if !statement.keys().all(|key| known.contains(&key.as_str())) {
        return None;
    }
    let resources = strings(statement.get("Resource")?)?;
    Some(Statement {
        effect: match statement.get("Effect")?.as_str()? {
            "Allow" => Effect::Allow,
            "Deny" => Effect::Deny,
            _ => return None,
        },
        actions: strings(statement.get("Action")?)?,
        resources: resources.into_iter().map(Text::from).collect(),
        conditions: match statement.get("Condition") {
            Some(conditions) => read_conditions(conditions)?,
            None => BTreeMap::new(),
        },
    })
}

fn read_conditions(
    conditions: &Value,
) -> Option<BTreeMap<String, BTreeMap<String, BTreeSet<String>>>> {
    let operators = conditions.as_object()?.iter();
    operators
        .map(|(operator, keys)| {
            let keys = keys.as_object()?.iter();
            let keys = keys.map(|(key, values)| Some((key.clone(), strings(values)?)));
            Some((operator.clone(), keys.collect::<Option<_>>()?))
        })
        .collect()
}

/// The statements of a document of today's version, be they a list or a single one.
fn listed(document: &str) -> Option<Vec<Value>> {
    let document: Value = serde_json::from_str(document).ok()?;
    if document.get("Version")? != VERSION {
        return None;
    }
    match document.get("Statement")? {
        Value::Array(statements) => Some(statements.clone()),
        single => Some(vec![single.clone()]),
    }
}

/// A string or a list of strings; IAM takes numbers and truth values for strings.
fn strings(value: &Value) -> Option<BTreeSet<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        single => Some(BTreeSet::from([text(single)?])),
    }
}

fn unreadable(text: String) -> Statement {
    Statement {
        effect: Effect::Allow,
        actions: BTreeSet::from([text]),
        resources: BTreeSet::new(),
        conditions: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement() -> Statement {
        Statement {
            effect: Effect::Deny,
            actions: ["s3:GetObject", "s3:PutObject"].map(ToOwned::to_owned).into(),
            resources: ["arn:aws:s3:::notes/*"].map(Text::from).into(),
            conditions: [(
                "StringEquals".to_owned(),
                [("aws:SourceVpc".to_owned(), ["vpc-1".to_owned()].into())].into(),
            )]
            .into(),
        }
    }

    #[test]
    fn what_was_written_reads_back_as_it_was() {
        let written = vec![statement(), Statement { conditions: [].into(), ..statement() }];
        assert_eq!(statements(&document(&written)), written);
        let services_wanted: BTreeSet<String> =
            ["ecs.amazonaws.com", "ecs-tasks.amazonaws.com"].map(ToOwned::to_owned).into();
        assert_eq!(services(&trust(&services_wanted)), services_wanted);
    }

    #[test]
    fn single_values_read_as_lists_of_one() {
        let read = statements(
            r#"{"Version":"2012-10-17","Statement":{"Sid":"Why","Effect":"Allow",
            "Action":"s3:GetObject","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":true}}}}"#,
        );
        assert_eq!(read[0].actions, BTreeSet::from(["s3:GetObject".to_owned()]));
        assert_eq!(read[0].resources, BTreeSet::from([Text::from("*")]));
        assert_eq!(
            read[0].conditions["Bool"]["aws:SecureTransport"],
            BTreeSet::from(["true".to_owned()])
        );
    }

    #[test]
    fn what_a_statement_cannot_say_shows_as_it_stands() {
        for statement in [
            r#"{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}"#,
            r#"{"Action":"s3:*","Effect":"Allow","NotResource":"*"}"#,
            r#"{"Action":"s3:*","Effect":"Allow","Principal":"*","Resource":"*"}"#,
        ] {
            let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
            let read = statements(&document);
            assert_eq!(read[0].actions, BTreeSet::from([statement.to_owned()]));
        }
        let old = r#"{"Version":"2008-10-17","Statement":[]}"#;
        assert_eq!(statements(old)[0].actions, BTreeSet::from([old.to_owned()]));
    }

    #[test]
    fn a_trust_in_more_than_services_shows_as_it_stands() {
        for statement in [
            r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}"#,
            r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}"#,
            r#"{"Effect":"Allow","Principal":{"Service":"ecs.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{}}"#,
            r#"{"Effect":"Allow","Principal":{"Service":"ecs.amazonaws.com","AWS":"1"},"Action":"sts:AssumeRole"}"#,
        ] {
            let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
            assert_eq!(services(&document), BTreeSet::from([document.clone()]));
        }
    }

    #[test]
    fn documents_come_url_encoded() {
        assert_eq!(
            decoded("%7B%22Version%22%3A%20%222012-10-17%22%7D"),
            r#"{"Version": "2012-10-17"}"#
        );
    }
}
