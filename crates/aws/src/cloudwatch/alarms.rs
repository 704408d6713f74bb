//! What alarms over metrics and alarms over alarms share: one list and one set of names, what is done
//! when their state changes, and how they go.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::operation::describe_alarms::builders::DescribeAlarmsFluentBuilder;
use aws_sdk_cloudwatch::types::{AlarmType, CompositeAlarm, MetricAlarm, StateValue};
use deployer_core::{Cause, Failure, Kind, Ref};
use deployer_engine::{Context, Operation, Result, Survey};
use deployer_kinds::Topic;
use tokio::sync::OnceCell;

use crate::Aws;
use crate::cloudwatch::{self, DEPENDED_ON, tags};
use crate::index::{TagIndex, one_by_one};
use crate::missing::Required;
use crate::ownership::{self, Tags, named_owner, prefix};

/// The state of an alarm that has gone off.
pub(super) const IN_ALARM: &str = "in alarm";

/// The alarms of one observation whose names begin as the scope's do, of both kinds, asked for once.
#[derive(Default)]
pub(crate) struct Alarms(OnceCell<Listed>);

/// Alarms of both kinds, and the tags of each by its ARN.
pub(crate) struct Listed {
    pub(crate) metric: Vec<MetricAlarm>,
    pub(crate) composite: Vec<CompositeAlarm>,
    pub(crate) tags: BTreeMap<String, Tags>,
}

impl Alarms {
    pub(crate) async fn all(&self, survey: &Survey<'_, Aws>) -> Result<&Listed> {
        self.0.get_or_try_init(|| list(survey)).await
    }
}

async fn list(survey: &Survey<'_, Aws>) -> Result<Listed> {
    let request = both(survey.cloud).alarm_name_prefix(prefix(survey.scope)).max_records(100);
    let pages = survey
        .cloud
        .pages(
            &cloudwatch::DESCRIBE_ALARMS,
            "find the alarms",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    let (mut metric, mut composite) = (Vec::new(), Vec::new());
    for page in pages {
        metric.extend(page.metric_alarms.unwrap_or_default());
        composite.extend(page.composite_alarms.unwrap_or_default());
    }
    let of_metric = metric.iter().map(MetricAlarm::alarm_arn);
    let arns = of_metric.chain(composite.iter().map(CompositeAlarm::alarm_arn));
    let arns: Result<Vec<String>> = arns.map(|arn| Ok(arn_of(arn)?.to_owned())).collect();
    let ask = |arns| one_by_one(survey.cloud, arns, tags);
    let tags = survey.shared.get::<TagIndex>().of(survey, arns?, ask).await?;
    Ok(Listed { metric, composite, tags })
}

/// An ARN that AWS must send.
pub(crate) fn arn_of(arn: Option<&str>) -> Result<&str> {
    arn.required("the ARN of an alarm")
}

/// AWS shows composite alarms only to those who ask for them (CloudWatch API reference,
/// `DescribeAlarms`).
fn both(aws: &Aws) -> DescribeAlarmsFluentBuilder {
    let request = aws.cloudwatch.describe_alarms();
    request.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm)
}

/// One look at the alarm of a name, of whichever kind it is: both have one set of names (CloudWatch
/// API reference, `PutCompositeAlarm`).
pub(crate) async fn look(
    aws: &Aws,
    name: &str,
) -> Result<(Option<MetricAlarm>, Option<CompositeAlarm>)> {
    let request = both(aws).alarm_names(name);
    let answer = aws
        .send(&cloudwatch::DESCRIBE_ALARMS, "look at the alarm", || request.clone().send())
        .await?;
    let metric = answer.metric_alarms.unwrap_or_default().pop();
    Ok((metric, answer.composite_alarms.unwrap_or_default().pop()))
}

/// Why an alarm of this name, of whichever kind, has gone off, in the words of CloudWatch; none where
/// it is no longer so.
pub(crate) async fn why_in_alarm(aws: &Aws, name: &str) -> Result<Option<String>> {
    let (metric, composite) = look(aws, name).await?;
    let metric = metric.and_then(|it| Some((it.state_value?, it.state_reason?)));
    let composite = composite.and_then(|it| Some((it.state_value?, it.state_reason?)));
    let said = metric.or(composite).filter(|(state, _)| *state == StateValue::Alarm);
    Ok(said.map(|(_, reason)| reason))
}

/// A put writes over an alarm of that name whosever it is, so it is looked for first (Terraform's
/// provider does the same).
pub(crate) async fn must_be_free<K: Kind>(
    cx: &Context<'_, Aws>,
    put: &Operation,
    purpose: &str,
) -> Result<()> {
    let name = &cx.identity.name;
    let arn = match look(cx.cloud, name).await? {
        (Some(alarm), _) => alarm.alarm_arn,
        (_, Some(alarm)) => alarm.alarm_arn,
        (None, None) => return Ok(()),
    };
    let tags = tags(cx.cloud, arn_of(arn.as_deref())?).await?;
    // One that has none went away since.
    let is_taken = tags.is_some() && !ownership::is_this::<K>(cx, name, Some(name), tags.as_ref());
    if is_taken { Err(ownership::taken(cx, put.attempted(purpose), name)) } else { Ok(()) }
}

/// What is done when the state of an alarm changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Actions {
    pub(crate) on_alarm: Vec<String>,
    pub(crate) on_ok: Vec<String>,
    pub(crate) on_none: Vec<String>,
    pub(crate) are_on: Option<bool>,
}

impl From<&MetricAlarm> for Actions {
    fn from(alarm: &MetricAlarm) -> Self {
        Self {
            on_alarm: alarm.alarm_actions().to_vec(),
            on_ok: alarm.ok_actions().to_vec(),
            on_none: alarm.insufficient_data_actions().to_vec(),
            are_on: alarm.actions_enabled(),
        }
    }
}

impl From<&CompositeAlarm> for Actions {
    fn from(alarm: &CompositeAlarm) -> Self {
        Self {
            on_alarm: alarm.alarm_actions().to_vec(),
            on_ok: alarm.ok_actions().to_vec(),
            on_none: alarm.insufficient_data_actions().to_vec(),
            are_on: alarm.actions_enabled(),
        }
    }
}

impl Actions {
    /// The topics of ours: those that hear both of an alarm and of its end.
    pub(crate) fn topics(&self) -> BTreeSet<Ref<Topic>> {
        self.ours().into_iter().map(Ref::physical).collect()
    }

    /// What others have added, and whether they have switched it all off.
    pub(crate) fn foreign(&self) -> Vec<String> {
        let ours = self.ours();
        let all = self.on_alarm.iter().chain(&self.on_ok).chain(&self.on_none);
        let others: BTreeSet<&String> = all.filter(|it| !ours.contains(it)).collect();
        let others = others.into_iter().map(|action| format!("the action {action}"));
        let off = (self.are_on == Some(false)).then(|| "its actions are switched off".to_owned());
        others.chain(off).collect()
    }

    /// The same with these topics of ours in place of those that there are.
    pub(crate) fn with(&self, topics: &BTreeSet<Ref<Topic>>) -> Self {
        let ours = self.ours();
        let topics: Vec<String> = topics.iter().map(|topic| topic.id().to_owned()).collect();
        let among = |actions: &[String]| -> Vec<String> {
            let is_others = |it: &&String| !ours.contains(it) && !topics.contains(it);
            topics.iter().chain(actions.iter().filter(is_others)).cloned().collect()
        };
        let (on_alarm, on_ok) = (among(&self.on_alarm), among(&self.on_ok));
        Self { on_alarm, on_ok, ..self.clone() }
    }

    fn ours(&self) -> Vec<&String> {
        let is_topic = |action: &str| action.split(':').nth(2) == Some("sns");
        let on_both = |it: &&String| is_topic(it) && self.on_ok.contains(it);
        self.on_alarm.iter().filter(on_both).collect()
    }
}

/// Deletes an alarm of either kind.
pub(crate) async fn delete(cx: &Context<'_, Aws>, name: &str) -> Result<()> {
    let request = cx.cloud.cloudwatch.delete_alarms().alarm_names(name);
    let deleted = cx
        .cloud
        .send(&cloudwatch::DELETE_ALARMS, "delete the alarm", || request.clone().send())
        .await;
    match deleted {
        Err(failure) if failure.message.contains(DEPENDED_ON) => {
            Err(explained(cx, name, failure).await)
        }
        deleted => deleted.map(drop),
    }
}

/// Adds what to do. Composite alarms of ours that depend on one have gone or changed just now;
/// those of others stay.
async fn explained(cx: &Context<'_, Aws>, name: &str, mut failure: Failure) -> Failure {
    let request = cx.cloud.cloudwatch.describe_alarms().parents_of_alarm_name(name);
    let purpose = "look at what depends on the alarm";
    let answer =
        cx.cloud.send(&cloudwatch::DESCRIBE_ALARMS, purpose, || request.clone().send()).await;
    let mut others = Vec::new();
    for parent in answer.ok().and_then(|answer| answer.composite_alarms).unwrap_or_default() {
        let Some((arn, name)) = parent.alarm_arn().zip(parent.alarm_name()) else { continue };
        // A name does not say whose it is: that of `prod-eu` begins as those of `prod` do. Whose
        // tags cannot be read may be ours.
        let Ok(tags) = tags(cx.cloud, arn).await else { continue };
        let owner = tags.as_ref().and_then(named_owner);
        if tags.is_some() && owner.is_none_or(|owner| owner != cx.identity.scope.to_string()) {
            others.push(format!("`{name}`"));
        }
    }
    if !others.is_empty() {
        failure.cause = Cause::Refused;
        failure.help = Some(format!("take it out of the composite alarm {}", others.join(", ")));
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_have_added_to_an_alarm_stays() {
        let topic = |name: &str| format!("arn:aws:sns:eu-west-1:123456789012:{name}");
        let (ours, theirs, new) = (topic("ours"), topic("theirs"), topic("new"));
        let scaling = "arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:1".to_owned();
        let there = Actions {
            on_alarm: vec![ours.clone(), theirs.clone(), scaling.clone()],
            on_ok: vec![ours.clone()],
            ..Actions::default()
        };
        assert_eq!(there.topics(), [Ref::physical(&ours)].into());
        assert_eq!(there.foreign().len(), 2);
        let after = there.with(&[Ref::physical(&new)].into());
        assert_eq!(after.on_alarm, [new.clone(), theirs, scaling]);
        assert_eq!(after.on_ok, [new]);
    }
}
