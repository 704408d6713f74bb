//! What IAM is to imagine: calls on things that are called as this environment calls them, with
//! what AWS would tell IAM of such a call.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Scope, Stack};
use deployer_engine::{Access, Operation};

use crate::operations;
use crate::ownership::{ENVIRONMENT, STACK};
use crate::policy::{Around, BESIDE, To};

/// What stands for the part of a name that AWS gives.
const ANY: &str = "0a1b2c3d";

/// On what calls are, and the keys of IAM with the values that they have then.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sample {
    pub(super) resources: BTreeSet<String>,
    pub(super) context: BTreeMap<String, Vec<String>>,
}

/// Whatever an operation takes, action by action, each on all that it may be on. What is known by
/// its tags alone has no ARN that could be named before it is there, and is left out.
pub(super) fn samples(
    around: &Around<'_>,
    (stack, region): (&Stack, &str),
    operation: &Operation,
) -> Vec<(String, Sample)> {
    let action = operation.to_string();
    let own = of_action(around, (stack, region), &action, operation.on);
    let mut all: Vec<(String, Sample)> =
        own.iter().map(|sample| (action.clone(), sample.clone())).collect();
    for beside in operation.also {
        if beside.ends_with(":CreateTags") || beside.ends_with(":AddTags") {
            // Tags in the call that makes a thing are on that thing ("Controlling access during
            // creation" in the IAM user guide).
            let key = format!("{}:CreateAction", operation.service.name);
            all.extend(own.iter().cloned().map(|mut sample| {
                sample.context.insert(key.clone(), vec![operation.name.to_owned()]);
                ((*beside).to_owned(), sample)
            }));
        } else if *beside == "iam:PassRole" || beside.contains("Tag") {
            let known = operations().find(|other| other.to_string() == *beside);
            let on = known.map_or_else(
                || BESIDE.iter().find(|(action, _)| action == beside).map(|(_, on)| *on),
                |known| Some(known.on),
            );
            let found = of_action(around, (stack, region), beside, on.unwrap_or_default());
            all.extend(found.into_iter().map(|sample| ((*beside).to_owned(), sample)));
        }
    }
    all
}

fn of_action(
    around: &Around<'_>,
    (stack, region): (&Stack, &str),
    action: &str,
    on: &[deployer_engine::Reach],
) -> Vec<Sample> {
    let limits = around.limits(Access::Deployer, action, on).into_iter();
    let sample = |(limit, arns): (crate::policy::Limit, BTreeSet<String>)| {
        let named = arns.iter().filter(|arn| !arn.ends_with(":*"));
        let resources: BTreeSet<String> = named.map(|arn| imagined(arn, region)).collect();
        let mut context = BTreeMap::from([("aws:RequestedRegion".to_owned(), vec![region.into()])]);
        if let Some((key, values)) = limit.only {
            context.insert(key.to_owned(), vec![(*values.first()?).to_owned()]);
        }
        if limit.to != To::Tagged {
            tagged("aws:RequestTag", &stack.scope, &mut context);
            let keys = [STACK, ENVIRONMENT].map(str::to_owned).into_iter();
            let keys = keys.chain(stack.scope.tags.keys().cloned()).collect();
            context.insert("aws:TagKeys".to_owned(), keys);
        }
        // What is new has none.
        if !matches!(limit.to, To::Made | To::New) {
            tagged("aws:ResourceTag", &stack.scope, &mut context);
        }
        (!resources.is_empty()).then_some(Sample { resources, context })
    };
    limits.filter_map(sample).collect()
}

fn tagged(key: &str, scope: &Scope, context: &mut BTreeMap<String, Vec<String>>) {
    let Scope { stack, environment, tags, .. } = scope;
    let ours = [(STACK, stack), (ENVIRONMENT, environment)].into_iter();
    for (name, value) in ours.chain(tags.iter().map(|(name, value)| (name.as_str(), value))) {
        context.insert(format!("{key}/{name}"), vec![value.clone()]);
    }
}

/// An ARN that a pattern is of, in as many parts as AWS gives it ("Resource types defined by Elastic
/// Load Balancing V2" in the service authorization reference).
fn imagined(pattern: &str, region: &str) -> String {
    if pattern == "*" {
        return pattern.to_owned();
    }
    let mut parts: Vec<&str> = pattern.splitn(6, ':').collect();
    if parts.get(3) == Some(&"*") {
        parts[3] = region;
    }
    let end = parts.last().copied().unwrap_or_default();
    let more = match end.split('/').next() {
        Some("loadbalancer" | "targetgroup") => 1,
        Some("listener") => 2,
        Some("listener-rule") => 3,
        _ => 0,
    };
    format!("{}{}", parts.join(":").replace('*', ANY), format!("/{ANY}").repeat(more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_imagined_thing_is_where_the_stack_is_and_has_all_parts_of_its_name() {
        for (pattern, expected) in [
            ("*", "*"),
            ("arn:aws:rds:*:1:db:notes-dev-*", "arn:aws:rds:eu-west-1:1:db:notes-dev-0a1b2c3d"),
            ("arn:aws:iam::1:role/deployer/*", "arn:aws:iam::1:role/deployer/0a1b2c3d"),
            (
                "arn:aws:elasticloadbalancing:*:1:targetgroup/notes-*",
                "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/notes-0a1b2c3d/0a1b2c3d",
            ),
        ] {
            assert_eq!(imagined(pattern, "eu-west-1"), expected);
        }
    }
}
