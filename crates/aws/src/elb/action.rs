//! What a listener or a rule does with a request, in ELB's words and in a stack's.

use aws_sdk_elasticloadbalancingv2::types::{
    Action as Described, ActionTypeEnum, FixedResponseActionConfig, RedirectActionConfig,
    RedirectActionStatusCodeEnum, TargetGroupTuple,
};
use deployer_core::{Opaque, Ref};
use deployer_engine::Result;
use deployer_kinds::{Action, Redirect, Respond};

use crate::missing::Required;

/// How AWS spells what a stack wants.
pub(crate) fn written(action: &Action) -> Described {
    match action {
        Action::Forward(group) => {
            Described::builder().r#type(ActionTypeEnum::Forward).target_group_arn(group.id())
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

/// What a stack calls what AWS does, and what of it no stack can say. Several actions, or a forward
/// to several groups, are unread: whoever made them goes on with them.
pub(crate) fn read(actions: &[Described]) -> Result<(Opaque<Action>, Vec<String>)> {
    let mut foreign = Vec::new();
    let action = match actions {
        [action] => one(action, &mut foreign)?,
        actions => {
            let steps: Vec<&str> = actions.iter().filter_map(step).collect();
            foreign.push(format!("the actions {}", steps.join(", ")));
            None
        }
    };
    Ok((action.into(), foreign))
}

fn one(action: &Described, foreign: &mut Vec<String>) -> Result<Option<Action>> {
    Ok(match action.r#type() {
        Some(ActionTypeEnum::Forward) => forward(action, foreign)?,
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

/// Weights count only beside each other, so a group that gets nothing is told and left aside:
/// that is how a finished blue/green deployment leaves a rule.
fn forward(action: &Described, foreign: &mut Vec<String>) -> Result<Option<Action>> {
    let config = action.forward_config();
    let stickiness = config.and_then(|config| config.target_group_stickiness_config());
    if stickiness.is_some_and(|stickiness| stickiness.enabled() == Some(true)) {
        foreign.push("clients stick to a target group".to_owned());
    }
    let groups = config.map(|config| config.target_groups()).unwrap_or_default();
    let (idle, busy): (Vec<_>, Vec<_>) =
        groups.iter().partition(|group| groups.len() > 1 && group.weight() == Some(0));
    Ok(match busy.as_slice() {
        [] => {
            let group = action.target_group_arn().required("where a forward leads")?;
            Some(Action::Forward(Ref::physical(group)))
        }
        [group] => {
            foreign.extend(idle.iter().map(|group| weighted(group)));
            let group = group.target_group_arn().required("where a forward leads")?;
            Some(Action::Forward(Ref::physical(group)))
        }
        several => {
            foreign.extend(several.iter().map(|group| weighted(group)));
            None
        }
    })
}

/// A target group has its name last but one in its ARN: `targetgroup/NAME/ID`.
fn weighted(group: &TargetGroupTuple) -> String {
    let arn = group.target_group_arn().unwrap_or("?");
    let name = arn.rsplit('/').nth(1).unwrap_or(arn);
    format!("a forward with weight {} to {name}", group.weight().unwrap_or(1))
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
    use aws_sdk_elasticloadbalancingv2::types::ForwardActionConfig;
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
            json!({ "redirect": { "protocol": "HTTPS", "port": "443", "permanent": true } }),
            json!({ "respond": { "status": 404, "body": "nothing here" } }),
            json!({ "respond": { "status": 503 } }),
        ] {
            let action: Action = serde_json::from_value(action).unwrap();
            assert_eq!(read(&[written(&action)]).unwrap(), (action.into(), Vec::new()));
        }
    }

    #[test]
    fn a_forward_that_no_stack_can_say_is_unread_and_told() {
        let arn = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/shop-dev-web/5eed";
        let (action, foreign) = read(&[forward_to(&[(arn, 90), ("arn:2", 10)])]).unwrap();
        assert_eq!(
            foreign,
            ["a forward with weight 90 to shop-dev-web", "a forward with weight 10 to arn:2"]
        );
        assert_eq!(action, Opaque::Unread);
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
            assert_eq!(read(&[action]).unwrap(), (Opaque::Unread, vec![told.to_owned()]));
        }
    }

    #[test]
    fn a_group_that_gets_nothing_is_told_only() {
        let (action, foreign) = read(&[forward_to(&[("arn:1", 0), ("arn:2", 100)])]).unwrap();
        assert_eq!(action, Action::Forward(Ref::physical("arn:2")).into());
        assert_eq!(foreign, ["a forward with weight 0 to arn:1"]);
    }
}
