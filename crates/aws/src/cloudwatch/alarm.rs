//! Alarms of CloudWatch over metrics: `PutMetricAlarm`, `DescribeAlarms`, `DeleteAlarms`.

use aws_sdk_cloudwatch::types::{ComparisonOperator, MetricAlarm, StateValue, Tag};
use deployer_core::{Phase, Scope};
use deployer_engine::{Context, Found, Resource, Result, Survey};
use deployer_kinds::{Alarm, AlarmOutput, AlarmSpec, Comparison, Missing};

use crate::Aws;
use crate::cloudwatch::alarms::{Actions, Alarms, IN_ALARM, arn_of, delete, look, must_be_free};
use crate::cloudwatch::measured::{self, Measured, statistic};
use crate::cloudwatch::{self, tagged, tags};
use crate::missing::Required;
use crate::ownership::{Owned, prefix, readable};

const CREATE: &str = "create the alarm";

impl Resource<Aws> for Alarm {
    const READ_BY_NAME: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let listed = survey.shared.get::<Alarms>().all(survey).await?;
        listed
            .metric
            .iter()
            .filter_map(|alarm| {
                let (name, tags) = (alarm.alarm_name(), listed.tags.get(alarm.alarm_arn()?)?);
                let owned = Owned::named::<Self>(survey.scope, name, tags)?;
                readable(survey, &owned, name, found(&owned, alarm))
            })
            .collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let (Some(alarm), _) = look(survey.cloud, id).await? else { return Ok(None) };
        let Some(tags) = tags(survey.cloud, arn_of(alarm.alarm_arn())?).await? else {
            return Ok(None);
        };
        found(&Owned::read::<Self>(survey.scope, Some(id), &tags), &alarm).map(Some)
    }

    fn misnamed(scope: &Scope, output: &AlarmOutput) -> Option<String> {
        Some(prefix(scope)).filter(|prefix| !output.id.starts_with(prefix))
    }

    async fn create(cx: &Context<'_, Aws>, spec: &AlarmSpec) -> Result<AlarmOutput> {
        let name = &cx.identity.name;
        must_be_free::<Self>(cx, &cloudwatch::PUT_METRIC_ALARM, CREATE).await?;
        put(cx, name, spec, None, Some(tagged(cx.identity))).await?;
        let (made, _) = look(cx.cloud, name).await?;
        output(&made.required("the alarm just made")?)
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &AlarmSpec,
    ) -> Result<AlarmOutput> {
        let (before, _) = look(cx.cloud, &live.output.id).await?;
        // One that somebody has deleted meanwhile is made anew.
        let tags = before.is_none().then(|| tagged(cx.identity));
        put(cx, &live.output.id, spec, before.as_ref(), tags).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &AlarmOutput) -> Result<()> {
        cloudwatch::remember(cx, &output.arn).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        delete(cx, &live.output.id).await?;
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
    let actions = before.map(Actions::from).unwrap_or_default().with(&spec.topics);
    let request = cx
        .cloud
        .cloudwatch
        .put_metric_alarm()
        .alarm_name(name)
        .set_alarm_description(Some(spec.description.clone()).filter(|it| !it.is_empty()))
        .evaluation_periods(number(spec.periods))
        .set_datapoints_to_alarm((spec.datapoints > 0).then(|| number(spec.datapoints)))
        .threshold(spec.threshold)
        .comparison_operator(operator(spec.comparison))
        .treat_missing_data(missing(spec.missing))
        .set_actions_enabled(actions.are_on)
        .set_alarm_actions(Some(actions.on_alarm))
        .set_ok_actions(Some(actions.on_ok))
        .set_insufficient_data_actions(Some(actions.on_none))
        .set_tags(tags);
    let request = if spec.also.is_empty() {
        let (plain, percentile) = statistic(&spec.statistic);
        request
            .namespace(&spec.namespace)
            .metric_name(&spec.metric)
            .set_dimensions(Some(measured::dimensions(&spec.dimensions)))
            .set_statistic(plain)
            .set_extended_statistic(percentile)
            .period(number(spec.period))
    } else {
        request.set_metrics(Some(measured::several(spec)))
    };
    cx.cloud
        .send(&cloudwatch::PUT_METRIC_ALARM, "set the alarm", || request.clone().send())
        .await?;
    Ok(())
}

fn found(owned: &Owned, alarm: &MetricAlarm) -> Result<Found<Alarm>> {
    let number = |number: Option<i32>| number.and_then(|it| u32::try_from(it).ok());
    let actions = Actions::from(alarm);
    let measured = Measured::of(alarm);
    let periods = number(alarm.evaluation_periods()).required("the periods of an alarm")?;
    // All of them is what AWS fills in.
    let datapoints = number(alarm.datapoints_to_alarm()).filter(|it| *it != periods);
    let is_off = alarm.state_value() == Some(&StateValue::Alarm);
    Ok(Found {
        badge: owned.badge(),
        spec: AlarmSpec {
            description: alarm.alarm_description().unwrap_or_default().to_owned(),
            namespace: measured.namespace,
            metric: measured.metric,
            dimensions: measured.dimensions,
            also: measured.also,
            statistic: measured.statistic,
            period: measured.period,
            periods,
            datapoints: datapoints.unwrap_or_default(),
            threshold: alarm.threshold().unwrap_or_default(),
            comparison: compared(alarm).unwrap_or_default(),
            missing: absent(alarm),
            topics: actions.topics(),
        },
        output: output(alarm)?,
        phase: Phase::Ready,
        state: if is_off { IN_ALARM.to_owned() } else { String::new() },
        foreign: actions.foreign(),
    })
}

fn output(alarm: &MetricAlarm) -> Result<AlarmOutput> {
    let id = alarm.alarm_name().required("the name of an alarm")?.to_owned();
    Ok(AlarmOutput { id, arn: arn_of(alarm.alarm_arn())?.to_owned() })
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
