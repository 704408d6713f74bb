//! The two roles of a service: the one ECS starts its tasks with, and the one its tasks have.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Address, Arn, Part, Partition, Text, principal, repository_of};
use deployer_kinds::{Effect, Role, RoleSpec, Statement};

use super::body::{Permission, Service};
use super::forms::ImageSource;
use super::image;
use super::owner::Owner;
use crate::draft::Draft;
use crate::section::Sections;
use crate::stored::Readable;

/// What lets ECS pull an image from ECR (ECS developer guide, "task execution IAM role").
const PULL: [&str; 3] =
    ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
/// What lets a shell into a container (ECS developer guide, "ECS Exec").
const SHELL: [&str; 4] = [
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
];

/// Makes both roles. `readable` are the secrets whose values the tasks start with, `permitted` what
/// they may do with what they use.
pub(super) fn make(
    draft: &mut Draft,
    all: &Sections,
    owner: Owner<'_>,
    body: &Service,
    (readable, permitted): (&BTreeSet<Readable>, &[Statement]),
) {
    let resource = owner.resource();
    let mut statements = Vec::new();
    if body.logs.are_kept() {
        let group = Address::new("log-group", &resource);
        statements.push(Statement::allow(
            &["logs:CreateLogStream", "logs:PutLogEvents"],
            [Text::from_parts([
                Part::Output { address: group, field: "arn".to_owned() },
                Part::Literal(":*".to_owned()),
            ])],
        ));
    }
    let sources = image::sources(draft, all, &resource, body);
    let repositories: BTreeSet<Text> =
        sources.filter_map(|(name, source)| repository(draft, all, &name, source)).collect();
    if !repositories.is_empty() {
        statements.push(Statement::allow(&["ecr:GetAuthorizationToken"], [Text::from("*")]));
        statements.push(Statement::allow(&PULL, repositories));
    }
    statements.extend(reading(&draft.region, readable));
    role(draft, owner, "execution", statements, BTreeSet::new());

    let mut statements = if body.execute_command {
        vec![Statement::allow(&SHELL, [Text::from("*")])]
    } else {
        Vec::new()
    };
    statements.extend(permitted.iter().cloned());
    let mut managed = BTreeSet::new();
    for permission in &body.permissions {
        match permission {
            Permission::Policy(arn) => {
                managed.insert(arn.clone());
            }
            Permission::Statement(allowed) => statements.push(Statement {
                effect: Effect::Allow,
                actions: allowed.actions.clone(),
                resources: allowed.resources.clone(),
                conditions: BTreeMap::new(),
            }),
        }
    }
    role(draft, owner, "task", statements, managed);
}

/// What lets ECS read the values that tasks start with, and use the keys that they are encrypted
/// with, for that alone (ECS developer guide, "Amazon ECS task execution IAM role").
fn reading(region: &str, readable: &BTreeSet<Readable>) -> Vec<Statement> {
    let mut statements = Vec::new();
    let (parameters, secrets): (Vec<&Readable>, Vec<&Readable>) =
        readable.iter().partition(|it| it.is_parameter());
    for (service, action, kept) in [
        ("secretsmanager", "secretsmanager:GetSecretValue", secrets),
        ("ssm", "ssm:GetParameters", parameters),
    ] {
        if !kept.is_empty() {
            let all = kept.iter().map(|it| of_parameter(region, &it.what));
            statements.push(Statement::allow(&[action], all));
        }
        // KMS sees which service asks (KMS developer guide, "kms:ViaService").
        let mut keys: BTreeMap<String, BTreeSet<Text>> = BTreeMap::new();
        for (readable, key) in kept.iter().filter_map(|it| Some((it, it.key.as_deref()?))) {
            let arn = readable.what.literal().and_then(Arn::read);
            let region = arn.map_or(region, |arn| arn.region);
            let via = format!("{service}.{region}.{}", Partition::of(region).domain());
            keys.entry(via).or_default().insert(Text::from(key));
        }
        for (via, keys) in keys {
            let is_via = [("kms:ViaService".to_owned(), [via].into())].into();
            let conditions = [("StringEquals".to_owned(), is_via)].into();
            statements.push(Statement { conditions, ..Statement::allow(&["kms:Decrypt"], keys) });
        }
    }
    statements
}

/// The ARN of what is read; a parameter that is named is one of the account that the stack is in.
fn of_parameter(region: &str, what: &Text) -> Text {
    match what.literal().filter(|text| text.starts_with('/')) {
        Some(name) => {
            let partition = Partition::of(region).name();
            Text::from(format!("arn:{partition}:ssm:{region}:*:parameter{name}"))
        }
        None => what.clone(),
    }
}

fn role(
    draft: &mut Draft,
    owner: Owner<'_>,
    which: &str,
    statements: Vec<Statement>,
    managed: BTreeSet<String>,
) {
    let policies = (!statements.is_empty()).then(|| (which.to_owned(), statements));
    let spec = RoleSpec {
        services: [principal("ecs-tasks")].into(),
        // ECS says for which account and which of its resources it takes a role (ECS developer
        // guide, "Task IAM role").
        own_account_only: true,
        conditions: BTreeMap::new(),
        inline: policies.into_iter().collect(),
        managed,
        boundary: None,
        path: "/".to_owned(),
    };
    let fields: &[(&str, &str)] = match which {
        "task" => &[("inline", "permissions"), ("managed", "permissions")],
        _ => &[],
    };
    draft.make::<Role>(&role_name(owner, which), &spec, owner.origin(fields));
}

/// What one of its roles is called.
pub(in crate::sections) fn role_name(owner: Owner<'_>, which: &str) -> String {
    format!("{}-{which}", owner.resource())
}

/// The ARN of the ECR repository an image of a service is pulled from, when it is in one.
fn repository(draft: &Draft, all: &Sections, name: &str, source: &ImageSource) -> Option<Text> {
    if let Some(name) = image::repository(draft, all, name, source) {
        return Some(Text::output(Address::new("repository", name), "arn"));
    }
    let image = source.pulled()?;
    if let Some(Part::Output { address, .. }) = image.parts().first()
        && address.kind == "repository"
    {
        return Some(Text::output(address.clone(), "arn"));
    }
    repository_of(image.literal()?).map(Text::from)
}
