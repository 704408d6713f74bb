//! What CloudWatch Logs is asked to do, and what its codes mean.

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Service};

use crate::send::operations;

/// CloudWatch Logs. Most of these may be made 10 times a second ("CloudWatch Logs quotas" in its
/// user guide).
pub(crate) static SERVICE: Service = Service {
    name: "logs",
    burst: 10,
    per_second: 10,
    codes: &[Code::new("OperationAbortedException", Cause::Busy)],
};

operations! {
    CREATE_LOG_GROUP = SERVICE.changes("CreateLogGroup").also(&["logs:TagResource"]);
    DELETE_LOG_GROUP = SERVICE.changes("DeleteLogGroup").gone(&["ResourceNotFoundException"]);
    DELETE_RETENTION_POLICY = SERVICE.changes("DeleteRetentionPolicy")
        .gone(&["ResourceNotFoundException"]);
    DESCRIBE_LOG_GROUPS = SERVICE.reads("DescribeLogGroups");
    /// Of a stream that is not there it says the same as of a group.
    FILTER_LOG_EVENTS = SERVICE.reads("FilterLogEvents").gone(&["ResourceNotFoundException"]);
    GET_LOG_EVENTS = SERVICE.reads("GetLogEvents").gone(&["ResourceNotFoundException"]);
    LIST_TAGS_FOR_RESOURCE = SERVICE.reads("ListTagsForResource")
        .gone(&["ResourceNotFoundException"]);
    PUT_RETENTION_POLICY = SERVICE.changes("PutRetentionPolicy")
        .gone(&["ResourceNotFoundException"]);
    TAG_RESOURCE = SERVICE.changes("TagResource").gone(&["ResourceNotFoundException"]);
    UNTAG_RESOURCE = SERVICE.changes("UntagResource").gone(&["ResourceNotFoundException"]);
}
