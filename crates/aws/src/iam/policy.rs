//! IAM's policy documents as statements, and statements as policy documents.
//!
//! Reading is total: what a [`Statement`] cannot say becomes a statement whose only action is the
//! text AWS has. It equals nothing that a stack can want, so the plan shows it and replaces it.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::Text;
use deployer_kinds::{Conditions, Effect, Statement};
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

/// Who may take a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trust {
    /// The services that may.
    pub(crate) services: BTreeSet<String>,
    /// Whether they may only for what is of the role's own account.
    pub(crate) own_account_only: bool,
    /// What else must hold.
    pub(crate) conditions: Conditions,
}

impl Trust {
    /// The policy of a role in this account of this partition.
    pub(crate) fn document(&self, partition: &str, account: &str) -> String {
        let mut statement = json!({
            "Effect": "Allow",
            "Principal": { "Service": self.services },
            "Action": ASSUME,
        });
        let mut conditions = self.conditions.clone();
        if self.own_account_only {
            for (operator, key, value) in own(partition, account) {
                let keys = conditions.entry(operator.to_owned()).or_default();
                // Whoever has said it more closely is not overruled.
                keys.entry(key.to_owned()).or_insert_with(|| [value].into());
            }
        }
        if !conditions.is_empty() {
            statement["Condition"] = json!(conditions);
        }
        json!({ "Version": VERSION, "Statement": [statement] }).to_string()
    }

    /// What a policy says of a role in this account. One that says more than [`Trust`] can has its
    /// document in place of the name of a service.
    pub(crate) fn read(document: &str, partition: &str, account: &str) -> Self {
        Self::plain(document, partition, account).unwrap_or_else(|| Self {
            services: BTreeSet::from([document.to_owned()]),
            ..Self::default()
        })
    }

    fn plain(document: &str, partition: &str, account: &str) -> Option<Self> {
        let statements = listed(document)?;
        let [statement] = statements.as_slice() else { return None };
        let statement = statement.as_object()?;
        let known = ["Effect", "Principal", "Action", "Sid", "Condition"];
        let principal = statement.get("Principal")?.as_object()?;
        let is_plain = statement.keys().all(|key| known.contains(&key.as_str()))
            && statement.get("Effect")? == "Allow"
            && strings(statement.get("Action")?)? == BTreeSet::from([ASSUME.to_owned()])
            && principal.len() == 1;
        let services = strings(principal.get("Service").filter(|_| is_plain)?)?;
        let mut conditions = match statement.get("Condition") {
            Some(conditions) => read_conditions(conditions)?,
            None => Conditions::new(),
        };
        let [of_account, _] = own(partition, account);
        let (operator, key, value) = &of_account;
        let values = conditions.get(*operator).and_then(|keys| keys.get(*key));
        let own_account_only = values.is_some_and(|values| values.iter().eq([value]));
        if own_account_only {
            for (operator, key, value) in own(partition, account) {
                let keys = conditions.entry(operator.to_owned()).or_default();
                if keys.get(key).is_some_and(|values| values.iter().eq([&value])) {
                    keys.remove(key);
                }
            }
            conditions.retain(|_, keys| !keys.is_empty());
        }
        Some(Self { services, own_account_only, conditions })
    }
}

/// What holds when ECS takes a role for something of this account (ECS developer guide, "Task IAM
/// role"): operator, key, value.
fn own(partition: &str, account: &str) -> [(&'static str, &'static str, String); 2] {
    [
        ("StringEquals", "aws:SourceAccount", account.to_owned()),
        ("ArnLike", "aws:SourceArn", format!("arn:{partition}:ecs:*:{account}:*")),
    ]
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

fn read_conditions(conditions: &Value) -> Option<Conditions> {
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

    const ACCOUNT: &str = "123456789012";

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
        for (own_account_only, conditions) in [
            (true, Conditions::new()),
            (false, Conditions::new()),
            (true, statement().conditions),
            (false, statement().conditions),
        ] {
            let services = ["ecs.amazonaws.com", "ecs-tasks.amazonaws.com"].map(ToOwned::to_owned);
            let trust = Trust { services: services.into(), own_account_only, conditions };
            assert_eq!(Trust::read(&trust.document("aws", ACCOUNT), "aws", ACCOUNT), trust);
        }
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
            r#"{"Effect":"Allow","Principal":{"Service":"ecs.amazonaws.com","AWS":"1"},"Action":"sts:AssumeRole"}"#,
        ] {
            let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
            let read = Trust::read(&document, "aws", ACCOUNT);
            assert_eq!(read.services, BTreeSet::from([document.clone()]));
        }
    }

    #[test]
    fn documents_come_url_encoded() {
        assert_eq!(
            decoded("%7B%22Version%22%3A%20%222012-10-17%22%7D"),
            r#"{"Version": "2012-10-17"}"#
        );
    }

    #[test]
    fn what_others_have_added_to_a_trust_is_kept_and_one_for_all_accounts_is_no_guard() {
        let document = |conditions: &str| {
            format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"ecs-tasks.amazonaws.com"}},"Action":"sts:AssumeRole","Condition":{conditions}}}]}}"#
            )
        };
        let closer = r#"{"StringEquals":{"aws:SourceAccount":"123456789012"},"ArnLike":{"aws:SourceArn":"arn:aws:ecs:eu-west-1:123456789012:*"},"Bool":{"aws:Mfa":"true"}}"#;
        let trust = Trust::read(&document(closer), "aws", ACCOUNT);
        assert!(trust.own_account_only);
        assert_eq!(trust.conditions.keys().collect::<Vec<_>>(), ["ArnLike", "Bool"]);
        assert_eq!(Trust::read(&trust.document("aws", ACCOUNT), "aws", ACCOUNT), trust);
        for open in [
            "{}",
            r#"{"StringEquals":{"aws:SourceAccount":["123456789012","210987654321"]}}"#,
            r#"{"StringEquals":{"aws:SourceAccount":"210987654321"}}"#,
            r#"{"StringLike":{"aws:SourceAccount":"*"}}"#,
        ] {
            assert!(!Trust::read(&document(open), "aws", ACCOUNT).own_account_only, "{open}");
        }
    }
}
