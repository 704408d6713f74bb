//! A state machine of Step Functions that runs a task to its end.

use std::collections::BTreeSet;

use deployer_core::{
    Action, Change, Impact, Kind, Naming, Opaque, Problem, Ref, Time, Typical, is_unread,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Cluster, Role, SecurityGroup, Subnet, TaskDefinition};

/// The longest timeout of a state, and the most retries ("State machine structure" and "Handling
/// errors" in the Step Functions developer guide).
const MOST: u32 = 99_999_999;

/// How many subnets and security groups a task may have (`AwsVpcConfiguration` in the ECS API
/// reference).
const MOST_SUBNETS: usize = 16;
const MOST_GROUPS: usize = 5;

/// How much longer than one try of its task an execution may take to end, in seconds: an
/// assumption.
const LEEWAY: u32 = 600;

/// A standard state machine whose only state runs a task on Fargate and waits for its end. It fails
/// when the task does.
pub struct StateMachine;

impl Kind for StateMachine {
    const NAME: &'static str = "state-machine";
    // What runs goes on as it was begun. What begins within some seconds of a change may still be
    // as before (`UpdateStateMachine` in the Step Functions API reference).
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("role", Change::InPlace(Impact::None)),
        ("cluster", Change::InPlace(Impact::None)),
        ("task-definition", Change::InPlace(Impact::None)),
        ("subnets", Change::InPlace(Impact::None)),
        ("security-groups", Change::InPlace(Impact::None)),
        ("public-address", Change::InPlace(Impact::None)),
        ("timeout", Change::InPlace(Impact::None)),
        ("retries", Change::InPlace(Impact::None)),
    ];
    // `name` of `CreateStateMachine` in the Step Functions API reference.
    const NAMING: Option<Naming> = Some(Naming::hyphens(80));
    // What runs is let to its end.
    const DELETION: Impact = Impact::None;
    // How long a deletion takes is an assumption.
    const TYPICAL: Typical = Typical { create: 2, update: 2, delete: 15 };
    type Spec = StateMachineSpec;
    type Output = StateMachineOutput;

    /// What others have made of its definition is put right.
    fn change(_field: &str, live: &Value, _wanted: &Value) -> Option<Change> {
        is_unread(live).then_some(Change::InPlace(Impact::None))
    }

    /// One is gone once its executions have ended, which they do before their next try
    /// (`DeleteStateMachine` in the Step Functions API reference). How long one takes that has no
    /// timeout nobody knows.
    fn time(action: Action, live: Option<&StateMachineSpec>, _: Option<&StateMachineSpec>) -> Time {
        let time = Self::TYPICAL.time(action);
        match live.and_then(|live| live.timeout) {
            Some(timeout) if action == Action::Delete => {
                Time { limit: timeout.saturating_add(LEEWAY), ..time }
            }
            _ => time,
        }
    }

    fn check(spec: &StateMachineSpec) -> Vec<Problem> {
        let StateMachineSpec { subnets, security_groups, timeout, retries, .. } = spec;
        let mut problems = Vec::new();
        let of = |set: Option<usize>, most: usize| set.is_some_and(|of| !(1..=most).contains(&of));
        if of(subnets.known().map(BTreeSet::len), MOST_SUBNETS) {
            let help = format!("expected 1 to {MOST_SUBNETS}");
            problems.push(Problem::new("subnets", "a task is in one of its subnets", help));
        }
        if of(security_groups.known().map(BTreeSet::len), MOST_GROUPS) {
            let help = format!("expected 1 to {MOST_GROUPS}");
            problems.push(Problem::new("security-groups", "a task is in security groups", help));
        }
        if let Some(timeout) = timeout.filter(|it| !(1..=MOST).contains(it)) {
            let message = format!("{{{timeout} s}} is not a timeout");
            let help = format!("expected `{{1}}` to `{{{MOST}}}`");
            problems.push(Problem::amounts("timeout", message, help));
        }
        if let Some(retries) = retries.known().filter(|it| **it > MOST) {
            let message = format!("{retries} retries are too many");
            problems.push(Problem::new("retries", message, format!("expected at most `{MOST}`")));
        }
        problems
    }
}

/// What we want of a state machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StateMachineSpec {
    /// The role in whose name Step Functions runs the task. It trusts `states.amazonaws.com`; the
    /// conditions can be the `aws:SourceAccount`, and the `aws:SourceArn` of the state machine.
    ///
    /// It allows `ecs:RunTask` on the task definition's family; `ecs:StopTask` and
    /// `ecs:DescribeTasks` on tasks; `ecs:TagResource` on tasks, since they get the tags of their
    /// definition; `iam:PassRole` on the definition's two roles; and `events:PutTargets`,
    /// `events:PutRule` and `events:DescribeRule` on
    /// `rule/StepFunctionsGetEventsForECSTaskRule`, by which Step Functions hears of the end (Step
    /// Functions developer guide, "Run Amazon ECS or Fargate tasks").
    pub role: Ref<Role>,
    /// The cluster that the task runs in.
    pub cluster: Opaque<Ref<Cluster>>,
    /// The task.
    pub task_definition: Opaque<Ref<TaskDefinition>>,
    /// The subnets, one of which each task is in.
    pub subnets: Opaque<BTreeSet<Ref<Subnet>>>,
    /// The security groups of the task.
    pub security_groups: Opaque<BTreeSet<Ref<SecurityGroup>>>,
    /// Whether the task gets a public address, which it needs in a public subnet to reach the
    /// internet.
    #[serde(default)]
    pub public_address: Opaque<bool>,
    /// After how many seconds a try is given up and its task stopped; never when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
    /// How often a task that failed, that took too long or that could not be started is run again:
    /// after 30 seconds, and after twice as long each further time.
    #[serde(default)]
    pub retries: Opaque<u32>,
}

/// What AWS returns for a state machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StateMachineOutput {
    /// The ARN.
    pub id: String,
    /// The name.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(more: &Value) -> StateMachineSpec {
        let mut spec = json!({
            "role": { "ref": "role/job" },
            "cluster": { "ref": "cluster/main" },
            "task-definition": { "ref": "task-definition/job" },
            "subnets": [{ "ref": "subnet/a" }],
            "security-groups": [{ "ref": "security-group/job" }],
        });
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn what_cannot_run_is_said_at_its_place() {
        let paths = |more: Value| -> Vec<String> {
            StateMachine::check(&spec(&more)).into_iter().map(|it| it.path).collect()
        };
        assert_eq!(paths(json!({ "timeout": 3600, "retries": 3 })), Vec::<String>::new());
        assert_eq!(paths(json!({ "timeout": 0 })), ["timeout"]);
        assert_eq!(paths(json!({ "subnets": [] })), ["subnets"]);
        assert_eq!(paths(json!({ "security-groups": [] })), ["security-groups"]);
    }

    #[test]
    fn a_deletion_may_take_as_long_as_a_try() {
        let limit =
            |action, more: Value| StateMachine::time(action, Some(&spec(&more)), None).limit;
        assert_eq!(limit(Action::Delete, json!({ "timeout": 7200 })), 7800);
        assert_eq!(limit(Action::Delete, json!({})), 0);
        assert_eq!(limit(Action::Update, json!({ "timeout": 7200 })), 0);
    }
}
