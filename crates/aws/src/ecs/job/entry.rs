//! What the parameter of a job holds: `PutParameter`, `GetParameter`, `GetParameters`,
//! `DeleteParameter`.

use std::time::Duration;

use aws_sdk_ssm::types::{Parameter, ParameterType};
use deployer_engine::{Context, Result};
use deployer_kinds::JobSpec;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Aws;
use crate::missing::Required;
use crate::moment::since;
use crate::random;
use crate::send::unless_gone;
use crate::ssm::{self, tagged};

/// What the names of the parameters begin with.
const FOLDER: &str = "/jobs";

/// The most names that `GetParameters` takes (Systems Manager API reference).
const NAMES_A_CALL: usize = 10;

/// How often a task may be refused what it needs before that counts as a try: a role or a policy that
/// is seconds old is not known everywhere. Each start takes Fargate some ten seconds, so this many are
/// as long as that takes: an assumption.
const REFUSALS: u32 = 3;

/// What is known of a job, as its parameter has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Entry {
    /// What it was last given.
    pub(super) spec: JobSpec,
    /// The release that it ran for last to a good end; see [`release`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ran: Option<String>,
    /// The last run before a release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) run: Option<Run>,
}

/// A run before a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Run {
    /// What it is for; see [`release`].
    pub(super) release: String,
    /// The token of the call that starts its task, by which the task is found as well.
    pub(super) token: String,
    /// How many more tries there are when it fails.
    pub(super) left: u32,
    /// How many more starts there are that its roles refuse, which are no tries.
    #[serde(default)]
    pub(super) refusals: u32,
    /// The ARN of its task; none before ECS has said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) task: Option<String>,
}

impl Run {
    /// One that is to begin.
    pub(super) fn new(release: String, left: u32) -> Self {
        Self { release, token: random::token(), left, refusals: REFUSALS, task: None }
    }
}

/// What stands for the release that a job comes before: the task definitions whose ARNs would not
/// fit several times. None where it comes before nothing.
pub(super) fn release(spec: &JobSpec) -> Option<String> {
    let before = spec.before.known().filter(|before| !before.is_empty())?;
    let all: Vec<&str> =
        [&spec.task_definition].into_iter().chain(before).map(|it| it.id()).collect();
    Some(format!("{:x}", Sha256::digest(all.join(" "))))
}

impl Entry {
    /// The release that it still has to run for; none where there is nothing to run.
    pub(super) fn due(&self) -> Option<String> {
        release(&self.spec).filter(|release| self.ran.as_ref() != Some(release))
    }
}

/// A parameter and what it holds.
pub(super) struct Kept {
    pub(super) arn: String,
    pub(super) name: String,
    /// None where somebody has written something else, or a later version has.
    pub(super) entry: Option<Entry>,
    /// How long ago it was written.
    pub(super) age: Option<Duration>,
}

/// The name of a job's parameter.
pub(super) fn name(called: &str) -> String {
    format!("{FOLDER}{called}")
}

/// What a job is called whose parameter has this name.
pub(super) fn called(name: &str) -> Option<&str> {
    name.strip_prefix(FOLDER)
}

/// The name in the ARN of a parameter that is a job's; those of paths have one slash there.
pub(super) fn named_in(arn: &str) -> Option<String> {
    let name = arn.split_once(":parameter")?.1;
    called(name).map(|_| name.to_owned())
}

/// Makes the parameter. One of that name is a failure whose cause is `Taken`.
pub(super) async fn make(cx: &Context<'_, Aws>, entry: &Entry) -> Result<()> {
    let request = cx.cloud.parameters.put_parameter().name(name(&cx.identity.name));
    let request = request.value(written(entry)).r#type(ParameterType::String);
    let request = request.set_tags(Some(tagged(cx.identity)));
    cx.cloud.send(&ssm::PUT_PARAMETER, "make the job", || request.clone().send()).await?;
    Ok(())
}

/// Writes what is known by now.
pub(super) async fn write(aws: &Aws, name: &str, entry: &Entry) -> Result<()> {
    let request = aws.parameters.put_parameter().name(name).value(written(entry));
    let request = request.r#type(ParameterType::String).overwrite(true);
    aws.send(&ssm::PUT_PARAMETER, "write down the job", || request.clone().send()).await?;
    Ok(())
}

/// One of them, by its name; none where there is none.
pub(super) async fn read(aws: &Aws, name: &str) -> Result<Option<Kept>> {
    let request = aws.parameters.get_parameter().name(name);
    let answer = aws.send(&ssm::GET_PARAMETER, "read the job", || request.clone().send()).await;
    unless_gone(answer)?.and_then(|answer| answer.parameter).map(|it| kept(&it)).transpose()
}

/// Those of these names that are there.
pub(super) async fn all(aws: &Aws, names: &[String]) -> Result<Vec<Kept>> {
    let mut all = Vec::new();
    for names in names.chunks(NAMES_A_CALL) {
        let request = aws.parameters.get_parameters().set_names(Some(names.to_vec()));
        let answer =
            aws.send(&ssm::GET_PARAMETERS, "read the jobs", || request.clone().send()).await?;
        for parameter in answer.parameters() {
            all.push(kept(parameter)?);
        }
    }
    Ok(all)
}

/// Deletes the parameter.
pub(super) async fn delete(aws: &Aws, name: &str) -> Result<()> {
    let request = aws.parameters.delete_parameter().name(name);
    aws.send(&ssm::DELETE_PARAMETER, "delete the job", || request.clone().send()).await?;
    Ok(())
}

fn kept(parameter: &Parameter) -> Result<Kept> {
    let value = parameter.value().unwrap_or_default();
    Ok(Kept {
        arn: parameter.arn().required("the ARN of a job")?.to_owned(),
        name: parameter.name().required("the name of a job")?.to_owned(),
        entry: serde_json::from_str(value).ok(),
        age: parameter.last_modified_date().and_then(since),
    })
}

fn written(entry: &Entry) -> String {
    serde_json::to_string(entry).expect("an entry has a JSON form")
}
