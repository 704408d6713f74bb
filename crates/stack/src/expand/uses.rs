//! What a service works with: who uses what, and what it is handed over.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Address, Part, Text};
use deployer_kinds::Engine;

use super::load_balancer;
use crate::draft::Draft;
use crate::mistakes::suggestion;
use crate::sections::{Sections, Service};
use crate::words;

/// What can be used.
const USABLE: [&str; 3] = ["databases", "load-balancers", "secrets"];

/// The settings a container gets from what its service uses.
#[derive(Debug, Default)]
pub(super) struct Handed {
    pub(super) environment: BTreeMap<String, Text>,
    pub(super) secrets: BTreeMap<String, Text>,
    /// The secrets that are read for it.
    pub(super) readable: BTreeSet<Text>,
}

/// The services that use an entry of a section.
pub(super) fn of<'s>(sections: &'s Sections, section: &str, name: &str) -> Vec<&'s str> {
    let wanted = format!("{section}/{name}");
    let users = sections.services.iter().filter(|(_, service)| service.uses.contains(&wanted));
    users.map(|(name, _)| name.as_str()).collect()
}

/// What a service is handed over.
pub(super) fn hand_over(
    draft: &mut Draft,
    sections: &Sections,
    service: &str,
    body: &Service,
) -> Handed {
    let mut handed = Handed::default();
    for (index, used) in body.uses.iter().enumerate() {
        let index = index.to_string();
        let path = ["services", service, "uses", &index];
        match used.split_once('/').filter(|(section, _)| USABLE.contains(section)) {
            Some((section, name)) => {
                if draft.must_have(section, name, &path) {
                    used_thing(&mut handed, sections, section, name);
                }
            }
            None => not_usable(draft, used, &path),
        }
    }
    for (variable, source) in &body.secrets {
        let path = ["services", service, "secrets", variable];
        if let Some((secret, readable)) = secret(draft, source, &path) {
            handed.secrets.insert(variable.clone(), secret);
            handed.readable.insert(readable);
        }
    }
    // What is written by hand wins over what is handed over.
    handed.secrets.retain(|variable, _| {
        body.secrets.contains_key(variable) || !body.environment.contains_key(variable)
    });
    handed.environment.retain(|variable, _| !body.secrets.contains_key(variable));
    handed.environment.extend(body.environment.clone());
    handed
}

fn used_thing(handed: &mut Handed, sections: &Sections, section: &str, name: &str) {
    let prefix = words::variable(name);
    match section {
        "databases" => {
            let instance = Address::new("db-instance", name);
            let engine = sections.databases.get(name).map(|database| match database.engine {
                Engine::Postgres => "postgres",
                Engine::Mysql => "mysql",
                Engine::Mariadb => "mariadb",
            });
            for (suffix, field) in
                [("HOST", "host"), ("PORT", "port"), ("NAME", "database"), ("USER", "user")]
            {
                let text = Text::output(instance.clone(), field);
                handed.environment.insert(format!("{prefix}_{suffix}"), text);
            }
            handed
                .environment
                .insert(format!("{prefix}_ENGINE"), Text::from(engine.unwrap_or_default()));
            handed.secrets.insert(format!("{prefix}_PASSWORD"), password(&instance));
            handed.readable.insert(Text::output(instance, "secret"));
        }
        "secrets" => {
            let secret = Text::output(Address::new("secret", name), "id");
            handed.secrets.insert(prefix, secret.clone());
            handed.readable.insert(secret);
        }
        _ => {
            let balancer = sections.load_balancers.get(name);
            let secure = balancer.is_some_and(|body| load_balancer::ports(body).contains(&443));
            let url = Text::from_parts([
                Part::Literal(if secure { "https://" } else { "http://" }.to_owned()),
                Part::Output {
                    address: Address::new("load-balancer", name),
                    field: "dns".to_owned(),
                },
            ]);
            handed.environment.insert(format!("{prefix}_URL"), url);
        }
    }
}

/// The value of a secret variable, and the secret that must be readable for it.
fn secret(draft: &mut Draft, source: &str, path: &[&str]) -> Option<(Text, Text)> {
    if source.starts_with("arn:") {
        // An ARN has seven pieces; a key of a JSON secret, a stage and a version may follow.
        let whole: Vec<&str> = source.splitn(8, ':').take(7).collect();
        return Some((Text::from(source), Text::from(whole.join(":"))));
    }
    if let Some(name) = source.strip_prefix("databases/") {
        let instance = Address::new("db-instance", name);
        return draft
            .must_have("databases", name, path)
            .then(|| (password(&instance), Text::output(instance, "secret")));
    }
    let name = source.strip_prefix("secrets/").unwrap_or(source);
    let id = Text::output(Address::new("secret", name), "id");
    draft.must_have("secrets", name, path).then(|| (id.clone(), id))
}

/// The password in the JSON secret that RDS keeps, in the form ECS reads one key of it.
fn password(instance: &Address) -> Text {
    Text::from_parts([
        Part::Output { address: instance.clone(), field: "secret".to_owned() },
        Part::Literal(":password::".to_owned()),
    ])
}

fn not_usable(draft: &mut Draft, used: &str, path: &[&str]) {
    let (section, name) = used.split_once('/').unwrap_or(("", used));
    let advice = if section == "services" {
        "a service is reached through an internal load balancer: `load-balancers/…`".to_owned()
    } else if let Some(section) = USABLE
        .iter()
        .find(|section| draft.declared.get(*section).is_some_and(|names| names.contains(name)))
    {
        format!("write `{section}/{name}`")
    } else {
        suggestion(section, USABLE)
    };
    let title = format!("`{used}` is nothing a service can use");
    draft.error("bad-use", title, path, "expected `section/name`", advice);
}
