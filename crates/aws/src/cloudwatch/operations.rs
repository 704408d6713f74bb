//! What CloudWatch is asked to do, and what its codes mean.

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Reach, Service};

use crate::send::operations;

/// CloudWatch. It takes 50 calls of GetMetricData a second ("CloudWatch service quotas" in its user
/// guide), which others in the account need as well.
pub(crate) static SERVICE: Service = Service {
    name: "cloudwatch",
    burst: 20,
    per_second: 10,
    codes: &[
        // Two changes of one alarm at a time (Terraform's provider #422).
        Code::new("ValidationError", Cause::Busy).saying("is in progress"),
        Code::new("ConflictException", Cause::Busy),
        Code::new("ResourceConflict", Cause::Busy),
    ],
};

const ALARM: &[Reach] = &[Reach::Named("alarm:{name}*")];

/// Also those that a scaling policy gets, in the name of whoever makes it: their names go on with the
/// cluster and the service (`PutScalingPolicy` in the Application Auto Scaling API reference).
const ALARMS: &[Reach] =
    &[Reach::Named("alarm:{name}*"), Reach::Named("alarm:TargetTracking-service/{name}*")];

operations! {
    DELETE_ALARMS = SERVICE.changes("DeleteAlarms").on(ALARMS).gone(&["ResourceNotFound"]);
    DESCRIBE_ALARMS = SERVICE.reads("DescribeAlarms");
    GET_METRIC_DATA = SERVICE.reads("GetMetricData");
    LIST_TAGS_FOR_RESOURCE = SERVICE.reads("ListTagsForResource")
        .gone(&["ResourceNotFoundException"]);
    PUT_METRIC_ALARM = SERVICE.changes("PutMetricAlarm")
        .on(ALARMS)
        .also(&["cloudwatch:TagResource"]);
    TAG_RESOURCE = SERVICE.changes("TagResource")
        .on(ALARM)
        .gone(&["ResourceNotFoundException"]);
    UNTAG_RESOURCE = SERVICE.changes("UntagResource")
        .on(ALARM)
        .gone(&["ResourceNotFoundException"]);
}
