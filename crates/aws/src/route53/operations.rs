//! What Route 53 is asked to do, and what its codes mean.

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Reach, Service};

use crate::send::operations;

/// Route 53. It takes 5 requests a second of an account ("Quotas" in its developer guide).
pub(crate) static SERVICE: Service = Service {
    name: "route53",
    burst: 5,
    per_second: 5,
    // Of two changes of a zone one waits for the other; and a zone takes none while AWS moves it
    // elsewhere (its API reference, `ChangeResourceRecordSets`).
    codes: &[
        Code::new("PriorRequestNotComplete", Cause::Busy),
        Code::new("ConflictingDomainExists", Cause::Busy),
        Code::new("AccessDenied", Cause::Busy).saying("is marked disabled for mutation"),
    ],
};

operations! {
    /// What a batch says that is not so stands in its message alone (its API reference,
    /// `InvalidChangeBatch`).
    CHANGE_RESOURCE_RECORD_SETS = SERVICE.changes("ChangeResourceRecordSets")
        .on(&[Reach::Records])
        .gone(&["NoSuchHostedZone"])
        .codes(&[Code::new("InvalidChangeBatch", Cause::Taken).saying("already exists")]);
    GET_CHANGE = SERVICE.reads("GetChange").gone(&["NoSuchChange"]);
    GET_HOSTED_ZONE = SERVICE.reads("GetHostedZone").gone(&["NoSuchHostedZone"]);
    LIST_HOSTED_ZONES_BY_NAME = SERVICE.reads("ListHostedZonesByName");
    LIST_RESOURCE_RECORD_SETS = SERVICE.reads("ListResourceRecordSets").gone(&["NoSuchHostedZone"]);
}
