//! The policies of a scalable target: `PutScalingPolicy`, `DescribeScalingPolicies`,
//! `DeleteScalingPolicy`.

use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ScalingPolicy as Description,
    TargetTrackingScalingPolicyConfiguration as Tracking,
};
use deployer_core::{Arn, Ref};
use deployer_engine::Result;
use deployer_kinds::{RequestsTo, ScalingMetric, ScalingPolicy};

use super::{DIMENSION, NAMESPACE, OURS, backlog, number};
use crate::Aws;
use crate::autoscaling;
use crate::missing::Required;
use crate::send::unless_gone;

/// Seconds of a cooldown that a policy does not say (Application Auto Scaling API reference,
/// `TargetTrackingScalingPolicyConfiguration`).
const COOLDOWN: i32 = 300;

/// The policies of a target, or those of all where none is named.
pub(super) async fn list(aws: &Aws, target: Option<&str>) -> Result<Vec<Description>> {
    let request = aws
        .autoscaling
        .describe_scaling_policies()
        .service_namespace(NAMESPACE)
        .set_resource_id(target.map(ToOwned::to_owned))
        .set_scalable_dimension(target.map(|_| DIMENSION));
    let pages = aws
        .pages(
            &autoscaling::DESCRIBE_SCALING_POLICIES,
            "find the scaling policies",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.scaling_policies.unwrap_or_default()).collect())
}

/// Makes a policy, or changes it.
pub(super) async fn put(aws: &Aws, target: &str, name: &str, policy: &ScalingPolicy) -> Result<()> {
    let request = aws
        .autoscaling
        .put_scaling_policy()
        .policy_name(format!("{OURS}{name}"))
        .service_namespace(NAMESPACE)
        .resource_id(target)
        .scalable_dimension(DIMENSION)
        .policy_type(PolicyType::TargetTrackingScaling)
        .target_tracking_scaling_policy_configuration(written(policy, target)?);
    let purpose = format!("set the scaling policy {name}");
    aws.send(&autoscaling::PUT_SCALING_POLICY, &purpose, || request.clone().send()).await?;
    Ok(())
}

/// Takes a policy away. One that is gone is no failure.
pub(super) async fn delete(aws: &Aws, target: &str, policy: &str) -> Result<()> {
    let request = aws
        .autoscaling
        .delete_scaling_policy()
        .policy_name(policy)
        .service_namespace(NAMESPACE)
        .resource_id(target)
        .scalable_dimension(DIMENSION);
    let purpose = format!("delete the scaling policy {policy}");
    let answer =
        aws.send(&autoscaling::DELETE_SCALING_POLICY, &purpose, || request.clone().send()).await;
    unless_gone(answer)?;
    Ok(())
}

/// A policy as a stack says it; none for one that no stack can say.
pub(super) fn read(policy: &Description, target: &Arn<'_>) -> Option<ScalingPolicy> {
    let tracking = policy.target_tracking_scaling_policy_configuration()?;
    let metric = if let Some(measured) = tracking.predefined_metric_specification() {
        predefined(measured, target)?
    } else {
        let measured = tracking.customized_metric_specification()?;
        ScalingMetric::Backlog(backlog::read(measured, policy.resource_id(), target)?)
    };
    let cooldown = |seconds: Option<i32>| u32::try_from(seconds.unwrap_or(COOLDOWN)).ok();
    Some(ScalingPolicy {
        metric,
        target: whole(tracking.target_value())?,
        scale_out_cooldown: cooldown(tracking.scale_out_cooldown())?,
        scale_in_cooldown: cooldown(tracking.scale_in_cooldown())?,
    })
    .filter(|_| tracking.disable_scale_in() != Some(true))
}

/// What AWS has a name for.
fn predefined(measured: &PredefinedMetricSpecification, target: &Arn<'_>) -> Option<ScalingMetric> {
    match measured.predefined_metric_type() {
        MetricType::EcsServiceAverageCpuUtilization => Some(ScalingMetric::Cpu),
        MetricType::EcsServiceAverageMemoryUtilization => Some(ScalingMetric::Memory),
        MetricType::AlbRequestCountPerTarget => {
            counted(measured.resource_label()?, target).map(ScalingMetric::Requests)
        }
        _ => None,
    }
}

/// A policy as AWS takes it, of the target of this identifier.
fn written(policy: &ScalingPolicy, target: &str) -> Result<Tracking> {
    let tracking = Tracking::builder()
        .target_value(f64::from(policy.target))
        .scale_out_cooldown(number(policy.scale_out_cooldown))
        .scale_in_cooldown(number(policy.scale_in_cooldown))
        .disable_scale_in(false);
    let of = |metric, label: Option<String>| {
        let measured = PredefinedMetricSpecification::builder()
            .predefined_metric_type(metric)
            .set_resource_label(label)
            .build();
        measured.ok().required("what is measured")
    };
    let tracking = match &policy.metric {
        ScalingMetric::Cpu => tracking.predefined_metric_specification(of(
            MetricType::EcsServiceAverageCpuUtilization,
            None,
        )?),
        ScalingMetric::Memory => tracking.predefined_metric_specification(of(
            MetricType::EcsServiceAverageMemoryUtilization,
            None,
        )?),
        ScalingMetric::Requests(to) => tracking.predefined_metric_specification(of(
            MetricType::AlbRequestCountPerTarget,
            Some(label(to).required("a resource label")?),
        )?),
        ScalingMetric::Backlog(of) => {
            let measured =
                backlog::written(of, target).required("the names of what is measured")?;
            tracking.customized_metric_specification(measured)
        }
    };
    tracking.build().ok().required("the value to keep")
}

/// How requests of a target group are named: the ends of the two ARNs
/// (`PredefinedMetricSpecification` in the Application Auto Scaling API reference).
fn label(to: &RequestsTo) -> Option<String> {
    let (_, balancer) = to.load_balancer.id().split_once(":loadbalancer/")?;
    let (_, group) = to.target_group.id().split_once(":targetgroup/")?;
    Some(format!("{balancer}/targetgroup/{group}"))
}

/// What such a name means, in the account and region of the target.
fn counted(label: &str, target: &Arn<'_>) -> Option<RequestsTo> {
    let (balancer, group) = label.split_once("/targetgroup/")?;
    let Arn { partition, region, account, .. } = target;
    let arn =
        |end: String| format!("arn:{partition}:elasticloadbalancing:{region}:{account}:{end}");
    Some(RequestsTo {
        load_balancer: Ref::physical(arn(format!("loadbalancer/{balancer}"))),
        target_group: Ref::physical(arn(format!("targetgroup/{group}"))),
    })
}

/// A number without a fraction.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a whole number")]
fn whole(value: f64) -> Option<u32> {
    let fits = value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value);
    fits.then_some(value as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_at_the_group_that_a_label_names() {
        let arn = |end: &str| format!("arn:aws-cn:elasticloadbalancing:cn-north-1:1:{end}");
        let to = RequestsTo {
            load_balancer: Ref::physical(arn("loadbalancer/app/edge/5f")),
            target_group: Ref::physical(arn("targetgroup/web/7a")),
        };
        let text = label(&to).unwrap();
        assert_eq!(text, "app/edge/5f/targetgroup/web/7a");
        let target = "arn:aws-cn:application-autoscaling:cn-north-1:1:scalable-target/0ec5";
        assert_eq!(counted(&text, &Arn::read(target).unwrap()), Some(to));
    }

    #[test]
    fn a_policy_that_no_stack_can_say_is_not_read_as_another() {
        let target = "arn:aws:application-autoscaling:eu-west-1:1:scalable-target/0ec5";
        let target = Arn::read(target).unwrap();
        let description = |tracking: Option<Tracking>| {
            Description::builder()
                .policy_arn("a")
                .policy_name("deployer-cpu")
                .service_namespace(NAMESPACE)
                .resource_id("service/main/web")
                .scalable_dimension(DIMENSION)
                .policy_type(PolicyType::TargetTrackingScaling)
                .creation_time(aws_smithy_types::DateTime::from_secs(0))
                .set_target_tracking_scaling_policy_configuration(tracking)
                .build()
                .unwrap()
        };
        let policy = ScalingPolicy {
            metric: ScalingMetric::Cpu,
            target: 60,
            scale_out_cooldown: 60,
            scale_in_cooldown: 300,
        };
        let tracking = written(&policy, "service/main/web").unwrap();
        assert_eq!(read(&description(Some(tracking.clone())), &target), Some(policy));
        assert_eq!(read(&description(None), &target), None, "by steps");
        let build = |builder: aws_sdk_applicationautoscaling::types::builders::TargetTrackingScalingPolicyConfigurationBuilder| builder.build().unwrap();
        let metric = tracking.predefined_metric_specification().cloned();
        let base = || Tracking::builder().set_predefined_metric_specification(metric.clone());
        let half = build(base().target_value(62.5));
        assert_eq!(read(&description(Some(half)), &target), None);
        let out_alone = build(base().target_value(60.0).disable_scale_in(true));
        assert_eq!(read(&description(Some(out_alone)), &target), None);
    }
}
