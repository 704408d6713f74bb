//! A topic of SNS, and who hears what is published there.

use std::collections::BTreeSet;

use deployer_core::{Change, Grant, Impact, Kind, Naming, Problem, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A topic.
pub struct Topic;

impl Kind for Topic {
    const NAME: &'static str = "topic";
    const CHANGES: &'static [(&'static str, Change)] =
        &[("emails", Change::InPlace(Impact::None)), ("urls", Change::InPlace(Impact::None))];
    const GRANTS: &'static [Grant] = &[Grant::of("emails"), Grant::of("urls")];
    // `Name` of `CreateTopic` in the SNS API reference.
    const NAMING: Option<Naming> = Some(Naming::hyphens(256));
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    type Spec = TopicSpec;
    type Output = TopicOutput;

    fn check(spec: &TopicSpec) -> Vec<Problem> {
        let is_address = |text: &str| {
            let parts = text.split_once('@');
            parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
                && !text.contains([' ', ','])
        };
        let mut problems = Vec::new();
        for email in spec.emails.iter().filter(|it| !is_address(it)) {
            let message = format!("`{email}` is not an address of mail");
            problems.push(Problem::new(
                "emails",
                message,
                "expected one such as `ops@example.com`",
            ));
        }
        for url in spec.urls.iter().filter(|it| !it.starts_with("https://")) {
            let message = format!("`{url}` is not reached by HTTPS");
            let help = "expected one such as `https://hooks.example.com/alarms`";
            problems.push(Problem::new("urls", message, help));
        }
        let host = |url: &String| url.split('/').nth(2).unwrap_or_default().to_owned();
        for url in spec.urls.iter().filter(|it| host(it).contains('@')) {
            let message = format!(
                "the URL of {} has a password in it",
                host(url).rsplit('@').next().unwrap_or_default()
            );
            let help = "put a token into its path, or ask for none there";
            problems.push(Problem::new("urls", message, help));
        }
        problems
    }
}

/// What we want of a topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TopicSpec {
    /// The addresses that get a mail. Whoever has one is asked first, by mail.
    #[serde(default)]
    pub emails: BTreeSet<String>,
    /// The URLs that are called. Whoever answers there is asked first.
    #[serde(default)]
    pub urls: BTreeSet<String>,
}

/// What AWS returns for a topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TopicOutput {
    /// The ARN.
    pub id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nobody_can_be_reached_is_a_mistake() {
        let paths = |emails: &[&str], urls: &[&str]| -> Vec<String> {
            let set = |of: &[&str]| of.iter().map(ToString::to_string).collect();
            let spec = TopicSpec { emails: set(emails), urls: set(urls) };
            Topic::check(&spec).into_iter().map(|it| it.path).collect()
        };
        assert_eq!(paths(&["ops@example.com"], &["https://example.com/a"]), Vec::<String>::new());
        assert_eq!(
            paths(&["ops", "a b@example.com"], &["http://example.com"]),
            ["emails", "emails", "urls"]
        );
    }
}
