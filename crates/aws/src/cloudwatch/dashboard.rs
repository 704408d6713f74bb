//! Dashboards of CloudWatch: `PutDashboard`, `ListDashboards`, `GetDashboard`, `DeleteDashboards`.

use aws_sdk_cloudwatch::operation::get_dashboard::GetDashboardOutput;
use aws_sdk_cloudwatch::types::Tag;
use deployer_core::{Partition, Phase, Scope};
use deployer_engine::{Context, Found, Resource, Result, Survey, unless_gone_for_good};
use deployer_kinds::{Dashboard, DashboardOutput, DashboardSpec};
use serde_json::Value;

use crate::Aws;
use crate::cloudwatch::{self, tagged, tags};
use crate::index::{TagIndex, one_by_one};
use crate::missing::Required;
use crate::ownership::{self, Owned, prefix, readable};
use crate::send::unless_gone;

const CREATE: &str = "create the dashboard";

impl Resource<Aws> for Dashboard {
    const READ_BY_NAME: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let cloud = survey.cloud;
        let index = survey.shared.get::<TagIndex>();
        // Most environments have none, and then nobody need ask.
        if index.all_of::<Self>(survey, ("cloudwatch", "dashboard/"), |_| false).await.is_some() {
            return Ok(Vec::new());
        }
        let dashboards = list(cloud, &prefix(survey.scope)).await?;
        let arns = dashboards.iter().map(|(_, arn)| arn.clone()).collect();
        let ask = |arns| one_by_one(cloud, arns, tags);
        let tags = index.of(survey, arns, ask).await?;
        let mut all = Vec::new();
        for (name, arn) in &dashboards {
            let owned =
                tags.get(arn).and_then(|tags| Owned::named::<Self>(survey.scope, Some(name), tags));
            let Some(owned) = owned else { continue };
            let Some(dashboard) = unless_gone_for_good(|| get(cloud, name)).await? else {
                continue;
            };
            let read = readable(survey, &owned, Some(name), found(&owned, &dashboard));
            all.extend(read.transpose()?);
        }
        Ok(all)
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let Some(dashboard) = unless_gone(get(survey.cloud, id).await)? else { return Ok(None) };
        let Some(tags) = tags(survey.cloud, arn(&dashboard)?).await? else { return Ok(None) };
        found(&Owned::read::<Self>(survey.scope, Some(id), &tags), &dashboard).map(Some)
    }

    fn misnamed(scope: &Scope, output: &DashboardOutput) -> Option<String> {
        Some(prefix(scope)).filter(|prefix| !output.id.starts_with(prefix))
    }

    async fn create(cx: &Context<'_, Aws>, spec: &DashboardSpec) -> Result<DashboardOutput> {
        let name = &cx.identity.name;
        // PutDashboard writes over one of that name whosever it is, and leaves its tags (CloudWatch
        // API reference), so it is looked for first.
        if let Some(other) = unless_gone(get(cx.cloud, name).await)? {
            let tags = tags(cx.cloud, arn(&other)?).await?;
            // One that has none went away since.
            if tags.is_some() && !ownership::is_this::<Self>(cx, name, Some(name), tags.as_ref()) {
                let attempted = cloudwatch::PUT_DASHBOARD.attempted(CREATE);
                return Err(ownership::taken(cx, attempted, name));
            }
        }
        put(cx, name, spec, Some(tagged(cx.identity)), CREATE).await?;
        // An ARN has no region (Service Authorization Reference, "Actions, resources, and condition
        // keys for Amazon CloudWatch").
        let partition = Partition::of(&cx.cloud.region).name();
        let account = cx.cloud.account().await?;
        let arn = format!("arn:{partition}:cloudwatch::{account}:dashboard/{name}");
        Ok(DashboardOutput { id: name.clone(), arn })
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &DashboardSpec,
    ) -> Result<DashboardOutput> {
        put(cx, &live.output.id, spec, None, "change the dashboard").await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &DashboardOutput) -> Result<()> {
        cloudwatch::remember(cx, &output.arn).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx.cloud.cloudwatch.delete_dashboards().dashboard_names(&live.output.id);
        cx.cloud
            .send(&cloudwatch::DELETE_DASHBOARDS, "delete the dashboard", || request.clone().send())
            .await?;
        Ok(Vec::new())
    }
}

/// Tags go with the first put alone (CloudWatch API reference, `PutDashboard`). What AWS takes and
/// does not understand it mentions, which whoever wrote it should hear.
async fn put(
    cx: &Context<'_, Aws>,
    name: &str,
    spec: &DashboardSpec,
    tags: Option<Vec<Tag>>,
    purpose: &str,
) -> Result<()> {
    let request = cx
        .cloud
        .cloudwatch
        .put_dashboard()
        .dashboard_name(name)
        .dashboard_body(Value::Object(spec.body.clone()).to_string())
        .set_tags(tags);
    let answer =
        cx.cloud.send(&cloudwatch::PUT_DASHBOARD, purpose, || request.clone().send()).await?;
    for warning in answer.dashboard_validation_messages() {
        let path = warning.data_path().unwrap_or_default();
        cx.say(format!("CloudWatch: {path} {}", warning.message().unwrap_or_default()));
    }
    Ok(())
}

fn found(owned: &Owned, dashboard: &GetDashboardOutput) -> Result<Found<Dashboard>> {
    let body = dashboard.dashboard_body().and_then(|body| serde_json::from_str(body).ok());
    let id = dashboard.dashboard_name().required("the name of a dashboard")?.to_owned();
    Ok(Found {
        badge: owned.badge(),
        spec: DashboardSpec { body: body.required("the body of a dashboard")? },
        output: DashboardOutput { id, arn: arn(dashboard)?.to_owned() },
        phase: Phase::Ready,
        state: String::new(),
        foreign: Vec::new(),
    })
}

fn arn(dashboard: &GetDashboardOutput) -> Result<&str> {
    dashboard.dashboard_arn().required("the ARN of a dashboard")
}

async fn get(aws: &Aws, name: &str) -> Result<GetDashboardOutput> {
    let request = aws.cloudwatch.get_dashboard().dashboard_name(name);
    aws.send(&cloudwatch::GET_DASHBOARD, "look at the dashboard", || request.clone().send()).await
}

/// The names and ARNs of the dashboards whose names begin so.
async fn list(aws: &Aws, prefix: &str) -> Result<Vec<(String, String)>> {
    let request = aws.cloudwatch.list_dashboards().dashboard_name_prefix(prefix);
    let pages = aws
        .pages(
            &cloudwatch::LIST_DASHBOARDS,
            "find the dashboards",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    let entries = pages.into_iter().flat_map(|page| page.dashboard_entries.unwrap_or_default());
    entries
        .map(|entry| {
            let name = entry.dashboard_name.required("the name of a dashboard")?;
            Ok((name, entry.dashboard_arn.required("the ARN of a dashboard")?))
        })
        .collect()
}
