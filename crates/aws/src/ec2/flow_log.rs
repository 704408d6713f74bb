//! Flow logs on EC2: `CreateFlowLogs`, `DescribeFlowLogs`, `DeleteFlowLogs`.

use aws_sdk_ec2::types::{
    Filter, FlowLogsResourceType, LogDestinationType, ResourceType, TrafficType,
};
use deployer_core::{Phase, Ref};
use deployer_engine::{Context, Found, Resource, Result, Survey};
use deployer_kinds::{FlowLog, FlowLogOutput, FlowLogSpec};

use crate::Aws;
use crate::ec2::{self, filter, owned_by, tagged, tags, unsuccessful};
use crate::missing::Required;
use crate::ownership::{self, Owned, readable};

type Described = aws_sdk_ec2::types::FlowLog;

const CREATE: &str = "create the flow log";
const DELETE: &str = "delete the flow log";

impl Resource<Aws> for FlowLog {
    const SHOWN_LATE: bool = ec2::SHOWN_LATE;
    const MADE_ONCE: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let logs = describe(survey.cloud, owned_by(survey.scope)).await?;
        logs.iter()
            .filter_map(|log| {
                let owned = Owned::tagged::<Self>(survey.scope, &tags(log.tags()))?;
                readable(survey, &owned, log.flow_log_id(), found(&owned, log))
            })
            .collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let logs = describe(survey.cloud, vec![filter("flow-log-id", id)]).await?;
        let read = |log: &Described| {
            found(&Owned::read::<Self>(survey.scope, None, &tags(log.tags())), log)
        };
        logs.first().map(read).transpose()
    }

    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        let all = describe(survey.cloud, Vec::new()).await?;
        Ok(all.into_iter().filter_map(|it| it.flow_log_id).collect())
    }

    async fn create(cx: &Context<'_, Aws>, spec: &FlowLogSpec) -> Result<FlowLogOutput> {
        let interval = i32::try_from(spec.interval).ok();
        let request = cx
            .cloud
            .ec2
            .create_flow_logs()
            .resource_type(FlowLogsResourceType::Vpc)
            .resource_ids(spec.vpc.id())
            .traffic_type(TrafficType::All)
            .log_destination_type(LogDestinationType::CloudWatchLogs)
            .log_group_name(spec.log_group.id())
            .deliver_logs_permission_arn(spec.role.id())
            .max_aggregation_interval(interval.required("the interval of a flow log")?)
            .client_token(ownership::token(cx.identity, &format!("{spec:?}")))
            .tag_specifications(tagged(cx.identity, ResourceType::VpcFlowLog));
        let answer =
            cx.cloud.send(&ec2::CREATE_FLOW_LOGS, CREATE, || request.clone().send()).await?;
        unsuccessful(&ec2::CREATE_FLOW_LOGS, CREATE, answer.unsuccessful())?;
        let id = answer.flow_log_ids().first().cloned();
        Ok(FlowLogOutput { id: id.required("the id of the flow log")? })
    }

    async fn update(
        _cx: &Context<'_, Aws>,
        live: &Found<Self>,
        _spec: &FlowLogSpec,
    ) -> Result<FlowLogOutput> {
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &FlowLogOutput) -> Result<()> {
        ec2::remember(cx, &output.id).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx.cloud.ec2.delete_flow_logs().flow_log_ids(&live.output.id);
        let answer =
            cx.cloud.send(&ec2::DELETE_FLOW_LOGS, DELETE, || request.clone().send()).await?;
        unsuccessful(&ec2::DELETE_FLOW_LOGS, DELETE, answer.unsuccessful())?;
        Ok(Vec::new())
    }
}

fn found(owned: &Owned, log: &Described) -> Result<Found<FlowLog>> {
    let id = log.flow_log_id().required("the id of a flow log")?;
    let group = log.log_group_name().map(str::to_owned);
    // It may be named by its ARN instead.
    let named = log.log_destination().and_then(|arn| arn.split(":log-group:").nth(1));
    let group = group.or_else(|| named.map(|name| name.trim_end_matches(":*").to_owned()));
    let interval = log.max_aggregation_interval().and_then(|it| u32::try_from(it).ok());
    // What is refused is said here and nowhere else.
    let trouble = log.deliver_logs_error_message();
    let is_part = log.traffic_type().is_some_and(|traffic| *traffic != TrafficType::All);
    Ok(Found {
        badge: owned.badge(),
        spec: FlowLogSpec {
            vpc: Ref::physical(log.resource_id().required("the network of a flow log")?),
            log_group: Ref::physical(group.required("the log group of a flow log")?),
            role: Ref::physical(
                log.deliver_logs_permission_arn().required("the role of a flow log")?,
            ),
            interval: interval.required("the interval of a flow log")?,
        },
        output: FlowLogOutput { id: id.to_owned() },
        phase: Phase::Ready,
        state: trouble.map(|why| format!("writes nothing: {why}")).unwrap_or_default(),
        foreign: is_part.then(|| "a part of the traffic alone".to_owned()).into_iter().collect(),
    })
}

async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Described>> {
    let request = aws.ec2.describe_flow_logs().set_filter(Some(filters));
    let pages = aws
        .pages(
            &ec2::DESCRIBE_FLOW_LOGS,
            "find the flow logs",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.flow_logs.unwrap_or_default()).collect())
}
