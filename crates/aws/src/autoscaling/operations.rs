//! What Application Auto Scaling is asked to do, and what its codes mean.

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Reach, Service};

use crate::send::operations;

/// Application Auto Scaling. How many calls it takes is not documented; these figures are an
/// assumption. It asks other services in the caller's name, and says so when they refuse
/// (Terraform's provider, appautoscaling/policy.go).
pub(crate) static SERVICE: Service = Service {
    name: "application-autoscaling",
    burst: 10,
    per_second: 5,
    codes: &[
        Code::new("ConcurrentUpdateException", Cause::Busy),
        // A role that is young may be why, and else a permission that is missing.
        Code::new("FailedResourceAccessException", Cause::NotYet).saying("not authorized"),
        Code::new("FailedResourceAccessException", Cause::Busy),
    ],
};

const TARGET: &[Reach] = &[Reach::Owned("scalable-target/*")];

/// Tags go with the first call alone; a later one changes what has them.
const MADE: &[Reach] = &[Reach::Made("scalable-target/*"), Reach::Owned("scalable-target/*")];

/// What the alarms of a policy take, which are made in the caller's name ("Permissions required for
/// API calls" in the Application Auto Scaling user guide).
const ALARMS: &[&str] =
    &["cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"];

/// A target that is not there, and a policy or a schedule that is not.
const GONE: &[&str] = &["ObjectNotFoundException"];

/// A target that was registered a moment ago is not found at first (Terraform's provider,
/// appautoscaling/policy.go and scheduled_action.go).
const YOUNG: &[Code] = &[Code::new("ObjectNotFoundException", Cause::NotYet)];

operations! {
    DELETE_SCALING_POLICY = SERVICE.changes("DeleteScalingPolicy")
        .on(TARGET)
        .also(&["cloudwatch:DeleteAlarms"])
        .gone(GONE);
    DELETE_SCHEDULED_ACTION = SERVICE.changes("DeleteScheduledAction").on(TARGET).gone(GONE);
    DEREGISTER_SCALABLE_TARGET = SERVICE.changes("DeregisterScalableTarget")
        .on(TARGET)
        .also(&["cloudwatch:DeleteAlarms"])
        .gone(GONE);
    DESCRIBE_SCALABLE_TARGETS = SERVICE.reads("DescribeScalableTargets");
    DESCRIBE_SCALING_POLICIES = SERVICE.reads("DescribeScalingPolicies")
        .also(&["cloudwatch:DescribeAlarms"]);
    DESCRIBE_SCHEDULED_ACTIONS = SERVICE.reads("DescribeScheduledActions");
    LIST_TAGS_FOR_RESOURCE = SERVICE.reads("ListTagsForResource")
        .gone(&["ResourceNotFoundException"]);
    PUT_SCALING_POLICY = SERVICE.changes("PutScalingPolicy")
        .on(TARGET)
        .also(ALARMS)
        .codes(YOUNG);
    PUT_SCHEDULED_ACTION = SERVICE.changes("PutScheduledAction").on(TARGET).codes(YOUNG);
    /// With tags it makes a target and nothing else: of one that is there it says that it is tagged
    /// already (Terraform's provider #31839).
    REGISTER_SCALABLE_TARGET = SERVICE.changes("RegisterScalableTarget")
        .on(MADE)
        .also(&[
            "application-autoscaling:TagResource",
            "ecs:DescribeServices",
            "ecs:UpdateService",
            "iam:CreateServiceLinkedRole",
        ])
        .codes(&[
            Code::new("ValidationException", Cause::Taken).saying("already exists"),
            Code::new("ValidationException", Cause::Missing).saying("ECS service doesn't exist"),
            Code::new("ValidationException", Cause::NotYet).saying("Unable to assume IAM role"),
        ]);
    TAG_RESOURCE = SERVICE.changes("TagResource").on(MADE).gone(&["ResourceNotFoundException"]);
    UNTAG_RESOURCE = SERVICE.changes("UntagResource")
        .on(TARGET)
        .gone(&["ResourceNotFoundException"]);
}
