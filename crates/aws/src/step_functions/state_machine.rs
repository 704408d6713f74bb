//! State machines of Step Functions: `CreateStateMachine`, `DescribeStateMachine`,
//! `UpdateStateMachine`, `DeleteStateMachine`.

use aws_sdk_sfn::operation::describe_state_machine::DescribeStateMachineOutput as Description;
use aws_sdk_sfn::types::{EncryptionType, LogLevel, StateMachineStatus, StateMachineType};
use deployer_core::{Opaque, Partition, Phase, Ref};
use deployer_engine::{Context, Found, Progress, Resource, Result, Survey};
use deployer_kinds::{StateMachine, StateMachineOutput, StateMachineSpec};

use super::definition;
use crate::Aws;
use crate::index::{TagIndex, one_by_one};
use crate::ownership::{self, Owned, readable};
use crate::send::unless_gone;
use crate::step_functions::{self as states, tagged};

const CREATE: &str = "create the state machine";

impl Resource<Aws> for StateMachine {
    /// A description may be older than the last change (`DescribeStateMachine` in the Step
    /// Functions API reference).
    const SHOWN_LATE: bool = true;
    const READ_BY_NAME: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let index = survey.shared.get::<TagIndex>();
        let arns = index.nominated::<Self>(survey, "states").await;
        let ask = |arns| one_by_one(survey.cloud, arns, states::tags);
        let tags = index.of(survey, arns, ask).await?;
        let mut all = Vec::new();
        for (arn, tags) in tags {
            let Some(owned) = Owned::named::<Self>(survey.scope, named(&arn), &tags) else {
                continue;
            };
            // The index remembers for a while what is gone.
            let Some(machine) = describe(survey.cloud, &arn).await? else { continue };
            let found = found(&survey.cloud.region, &owned, &machine);
            all.extend(readable(survey, &owned, Some(&arn), Ok(found)));
        }
        all.into_iter().collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let by_name =
            if id.starts_with("arn:") { None } else { Some(arn(survey.cloud, id).await?) };
        let id = by_name.as_deref().unwrap_or(id);
        let Some(machine) = describe(survey.cloud, id).await? else { return Ok(None) };
        let Some(tags) = states::tags(survey.cloud, id).await? else { return Ok(None) };
        let owned = Owned::read::<Self>(survey.scope, named(id), &tags);
        Ok(Some(found(&survey.cloud.region, &owned, &machine)))
    }

    async fn create(cx: &Context<'_, Aws>, spec: &StateMachineSpec) -> Result<StateMachineOutput> {
        let name = &cx.identity.name;
        let id = arn(cx.cloud, name).await?;
        // CreateStateMachine hands back one of that name and definition whatever its tags, so it is
        // looked for first.
        let tags = match describe(cx.cloud, &id).await? {
            Some(_) => states::tags(cx.cloud, &id).await?,
            None => None,
        };
        match tags {
            Some(tags) if !ownership::is_this::<Self>(cx, &id, Some(name), Some(&tags)) => {
                return Err(ownership::taken(
                    cx,
                    states::CREATE_STATE_MACHINE.attempted(CREATE),
                    &id,
                ));
            }
            Some(_) => {
                states::remember(cx, &id).await?;
                change(cx.cloud, &id, spec).await?;
            }
            None => {
                let request = cx
                    .cloud
                    .step_functions
                    .create_state_machine()
                    .name(name)
                    .r#type(StateMachineType::Standard)
                    .role_arn(spec.role.id())
                    .definition(definition::written(&cx.cloud.region, spec)?)
                    .set_tags(Some(tagged(cx.identity)));
                cx.cloud
                    .send(&states::CREATE_STATE_MACHINE, CREATE, || request.clone().send())
                    .await?;
            }
        }
        Ok(StateMachineOutput { id, name: name.clone() })
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &StateMachineSpec,
    ) -> Result<StateMachineOutput> {
        change(cx.cloud, &live.output.id, spec).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &StateMachineOutput) -> Result<()> {
        states::remember(cx, &output.id).await
    }

    /// Nothing starts in it any more. What runs is let to its end: only its next try does not
    /// begin.
    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request =
            cx.cloud.step_functions.delete_state_machine().state_machine_arn(&live.output.id);
        cx.cloud
            .send(&states::DELETE_STATE_MACHINE, "delete the state machine", || {
                request.clone().send()
            })
            .await?;
        Ok(Vec::new())
    }

    async fn gone(cx: &Context<'_, Aws>, output: &StateMachineOutput) -> Result<Progress<()>> {
        Ok(match describe(cx.cloud, &output.id).await? {
            Some(machine) => {
                let state = machine.status().map_or("", StateMachineStatus::as_str);
                Progress::Waiting(format!(
                    "{state}, until what runs in it has ended; `aws stepfunctions \
                     stop-execution --execution-arn …` ends it"
                ))
            }
            None => Progress::Done(()),
        })
    }
}

fn found(region: &str, owned: &Owned, machine: &Description) -> Found<StateMachine> {
    let role = machine.role_arn();
    let read = definition::read(region, role, machine.definition());
    // What a change does not name stays as it is (`UpdateStateMachine` in the API reference).
    let mut foreign = Vec::new();
    if read.is_none() {
        foreign.push("its definition is not as it was written".to_owned());
    }
    if *machine.r#type() != StateMachineType::Standard {
        foreign.push(format!("it is of the type {}", machine.r#type()));
    }
    let is_logged = |level: &LogLevel| *level != LogLevel::Off;
    if machine.logging_configuration().and_then(|it| it.level()).is_some_and(is_logged) {
        foreign.push("it writes a log".to_owned());
    }
    if machine.tracing_configuration().is_some_and(|tracing| tracing.enabled()) {
        foreign.push("it is traced".to_owned());
    }
    let has_key = |kind: &EncryptionType| *kind != EncryptionType::AwsOwnedKey;
    if machine.encryption_configuration().is_some_and(|it| has_key(it.r#type())) {
        foreign.push("it is encrypted with a key of its own".to_owned());
    }
    let is_leaving = machine.status() == Some(&StateMachineStatus::Deleting);
    Found {
        badge: owned.badge(),
        spec: read.unwrap_or_else(|| unread(role)),
        output: StateMachineOutput {
            id: machine.state_machine_arn().to_owned(),
            name: machine.name().to_owned(),
        },
        phase: if is_leaving { Phase::Leaving } else { Phase::Ready },
        state: machine.status().map(|it| it.as_str().to_owned()).unwrap_or_default(),
        foreign,
    }
}

/// The spec of one whose definition others have written.
fn unread(role: &str) -> StateMachineSpec {
    StateMachineSpec {
        role: Ref::physical(role),
        cluster: Opaque::Unread,
        task_definition: Opaque::Unread,
        subnets: Opaque::Unread,
        security_groups: Opaque::Unread,
        public_address: Opaque::Unread,
        timeout: None,
        retries: Opaque::Unread,
    }
}

/// What begins within some seconds may still run as before (`UpdateStateMachine` in the API
/// reference).
async fn change(aws: &Aws, id: &str, spec: &StateMachineSpec) -> Result<()> {
    let request = aws
        .step_functions
        .update_state_machine()
        .state_machine_arn(id)
        .role_arn(spec.role.id())
        .definition(definition::written(&aws.region, spec)?);
    aws.send(&states::UPDATE_STATE_MACHINE, "change the state machine", || request.clone().send())
        .await?;
    Ok(())
}

async fn describe(aws: &Aws, arn: &str) -> Result<Option<Description>> {
    let request = aws.step_functions.describe_state_machine().state_machine_arn(arn);
    let look = aws.send(&states::DESCRIBE_STATE_MACHINE, "look at the state machine", || {
        request.clone().send()
    });
    unless_gone(look.await)
}

/// The name in an ARN.
fn named(arn: &str) -> Option<&str> {
    arn.rsplit(':').next()
}

/// The ARN of the state machine of a name (`StateMachine` in the service authorization reference).
async fn arn(aws: &Aws, name: &str) -> Result<String> {
    let (partition, region) = (Partition::of(&aws.region).name(), &aws.region);
    Ok(format!("arn:{partition}:states:{region}:{}:stateMachine:{name}", aws.account().await?))
}
