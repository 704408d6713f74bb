//! Whether whoever runs this may do what is planned, as IAM's simulator says it.
//!
//! The simulator sees the policies of a user or a role, its boundary and those of the organization.
//! It does not see the policies of sessions, of resources and of endpoints (`SimulatePrincipalPolicy`
//! in the IAM API reference), so an action that it allows may be denied all the same.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::{
    ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType as Decision,
};
use deployer_core::{Action, Address, Arn, Place, Stack, Step};
use deployer_engine::{Concern, Foreseen, Operation, Result};
use futures_util::future::try_join_all;

use super::needs::needs;
use super::samples::{Sample, samples};
use crate::Aws;
use crate::iam;
use crate::policy::Around;
use crate::send::unless_gone;

/// So many actions are asked about at once. How many a request may have is not documented; this is
/// an assumption.
const ACTIONS: usize = 50;

/// What is asked for by the steps of one kind.
struct Asked<'a> {
    /// The first that asks.
    first: &'a Address,
    operations: BTreeMap<String, &'static Operation>,
}

/// Looks which actions are denied, and says so of the first resource of each kind that needs them.
pub(super) async fn look(
    aws: &Aws,
    stack: &Stack,
    place: &Place,
    steps: &[&Step],
) -> Result<Vec<Foreseen>> {
    let asked = asked(steps);
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let Some(principal) = principal(aws, &aws.caller().await?).await? else {
        return Ok(Vec::new());
    };
    let mut stack = stack.clone();
    stack.home.account = Some(aws.account().await?);
    let region = place.region.as_deref().unwrap_or(&stack.region);
    let around = Around::of(&stack);
    let mut takes: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut questions: BTreeMap<Sample, BTreeSet<String>> = BTreeMap::new();
    for (kind, asked) in &asked {
        for operation in asked.operations.values() {
            for (action, sample) in samples(&around, (&stack, region), operation) {
                takes.entry(kind).or_default().insert(action.clone());
                questions.entry(sample).or_default().insert(action);
            }
        }
    }
    let denied = denied(aws, &principal, questions).await?;
    let mut foreseen = Vec::new();
    for (kind, actions) in takes {
        let lacking: Vec<(&String, &str)> =
            actions.iter().filter_map(|it| Some((it, *denied.get(it)?))).collect();
        if lacking.is_empty() {
            continue;
        }
        let names: Vec<String> = lacking.iter().map(|(action, _)| format!("`{action}`")).collect();
        let by: BTreeSet<&str> = lacking.iter().map(|(_, by)| *by).collect();
        let title = format!("{principal} may not {}", names.join(", "));
        let help = by.into_iter().collect::<Vec<_>>().join("; ");
        foreseen.push((Some(asked[kind].first.clone()), Concern::sure("", title, help)));
    }
    Ok(foreseen)
}

fn asked<'a>(steps: &[&'a Step]) -> BTreeMap<&'a str, Asked<'a>> {
    let mut all: BTreeMap<&str, Asked> = BTreeMap::new();
    // What the stack has is found in it; what is deleted may not be.
    let (kept, gone): (Vec<&Step>, Vec<&Step>) =
        steps.iter().partition(|step| step.action != Action::Delete);
    for step in kept.into_iter().chain(gone) {
        let operations = needs(&step.address.kind, step.action);
        if operations.is_empty() {
            continue;
        }
        let nobody = || Asked { first: &step.address, operations: BTreeMap::new() };
        let asked = all.entry(&step.address.kind).or_insert_with(nobody);
        asked.operations.extend(operations.iter().map(|it| (it.to_string(), *it)));
    }
    all
}

/// The user or the role, with its path, whose policies count; none where everything is allowed, or
/// nobody can tell. The ARN of a session has neither path nor the name of its service (IAM user
/// guide, "IAM identifiers").
async fn principal(aws: &Aws, caller: &str) -> Result<Option<String>> {
    let Some(arn) = Arn::read(caller) else { return Ok(None) };
    let mut parts = arn.resource.split('/');
    match (arn.service, parts.next()) {
        ("iam", Some("user")) => Ok(Some(caller.to_owned())),
        ("sts", Some("assumed-role")) => {
            let Some(name) = parts.next() else { return Ok(None) };
            let request = aws.iam.get_role().role_name(name);
            let purpose = "look at the role that runs this";
            let answer = aws.send(&iam::GET_ROLE, purpose, || request.clone().send()).await;
            Ok(unless_gone(answer)?.and_then(|answer| answer.role).map(|role| role.arn))
        }
        _ => Ok(None),
    }
}

/// The actions that are denied wherever they are asked for, each with what can be done about it.
async fn denied(
    aws: &Aws,
    principal: &str,
    questions: BTreeMap<Sample, BTreeSet<String>>,
) -> Result<BTreeMap<String, &'static str>> {
    let asking = questions.iter().flat_map(|(sample, actions)| {
        let actions: Vec<String> = actions.iter().cloned().collect();
        let batches: Vec<Vec<String>> = actions.chunks(ACTIONS).map(<[String]>::to_vec).collect();
        batches.into_iter().map(async |actions| simulate(aws, principal, sample, actions).await)
    });
    let mut denied = BTreeMap::new();
    let mut spared = BTreeSet::new();
    for result in try_join_all(asking).await?.into_iter().flatten() {
        if let Some(help) = verdict(&result) {
            denied.insert(result.eval_action_name, help);
        } else {
            spared.insert(result.eval_action_name);
        }
    }
    denied.retain(|action, _| !spared.contains(action));
    Ok(denied)
}

async fn simulate(
    aws: &Aws,
    principal: &str,
    sample: &Sample,
    actions: Vec<String>,
) -> Result<Vec<EvaluationResult>> {
    let entry = |(key, values): (&String, &Vec<String>)| {
        let is_many = key == "aws:TagKeys";
        ContextEntry::builder()
            .context_key_name(key)
            .set_context_key_values(Some(values.clone()))
            .context_key_type(if is_many {
                ContextKeyTypeEnum::StringList
            } else {
                ContextKeyTypeEnum::String
            })
            .build()
    };
    let request = aws
        .iam
        .simulate_principal_policy()
        .policy_source_arn(principal)
        .set_action_names(Some(actions))
        .set_resource_arns(Some(sample.resources.iter().cloned().collect()))
        .set_context_entries(Some(sample.context.iter().map(entry).collect()));
    let pages = aws.pages(
        &iam::SIMULATE_PRINCIPAL_POLICY,
        "ask IAM what may be done",
        |token| request.clone().set_marker(token).send(),
        |page| page.marker(),
    );
    Ok(pages
        .await?
        .into_iter()
        .flat_map(|page| page.evaluation_results.unwrap_or_default())
        .collect())
}

/// What can be done about an action that is denied on everything it was asked about; none where it is
/// allowed on something, or depends on what nobody knows before the call.
fn verdict(result: &EvaluationResult) -> Option<&'static str> {
    let is_denied = |decision: &Decision, lacks: bool| match decision {
        Decision::ExplicitDeny => true,
        Decision::ImplicitDeny => !lacks,
        _ => false,
    };
    let lacks = !result.missing_context_values().is_empty();
    let each = result.resource_specific_results();
    let all = if each.is_empty() {
        is_denied(&result.eval_decision, lacks)
    } else {
        each.iter().all(|it| {
            let lacks = lacks || !it.missing_context_values().is_empty();
            is_denied(&it.eval_resource_decision, lacks)
        })
    };
    if !all {
        return None;
    }
    let organization = result.organizations_decision_detail();
    let boundary = result.permissions_boundary_decision_detail();
    Some(match result.eval_decision {
        _ if organization.is_some_and(|it| !it.allowed_by_organizations) => {
            "a policy of the organization keeps it from that: ask who looks after the organization"
        }
        _ if boundary.is_some_and(|it| !it.allowed_by_permissions_boundary) => {
            "its permissions boundary keeps it from that: widen the boundary"
        }
        Decision::ExplicitDeny => "a policy denies that: take it out of the `Deny` statement",
        _ => "`deployer policy deployer` prints what it takes, as a policy to attach",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_iam::types::{OrganizationsDecisionDetail, ResourceSpecificResult};

    fn result(decisions: &[Decision], missing: bool) -> EvaluationResult {
        let each = decisions.iter().map(|decision| {
            ResourceSpecificResult::builder()
                .eval_resource_name("arn")
                .eval_resource_decision(decision.clone())
                .set_missing_context_values(missing.then(|| vec!["aws:SourceVpc".to_owned()]))
                .build()
                .expect("it has all")
        });
        EvaluationResult::builder()
            .eval_action_name("rds:CreateDBInstance")
            .eval_decision(decisions.first().cloned().unwrap_or(Decision::Allowed))
            .set_resource_specific_results(Some(each.collect()))
            .build()
            .expect("it has all")
    }

    #[test]
    fn what_is_allowed_somewhere_or_depends_on_the_call_is_not_said_to_be_denied() {
        let (yes, no) = (Decision::Allowed, Decision::ImplicitDeny);
        assert!(verdict(&result(&[no.clone(), no.clone()], false)).is_some());
        assert!(verdict(&result(&[no.clone(), yes], false)).is_none());
        assert!(verdict(&result(std::slice::from_ref(&no), true)).is_none());
        assert!(verdict(&result(&[Decision::ExplicitDeny], true)).is_some());
        let mut by = result(&[no], false);
        by.organizations_decision_detail =
            Some(OrganizationsDecisionDetail::builder().allowed_by_organizations(false).build());
        assert!(verdict(&by).is_some_and(|help| help.contains("organization")));
    }
}
