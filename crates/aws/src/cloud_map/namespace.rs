//! Namespaces of AWS Cloud Map: `CreateHttpNamespace`, `GetOperation`, `ListNamespaces`,
//! `GetNamespace`, `DeleteNamespace`.

use std::collections::BTreeMap;

use aws_sdk_servicediscovery::types::{
    FilterCondition, NamespaceFilter, NamespaceFilterName, NamespaceType, OperationStatus,
    OperationTargetType,
};
use deployer_core::{Cause, Failure, Phase, Scope};
use deployer_engine::{Context, Found, Progress, Resource, Result, Survey};
use deployer_kinds::{Namespace, NamespaceOutput, NamespaceSpec};

use crate::Aws;
use crate::cloud_map::{self, tagged};
use crate::index::{TagIndex, one_by_one};
use crate::missing::Required;
use crate::ownership::{self, Owned, prefix, readable};
use crate::send::unless_gone;

const CREATE: &str = "create the namespace";

impl Resource<Aws> for Namespace {
    const READ_BY_NAME: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let index = survey.shared.get::<TagIndex>();
        // Most environments have none, and then nobody need ask.
        let arns = ("servicediscovery", "namespace/");
        if index.all_of::<Self>(survey, arns, |_| false).await.is_some() {
            return Ok(Vec::new());
        }
        let begins = FilterCondition::BeginsWith;
        let there = list(survey.cloud, &prefix(survey.scope), begins).await?;
        let there: BTreeMap<String, There> =
            there.into_iter().map(|it| (it.arn.clone(), it)).collect();
        let ask = |arns| one_by_one(survey.cloud, arns, cloud_map::tags);
        let tags = index.of(survey, there.keys().cloned().collect(), ask).await?;
        let read = there.iter().filter_map(|(arn, it)| {
            let tags = tags.get(arn)?;
            let owned = Owned::named::<Self>(survey.scope, Some(&it.name), tags)?;
            readable(survey, &owned, Some(arn), Ok(found(&owned, it)))
        });
        read.collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let there = match id.rsplit_once("namespace/") {
            Some((_, id)) => look(survey.cloud, id).await?,
            None => named(survey.cloud, id).await?,
        };
        let Some(there) = there else { return Ok(None) };
        let Some(tags) = cloud_map::tags(survey.cloud, &there.arn).await? else {
            return Ok(None);
        };
        let owned = Owned::read::<Self>(survey.scope, Some(&there.name), &tags);
        Ok(Some(found(&owned, &there)))
    }

    fn misnamed(scope: &Scope, output: &NamespaceOutput) -> Option<String> {
        Some(prefix(scope)).filter(|prefix| !output.name.starts_with(prefix))
    }

    /// The namespace has no ARN before Cloud Map has made it, which is an operation of its own. Until
    /// then this is busy, and asks again by the same token, which makes no second one.
    async fn create(cx: &Context<'_, Aws>, _spec: &NamespaceSpec) -> Result<NamespaceOutput> {
        let (aws, name) = (cx.cloud, &cx.identity.name);
        if let Some(there) = named(aws, name).await? {
            let tags = cloud_map::tags(aws, &there.arn).await?;
            if !ownership::is_this::<Self>(cx, &there.arn, Some(name), tags.as_ref()) {
                let attempted = cloud_map::CREATE_HTTP_NAMESPACE.attempted(CREATE);
                return Err(ownership::taken(cx, attempted, &there.arn));
            }
            return Ok(output(&there));
        }
        let request = aws
            .cloud_map
            .create_http_namespace()
            .name(name)
            // At most 64 characters (Cloud Map API reference).
            .creator_request_id(ownership::token(cx.identity, ""))
            .set_tags(Some(tagged(cx.identity)));
        let asked =
            aws.send(&cloud_map::CREATE_HTTP_NAMESPACE, CREATE, || request.clone().send()).await?;
        let operation = asked.operation_id.required("the operation that makes a namespace")?;
        let id = made(aws, &operation).await?;
        look(aws, &id).await?.as_ref().map(output).ok_or_else(|| still("not shown yet"))
    }

    async fn update(
        _cx: &Context<'_, Aws>,
        live: &Found<Self>,
        _spec: &NamespaceSpec,
    ) -> Result<NamespaceOutput> {
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &NamespaceOutput) -> Result<()> {
        cloud_map::remember(cx, &output.id).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx.cloud.cloud_map.delete_namespace().id(bare(&live.output.id));
        cx.cloud
            .send(&cloud_map::DELETE_NAMESPACE, "delete the namespace", || request.clone().send())
            .await?;
        Ok(Vec::new())
    }

    async fn gone(cx: &Context<'_, Aws>, output: &NamespaceOutput) -> Result<Progress<()>> {
        Ok(match look(cx.cloud, bare(&output.id)).await? {
            Some(_) => Progress::Waiting("Cloud Map still deletes it".to_owned()),
            None => Progress::Done(()),
        })
    }
}

/// A namespace as Cloud Map has it.
struct There {
    arn: String,
    name: String,
    is_http: bool,
}

fn found(owned: &Owned, there: &There) -> Found<Namespace> {
    let foreign = (!there.is_http).then(|| "it is a namespace of DNS".to_owned());
    Found {
        badge: owned.badge(),
        spec: NamespaceSpec {},
        output: output(there),
        phase: Phase::Ready,
        state: String::new(),
        foreign: foreign.into_iter().collect(),
    }
}

fn output(there: &There) -> NamespaceOutput {
    NamespaceOutput { id: there.arn.clone(), name: there.name.clone() }
}

/// The identifier in an ARN: `ns-…`.
fn bare(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The namespaces that have this name, or whose names begin so.
async fn list(aws: &Aws, name: &str, condition: FilterCondition) -> Result<Vec<There>> {
    let filter = NamespaceFilter::builder()
        .name(NamespaceFilterName::Name)
        .values(name)
        .condition(condition)
        .build()
        .expect("it has a name and a value");
    let request = aws.cloud_map.list_namespaces().filters(filter);
    let pages = aws
        .pages(
            &cloud_map::LIST_NAMESPACES,
            "find the namespaces",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    let all = pages.into_iter().flat_map(|page| page.namespaces.unwrap_or_default());
    let read = all.map(|it| {
        Ok(There {
            arn: it.arn.required("the ARN of a namespace")?,
            name: it.name.required("the name of a namespace")?,
            is_http: it.r#type == Some(NamespaceType::Http),
        })
    });
    read.collect()
}

/// The namespace of this name, of whatever type: a name is one namespace's.
async fn named(aws: &Aws, name: &str) -> Result<Option<There>> {
    Ok(list(aws, name, FilterCondition::Eq).await?.into_iter().next())
}

/// The namespace with this identifier; none when it is gone.
async fn look(aws: &Aws, id: &str) -> Result<Option<There>> {
    let request = aws.cloud_map.get_namespace().id(id);
    let answer = aws
        .send(&cloud_map::GET_NAMESPACE, "look at the namespace", || request.clone().send())
        .await;
    let Some(there) = unless_gone(answer)?.and_then(|answer| answer.namespace) else {
        return Ok(None);
    };
    Ok(Some(There {
        arn: there.arn.required("the ARN of a namespace")?,
        name: there.name.required("the name of a namespace")?,
        is_http: there.r#type == Some(NamespaceType::Http),
    }))
}

/// The identifier of the namespace that an operation has made.
async fn made(aws: &Aws, operation: &str) -> Result<String> {
    let request = aws.cloud_map.get_operation().operation_id(operation);
    let asked = aws
        .send(&cloud_map::GET_OPERATION, "see whether the namespace is made", || {
            request.clone().send()
        })
        .await?;
    let operation = asked.operation.required("an operation of Cloud Map")?;
    match operation.status() {
        Some(OperationStatus::Success) => {
            let targets = operation.targets();
            let id = targets.and_then(|it| it.get(&OperationTargetType::Namespace));
            id.cloned().required("the namespace that an operation made")
        }
        Some(OperationStatus::Fail) => {
            let said = operation.error_message().unwrap_or("Cloud Map does not say why");
            Err(Failure::new(Cause::Refused, CREATE, said))
        }
        status => Err(still(status.map_or("not shown yet", OperationStatus::as_str))),
    }
}

/// That Cloud Map is not done with it.
fn still(state: &str) -> Failure {
    Failure::new(Cause::Busy, CREATE, format!("Cloud Map still makes it: {state}"))
}
