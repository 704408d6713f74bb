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
pub(crate) const BESIDE: [(&str, &[Reach]); 12] = [
    ("ec2:DescribeAccountAttributes", &[]),
    ("ecr:BatchCheckLayerAvailability", &[Reach::Named("repository/{name}*")]),
    ("ecr:CompleteLayerUpload", &[Reach::Named("repository/{name}*")]),
    ("ecr:InitiateLayerUpload", &[Reach::Named("repository/{name}*")]),
    ("ecr:PutImage", &[Reach::Named("repository/{name}*")]),
    ("ecr:UploadLayerPart", &[Reach::Named("repository/{name}*")]),
    ("elasticloadbalancing:SetWebACL", &[Reach::Owned("loadbalancer/app/{short}*")]),
    ("iam:PassRole", &[Reach::Named("role/deployer/{slashes}*")]),
    ("kms:DescribeKey", &[]),
    // The zone is one of the service's own, which stands for it in the network.
    ("route53:AssociateVPCWithHostedZone", &[]),
    ("rds:CreateDBSnapshot", &[Reach::Named("db:{name}*"), Reach::Named("snapshot:{name}*")]),
    ("wafv2:GetWebACL", &[]),
];

/// The services whose things are in no region.
const GLOBAL: [&str; 3] = ["iam", "route53", "sts"];

/// What makes something with tags, in the services whose things must carry them to be changed: their
/// own action for tags, by which AWS asks for these (IAM user guide, "Controlling access during
/// creation").
const TAGGING: [(&str, &str); 2] = [
    ("ec2:CreateTags", "ec2:CreateAction"),
    ("elasticloadbalancing:AddTags", "elasticloadbalancing:CreateAction"),
];

/// The longest that the inline policies of a role are together, in characters that are not white
/// space ("IAM and AWS STS quotas" in the IAM user guide).
pub const LONGEST_INLINE: usize = 10_240;

/// The longest that a managed policy is, of which a role has ten ("IAM and AWS STS quotas").
const LONGEST_MANAGED: usize = 6144;

/// The policy, as IAM has it, of whoever may do so much with an environment, in its own account.
///
/// Names and tags of the environment limit a deployer to what it makes; what reads is limited where
/// it could show what is secret. What the stack names and others made, such as a load balancer, is
/// let in as far as something is made in it.
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
        allow(&permitted(operation), operation.on);
        for beside in operation.also {
            let own = operations().find(|other| other.to_string() == *beside);
            let also = BESIDE.iter().find(|(action, _)| action == beside).map(|(_, on)| *on);
            allow(beside, own.map_or(also.unwrap_or_default(), |own| own.on));
        }
    }
    let mut statements: Vec<Value> =
        grants.iter().map(|(limit, grant)| around.statement(limit, grant)).collect();
    if access == Access::Deployer {
        statements.extend(TAGGING.map(|(action, key)| around.tagging(action, key)));
    }
    if access != Access::BreakGlass {
        statements.push(around.without_keys(access));
    }
    json!({ "Version": "2012-10-17", "Statement": merged(statements) })
}

/// The same policy in parts, each of which can be a managed policy: as few as hold its statements in
/// their order.
pub fn managed_policies(access: Access, stack: &Stack) -> Vec<Value> {
    let of = |statements: &[Value]| json!({ "Version": "2012-10-17", "Statement": statements });
    let mut whole = policy(access, stack);
    let statements = whole["Statement"].as_array_mut().map(std::mem::take).unwrap_or_default();
    let (mut parts, mut part): (Vec<Vec<Value>>, Vec<Value>) = (Vec::new(), Vec::new());
    for statement in statements.into_iter().flat_map(in_halves) {
        part.push(statement);
        if of(&part).to_string().len() > LONGEST_MANAGED {
            let last = part.split_off(part.len() - 1);
            parts.push(std::mem::replace(&mut part, last));
        }
    }
    parts.push(part);
    parts.iter().map(|statements| of(statements)).collect()
}

/// A statement, or several of fewer actions each where it has no room in one policy.
fn in_halves(statement: Value) -> Vec<Value> {
    const MOST: usize = LONGEST_MANAGED - 200;
    let actions: Vec<Value> = statement["Action"].as_array().cloned().unwrap_or_default();
    if statement.to_string().len() <= MOST || actions.len() < 2 {
        return vec![statement];
    }
    let (first, second) = actions.split_at(actions.len() / 2);
    let of = |actions: &[Value]| {
        let mut half = statement.clone();
        half["Action"] = json!(actions);
        half
    };
    [of(first), of(second)].into_iter().flat_map(in_halves).collect()
}

/// The same in fewer statements: a policy has only so much room. An action means nothing on what is
/// another service's, so two are one where that lets nobody do more with things of any service.
fn merged(statements: Vec<Value>) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for statement in statements {
        match all.iter_mut().find(|other| are_one(other, &statement)) {
            Some(other) => {
                for field in ["Action", "Resource"] {
                    let both = texts(other, field).into_iter().chain(texts(&statement, field));
                    let both: BTreeSet<String> = both.map(str::to_owned).collect();
                    other[field] = json!(both);
                }
            }
            None => all.push(statement),
        }
    }
    all
}

/// The actions and the resources of a statement, by service; none where one is any service's.
fn by_service(statement: &Value) -> Option<BTreeMap<&str, [BTreeSet<&str>; 2]>> {
    let mut found: BTreeMap<&str, [BTreeSet<&str>; 2]> = BTreeMap::new();
    for action in texts(statement, "Action") {
        found.entry(action.split(':').next()?).or_default()[0].insert(action);
    }
    for arn in texts(statement, "Resource") {
        found.entry(Arn::read(arn)?.service).or_default()[1].insert(arn);
    }
    Some(found)
}

/// Whether two statements may be one.
fn are_one(one: &Value, other: &Value) -> bool {
    let (Some(there), Some(here)) = (by_service(one), by_service(other)) else { return false };
    let is_no_more = |service: &&str| match (there.get(service), here.get(service)) {
        (Some(there), Some(here)) => there[0] == here[0] || there[1] == here[1],
        _ => true,
    };
    one["Effect"] == other["Effect"]
        && one["Condition"] == other["Condition"]
        && there.keys().chain(here.keys()).all(is_no_more)
}

fn texts<'a>(statement: &'a Value, field: &str) -> Vec<&'a str> {
    statement[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// An operation as a policy has it. All descriptions of a service are permitted at once where they
/// hold nothing secret and cannot be limited: a policy has only so much room.
fn permitted(operation: &Operation) -> String {
    const OPEN: [&str; 6] =
        ["acm", "application-autoscaling", "ecs", "elasticloadbalancing", "rds", "route53"];
    let service = operation.service.name;
    let is_open = OPEN.contains(&service) && !operation.changes && operation.on.is_empty();
    let verb = operation.name.char_indices().skip(1).find(|(_, letter)| letter.is_uppercase());
    match verb.filter(|_| is_open) {
        Some((end, _)) => format!("{service}:{}*", &operation.name[..end]),
        None => operation.to_string(),
    }
}

/// Whether somebody makes such calls at all.
fn may(access: Access, operation: &Operation) -> bool {
    let name = operation.to_string();
    let is_by_hand = BY_HAND.contains(&name.as_str());
    let is_secret = SECRET.contains(&name.as_str());
    match access {
        Access::Reader => !operation.changes && !is_secret,
        Access::Deployer => !is_by_hand,
        Access::BreakGlass => true,
    }
}

/// What the patterns of a policy are filled with.
pub(crate) struct Around<'a> {
    stack: &'a Stack,
    regions: BTreeSet<String>,
    /// The ARNs in the stack of load balancers and listeners of others.
    balancers: BTreeSet<&'a str>,
    /// The ARNs of roles of others that tasks have.
    roles: BTreeSet<&'a str>,
    /// What comes before the paths of roles: nothing, and what the stack says.
    paths: BTreeSet<&'a str>,
    /// The networks and subnets of others that something is in, as the ends of their ARNs.
    networks: BTreeSet<String>,
    /// The names of records that the stack makes, in patterns.
    records: BTreeSet<String>,
}

impl<'a> Around<'a> {
    pub(crate) fn of(stack: &'a Stack) -> Self {
        let places = stack.places();
        let mut regions: BTreeSet<String> =
            places.into_iter().filter_map(|place| place.region).collect();
        regions.insert(stack.region.clone());
        let mut around = Self {
            stack,
            regions,
            balancers: BTreeSet::new(),
            roles: BTreeSet::new(),
            paths: BTreeSet::from(["/"]),
            networks: BTreeSet::new(),
            records: records(stack),
        };
        let roles = stack.resources.iter().filter(|(address, _)| address.kind == "role");
        around.paths.extend(roles.filter_map(|(_, role)| role.spec.get("path")?.as_str()));
        for desired in stack.resources.values() {
            for (field, id) in others(&desired.spec) {
                // A pattern would let in more than the thing.
                if id.contains(['*', '?']) {
                    continue;
                }
                match field {
                    "load-balancer" | "listener" => {
                        around.balancers.insert(id);
                    }
                    "task-role" | "execution-role" => {
                        around.roles.insert(id);
                    }
                    "vpc" => {
                        around.networks.insert(format!("vpc/{id}"));
                    }
                    "subnet" | "subnets" => {
                        around.networks.insert(format!("subnet/{id}"));
                    }
                    _ => {}
                }
            }
        }
        around
    }

    /// The limits under each of which an action is allowed, with what it is allowed on.
    pub(crate) fn limits(
        &self,
        access: Access,
        action: &str,
        on: &[Reach],
    ) -> Vec<(Limit, BTreeSet<String>)> {
        let service = action.split(':').next().unwrap_or_default();
        // What serves from the edge has its certificates in one region, whichever the stack's is.
        let is_regional = !GLOBAL.contains(&service) && action != "acm:List*";
        let only = condition(action);
        let limit = |to: To| Limit { is_regional, to, only };
        let these = |them: BTreeSet<String>| (limit(To::These(them.clone())), them);
        if action == "sts:AssumeRole" {
            let led: BTreeSet<String> = self.stack.roles.values().cloned().collect();
            return if led.is_empty() { Vec::new() } else { vec![these(led)] };
        }
        if on.is_empty() || access == Access::BreakGlass {
            let whole = limit(To::These(["*".to_owned()].into()));
            return vec![(Limit { only: None, ..whole }, ["*".to_owned()].into())];
        }
        let mut limits = Vec::new();
        for reach in on {
            let mut add = |to: To, ends: Vec<String>| {
                let arns = ends.iter().map(|end| self.arn(service, end)).collect();
                limits.push((limit(to), arns));
            };
            match reach {
                // One environment's names; what is beneath the whole stack stands alone.
                Reach::Named(pattern) if pattern.contains('{') && !pattern.contains("{stack}") => {
                    add(To::Ours, self.placed(pattern));
                }
                Reach::Named(pattern) => {
                    limits.push(these([self.arn(service, &self.filled(pattern))].into()));
                }
                Reach::Owned(pattern) => add(To::Tagged, self.owned(pattern)),
                Reach::Made(pattern) => add(To::Made, vec![(*pattern).to_owned()]),
                Reach::New => limits.push((limit(To::New), ["*".to_owned()].into())),
                Reach::Records => add(To::Records, vec!["hostedzone/*".to_owned()]),
                Reach::Tagged => add(To::Tagged, vec!["*".to_owned()]),
                Reach::Parent => {
                    add(To::Tagged, vec!["*".to_owned()]);
                    // In a network of others things are made, and nothing of it is changed.
                    let makes = action.split(':').nth(1).is_some_and(|it| it.starts_with("Create"));
                    if makes && !self.networks.is_empty() {
                        let named = self.networks.iter().map(|end| self.arn(service, end));
                        limits.push(these(named.collect()));
                    }
                }
            }
        }
        limits.extend(self.of_others(action).filter(|them| !them.is_empty()).map(these));
        limits
    }

    /// What others made and the stack names, on which an action makes something or which it hands
    /// to tasks.
    fn of_others(&self, action: &str) -> Option<BTreeSet<String>> {
        let owned = |arns: &BTreeSet<&str>, kind: &str| {
            arns.iter().filter(|arn| arn.contains(kind)).map(|arn| (*arn).to_owned()).collect()
        };
        match action {
            "elasticloadbalancing:CreateListener" => Some(owned(&self.balancers, ":loadbalancer/")),
            // IAM knows no single certificates at a listener.
            "elasticloadbalancing:AddListenerCertificates"
            | "elasticloadbalancing:CreateRule"
            | "elasticloadbalancing:RemoveListenerCertificates" => {
                Some(owned(&self.balancers, ":listener/"))
            }
            "iam:PassRole" => Some(owned(&self.roles, ":role/")),
            // Which load balancers these are ELB's own action says, by their tags.
            "wafv2:AssociateWebACL" | "wafv2:DisassociateWebACL" => {
                let ends = self.owned("loadbalancer/app/{short}*").into_iter();
                Some(ends.map(|end| self.arn("elasticloadbalancing", &end)).collect())
            }
            _ => None,
        }
    }

    /// The ends of the ARNs of what has our names, and of listeners and rules that are on load
    /// balancers of others.
    fn owned(&self, pattern: &str) -> Vec<String> {
        let mut ends = vec![self.filled(pattern)];
        if let Some((kind @ ("listener" | "listener-rule"), _)) = pattern.split_once("/app/") {
            ends.extend(self.balancers.iter().filter_map(|arn| {
                let mut parts = Arn::read(arn)?.resource.split('/').skip(2);
                Some(format!("{kind}/app/{}/{}/*", parts.next()?, parts.next()?))
            }));
        }
        ends
    }

    fn statement(&self, limit: &Limit, grant: &Grant) -> Value {
        let mut equal = BTreeMap::new();
        if limit.is_regional {
            equal.insert("aws:RequestedRegion".to_owned(), json!(self.regions));
        }
        let kind = match limit.to {
            To::Tagged => Some("aws:ResourceTag"),
            To::Made | To::New => Some("aws:RequestTag"),
            To::These(_) | To::Ours | To::Records => None,
        };
        let Scope { stack, environment, .. } = &self.stack.scope;
        if let Some(kind) = kind {
            equal.insert(format!("{kind}/{STACK}"), json!(stack));
            equal.insert(format!("{kind}/{ENVIRONMENT}"), json!(environment));
        }
        if let Some((key, values)) = limit.only {
            equal.insert(key.to_owned(), json!(values));
        }
        let Grant { actions, resources } = grant;
        let mut statement = json!({ "Effect": "Allow", "Action": actions, "Resource": resources });
        if !equal.is_empty() {
            statement["Condition"] = json!({ "StringEquals": equal });
        }
        // What is new has no tags; what has those of another environment is not given ours.
        if limit.to == To::Records {
            // What else a change is about, and another one in the same batch, counts as well.
            const NAMES: &str = "route53:ChangeResourceRecordSetsNormalizedRecordNames";
            const TYPES: &str = "route53:ChangeResourceRecordSetsRecordTypes";
            statement["Condition"]["ForAllValues:StringLike"] = json!({ NAMES: self.records });
            statement["Condition"]["ForAllValues:StringEquals"] =
                json!({ TYPES: types(self.stack) });
        }
        if matches!(limit.to, To::Made | To::New) {
            statement["Condition"]["Null"] = json!({ format!("aws:ResourceTag/{STACK}"): "true" });
        }
        statement
    }

    /// Tags on what a call makes, which carries none yet.
    fn tagging(&self, action: &str, key: &str) -> Value {
        let (service, _) = action.split_once(':').unwrap_or_default();
        let making =
            operations().filter(|it| it.service.name == service && it.also.contains(&action));
        let making: BTreeSet<&str> = making.map(|operation| operation.name).collect();
        let on = operations().find(|it| it.to_string() == action).map_or(&[][..], |it| it.on);
        let ends = on.iter().flat_map(|reach| match reach {
            Reach::Owned(pattern) => self.owned(pattern),
            _ => vec!["*".to_owned()],
        });
        json!({
            "Effect": "Allow",
            "Action": [action],
            "Resource": ends.map(|end| self.arn(service, &end)).collect::<BTreeSet<_>>(),
            "Condition": { "StringEquals": { "aws:RequestedRegion": self.regions, key: making } },
        })
    }

    /// No look at private keys but one's own: whoever may read a path may read all beneath it, and
    /// the key that encrypts parameters is everybody's in the account ("Restricting access to
    /// parameters" and "Parameter Store encryption context" in the Systems Manager user guide).
    fn without_keys(&self, access: Access) -> Value {
        const OF: &str = "kms:EncryptionContext:PARAMETER_ARN";
        let Scope { stack, environment, .. } = &self.stack.scope;
        let mut condition =
            json!({ "StringLike": { OF: self.arn("ssm", "parameter/deployer/*") } });
        if access == Access::Deployer {
            let own = self.arn("ssm", &format!("parameter/deployer/{stack}/{environment}/*"));
            condition["StringNotLike"] = json!({ OF: own });
        }
        json!({
            "Effect": "Deny",
            "Action": ["kms:Decrypt"],
            "Resource": ["*"],
            "Condition": condition,
        })
    }

    /// The ARN of what is in the account, in any of its regions.
    fn arn(&self, service: &str, end: &str) -> String {
        let partition = Partition::of(&self.stack.region).name();
        let account = self.stack.home.account.as_deref().unwrap_or("*");
        let region = if GLOBAL.contains(&service) { "" } else { "*" };
        // Hosted zones have no account in theirs either (Service Authorization Reference).
        let account = if service == "route53" { "" } else { account };
        format!("arn:{partition}:{service}:{region}:{account}:{end}")
    }

    /// A pattern with the names of the environment, under each path that roles of the stack have.
    fn placed(&self, pattern: &str) -> Vec<String> {
        let filled = self.filled(pattern);
        let Some(end) = filled.strip_prefix("role/") else { return vec![filled] };
        let under = self.paths.iter().map(|path| format!("role{path}{end}"));
        under.collect()
    }

    /// A pattern with the names of the environment.
    fn filled(&self, pattern: &str) -> String {
        let Scope { stack, environment, .. } = &self.stack.scope;
        pattern
            .replace("{name}", &beginning(&self.stack.scope, 63))
            .replace("{short}", &beginning(&self.stack.scope, 32))
            .replace("{slashes}", &format!("{stack}/{environment}/"))
            .replace("{stack}", stack)
    }
}

/// What an action is limited to beside the things that it is on: the services that are handed a
/// role, and those that AWS makes a role for or asks for something in the caller's name.
fn condition(action: &str) -> Option<(&'static str, &'static [&'static str])> {
    match action {
        "iam:PassRole" => Some((
            "iam:PassedToService",
            &[
                "ecs-tasks.amazonaws.com",
                "scheduler.amazonaws.com",
                "states.amazonaws.com",
                "vpc-flow-logs.amazonaws.com",
            ],
        )),
        "iam:CreateServiceLinkedRole" => Some((
            "iam:AWSServiceName",
            &[
                "ecs.amazonaws.com",
                "ecs.application-autoscaling.amazonaws.com",
                "elasticloadbalancing.amazonaws.com",
                "rds.amazonaws.com",
            ],
        )),
        _ => None,
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

/// The names of records that a stack makes, as IAM compares them ("Using IAM policy conditions for
/// fine-grained access control" in the Route 53 developer guide): its own, those by which its
/// certificates are validated, and their markers.
fn records(stack: &Stack) -> BTreeSet<String> {
    let of = |kind: &str, field: &str| -> Vec<String> {
        let all = stack.resources.iter().filter(|(address, _)| address.kind == kind);
        all.filter_map(|(_, it)| Some(it.spec.get(field)?.as_str()?.to_owned())).collect()
    };
    let own = of("record", "name").into_iter().map(|name| name.replace('*', "\\052"));
    let validating = of("validation-record", "domain").into_iter();
    // `_` and 32 hexadecimal digits; others that begin with `_` prove other things.
    let validating =
        validating.map(|domain| format!("_{}.{}", "?".repeat(32), domain.trim_start_matches("*.")));
    let markers = format!("*.{}.*", crate::route53::label(&stack.scope));
    own.chain(validating).chain([markers]).collect()
}

/// The types of these records.
fn types(stack: &Stack) -> BTreeSet<String> {
    let all = stack.resources.iter().filter(|(address, _)| address.kind == "record");
    let own = all.filter_map(|(_, it)| Some(it.spec.get("type")?.as_str()?.to_uppercase()));
    own.chain(["CNAME".to_owned(), "TXT".to_owned()]).collect()
}

/// The identifiers in a spec of things outside of the stack, each with the field it stands in.
fn others(spec: &Value) -> Vec<(&str, &str)> {
    fn find<'a>(field: &'a str, value: &'a Value, found: &mut Vec<(&'a str, &'a str)>) {
        match value {
            Value::Object(fields) => match fields.get("id").and_then(Value::as_str) {
                Some(id) if fields.len() == 1 => found.push((field, id)),
                _ => fields.iter().for_each(|(name, inner)| find(name, inner, found)),
            },
            Value::Array(items) => items.iter().for_each(|item| find(field, item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    find("", spec, &mut found);
    found
}

/// What a statement is about. An action is on things of some kinds of its own service, so all that is
/// limited alike is one statement: each of its resources is the environment's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Limit {
    /// Whether it is in the stack's regions.
    is_regional: bool,
    pub(crate) to: To,
    /// A key of IAM and the values that it may have.
    pub(crate) only: Option<(&'static str, &'static [&'static str])>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum To {
    /// These things.
    These(BTreeSet<String>),
    /// What has a name of the environment.
    Ours,
    /// What carries the tags of the environment.
    Tagged,
    /// What is given them as it is made.
    Made,
    /// The same of what has no ARN for IAM.
    New,
    /// Records of the stack.
    Records,
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
        let service = action.split(':').next().expect("a service");
        // An action means nothing on what is another service's.
        let is_its = |arn: &&str| Arn::read(arn).is_none_or(|arn| arn.service == service);
        let resources = |it: &Value| {
            texts(it, "Resource").into_iter().filter(is_its).map(str::to_owned).collect()
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
        assert_eq!(
            arns(&policy, "iam:DeleteRole"),
            ["arn:aws:iam::111122223333:role/deployer/notes/dev/*"]
        );
        let mut parameters = arns(&policy, "ssm:PutParameter");
        parameters.retain(|arn| arn.contains(":ssm:"));
        let of = |folder| format!("arn:aws:ssm:*:111122223333:parameter/{folder}/notes/dev/*");
        assert_eq!(parameters, [of("deployer"), of("jobs")]);
        let [(vpcs, condition)] = &reach(&policy, "ec2:DeleteVpc")[..] else {
            panic!("{policy:#}")
        };
        assert!(vpcs.contains(&"arn:aws:ec2:*:111122223333:*".to_owned()), "{vpcs:?}");
        let expected = json!({ "StringEquals": {
            "aws:RequestedRegion": ["eu-west-1"],
            "aws:ResourceTag/deployer:stack": "notes",
            "aws:ResourceTag/deployer:environment": "dev",
        } });
        assert_eq!(condition, &expected);
    }

    /// Whatever changes something is on things with names or tags of the environment, or on those
    /// that are named here with the reason.
    #[test]
    fn everything_that_a_deployer_changes_is_of_the_environment() {
        const OTHERS: [(&str, &str); 10] = [
            ("cloudwatch:PutCompositeAlarm", "AWS wants a right to all alarms"),
            ("ec2:ReplaceNetworkAclAssociation", "a network's own list carries no tags"),
            ("ecs:DeregisterTaskDefinition", "ECS knows no resources there"),
            ("ec2:RevokeSecurityGroup", "the rules that AWS makes with a group carry no tags"),
            ("ec2:UpdateSecurityGroupRuleDescriptions", "the same"),
            ("rds:CreateDBInstance", "groups of RDS's own"),
            ("rds:ModifyDBInstance", "the same"),
            ("iam:CreateServiceLinkedRole", "of four services"),
            ("secretsmanager:", "RDS's own, in the name of whoever asks for them"),
            ("wafv2:", "web ACLs are others', and the load balancer is of the environment"),
        ];
        let policy = policy(Access::Deployer, &stack("notes", &[]));
        for operation in operations().filter(|operation| operation.changes) {
            let action = operation.to_string();
            if BY_HAND.contains(&action.as_str()) {
                continue;
            }
            let reach = reach(&policy, &action);
            assert!(!reach.is_empty(), "{action}");
            for (arns, condition) in reach {
                let is_named =
                    |arn: &String| ["notes-dev-", "notes/dev/"].iter().any(|it| arn.contains(it));
                let equal = &condition["StringEquals"];
                let tags = [
                    "aws:ResourceTag/deployer:stack",
                    "aws:RequestTag/deployer:stack",
                    "ec2:CreateAction",
                ];
                let names = "route53:ChangeResourceRecordSetsNormalizedRecordNames";
                let is_record = !condition["ForAllValues:StringLike"][names].is_null();
                let is_tagged = is_record || tags.iter().any(|key| !equal[*key].is_null());
                // Whoever may give tags to what is another's makes it theirs.
                let gives = !equal["aws:RequestTag/deployer:stack"].is_null();
                assert!(!gives || !condition["Null"].is_null(), "{action}: {condition}");
                let is_known = OTHERS.iter().any(|(known, _)| action.starts_with(known));
                assert!(is_tagged || is_known || arns.iter().all(is_named), "{action}: {arns:?}");
            }
        }
    }

    #[test]
    fn records_are_those_that_the_stack_names() {
        let stack = stack(
            "notes",
            &[
                ("record", "any", json!({ "name": "*.example.com", "type": "a" })),
                ("validation-record", "any", json!({ "domain": "*.example.com" })),
            ],
        );
        let policy = policy(Access::Deployer, &stack);
        let [(zones, condition)] = &reach(&policy, "route53:ChangeResourceRecordSets")[..] else {
            panic!("{policy:#}")
        };
        assert_eq!(zones, &["arn:aws:route53:::hostedzone/*"]);
        let names = &condition["ForAllValues:StringLike"]["route53:ChangeResourceRecordSetsNormalizedRecordNames"];
        let label = crate::route53::label(&stack.scope);
        let validating = format!("_{}.example.com", "?".repeat(32));
        let expected = [format!("*.{label}.*"), "\\052.example.com".to_owned(), validating];
        assert_eq!(names, &json!(expected));
        let types =
            &condition["ForAllValues:StringEquals"]["route53:ChangeResourceRecordSetsRecordTypes"];
        assert_eq!(types, &json!(["A", "CNAME", "TXT"]));
        let requested = reach(&policy, "acm:RequestCertificate");
        assert!(requested.iter().all(|(on, condition)| {
            on == &["*"] && !condition["StringEquals"]["aws:RequestTag/deployer:stack"].is_null()
        }));
    }

    #[test]
    fn in_parts_a_policy_permits_the_same_and_each_has_room() {
        for access in [Access::Reader, Access::Deployer, Access::BreakGlass] {
            let stack = stack("administration-backend-of-it-all", &[]);
            let parts = managed_policies(access, &stack);
            assert!(parts.iter().all(|part| part.to_string().len() <= LONGEST_MANAGED));
            let in_all = |policies: &[Value]| -> BTreeSet<(String, String)> {
                let all = policies.iter().flat_map(|it| it["Statement"].as_array().unwrap());
                let action = |it: &Value| -> Vec<(String, String)> {
                    let rest = format!("{}{}{}", it["Effect"], it["Resource"], it["Condition"]);
                    let of = texts(it, "Action").into_iter();
                    of.map(|action| (action.to_owned(), rest.clone())).collect()
                };
                all.flat_map(action).collect()
            };
            assert_eq!(in_all(&parts), in_all(&[policy(access, &stack)]));
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
        let statements = policy["Statement"].as_array().expect("statements");
        assert!(
            statements
                .iter()
                .any(|it| it["Effect"] == "Deny" && it["Action"] == json!(["kms:Decrypt"]))
        );
    }

    #[test]
    fn in_what_others_made_only_what_is_ours_is_changed() {
        let listener =
            "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/shared/1/2";
        let role = "arn:aws:iam::444455556666:role/jobs/nightly";
        let stack = stack(
            "notes",
            &[
                ("listener-rule", "web", json!({ "listener": { "id": listener } })),
                (
                    "task-definition",
                    "web",
                    json!({
                        "task-role": { "id": role },
                        "containers": { "web": { "environment": {
                            "ANY": "arn:aws:iam::111122223333:role/*",
                        } } },
                    }),
                ),
                ("subnet", "web", json!({ "vpc": { "id": "vpc-1" } })),
            ],
        );
        let policy = policy(Access::Deployer, &stack);
        assert!(arns(&policy, "elasticloadbalancing:CreateRule").contains(&listener.to_owned()));
        for action in ["DeleteLoadBalancer", "SetSecurityGroups", "ModifyLoadBalancerAttributes"] {
            for (arns, condition) in reach(&policy, &format!("elasticloadbalancing:{action}")) {
                let is_tagged =
                    !condition["StringEquals"]["aws:ResourceTag/deployer:stack"].is_null();
                assert!(is_tagged, "{action}: {arns:?}");
            }
        }
        let passed = arns(&policy, "iam:PassRole");
        assert!(passed.contains(&role.to_owned()), "{passed:?}");
        assert_eq!(passed.len(), 2, "{passed:?}");
        assert!(
            arns(&policy, "ec2:CreateSubnet")
                .contains(&"arn:aws:ec2:*:111122223333:vpc/vpc-1".to_owned())
        );
        assert!(!arns(&policy, "ec2:DeleteVpc").iter().any(|arn| arn.contains("vpc-1")));
    }

    #[test]
    fn statements_are_put_together_where_that_permits_nothing_more() {
        let one = |actions: &[&str], resources: &[&str]| json!({ "Effect": "Allow", "Action": actions, "Resource": resources });
        let statements = vec![
            one(&["rds:Modify"], &["arn:aws:rds:*:1:og:*"]),
            one(&["rds:Modify"], &["arn:aws:rds:*:1:pg:*"]),
            one(&["ssm:Get"], &["arn:aws:ssm:*:1:parameter/a"]),
            one(&["rds:Delete"], &["arn:aws:rds:*:1:db:a"]),
            one(&["sts:GetCallerIdentity"], &["*"]),
        ];
        let [first, second, open] = &merged(statements)[..] else { panic!("three are left") };
        assert_eq!(texts(first, "Action"), ["rds:Modify", "ssm:Get"]);
        assert_eq!(texts(first, "Resource").len(), 3);
        assert_eq!(texts(second, "Action"), ["rds:Delete"]);
        assert_eq!(texts(open, "Resource"), ["*"], "what is open stays by itself");
    }

    #[test]
    fn what_aws_asks_for_beside_is_known() {
        let names: BTreeSet<String> = operations().map(|it| it.to_string()).collect();
        for beside in operations().flat_map(|operation| operation.also) {
            let is_known = BESIDE.iter().any(|(action, _)| action == beside);
            assert!(is_known || names.contains(*beside), "{beside}");
        }
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
