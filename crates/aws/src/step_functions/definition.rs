//! What a state machine of ours does, in Amazon States Language: one state, which runs a task and
//! waits for its end.

use std::collections::BTreeSet;

use deployer_core::{Kind, Opaque, Partition, Ref};
use deployer_engine::Result;
use deployer_kinds::StateMachineSpec;
use serde::{Deserialize, Serialize};

/// The name of the state.
const RUN: &str = "Run";

/// The seconds before the first retry; each further wait is twice as long.
const INTERVAL: u32 = 30;
const BACKOFF: f64 = 2.0;

/// What is tried again. The first means every failure of the task and of the call that runs it, but
/// for the second ("Error names" in the Step Functions developer guide).
const RETRIED: [&str; 2] = ["States.TaskFailed", "States.Timeout"];

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Machine {
    start_at: String,
    states: States,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct States {
    run: Run,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Run {
    r#type: String,
    resource: String,
    parameters: Parameters,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    retry: Vec<Retrier>,
    end: bool,
}

/// As RunTask takes them, but for the capital letters ("Run Amazon ECS or Fargate tasks" in the
/// Step Functions developer guide).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Parameters {
    cluster: String,
    task_definition: String,
    launch_type: String,
    propagate_tags: String,
    network_configuration: Network,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Network {
    awsvpc_configuration: Awsvpc,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Awsvpc {
    subnets: Vec<String>,
    security_groups: Vec<String>,
    assign_public_ip: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Retrier {
    error_equals: Vec<String>,
    interval_seconds: u32,
    backoff_rate: f64,
    max_attempts: u32,
}

/// The definition that a spec stands for.
pub(super) fn written(region: &str, spec: &StateMachineSpec) -> Result<String> {
    let retries = *spec.retries.wanted()?;
    let run = Run {
        r#type: "Task".to_owned(),
        resource: resource(region),
        parameters: Parameters {
            cluster: spec.cluster.wanted()?.id().to_owned(),
            task_definition: spec.task_definition.wanted()?.id().to_owned(),
            launch_type: "FARGATE".to_owned(),
            propagate_tags: "TASK_DEFINITION".to_owned(),
            network_configuration: Network {
                awsvpc_configuration: Awsvpc {
                    subnets: ids(spec.subnets.wanted()?),
                    security_groups: ids(spec.security_groups.wanted()?),
                    assign_public_ip: public(*spec.public_address.wanted()?).to_owned(),
                },
            },
        },
        timeout_seconds: spec.timeout,
        retry: (retries > 0).then(|| retrier(retries)).into_iter().collect(),
        end: true,
    };
    let machine = Machine { start_at: RUN.to_owned(), states: States { run } };
    Ok(serde_json::to_string(&machine).expect("it has texts and numbers alone"))
}

/// The spec that a role and a definition stand for; none where the definition is not of the form
/// that is written here.
pub(super) fn read(region: &str, role: &str, definition: &str) -> Option<StateMachineSpec> {
    let Machine { start_at, states: States { run } } = serde_json::from_str(definition).ok()?;
    let parameters = run.parameters;
    let network = parameters.network_configuration.awsvpc_configuration;
    let public_address =
        [true, false].into_iter().find(|it| public(*it) == network.assign_public_ip)?;
    let retries = match run.retry.as_slice() {
        [] => 0,
        [one] if is_ours(one) => one.max_attempts,
        _ => return None,
    };
    let is_of_the_form = start_at == RUN
        && run.r#type == "Task"
        && run.resource == resource(region)
        && run.end
        && parameters.launch_type == "FARGATE"
        && parameters.propagate_tags == "TASK_DEFINITION";
    is_of_the_form.then(|| StateMachineSpec {
        role: Ref::physical(role),
        cluster: Opaque::Known(Ref::physical(parameters.cluster)),
        task_definition: Opaque::Known(Ref::physical(parameters.task_definition)),
        subnets: Opaque::Known(network.subnets.into_iter().map(Ref::physical).collect()),
        security_groups: Opaque::Known(
            network.security_groups.into_iter().map(Ref::physical).collect(),
        ),
        public_address: Opaque::Known(public_address),
        timeout: run.timeout_seconds,
        retries: Opaque::Known(retries),
    })
}

/// RunTask of ECS, to the task's end.
fn resource(region: &str) -> String {
    format!("arn:{}:states:::ecs:runTask.sync", Partition::of(region).name())
}

fn public(has_address: bool) -> &'static str {
    if has_address { "ENABLED" } else { "DISABLED" }
}

fn retrier(retries: u32) -> Retrier {
    Retrier {
        error_equals: RETRIED.map(str::to_owned).into(),
        interval_seconds: INTERVAL,
        backoff_rate: BACKOFF,
        max_attempts: retries,
    }
}

fn is_ours(retrier: &Retrier) -> bool {
    let wanted = self::retrier(retrier.max_attempts);
    retrier.error_equals == wanted.error_equals
        && retrier.interval_seconds == wanted.interval_seconds
        && (retrier.backoff_rate - wanted.backoff_rate).abs() < f64::EPSILON
}

fn ids<K: Kind>(references: &BTreeSet<Ref<K>>) -> Vec<String> {
    references.iter().map(|it| it.id().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const REGION: &str = "eu-west-1";
    const ROLE: &str = "arn:aws:iam::111122223333:role/job";

    fn spec(more: &Value) -> StateMachineSpec {
        let mut spec = json!({
            "role": { "id": ROLE },
            "cluster": { "id": "cluster" },
            "task-definition": { "id": "job:3" },
            "subnets": [{ "id": "subnet-1" }, { "id": "subnet-2" }],
            "security-groups": [{ "id": "sg-1" }],
        });
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn what_is_written_reads_back_as_the_same() {
        for more in [json!({}), json!({ "timeout": 3600, "retries": 2, "public-address": true })] {
            let spec = spec(&more);
            assert_eq!(read(REGION, ROLE, &written(REGION, &spec).unwrap()), Some(spec));
        }
    }

    #[test]
    fn names_have_capital_letters_as_step_functions_takes_them() {
        let written = written("cn-north-1", &spec(&json!({ "retries": 1 }))).unwrap();
        let written: Value = serde_json::from_str(&written).unwrap();
        let run = &written["States"]["Run"];
        assert_eq!(run["Resource"], "arn:aws-cn:states:::ecs:runTask.sync");
        let network = &run["Parameters"]["NetworkConfiguration"]["AwsvpcConfiguration"];
        assert_eq!(network["AssignPublicIp"], "DISABLED");
        assert_eq!(run["Retry"][0]["MaxAttempts"], 1);
        assert_eq!(run.get("TimeoutSeconds"), None);
    }

    #[test]
    fn a_definition_of_another_form_is_not_read() {
        let ours: Value =
            serde_json::from_str(&written(REGION, &spec(&json!({}))).unwrap()).unwrap();
        let with = |pointer: &str, value: Value| {
            let mut other = ours.clone();
            *other.pointer_mut(pointer).unwrap() = value;
            other.to_string()
        };
        assert_eq!(read(REGION, ROLE, "{}"), None);
        assert_eq!(
            read(REGION, ROLE, &with("/States/Run/Parameters/LaunchType", json!("EC2"))),
            None
        );
        assert_eq!(read(REGION, ROLE, &with("/StartAt", json!("Other"))), None);
        let catcher = json!({ "ErrorEquals": ["States.ALL"], "Next": "Run" });
        let mut caught = ours.clone();
        caught["States"]["Run"]["Catch"] = json!([catcher]);
        assert_eq!(read(REGION, ROLE, &caught.to_string()), None);
    }
}
