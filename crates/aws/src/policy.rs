//! The IAM policy of somebody who may do no more to a stack than it takes.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Arn, Partition, Scope, Stack};
use deployer_engine::{Access, Operation, Reach};
use serde_json::{Value, json};

use crate::operations;
use crate::ownership::{ENVIRONMENT, STACK};

/// What is done by hand, and by no run.
const BY_HAND: [&str; 3] =
    ["ecs:ContinueServiceDeployment", "ecs:ExecuteCommand", "ecs:StopServiceDeployment"];

/// What changes nothing and shows or hands out what readers need not have: the private key, the
/// values of secrets, a way to push images.
const SECRET: [&str; 3] =
    ["ecr:GetAuthorizationToken", "secretsmanager:GetSecretValue", "ssm:GetParameter"];

/// What AWS asks for beside operations of ours, and on what. A key of KMS is RDS's own.
const BESIDE: [(&str, &[Reach]); 10] = [
    ("ec2:DescribeAccountAttributes", &[]),
    ("ecr:BatchCheckLayerAvailability", &[Reach::Named("repository/{name}*")]),
    ("ecr:BatchGetImage", &[Reach::Named("repository/{name}*")]),
    ("ecr:CompleteLayerUpload", &[Reach::Named("repository/{name}*")]),
    ("ecr:InitiateLayerUpload", &[Reach::Named("repository/{name}*")]),
    ("ecr:PutImage", &[Reach::Named("repository/{name}*")]),
    ("ecr:UploadLayerPart", &[Reach::Named("repository/{name}*")]),
    ("iam:PassRole", &[Reach::Named("role/deployer/{slashes}*")]),
    ("kms:DescribeKey", &[]),
    ("rds:CreateDBSnapshot", &[Reach::Named("db:{name}*"), Reach::Named("snapshot:{name}*")]),
];

/// The services whose things are in no region.
const GLOBAL: [&str; 2] = ["iam", "sts"];

/// The policy, as IAM has it, of whoever may do so much with an environment, in its own account.
///
/// Names and tags of the environment limit a deployer to what it makes; what reads is limited where
/// it could show what is secret. The things that the stack names and that others made, such as a
/// load balancer, are let in by their ARNs.
pub fn policy(access: Access, stack: &Stack) -> Value {
    let around = Around::of(stack);
    let mut grants: BTreeMap<Limit, Grant> = BTreeMap::new();
    for operation in operations().filter(|operation| may(access, operation)) {
        let mut allow = |action: &str, on: &[Reach]| {
            for (limit, resources) in around.limits(access, action, on) {
                let grant = grants.entry(limit).or_default();
                grant.actions.insert(action.to_owned());
                grant.resources.extend(resources);
            }
        };
        allow(&operation.to_string(), operation.on);
        for beside in operation.also {
            let own = operations().find(|other| other.to_string() == *beside);
            let also = BESIDE.iter().find(|(action, _)| action == beside).map(|(_, on)| *on);
            allow(beside, own.map_or(also.unwrap_or_default(), |own| own.on));
        }
    }
    let mut statements: Vec<Value> =
        grants.iter().map(|(limit, grant)| around.statement(limit, grant)).collect();
    if access == Access::Deployer {
        statements.push(around.tagging());
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// Whether somebody makes such calls at all.
fn may(access: Access, operation: &Operation) -> bool {
    let name = operation.to_string();
    let (is_by_hand, is_secret) =
        (BY_HAND.contains(&name.as_str()), SECRET.contains(&name.as_str()));
    match access {
        Access::Reader => !operation.changes && !is_secret,
        Access::Deployer => !is_by_hand,
        Access::BreakGlass => true,
    }
}

/// What the patterns of a policy are filled with.
struct Around<'a> {
    stack: &'a Stack,
    regions: BTreeSet<String>,
    /// Names of load balancers of others, with their identifiers.
    balancers: BTreeSet<String>,
    /// Roles of others that are handed to tasks.
    roles: BTreeSet<String>,
}

impl<'a> Around<'a> {
    fn of(stack: &'a Stack) -> Self {
        let places = stack.places();
        let mut regions: BTreeSet<String> =
            places.into_iter().filter_map(|place| place.region).collect();
        regions.insert(stack.region.clone());
        let (mut balancers, mut roles) = (BTreeSet::new(), BTreeSet::new());
        let specs = stack.resources.values().map(|desired| &desired.spec);
        for arn in specs.flat_map(texts).filter_map(Arn::read) {
            let resource = arn.resource.to_owned();
            match (arn.service, resource.split('/').collect::<Vec<_>>().as_slice()) {
                ("elasticloadbalancing", ["loadbalancer" | "listener", "app", name, id, ..]) => {
                    balancers.insert(format!("{name}/{id}"));
                }
                ("iam", ["role", ..]) => {
                    roles.insert(resource);
                }
                _ => {}
            }
        }
        Self { stack, regions, balancers, roles }
    }

    /// The limits under each of which an action is allowed, with what it is allowed on.
    fn limits(&self, access: Access, action: &str, on: &[Reach]) -> Vec<(Limit, BTreeSet<String>)> {
        let service = action.split(':').next().unwrap_or_default();
        let is_regional = !GLOBAL.contains(&service);
        let these = |resources: BTreeSet<String>| {
            (Limit { is_regional, to: To::These(resources.clone()) }, resources)
        };
        if action == "sts:AssumeRole" {
            let led: BTreeSet<String> = self.stack.roles.values().cloned().collect();
            return if led.is_empty() { Vec::new() } else { vec![these(led)] };
        }
        if on.is_empty() || access == Access::BreakGlass {
            return vec![these(["*".to_owned()].into())];
        }
        let mut limits = Vec::new();
        for reach in on {
            match reach {
                Reach::Named(pattern) if pattern.contains('{') => {
                    let ends = self.filled(pattern).into_iter();
                    let to = To::Ours(service.to_owned());
                    let ours = ends.map(|end| self.arn(service, &end)).collect();
                    limits.push((Limit { is_regional, to }, ours));
                }
                Reach::Named(pattern) => limits.push(these([self.arn(service, pattern)].into())),
                Reach::Tagged => {
                    let to = To::Tagged(service.to_owned());
                    limits.push((Limit { is_regional, to }, [self.arn(service, "*")].into()));
                }
            }
        }
        if action == "iam:PassRole" && !self.roles.is_empty() {
            limits.push(these(self.roles.iter().map(|role| self.arn("iam", role)).collect()));
        }
        limits
    }

    fn statement(&self, limit: &Limit, grant: &Grant) -> Value {
        let Scope { stack, environment, .. } = &self.stack.scope;
        let mut equal = BTreeMap::new();
        if limit.is_regional {
            equal.insert("aws:RequestedRegion".to_owned(), json!(self.regions));
        }
        if let To::Tagged(_) = limit.to {
            equal.insert(format!("aws:ResourceTag/{STACK}"), json!(stack));
            equal.insert(format!("aws:ResourceTag/{ENVIRONMENT}"), json!(environment));
        }
        let Grant { actions, resources } = grant;
        let mut statement = json!({ "Effect": "Allow", "Action": actions, "Resource": resources });
        if !equal.is_empty() {
            statement["Condition"] = json!({ "StringEquals": equal });
        }
        statement
    }

    /// Tags on what a call of EC2 makes, which carries none yet ("Grant permission to tag Amazon EC2
    /// resources during creation" in the EC2 user guide).
    fn tagging(&self) -> Value {
        let making = operations().filter(|operation| operation.also.contains(&"ec2:CreateTags"));
        let making: BTreeSet<&str> = making.map(|operation| operation.name).collect();
        json!({
            "Effect": "Allow",
            "Action": ["ec2:CreateTags"],
            "Resource": [self.arn("ec2", "*")],
            "Condition": { "StringEquals": {
                "aws:RequestedRegion": self.regions,
                "ec2:CreateAction": making,
            } },
        })
    }

    /// The ARN of what is in the account, in any of its regions.
    fn arn(&self, service: &str, end: &str) -> String {
        let partition = Partition::of(&self.stack.region).name();
        let account = self.stack.home.account.as_deref().unwrap_or("*");
        let region = if GLOBAL.contains(&service) { "" } else { "*" };
        format!("arn:{partition}:{service}:{region}:{account}:{end}")
    }

    /// A pattern with the names of the environment, and those of the load balancers of others.
    fn filled(&self, pattern: &str) -> Vec<String> {
        let Scope { stack, environment, .. } = &self.stack.scope;
        let own = pattern
            .replace("{name}", &beginning(&self.stack.scope, 63))
            .replace("{short}", &beginning(&self.stack.scope, 32))
            .replace("{slashes}", &format!("{stack}/{environment}/"))
            .replace("{stack}", stack);
        let mut all = vec![own];
        if let Some((kind, "{short}*")) = pattern.split_once("/app/") {
            all.extend(self.balancers.iter().map(|balancer| format!("{kind}/app/{balancer}*")));
        }
        all
    }
}

/// What the names of at most `longest` characters begin with that an environment gives: all of
/// stack and environment, or as much of them as a shortened name keeps (`Naming::name`), with a
/// generation of five digits.
fn beginning(scope: &Scope, longest: usize) -> String {
    const HASH_AND_GENERATION: usize = 9 + 6;
    let whole = format!("{}-{}-", scope.stack, scope.environment);
    whole[..whole.floor_char_boundary(longest - HASH_AND_GENERATION)].to_owned()
}

/// Every text in a spec.
fn texts(spec: &Value) -> Vec<&str> {
    match spec {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// What a statement is about. An action is on things of some kinds only, so what is limited alike is
/// one statement, which lets in nothing more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Limit {
    /// Whether it is in the stack's regions.
    is_regional: bool,
    to: To,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum To {
    /// These things.
    These(BTreeSet<String>),
    /// What has a name of the environment, in one service.
    Ours(String),
    /// What carries the tags of the environment, in one service.
    Tagged(String),
}

/// What a statement allows.
#[derive(Clone, Debug, Default)]
struct Grant {
    actions: BTreeSet<String>,
    resources: BTreeSet<String>,
}

#[cfg(test)]
mod tests {
    use deployer_core::{Address, Desired, Home, Place};

    use super::*;

    fn stack(name: &str, resources: &[(&str, &str, Value)]) -> Stack {
        let desired = |spec: &Value| Desired { place: Place::default(), spec: spec.clone() };
        Stack {
            scope: Scope {
                stack: name.to_owned(),
                environment: "dev".to_owned(),
                origin: None,
                tags: BTreeMap::new(),
            },
            region: "eu-west-1".to_owned(),
            home: Home { account: Some("111122223333".to_owned()), role: None },
            roles: BTreeMap::new(),
            resources: resources
                .iter()
                .map(|(kind, name, spec)| (Address::new(*kind, *name), desired(spec)))
                .collect(),
            outputs: BTreeMap::new(),
        }
    }

    /// What an action is allowed on, with the conditions under which it is.
    fn reach(policy: &Value, action: &str) -> Vec<(Vec<String>, Value)> {
        let statements = policy["Statement"].as_array().expect("statements");
        let has = |it: &&Value| it["Action"].as_array().expect("actions").contains(&json!(action));
        let resources = |it: &Value| {
            let all = it["Resource"].as_array().expect("resources").iter();
            all.map(|arn| arn.as_str().expect("an ARN").to_owned()).collect()
        };
        statements.iter().filter(has).map(|it| (resources(it), it["Condition"].clone())).collect()
    }

    fn arns(policy: &Value, action: &str) -> Vec<String> {
        reach(policy, action).into_iter().flat_map(|(arns, _)| arns).collect()
    }

    #[test]
    fn a_deployer_changes_what_has_a_name_or_the_tags_of_the_environment() {
        let policy = policy(Access::Deployer, &stack("notes", &[]));
        let databases = arns(&policy, "rds:DeleteDBInstance");
        assert!(databases.contains(&"arn:aws:rds:*:111122223333:db:notes-dev-*".to_owned()));
        assert!(databases.iter().all(|arn| arn.contains(":notes-dev-")), "{databases:?}");
        assert_eq!(
            arns(&policy, "iam:DeleteRole"),
            ["arn:aws:iam::111122223333:role/deployer/notes/dev/*"]
        );
        let [(vpcs, condition)] = &reach(&policy, "ec2:DeleteVpc")[..] else {
            panic!("{policy:#}")
        };
        assert_eq!(vpcs, &["arn:aws:ec2:*:111122223333:*"]);
        let expected = json!({ "StringEquals": {
            "aws:RequestedRegion": ["eu-west-1"],
            "aws:ResourceTag/deployer:stack": "notes",
            "aws:ResourceTag/deployer:environment": "dev",
        } });
        assert_eq!(condition, &expected);
        for (arns, condition) in reach(&policy, "ec2:CreateTags") {
            let equal = &condition["StringEquals"];
            let is_making = !equal["ec2:CreateAction"].is_null();
            assert!(is_making || equal["aws:ResourceTag/deployer:stack"] == "notes", "{arns:?}");
        }
    }

    #[test]
    fn what_aws_asks_for_beside_is_known() {
        let names: BTreeSet<String> = operations().map(|it| it.to_string()).collect();
        for beside in operations().flat_map(|operation| operation.also) {
            let is_known = BESIDE.iter().any(|(action, _)| action == beside);
            assert!(is_known || names.contains(*beside), "{beside}");
        }
    }

    /// What cannot be limited is made, or is RDS's and ECR's own.
    #[test]
    fn what_a_deployer_may_do_to_anything_takes_nothing_away() {
        let policy = policy(Access::Deployer, &stack("notes", &[]));
        let changing = operations().filter(|operation| operation.changes);
        let unlimited = changing.filter(|it| arns(&policy, &it.to_string()) == ["*"]);
        for operation in unlimited {
            let is_making = ["Create", "Allocate"].iter().any(|it| operation.name.starts_with(it));
            // ECS knows no resources there.
            let is_known = operation.name == "DeregisterTaskDefinition";
            assert!(is_making || is_known, "{operation}");
        }
    }

    #[test]
    fn a_reader_changes_nothing_and_sees_no_secret() {
        let policy = policy(Access::Reader, &stack("notes", &[]));
        for operation in operations().filter(|operation| operation.changes) {
            assert!(reach(&policy, &operation.to_string()).is_empty(), "{operation}");
        }
        for action in SECRET.iter().chain(&["ecr:PutImage", "iam:PassRole"]) {
            assert!(reach(&policy, action).is_empty(), "{action}");
        }
    }

    #[test]
    fn a_load_balancer_and_a_role_of_others_are_let_in_by_their_names() {
        let listener =
            "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/shared/1/2";
        let role = "arn:aws:iam::111122223333:role/jobs/nightly";
        let stack = stack(
            "notes",
            &[
                ("listener-rule", "web", json!({ "listener": { "id": listener } })),
                ("task-definition", "web", json!({ "task-role": { "id": role } })),
            ],
        );
        let policy = policy(Access::Deployer, &stack);
        let rules = arns(&policy, "elasticloadbalancing:DeleteRule");
        let of_shared =
            "arn:aws:elasticloadbalancing:*:111122223333:listener-rule/app/shared/1*".to_owned();
        assert!(rules.contains(&of_shared), "{rules:?}");
        assert!(arns(&policy, "iam:PassRole").contains(&role.to_owned()));
    }

    /// Names are cut where they are too long, behind the beginning that a policy has.
    #[test]
    fn a_name_that_is_cut_begins_as_the_policy_says() {
        let scope = stack("administration-backend-of-it-all", &[]).scope;
        for (longest, generation) in [(32, 1), (32, 12_345), (63, 2)] {
            let address = Address::new("target-group", "web-server-of-everything");
            let name = deployer_core::Naming::hyphens(longest).name(&scope, &address, generation);
            assert!(name.starts_with(&beginning(&scope, longest)), "{name}");
        }
    }
}
