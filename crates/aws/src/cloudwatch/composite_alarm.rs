//! Composite alarms of CloudWatch: `PutCompositeAlarm`, `DescribeAlarms`, `DeleteAlarms`.

use std::collections::BTreeSet;

use aws_sdk_cloudwatch::types::{CompositeAlarm as Description, StateValue, Tag};
use deployer_core::{Opaque, Phase, Ref, Scope};
use deployer_engine::{Context, Found, Resource, Result, Survey};
use deployer_kinds::{
    Alarm, CompositeAlarm, CompositeAlarmOutput, CompositeAlarmSpec, CompositeRule,
};

use crate::Aws;
use crate::cloudwatch::alarms::{Actions, Alarms, IN_ALARM, arn_of, delete, look, must_be_free};
use crate::cloudwatch::{self, tagged, tags};
use crate::missing::Required;
use crate::ownership::{Owned, prefix, readable};

const CREATE: &str = "create the composite alarm";

impl Resource<Aws> for CompositeAlarm {
    const READ_BY_NAME: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let listed = survey.shared.get::<Alarms>().all(survey).await?;
        listed
            .composite
            .iter()
            .filter_map(|alarm| {
                let (name, tags) = (alarm.alarm_name(), listed.tags.get(alarm.alarm_arn()?)?);
                let owned = Owned::named::<Self>(survey.scope, name, tags)?;
                readable(survey, &owned, name, found(&owned, alarm))
            })
            .collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let (_, Some(alarm)) = look(survey.cloud, id).await? else { return Ok(None) };
        let Some(tags) = tags(survey.cloud, arn_of(alarm.alarm_arn())?).await? else {
            return Ok(None);
        };
        found(&Owned::read::<Self>(survey.scope, Some(id), &tags), &alarm).map(Some)
    }

    fn misnamed(scope: &Scope, output: &CompositeAlarmOutput) -> Option<String> {
        Some(prefix(scope)).filter(|prefix| !output.id.starts_with(prefix))
    }

    async fn create(
        cx: &Context<'_, Aws>,
        spec: &CompositeAlarmSpec,
    ) -> Result<CompositeAlarmOutput> {
        let name = &cx.identity.name;
        must_be_free::<Self>(cx, &cloudwatch::PUT_COMPOSITE_ALARM, CREATE).await?;
        put(cx, name, spec, None, Some(tagged(cx.identity))).await?;
        let (_, made) = look(cx.cloud, name).await?;
        output(&made.required("the composite alarm just made")?)
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &CompositeAlarmSpec,
    ) -> Result<CompositeAlarmOutput> {
        let (_, before) = look(cx.cloud, &live.output.id).await?;
        // One that somebody has deleted meanwhile is made anew.
        let tags = before.is_none().then(|| tagged(cx.identity));
        put(cx, &live.output.id, spec, before.as_ref(), tags).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &CompositeAlarmOutput) -> Result<()> {
        cloudwatch::remember(cx, &output.arn).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        delete(cx, &live.output.id).await?;
        Ok(Vec::new())
    }
}

/// A put replaces everything but the state; tags go with the first one alone (CloudWatch API
/// reference, `PutCompositeAlarm`). So what others have added is put again, and a rule that somebody
/// has written in another form.
async fn put(
    cx: &Context<'_, Aws>,
    name: &str,
    spec: &CompositeAlarmSpec,
    before: Option<&Description>,
    tags: Option<Vec<Tag>>,
) -> Result<()> {
    let others = before.and_then(Description::alarm_rule).filter(|rule| read(rule).is_none());
    let rule = match others {
        Some(rule) => rule.to_owned(),
        None => written(spec.rule.wanted()?),
    };
    let actions = before.map(Actions::from).unwrap_or_default().with(&spec.topics);
    let suppressor = before.and_then(Description::actions_suppressor).map(str::to_owned);
    let wait = before.and_then(Description::actions_suppressor_wait_period);
    let extension = before.and_then(Description::actions_suppressor_extension_period);
    let request = cx
        .cloud
        .cloudwatch
        .put_composite_alarm()
        .alarm_name(name)
        .alarm_rule(rule)
        .set_alarm_description(Some(spec.description.clone()).filter(|it| !it.is_empty()))
        .set_actions_enabled(actions.are_on)
        .set_alarm_actions(Some(actions.on_alarm))
        .set_ok_actions(Some(actions.on_ok))
        .set_insufficient_data_actions(Some(actions.on_none))
        .set_actions_suppressor(suppressor)
        .set_actions_suppressor_wait_period(wait)
        .set_actions_suppressor_extension_period(extension)
        .set_tags(tags);
    cx.cloud
        .send(&cloudwatch::PUT_COMPOSITE_ALARM, "set the composite alarm", || {
            request.clone().send()
        })
        .await?;
    Ok(())
}

fn found(owned: &Owned, alarm: &Description) -> Result<Found<CompositeAlarm>> {
    let rule = alarm.alarm_rule().required("the rule of a composite alarm")?;
    let actions = Actions::from(alarm);
    let known = read(rule);
    let unread = known.is_none().then(|| format!("the rule {rule}"));
    let suppressor = alarm.actions_suppressor().map(|it| format!("the suppressor {it}"));
    let is_off = alarm.state_value() == Some(&StateValue::Alarm);
    Ok(Found {
        badge: owned.badge(),
        spec: CompositeAlarmSpec {
            rule: Opaque::from(known),
            description: alarm.alarm_description().unwrap_or_default().to_owned(),
            topics: actions.topics(),
        },
        output: output(alarm)?,
        phase: Phase::Ready,
        state: if is_off { IN_ALARM.to_owned() } else { String::new() },
        foreign: unread.into_iter().chain(suppressor).chain(actions.foreign()).collect(),
    })
}

fn output(alarm: &Description) -> Result<CompositeAlarmOutput> {
    let id = alarm.alarm_name().required("the name of a composite alarm")?.to_owned();
    Ok(CompositeAlarmOutput { id, arn: arn_of(alarm.alarm_arn())?.to_owned() })
}

/// A rule as AWS takes it: `ALARM("one") OR ALARM("other")`.
fn written(rule: &CompositeRule) -> String {
    let between = match rule {
        CompositeRule::AnyOf(_) => " OR ",
        CompositeRule::AllOf(_) => " AND ",
    };
    let alarms = rule.alarms().iter().map(|alarm| format!("ALARM(\"{}\")", alarm.id()));
    alarms.collect::<Vec<_>>().join(between)
}

/// Reads a rule, which AWS shows as it was given (an assumption); none of another form.
fn read(rule: &str) -> Option<CompositeRule> {
    let alarms =
        |between| -> Option<BTreeSet<Ref<Alarm>>> { rule.split(between).map(alarm).collect() };
    let any = alarms(" OR ").map(CompositeRule::AnyOf);
    any.or_else(|| alarms(" AND ").map(CompositeRule::AllOf))
}

/// The alarm in `ALARM("one")`. One that is named by its ARN may be in another account.
fn alarm(term: &str) -> Option<Ref<Alarm>> {
    let name = term.trim().strip_prefix("ALARM(")?.strip_suffix(')')?;
    let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    let is_name = !name.is_empty() && !name.contains(['"', '(', ')']) && !name.starts_with("arn:");
    is_name.then(|| Ref::physical(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_reads_back_and_one_of_another_form_is_unread() {
        let alarms = || ["a-1", "b-2"].map(Ref::physical).into();
        for rule in [CompositeRule::AnyOf(alarms()), CompositeRule::AllOf(alarms())] {
            assert_eq!(read(&written(&rule)), Some(rule));
        }
        let one = CompositeRule::AnyOf([Ref::physical("a")].into());
        assert_eq!(read("ALARM(a)"), Some(one));
        for other in [
            "NOT ALARM(\"a\")",
            "ALARM(\"a\") OR OK(\"b\")",
            "ALARM(\"a\") OR ALARM(\"b\") AND ALARM(\"c\")",
            "(ALARM(\"a\") OR ALARM(\"b\"))",
            "ALARM(\"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a\")",
            "FALSE",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
