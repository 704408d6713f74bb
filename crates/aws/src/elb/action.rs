//! What a listener or a rule does with a request, in ELB's words and in a stack's.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::{
    Action as Described, ActionTypeEnum, FixedResponseActionConfig, ForwardActionConfig,
    RedirectActionConfig, RedirectActionStatusCodeEnum, TargetGroupStickinessConfig,
    TargetGroupTuple,
};
use deployer_core::{Opaque, Ref};
use deployer_engine::Result;
use deployer_kinds::{Action, Pair, Redirect, Reserves, Respond, Share, TargetGroup};
use futures_util::future::try_join_all;

use crate::Aws;
use crate::elb::target_group;
use crate::missing::Required;

/// What a listener or a rule does.
pub(crate) struct Read {
    /// What becomes of a request.
    pub(crate) action: Opaque<Action>,
    /// The groups that are bound and get nothing.
    pub(crate) reserves: Option<Reserves>,
    /// What of it no stack can say.
    pub(crate) foreign: Vec<String>,
}

/// How AWS spells what a stack wants, with the groups that are bound and get nothing. What ECS shifts
/// stays where it is led now.
///
/// A forward to several groups, one of which keeps clients at a target, has to keep them at a group:
/// "You must enable group stickiness on a rule if you enabled target stickiness on one of its target
/// groups" is what ELB says otherwise. So their attributes are asked for, where there are several.
pub(crate) async fn wanted(
    aws: &Aws,
    live: Option<&Action>,
    action: &Action,
    reserves: Option<&Reserves>,
) -> Result<Described> {
    let action = &shifted(live, action);
    let groups = weighed(action, reserves);
    if groups.len() < 2 {
        return Ok(written(action, reserves, None));
    }
    let attributes = groups.iter().map(|(group, _)| target_group::sticky(aws, group.id()));
    let sticky = try_join_all(attributes).await?.into_iter().max().unwrap_or_default();
    Ok(written(action, reserves, i32::try_from(sticky).ok().filter(|seconds| *seconds > 0)))
}

/// What is wanted, with that group of a pair first that gets requests now.
fn shifted(live: Option<&Action>, wanted: &Action) -> Action {
    match (live, wanted) {
        (Some(Action::Forward(live)), Action::Shift(Pair { group, alternate }))
            if live == alternate =>
        {
            Action::Shift(Pair { group: alternate.clone(), alternate: group.clone() })
        }
        _ => wanted.clone(),
    }
}

fn written(action: &Action, reserves: Option<&Reserves>, sticky: Option<i32>) -> Described {
    match action {
        Action::Forward(_) | Action::Split(_) | Action::Shift(_) => {
            let forward = Described::builder().r#type(ActionTypeEnum::Forward);
            match weighed(action, reserves).as_slice() {
                [(group, _)] => forward.target_group_arn(group.id()),
                groups => forward.forward_config(shared(groups, sticky)),
            }
        }
        Action::Redirect(redirect) => {
            let status = if redirect.permanent {
                RedirectActionStatusCodeEnum::Http301
            } else {
                RedirectActionStatusCodeEnum::Http302
            };
            let config = RedirectActionConfig::builder()
                .protocol(&redirect.protocol)
                .host(&redirect.host)
                .port(&redirect.port)
                .path(&redirect.path)
                .query(&redirect.query)
                .status_code(status);
            Described::builder().r#type(ActionTypeEnum::Redirect).redirect_config(config.build())
        }
        Action::Respond(respond) => {
            let body = Some(&respond.body).filter(|body| !body.is_empty());
            let config = FixedResponseActionConfig::builder()
                .status_code(respond.status.to_string())
                .content_type(&respond.content_type)
                .set_message_body(body.cloned());
            Described::builder()
                .r#type(ActionTypeEnum::FixedResponse)
                .fixed_response_config(config.build())
        }
    }
    .build()
}

/// The groups that are bound, each with its weight.
fn weighed<'a>(
    action: &'a Action,
    reserves: Option<&'a Reserves>,
) -> Vec<(&'a Ref<TargetGroup>, u32)> {
    let busy: Vec<_> = match action {
        Action::Forward(group) => vec![(group, 1)],
        Action::Split(shares) => shares.iter().map(|it| (&it.group, it.weight)).collect(),
        Action::Shift(Pair { group, alternate }) => vec![(group, 1), (alternate, 0)],
        Action::Redirect(_) | Action::Respond(_) => return Vec::new(),
    };
    let is_busy = |group: &&Ref<TargetGroup>| busy.iter().any(|(busy, _)| busy == group);
    let idle = reserves.into_iter().flatten().filter(|group| !is_busy(group));
    idle.map(|group| (group, 0)).chain(busy.iter().copied()).collect()
}

/// Weights are checked to be at most 999 when the stack is loaded.
fn shared(groups: &[(&Ref<TargetGroup>, u32)], sticky: Option<i32>) -> ForwardActionConfig {
    let groups = groups.iter().map(|(group, weight)| {
        let weight = i32::try_from(*weight).unwrap_or(i32::MAX);
        TargetGroupTuple::builder().target_group_arn(group.id()).weight(weight).build()
    });
    let stickiness = sticky.map(|seconds| {
        let stickiness = TargetGroupStickinessConfig::builder().enabled(true);
        stickiness.duration_seconds(seconds).build()
    });
    ForwardActionConfig::builder()
        .set_target_groups(Some(groups.collect()))
        .set_target_group_stickiness_config(stickiness)
        .build()
}

/// What a stack calls what AWS does, and what of it no stack can say. Several actions are unread:
/// whoever made them goes on with them.
pub(crate) fn read(actions: &[Described]) -> Result<Read> {
    let (mut foreign, mut reserves) = (Vec::new(), BTreeSet::new());
    let action = match actions {
        [action] => one(action, &mut reserves, &mut foreign)?,
        actions => {
            let steps: Vec<&str> = actions.iter().filter_map(step).collect();
            foreign.push(format!("the actions {}", steps.join(", ")));
            None
        }
    };
    let reserves = (!reserves.is_empty()).then_some(reserves);
    Ok(Read { action: action.into(), reserves, foreign })
}

fn one(
    action: &Described,
    reserves: &mut Reserves,
    foreign: &mut Vec<String>,
) -> Result<Option<Action>> {
    Ok(match action.r#type() {
        Some(ActionTypeEnum::Forward) => forward(action, reserves, foreign)?,
        Some(ActionTypeEnum::Redirect) => {
            let config = action.redirect_config().required("where a redirect leads")?;
            redirect(config, foreign)?.map(Action::Redirect)
        }
        Some(ActionTypeEnum::FixedResponse) => {
            let config = action.fixed_response_config().required("a fixed response")?;
            Some(Action::Respond(respond(config)?))
        }
        _ => {
            let step = step(action).required("the type of an action")?;
            foreign.push(format!("the action {step}"));
            None
        }
    })
}

/// Weights count only beside each other, so a group that gets nothing is reserved: that is how a
/// finished blue/green deployment leaves a rule, too.
fn forward(
    action: &Described,
    reserves: &mut Reserves,
    foreign: &mut Vec<String>,
) -> Result<Option<Action>> {
    let config = action.forward_config();
    let groups = config.map(|config| config.target_groups()).unwrap_or_default();
    let (idle, busy): (Vec<_>, Vec<_>) =
        groups.iter().partition(|group| groups.len() > 1 && group.weight() == Some(0));
    Ok(match busy.as_slice() {
        [] => {
            let group = action.target_group_arn().required("where a forward leads")?;
            Some(Action::Forward(Ref::physical(group)))
        }
        [group] => {
            let idle = idle.iter().filter_map(|group| group.target_group_arn());
            reserves.extend(idle.map(Ref::physical));
            let group = group.target_group_arn().required("where a forward leads")?;
            Some(Action::Forward(Ref::physical(group)))
        }
        several => {
            let stickiness = config.and_then(|config| config.target_group_stickiness_config());
            if stickiness.is_some_and(|stickiness| stickiness.enabled() == Some(true)) {
                foreign.push("clients stick to a target group".to_owned());
            }
            let idle = idle.iter().filter_map(|group| group.target_group_arn());
            reserves.extend(idle.map(Ref::physical));
            let shares = several.iter().map(|group| share(group)).collect::<Result<_>>()?;
            Some(Action::Split(shares))
        }
    })
}

fn share(group: &TargetGroupTuple) -> Result<Share> {
    let arn = group.target_group_arn().required("where a forward leads")?;
    // What is left out is 1, as the console shows it.
    let weight = group.weight().and_then(|weight| u32::try_from(weight).ok()).unwrap_or(1);
    Ok(Share { group: Ref::physical(arn), weight })
}

fn step(action: &Described) -> Option<&str> {
    action.r#type().map(ActionTypeEnum::as_str)
}

/// What a redirect leaves out stays as the client asked for it (ELB API reference), which is what
/// a stack's defaults say.
fn redirect(config: &RedirectActionConfig, foreign: &mut Vec<String>) -> Result<Option<Redirect>> {
    let permanent = match config.status_code().required("the status of a redirect")? {
        RedirectActionStatusCodeEnum::Http301 => true,
        RedirectActionStatusCodeEnum::Http302 => false,
        other => {
            foreign.push(format!("a redirect with the status {other}"));
            return Ok(None);
        }
    };
    let or = |value: Option<&str>, same: &str| value.unwrap_or(same).to_owned();
    Ok(Some(Redirect {
        protocol: or(config.protocol(), "#{protocol}"),
        host: or(config.host(), "#{host}"),
        port: or(config.port(), "#{port}"),
        path: or(config.path(), "/#{path}"),
        query: or(config.query(), "#{query}"),
        permanent,
    }))
}

fn respond(config: &FixedResponseActionConfig) -> Result<Respond> {
    let status = config.status_code().and_then(|status| status.parse().ok());
    Ok(Respond {
        status: status.required("the status of a fixed response")?,
        content_type: config.content_type().unwrap_or("text/plain").to_owned(),
        body: config.message_body().unwrap_or_default().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn forward_to(groups: &[(&str, i32)]) -> Described {
        let mut config = ForwardActionConfig::builder();
        for (arn, weight) in groups {
            let group = TargetGroupTuple::builder().target_group_arn(*arn).weight(*weight);
            config = config.target_groups(group.build());
        }
        Described::builder().r#type(ActionTypeEnum::Forward).forward_config(config.build()).build()
    }

    #[test]
    fn what_was_written_reads_as_what_was_wanted() {
        for action in [
            json!({ "forward": { "id": "arn:1" } }),
            json!({ "split": [
                { "group": { "id": "arn:1" }, "weight": 90 },
                { "group": { "id": "arn:2" }, "weight": 10 },
            ] }),
            json!({ "redirect": { "protocol": "HTTPS", "port": "443", "permanent": true } }),
            json!({ "respond": { "status": 404, "body": "nothing here" } }),
            json!({ "respond": { "status": 503 } }),
        ] {
            let action: Action = serde_json::from_value(action).unwrap();
            let read = read(&[written(&action, None, None)]).unwrap();
            assert_eq!((read.action, read.reserves, read.foreign), (action.into(), None, vec![]));
        }
    }

    #[test]
    fn several_groups_are_stuck_to_where_one_of_them_keeps_clients() {
        let split = json!({ "split": [
            { "group": { "id": "arn:1" }, "weight": 90 },
            { "group": { "id": "arn:2" }, "weight": 10 },
        ] });
        let split: Action = serde_json::from_value(split).unwrap();
        let read = read(&[written(&split, None, Some(60))]).unwrap();
        assert_eq!(read.action, split.into());
        assert_eq!(read.foreign, ["clients stick to a target group"]);
    }

    #[test]
    fn what_this_version_does_not_know_is_unread_and_told() {
        let config = RedirectActionConfig::builder().status_code("HTTP_308".into()).build();
        let redirect = Described::builder().r#type(ActionTypeEnum::Redirect);
        let redirect = redirect.redirect_config(config).build();
        let later = Described::builder().r#type("dance".into()).build();
        for (action, told) in
            [(redirect, "a redirect with the status HTTP_308"), (later, "the action dance")]
        {
            let read = read(&[action]).unwrap();
            assert_eq!((read.action, read.foreign), (Opaque::Unread, vec![told.to_owned()]));
        }
    }

    #[test]
    fn requests_that_ecs_shifts_are_led_on_where_they_are() {
        let [blue, green] = ["arn:1", "arn:2"].map(Ref::physical);
        let pair = Action::Shift(Pair { group: blue.clone(), alternate: green.clone() });
        for (live, busy, idle) in
            [(None, &blue, &green), (Some(&blue), &blue, &green), (Some(&green), &green, &blue)]
        {
            let live = live.cloned().map(Action::Forward);
            let read = read(&[written(&shifted(live.as_ref(), &pair), None, None)]).unwrap();
            assert_eq!(read.action, Action::Forward(busy.clone()).into());
            assert_eq!(read.reserves, Some([idle.clone()].into()));
        }
    }

    #[test]
    fn a_group_that_gets_nothing_is_reserved() {
        let forward = Action::Forward(Ref::physical("arn:2"));
        let reserves = Some([Ref::physical("arn:1")].into());
        for described in [
            forward_to(&[("arn:1", 0), ("arn:2", 100)]),
            written(&forward, reserves.as_ref(), Some(9)),
        ] {
            let read = read(&[described]).unwrap();
            assert_eq!((read.action, read.reserves), (forward.clone().into(), reserves.clone()));
            assert!(read.foreign.is_empty());
        }
    }
}
