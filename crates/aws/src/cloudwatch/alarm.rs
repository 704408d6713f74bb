//! Alarms of CloudWatch: `PutMetricAlarm`, `DescribeAlarms`, `DeleteAlarms`.

use std::collections::BTreeSet;

use aws_sdk_cloudwatch::types::{
    AlarmType, ComparisonOperator, Dimension, MetricAlarm, StateValue, Statistic, Tag,
};
use deployer_core::{Phase, Ref, Scope, Text};
use deployer_engine::{Context, Found, Identity, Resource, Result, Survey, unless_gone_for_good};
use deployer_kinds::{Alarm, AlarmOutput, AlarmSpec, Comparison, Missing};

use crate::Aws;
use crate::cloudwatch;
use crate::index::{TagIndex, one_by_one};
use crate::missing::Required;
use crate::ownership::{self, Kept, Owned, Tags, prefix, readable};

const CREATE: &str = "create the alarm";

impl Resource<Aws> for Alarm {
    const READ_BY_NAME: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let alarms = beginning(survey.cloud, &prefix(survey.scope)).await?;
        let arns = alarms.iter().map(|alarm| arn(alarm).map(str::to_owned));
        let arns = arns.collect::<Result<Vec<_>>>()?;
        let ask = |arns| one_by_one(survey.cloud, arns, tags);
        let tags = survey.shared.get::<TagIndex>().of(survey, arns, ask).await?;
        alarms
            .iter()
            .filter_map(|alarm| {
                let name = alarm.alarm_name();
                let owned = Owned::named::<Self>(survey.scope, name, tags.get(arn(alarm).ok()?)?)?;
                readable(survey, &owned, name, found(&owned, alarm))
            })
            .collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let Some(alarm) = look(survey.cloud, id).await? else { return Ok(None) };
        let Some(tags) = tags(survey.cloud, arn(&alarm)?).await? else { return Ok(None) };
        found(&Owned::read::<Self>(survey.scope, Some(id), &tags), &alarm).map(Some)
    }

    fn misnamed(scope: &Scope, output: &AlarmOutput) -> Option<String> {
        Some(prefix(scope)).filter(|prefix| !output.id.starts_with(prefix))
    }

    async fn create(cx: &Context<'_, Aws>, spec: &AlarmSpec) -> Result<AlarmOutput> {
        let name = &cx.identity.name;
        // PutMetricAlarm writes over one of that name whosever it is, so it is looked for first
        // (Terraform's provider does the same).
        if let Some(other) = look(cx.cloud, name).await? {
            let tags = tags(cx.cloud, arn(&other)?).await?;
            // One that has none went away since.
            if tags.is_some() && !ownership::is_this::<Self>(cx, name, Some(name), tags.as_ref()) {
                let attempted = cloudwatch::PUT_METRIC_ALARM.attempted(CREATE);
                return Err(ownership::taken(cx, attempted, name));
            }
        }
        put(cx, name, spec, None, Some(tagged(cx.identity))).await?;
        let alarm = look(cx.cloud, name).await?.required("the alarm just made")?;
        output(&alarm)
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &AlarmSpec,
    ) -> Result<AlarmOutput> {
        let before = look(cx.cloud, &live.output.id).await?;
        put(cx, &live.output.id, spec, before.as_ref(), None).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &AlarmOutput) -> Result<()> {
        let request = cx
            .cloud
            .cloudwatch
            .tag_resource()
            .resource_arn(&output.arn)
            .set_tags(Some(tagged(cx.identity)));
        cx.cloud
            .send(&cloudwatch::TAG_RESOURCE, "tag the alarm", || request.clone().send())
            .await?;
        let dropped = ownership::dropped(cx.identity);
        if !dropped.is_empty() {
            let request = cx
                .cloud
                .cloudwatch
                .untag_resource()
                .resource_arn(&output.arn)
                .set_tag_keys(Some(dropped));
            cx.cloud
                .send(&cloudwatch::UNTAG_RESOURCE, "take tags off", || request.clone().send())
                .await?;
        }
        Ok(())
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx.cloud.cloudwatch.delete_alarms().alarm_names(&live.output.id);
        cx.cloud
            .send(&cloudwatch::DELETE_ALARMS, "delete the alarm", || request.clone().send())
            .await?;
        Ok(Vec::new())
    }
}

/// A put replaces everything but the state; tags go with the first one alone (CloudWatch API
/// reference, `PutMetricAlarm`). So what others have added is put again.
async fn put(
    cx: &Context<'_, Aws>,
    name: &str,
    spec: &AlarmSpec,
    before: Option<&MetricAlarm>,
    tags: Option<Vec<Tag>>,
) -> Result<()> {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let dimensions = spec
        .dimensions
        .iter()
        .map(|(name, value)| Dimension::builder().name(name).value(value.resolved()).build());
    let topics: Vec<String> = spec.topics.iter().map(|topic| topic.id().to_owned()).collect();
    let others = |actions: &[String]| -> Vec<String> {
        let others = actions.iter().filter(|action| !is_topic(action)).cloned();
        topics.iter().cloned().chain(others).collect()
    };
    let on_alarm = others(before.map(|it| it.alarm_actions()).unwrap_or_default());
    let on_ok = others(before.map(|it| it.ok_actions()).unwrap_or_default());
    let on_none = before.map(|it| it.insufficient_data_actions().to_vec());
    let (plain, percentile) = statistic(&spec.statistic);
    let request = cx
        .cloud
        .cloudwatch
        .put_metric_alarm()
        .alarm_name(name)
        .set_alarm_description(Some(spec.description.clone()).filter(|it| !it.is_empty()))
        .namespace(&spec.namespace)
        .metric_name(&spec.metric)
        .set_dimensions(Some(dimensions.collect()))
        .set_statistic(plain)
        .set_extended_statistic(percentile)
        .period(number(spec.period))
        .evaluation_periods(number(spec.periods))
        .set_datapoints_to_alarm((spec.datapoints > 0).then(|| number(spec.datapoints)))
        .threshold(spec.threshold)
        .comparison_operator(operator(spec.comparison))
        .treat_missing_data(missing(spec.missing))
        .set_actions_enabled(before.and_then(|it| it.actions_enabled()))
        .set_alarm_actions(Some(on_alarm))
        .set_ok_actions(Some(on_ok))
        .set_insufficient_data_actions(on_none)
        .set_tags(tags);
    cx.cloud
        .send(&cloudwatch::PUT_METRIC_ALARM, "set the alarm", || request.clone().send())
        .await?;
    Ok(())
}

fn found(owned: &Owned, alarm: &MetricAlarm) -> Result<Found<Alarm>> {
    let number = |number: Option<i32>| number.and_then(|it| u32::try_from(it).ok());
    // Whoever is told of both is a topic of ours; everything else was added.
    let (on_alarm, on_ok) = (alarm.alarm_actions(), alarm.ok_actions());
    let topics: Vec<&String> =
        on_alarm.iter().filter(|it| is_topic(it) && on_ok.contains(it)).collect();
    let all = on_alarm.iter().chain(on_ok).chain(alarm.insufficient_data_actions());
    let others: BTreeSet<&String> = all.filter(|it| !topics.contains(it)).collect();
    let mut foreign: Vec<String> =
        others.into_iter().map(|action| format!("the action {action}")).collect();
    if alarm.actions_enabled() == Some(false) {
        foreign.push("its actions are switched off".to_owned());
    }
    let dimensions = alarm.dimensions().iter().filter_map(|dimension| {
        Some((dimension.name()?.to_owned(), Text::from(dimension.value()?)))
    });
    let periods = number(alarm.evaluation_periods()).required("the periods of an alarm")?;
    // All of them is what AWS fills in.
    let datapoints = number(alarm.datapoints_to_alarm()).filter(|it| *it != periods);
    let is_off = alarm.state_value() == Some(&StateValue::Alarm);
    Ok(Found {
        badge: owned.badge(),
        spec: AlarmSpec {
            description: alarm.alarm_description().unwrap_or_default().to_owned(),
            namespace: alarm.namespace().unwrap_or_default().to_owned(),
            // What somebody has made of it by hand that no stack can say is put right.
            metric: alarm.metric_name().unwrap_or("(an expression)").to_owned(),
            dimensions: dimensions.collect(),
            statistic: named(alarm).unwrap_or_default(),
            period: number(alarm.period()).unwrap_or_default(),
            periods,
            datapoints: datapoints.unwrap_or_default(),
            threshold: alarm.threshold().unwrap_or_default(),
            comparison: compared(alarm).unwrap_or_default(),
            missing: absent(alarm),
            topics: topics.into_iter().map(Ref::physical).collect(),
        },
        output: output(alarm)?,
        phase: Phase::Ready,
        state: if is_off { "in alarm".to_owned() } else { String::new() },
        foreign,
    })
}

fn output(alarm: &MetricAlarm) -> Result<AlarmOutput> {
    let id = alarm.alarm_name().required("the name of an alarm")?.to_owned();
    Ok(AlarmOutput { id, arn: arn(alarm)?.to_owned() })
}

fn arn(alarm: &MetricAlarm) -> Result<&str> {
    alarm.alarm_arn().required("the ARN of an alarm")
}

/// Whether an action tells a topic.
fn is_topic(action: &str) -> bool {
    action.split(':').nth(2) == Some("sns")
}

/// A statistic as CloudWatch takes it: one that has a name, or a percentile.
fn statistic(word: &str) -> (Option<Statistic>, Option<String>) {
    let plain = match word {
        "average" => Statistic::Average,
        "sum" => Statistic::Sum,
        "minimum" => Statistic::Minimum,
        "maximum" => Statistic::Maximum,
        "samples" => Statistic::SampleCount,
        percentile => return (None, Some(percentile.to_owned())),
    };
    (Some(plain), None)
}

fn named(alarm: &MetricAlarm) -> Option<String> {
    let plain = match alarm.statistic() {
        Some(Statistic::Average) => "average",
        Some(Statistic::Sum) => "sum",
        Some(Statistic::Minimum) => "minimum",
        Some(Statistic::Maximum) => "maximum",
        Some(Statistic::SampleCount) => "samples",
        Some(_) => return None,
        None => return alarm.extended_statistic().map(str::to_owned),
    };
    Some(plain.to_owned())
}

fn operator(comparison: Comparison) -> ComparisonOperator {
    match comparison {
        Comparison::Above => ComparisonOperator::GreaterThanThreshold,
        Comparison::AtLeast => ComparisonOperator::GreaterThanOrEqualToThreshold,
        Comparison::Below => ComparisonOperator::LessThanThreshold,
        Comparison::AtMost => ComparisonOperator::LessThanOrEqualToThreshold,
    }
}

fn compared(alarm: &MetricAlarm) -> Option<Comparison> {
    match alarm.comparison_operator()? {
        ComparisonOperator::GreaterThanThreshold => Some(Comparison::Above),
        ComparisonOperator::GreaterThanOrEqualToThreshold => Some(Comparison::AtLeast),
        ComparisonOperator::LessThanThreshold => Some(Comparison::Below),
        ComparisonOperator::LessThanOrEqualToThreshold => Some(Comparison::AtMost),
        _ => None,
    }
}

fn missing(missing: Missing) -> &'static str {
    match missing {
        Missing::Unknown => "missing",
        Missing::Good => "notBreaching",
        Missing::Bad => "breaching",
        Missing::Ignored => "ignore",
    }
}

fn absent(alarm: &MetricAlarm) -> Missing {
    match alarm.treat_missing_data() {
        Some("notBreaching") => Missing::Good,
        Some("breaching") => Missing::Bad,
        Some("ignore") => Missing::Ignored,
        _ => Missing::Unknown,
    }
}

fn tagged(identity: &Identity) -> Vec<Tag> {
    let tags = ownership::tags(identity, &Kept::new()).into_iter();
    tags.map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

async fn look(aws: &Aws, name: &str) -> Result<Option<MetricAlarm>> {
    let request =
        aws.cloudwatch.describe_alarms().alarm_names(name).alarm_types(AlarmType::MetricAlarm);
    let answer = aws
        .send(&cloudwatch::DESCRIBE_ALARMS, "look at the alarm", || request.clone().send())
        .await?;
    Ok(answer.metric_alarms.unwrap_or_default().pop())
}

async fn beginning(aws: &Aws, prefix: &str) -> Result<Vec<MetricAlarm>> {
    let request = aws
        .cloudwatch
        .describe_alarms()
        .alarm_name_prefix(prefix)
        .alarm_types(AlarmType::MetricAlarm)
        .max_records(100);
    let pages = aws
        .pages(
            &cloudwatch::DESCRIBE_ALARMS,
            "find the alarms",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.metric_alarms.unwrap_or_default()).collect())
}

async fn tags(aws: &Aws, arn: &str) -> Result<Option<Tags>> {
    let request = aws.cloudwatch.list_tags_for_resource().resource_arn(arn);
    let ask = || {
        aws.send(&cloudwatch::LIST_TAGS_FOR_RESOURCE, "read the alarm's tags", || {
            request.clone().send()
        })
    };
    let answer = unless_gone_for_good(ask).await?;
    Ok(answer
        .map(|answer| ownership::collect(answer.tags().iter().map(|tag| (tag.key(), tag.value())))))
}
