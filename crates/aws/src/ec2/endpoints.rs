//! What the two kinds of VPC endpoints share: CreateVpcEndpoint, ModifyVpcEndpoint,
//! DescribeVpcEndpoints, DeleteVpcEndpoints. One answer shows both.

use std::collections::BTreeSet;

use aws_sdk_ec2::operation::create_vpc_endpoint::builders::CreateVpcEndpointFluentBuilder;
use aws_sdk_ec2::operation::modify_vpc_endpoint::builders::ModifyVpcEndpointFluentBuilder;
use aws_sdk_ec2::types::{Filter, VpcEndpointType};
use deployer_core::{Kind, Phase, Ref};
use deployer_engine::{Context, Found, Progress, Result, Survey};
use deployer_kinds::EndpointOutput;
use tokio::sync::OnceCell;

use crate::Aws;
use crate::ec2::{self, filter, owned_by, tags, unsuccessful};
use crate::missing::Required;
use crate::ownership::{Owned, readable};

pub(super) type Described = aws_sdk_ec2::types::VpcEndpoint;

const DELETE: &str = "delete the VPC endpoint";

/// The endpoints of one observation, asked for once.
#[derive(Default)]
struct Endpoints(OnceCell<Vec<Described>>);

impl Endpoints {
    /// Every endpoint that carries the scope's tags.
    async fn of(&self, survey: &Survey<'_, Aws>) -> Result<&[Described]> {
        let all = self.0.get_or_try_init(|| describe(survey.cloud, owned_by(survey.scope)));
        all.await.map(Vec::as_slice)
    }
}

/// Those of a kind that carry the scope's tags.
pub(super) async fn scan<K: Kind<Output = EndpointOutput>>(
    survey: &Survey<'_, Aws>,
    kind: VpcEndpointType,
    spec: fn(&Described, &str) -> Result<K::Spec>,
) -> Result<Vec<Found<K>>> {
    let all = survey.shared.get::<Endpoints>().of(survey).await?;
    let ours = all.iter().filter(|it| it.vpc_endpoint_type() == Some(&kind));
    ours.filter(|it| state(it) != "deleted")
        .filter_map(|endpoint| {
            let owned = Owned::tagged::<K>(survey.scope, &tags(endpoint.tags()))?;
            let read = found(survey, &owned, endpoint, spec);
            readable(survey, &owned, endpoint.vpc_endpoint_id(), read)
        })
        .collect()
}

/// The identifiers of those that a scan of the kind finds, whatever their state.
pub(super) async fn claimed<K: Kind<Output = EndpointOutput>>(
    survey: &Survey<'_, Aws>,
    spec: fn(&Described, &str) -> Result<K::Spec>,
) -> Result<BTreeSet<String>> {
    let all = survey.shared.get::<Endpoints>().of(survey).await?;
    let ours = all.iter().filter(|it| {
        let is_tagged = Owned::tagged::<K>(survey.scope, &tags(it.tags())).is_some();
        is_tagged && spec(it, &survey.cloud.region).is_ok()
    });
    Ok(ours.filter_map(|it| it.vpc_endpoint_id.clone()).collect())
}

/// One of a kind by its identifier.
pub(super) async fn read<K: Kind<Output = EndpointOutput>>(
    survey: &Survey<'_, Aws>,
    id: &str,
    kind: VpcEndpointType,
    spec: fn(&Described, &str) -> Result<K::Spec>,
) -> Result<Option<Found<K>>> {
    let endpoint = look(survey.cloud, id).await?;
    let is_there = |it: &Described| state(it) != "deleted" && it.vpc_endpoint_type() == Some(&kind);
    let Some(endpoint) = endpoint.filter(is_there) else { return Ok(None) };
    let owned = Owned::read::<K>(survey.scope, None, &tags(endpoint.tags()));
    found(survey, &owned, &endpoint, spec).map(Some)
}

/// The identifiers of all that there are.
pub(super) async fn ids_of_all(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
    let all = describe(survey.cloud, Vec::new()).await?;
    Ok(all.into_iter().filter_map(|it| it.vpc_endpoint_id).collect())
}

/// Sends what makes one.
pub(super) async fn create(
    aws: &Aws,
    purpose: &'static str,
    request: CreateVpcEndpointFluentBuilder,
) -> Result<EndpointOutput> {
    let made = aws.send(&ec2::CREATE_VPC_ENDPOINT, purpose, || request.clone().send()).await?;
    let id = made.vpc_endpoint.and_then(|endpoint| endpoint.vpc_endpoint_id);
    Ok(EndpointOutput { id: id.required("the id of the VPC endpoint")? })
}

/// Sends what changes one.
pub(super) async fn modify(
    aws: &Aws,
    purpose: &'static str,
    request: ModifyVpcEndpointFluentBuilder,
) -> Result<()> {
    aws.send(&ec2::MODIFY_VPC_ENDPOINT, purpose, || request.clone().send()).await?;
    Ok(())
}

pub(super) async fn delete(cx: &Context<'_, Aws>, id: &str) -> Result<Vec<String>> {
    let request = cx.cloud.ec2.delete_vpc_endpoints().vpc_endpoint_ids(id);
    let answer =
        cx.cloud.send(&ec2::DELETE_VPC_ENDPOINTS, DELETE, || request.clone().send()).await?;
    unsuccessful(&ec2::DELETE_VPC_ENDPOINTS, DELETE, answer.unsuccessful())?;
    Ok(Vec::new())
}

pub(super) async fn ready(
    cx: &Context<'_, Aws>,
    output: EndpointOutput,
) -> Result<Progress<EndpointOutput>> {
    let Some(endpoint) = look(cx.cloud, &output.id).await? else {
        return Ok(Progress::Waiting("not shown yet".to_owned()));
    };
    Ok(match &*state(&endpoint) {
        "available" => Progress::Done(output),
        "pending" | "partial" => Progress::Waiting("pending".to_owned()),
        other => {
            let error = endpoint.last_error().and_then(|error| error.message());
            let why = error.or(endpoint.failure_reason());
            Progress::Failed(why.unwrap_or(other).to_owned())
        }
    })
}

/// The interfaces of one hold groups and subnets until then.
pub(super) async fn gone(cx: &Context<'_, Aws>, output: &EndpointOutput) -> Result<Progress<()>> {
    let endpoint = look(cx.cloud, &output.id).await?;
    Ok(match endpoint.as_ref().map(state).as_deref() {
        None | Some("deleted") => Progress::Done(()),
        Some(state) => Progress::Waiting(state.to_owned()),
    })
}

/// The short name of its service.
pub(super) fn service<'a>(endpoint: &'a Described, region: &str) -> Result<&'a str> {
    let name = endpoint.service_name().required("the service of a VPC endpoint")?;
    Ok(name.split_once(&format!(".{region}.")).map_or(name, |(_, short)| short))
}

/// The network it is in.
pub(super) fn vpc(endpoint: &Described) -> Result<Ref<deployer_kinds::Vpc>> {
    Ok(Ref::physical(endpoint.vpc_id().required("the VPC of a VPC endpoint")?))
}

fn found<K: Kind<Output = EndpointOutput>>(
    survey: &Survey<'_, Aws>,
    owned: &Owned,
    endpoint: &Described,
    spec: fn(&Described, &str) -> Result<K::Spec>,
) -> Result<Found<K>> {
    let id = endpoint.vpc_endpoint_id().required("the id of a VPC endpoint")?;
    let state = state(endpoint);
    // What everybody may do stands there where nothing was said (VPC guide, "Default endpoint
    // policy").
    let policy = endpoint.policy_document().filter(|policy| !is_open(policy));
    Ok(Found {
        badge: owned.badge(),
        spec: spec(endpoint, &survey.cloud.region)?,
        output: EndpointOutput { id: id.to_owned() },
        phase: match &*state {
            "deleting" => Phase::Leaving,
            "pending" | "partial" => Phase::Settling,
            _ => Phase::Ready,
        },
        state: if state == "available" { String::new() } else { state },
        foreign: policy.map(|_| "a policy".to_owned()).into_iter().collect(),
    })
}

/// Whether a policy lets everybody do everything.
fn is_open(policy: &str) -> bool {
    let policy: serde_json::Value = serde_json::from_str(policy).unwrap_or_default();
    let statements = policy["Statement"].as_array().map(Vec::as_slice).unwrap_or_default();
    let [only] = statements else { return false };
    let is_any = |value: &serde_json::Value| value == "*" || value["AWS"] == "*";
    only["Effect"] == "Allow"
        && is_any(&only["Principal"])
        && is_any(&only["Action"])
        && is_any(&only["Resource"])
        && only.get("Condition").is_none()
}

/// EC2's model has its states with a capital, and its answers without (Terraform's provider compares
/// them so, ec2/status.go).
pub(super) fn state(endpoint: &Described) -> String {
    endpoint.state().map(|state| state.as_str().to_lowercase()).unwrap_or_default()
}

pub(super) fn ids<K: Kind>(of: &BTreeSet<Ref<K>>) -> Vec<String> {
    of.iter().map(|it| it.id().to_owned()).collect()
}

/// What is added to what there is, and what is taken away.
pub(super) fn changed<K: Kind>(
    there: &[String],
    wanted: &BTreeSet<Ref<K>>,
) -> (Vec<String>, Vec<String>) {
    let wanted = ids(wanted);
    let missing = |of: &[String], from: &[String]| -> Vec<String> {
        of.iter().filter(|id| !from.contains(id)).cloned().collect()
    };
    (missing(&wanted, there), missing(there, &wanted))
}

/// The endpoint as it is: a change may have been made by a call whose reply was lost.
pub(super) async fn there(aws: &Aws, id: &str) -> Result<Described> {
    look(aws, id).await?.required("the VPC endpoint to change")
}

pub(super) fn some(ids: Vec<String>) -> Option<Vec<String>> {
    Some(ids).filter(|ids| !ids.is_empty())
}

async fn look(aws: &Aws, id: &str) -> Result<Option<Described>> {
    Ok(describe(aws, vec![filter("vpc-endpoint-id", id)]).await?.pop())
}

pub(super) async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Described>> {
    let request = aws.ec2.describe_vpc_endpoints().set_filters(Some(filters));
    let pages = aws
        .pages(
            &ec2::DESCRIBE_VPC_ENDPOINTS,
            "find the VPC endpoints",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.vpc_endpoints.unwrap_or_default()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_lets_everybody_do_everything_is_none() {
        let open = r#"{"Version":"2008-10-17","Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}"#;
        assert!(is_open(open));
        assert!(!is_open(&open.replace(r#""Resource":"*""#, r#""Resource":"arn:aws:s3:::a""#)));
        assert!(!is_open("{}"));
    }
}
