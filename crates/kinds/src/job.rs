//! A job: a task of ECS that runs to its end, before releases or when somebody asks for it.

use std::collections::BTreeSet;

use deployer_core::{
    Action, After, Alphabet, Change, Fact, Impact, Join, Kind, Naming, Opaque, Problem, Ref, Stand,
    Thing, Time, Typical, is_unread,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Cluster, SecurityGroup, Subnet, TaskDefinition};

/// How long a task may take to start, in seconds: image, secrets, network. An assumption.
const START: u32 = 600;

/// How long a job may run that nothing limits, in seconds: a day. Whoever has longer ones says so.
const LONGEST: u32 = 24 * 60 * 60;

/// The most releases that one job comes before: what is kept of each has to fit, with all the rest,
/// into the 4 KB of a standard parameter (Systems Manager API reference, `PutParameter`).
const MOST: usize = 10;

/// The most tries beyond the first.
const RETRIES: u32 = 10;

/// A job.
///
/// AWS has no such thing. What is to be run and how, and for which releases it has run to a good end,
/// is kept in a parameter of Systems Manager; the task runs on Fargate.
pub struct Job;

impl Kind for Job {
    const NAME: &'static str = "job";
    // Of these a run begins with another task definition, or with another release that it comes
    // before; the others count for the next run.
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("cluster", Change::InPlace(Impact::None)),
        ("task-definition", Change::InPlace(Impact::None)),
        ("container", Change::InPlace(Impact::None)),
        ("subnets", Change::InPlace(Impact::None)),
        ("security-groups", Change::InPlace(Impact::None)),
        ("public-address", Change::InPlace(Impact::None)),
        ("before", Change::InPlace(Impact::None)),
        ("timeout", Change::InPlace(Impact::None)),
        ("retries", Change::InPlace(Impact::None)),
    ];
    // A parameter's ARN has at most 1,011 characters (Systems Manager API reference,
    // `PutParameter`).
    const NAMING: Option<Naming> =
        Some(Naming { alphabet: Alphabet::Path, ..Naming::hyphens(512) });
    const UNDONE: &'static [&'static str] = &["before"];
    const DELETION: Impact = Impact::None;
    const AFTER: &'static [After] = &[
        // Tasks fetch their image over the routes of their subnets, or over endpoints.
        After { kind: "route-table", sharing: Some("subnet") },
        After { kind: "gateway-endpoint", sharing: None },
        After { kind: "interface-endpoint", sharing: None },
    ];
    // A task: image 20-60 s, and a little work.
    const TYPICAL: Typical = Typical { create: 60, update: 60, delete: 2 };
    type Spec = JobSpec;
    type Output = JobOutput;

    fn time(action: Action, _live: Option<&JobSpec>, wanted: Option<&JobSpec>) -> Time {
        let runs = wanted.filter(|spec| spec.before.known().is_some_and(|it| !it.is_empty()));
        let Some(spec) = runs.filter(|_| action != Action::Delete) else {
            return Time { typical: 2, limit: 0 };
        };
        let each = START.saturating_add(spec.timeout.unwrap_or(LONGEST));
        let limit = each.saturating_mul(spec.retries.saturating_add(1));
        Time { limit, ..Self::TYPICAL.time(action) }
    }

    /// What it has not run for to a good end, it is run for.
    fn change(_field: &str, live: &Value, _wanted: &Value) -> Option<Change> {
        is_unread(live).then_some(Change::InPlace(Impact::None))
    }

    fn facts(spec: &JobSpec) -> Vec<Fact> {
        let groups = spec.security_groups.iter().map(Thing::from).collect();
        vec![
            Fact::Joins(Join { groups, ports: BTreeSet::new() }),
            Fact::Stands(Stand {
                subnets: spec.subnets.iter().map(Thing::from).collect(),
                has_address: spec.public_address,
            }),
        ]
    }

    fn check(spec: &JobSpec) -> Vec<Problem> {
        let mut problems = Vec::new();
        if spec.before.known().is_some_and(|before| before.len() > MOST) {
            let message = format!("a job comes before {MOST} releases at most");
            problems.push(Problem::new("before", message, "let another job come before the rest"));
        }
        if let Some(timeout) = spec.timeout.filter(|it| !(1..=LONGEST).contains(it)) {
            problems.push(Problem::amounts(
                "timeout",
                format!("{{{timeout}}} is no time for a run"),
                format!("expected `{{1}}` to `{{{LONGEST}}}`"),
            ));
        }
        if spec.retries > RETRIES {
            let message = format!("{} retries are too many", spec.retries);
            problems.push(Problem::new("retries", message, format!("expected `0` to `{RETRIES}`")));
        }
        problems
    }
}

/// What we want of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct JobSpec {
    /// The cluster its task runs in.
    pub cluster: Ref<Cluster>,
    /// What its task is.
    pub task_definition: Ref<TaskDefinition>,
    /// The container of its task that does the work: how that ends is how the job does.
    pub container: String,
    /// The subnets its task is in.
    pub subnets: BTreeSet<Ref<Subnet>>,
    /// The security groups its task is in.
    pub security_groups: BTreeSet<Ref<SecurityGroup>>,
    /// Whether its task gets a public address.
    #[serde(default)]
    pub public_address: bool,
    /// The releases that it comes before: it runs to a good end once for each new one of these task
    /// definitions, and of its own, before a service that has one of them gets it. Unread of one that
    /// has not.
    #[serde(default)]
    pub before: Opaque<BTreeSet<Ref<TaskDefinition>>>,
    /// The seconds that a run may take; a day when left out.
    pub timeout: Option<u32>,
    /// How often a run before a release that failed is tried again.
    #[serde(default)]
    pub retries: u32,
}

/// What AWS returns for a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobOutput {
    /// The ARN of its parameter.
    pub id: String,
    /// The name of its parameter.
    pub name: String,
    /// The ARN of the cluster its task runs in.
    pub cluster: String,
    /// The ARN of the task that runs, or that ran last before a release; none before the first.
    #[serde(default)]
    pub task: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(before: &[&str], timeout: Option<u32>, retries: u32) -> JobSpec {
        JobSpec {
            cluster: Ref::physical("c"),
            task_definition: Ref::physical("t:1"),
            container: "main".to_owned(),
            subnets: [Ref::physical("s")].into(),
            security_groups: [Ref::physical("g")].into(),
            public_address: false,
            before: before.iter().map(|it| Ref::physical(*it)).collect::<BTreeSet<_>>().into(),
            timeout,
            retries,
        }
    }

    #[test]
    fn a_step_that_runs_nothing_is_short_and_one_that_does_may_take_all_its_tries() {
        let limit = |spec: &JobSpec| Job::time(Action::Update, None, Some(spec)).limit;
        assert_eq!(limit(&spec(&[], Some(60), 0)), 0);
        assert_eq!(limit(&spec(&["w:1"], Some(60), 0)), START + 60);
        assert_eq!(limit(&spec(&["w:1"], Some(60), 2)), 3 * (START + 60));
        assert_eq!(limit(&spec(&["w:1"], None, 0)), START + LONGEST);
    }

    #[test]
    fn what_cannot_be_kept_or_waited_for_is_a_mistake() {
        let paths = |spec: &JobSpec| -> Vec<String> {
            Job::check(spec).into_iter().map(|problem| problem.path).collect()
        };
        let many: Vec<String> = (0..=MOST).map(|number| format!("w:{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(paths(&spec(&many[1..], Some(1), RETRIES)), Vec::<String>::new());
        assert_eq!(
            paths(&spec(&many, Some(LONGEST + 1), RETRIES + 1)),
            ["before", "timeout", "retries"]
        );
    }
}
