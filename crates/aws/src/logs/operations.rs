//! What CloudWatch Logs is asked to do, and what its codes mean.

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Reach, Service};

use crate::send::operations;

/// CloudWatch Logs. Most of these may be made 10 times a second ("CloudWatch Logs quotas" in its
/// user guide).
pub(crate) static SERVICE: Service = Service {
    name: "logs",
    burst: 10,
    per_second: 10,
    codes: &[Code::new("OperationAbortedException", Cause::Busy)],
};

const GROUP: &[Reach] = &[Reach::Named("log-group:/{slashes}*")];

operations! {
    CREATE_LOG_GROUP = SERVICE.changes("CreateLogGroup").on(GROUP).also(&["logs:TagResource"]);
    DELETE_LOG_GROUP = SERVICE.changes("DeleteLogGroup")
        .on(GROUP)
        .gone(&["ResourceNotFoundException"]);
    DELETE_RETENTION_POLICY = SERVICE.changes("DeleteRetentionPolicy")
        .on(GROUP)
        .gone(&["ResourceNotFoundException"]);
    DESCRIBE_LOG_GROUPS = SERVICE.reads("DescribeLogGroups");
    /// Of a stream that is not there it says the same as of a group.
    FILTER_LOG_EVENTS = SERVICE.reads("FilterLogEvents")
        .on(GROUP)
        .gone(&["ResourceNotFoundException"]);
    GET_LOG_EVENTS = SERVICE.reads("GetLogEvents").on(GROUP).gone(&["ResourceNotFoundException"]);
    LIST_TAGS_FOR_RESOURCE = SERVICE.reads("ListTagsForResource")
        .gone(&["ResourceNotFoundException"]);
    PUT_RETENTION_POLICY = SERVICE.changes("PutRetentionPolicy")
        .on(GROUP)
        .gone(&["ResourceNotFoundException"]);
    TAG_RESOURCE = SERVICE.changes("TagResource").on(GROUP).gone(&["ResourceNotFoundException"]);
    UNTAG_RESOURCE = SERVICE.changes("UntagResource")
        .on(GROUP)
        .gone(&["ResourceNotFoundException"]);
}
