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

const DASHBOARD: &[Reach] = &[Reach::Named("dashboard/{name}*")];

/// What carries tags.
const TAGGED: &[Reach] = &[Reach::Named("alarm:{name}*"), Reach::Named("dashboard/{name}*")];

/// Also those that a scaling policy gets, in the name of whoever makes it: their names go on with the
/// cluster and the service (`PutScalingPolicy` in the Application Auto Scaling API reference).
const ALARMS: &[Reach] =
    &[Reach::Named("alarm:{name}*"), Reach::Named("alarm:TargetTracking-service/{name}*")];

/// What it says of an alarm that is to go and that composite alarms depend on (cloud-custodian#7763).
pub(crate) const DEPENDED_ON: &str = "composite alarm(s) depending on it";

operations! {
    DELETE_ALARMS = SERVICE.changes("DeleteAlarms")
        .on(ALARMS)
        .gone(&["ResourceNotFound"])
        .codes(&[Code::new("ValidationError", Cause::Busy).saying(DEPENDED_ON)]);
    DELETE_DASHBOARDS = SERVICE.changes("DeleteDashboards")
        .on(DASHBOARD)
        .gone(&["ResourceNotFound"]);
    DESCRIBE_ALARMS = SERVICE.reads("DescribeAlarms");
    GET_DASHBOARD = SERVICE.reads("GetDashboard").gone(&["ResourceNotFound"]);
    GET_METRIC_DATA = SERVICE.reads("GetMetricData");
    LIST_DASHBOARDS = SERVICE.reads("ListDashboards");
    LIST_TAGS_FOR_RESOURCE = SERVICE.reads("ListTagsForResource")
        .gone(&["ResourceNotFoundException"]);
    /// With a right to less than all alarms it is refused (CloudWatch API reference). The alarms of
    /// its rule may not be visible yet (aws-cloudformation-user-guide#911).
    PUT_COMPOSITE_ALARM = SERVICE.changes("PutCompositeAlarm")
        .also(&["cloudwatch:TagResource"])
        .codes(&[Code::new("ValidationError", Cause::Missing).saying("do not exist")]);
    PUT_DASHBOARD = SERVICE.changes("PutDashboard")
        .on(DASHBOARD)
        .also(&["cloudwatch:TagResource"]);
    PUT_METRIC_ALARM = SERVICE.changes("PutMetricAlarm")
        .on(ALARMS)
        .also(&["cloudwatch:TagResource"]);
    TAG_RESOURCE = SERVICE.changes("TagResource")
        .on(TAGGED)
        .gone(&["ResourceNotFoundException"]);
    UNTAG_RESOURCE = SERVICE.changes("UntagResource")
        .on(TAGGED)
        .gone(&["ResourceNotFoundException"]);
}
