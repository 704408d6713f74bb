//! What AWS WAF is asked to do, and what its codes mean.

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Reach, Service};

use crate::send::operations;

/// AWS WAF. It takes a request for the web ACL of a resource each second, and an association every
/// two ("AWS WAF quotas" in its developer guide).
pub(crate) static SERVICE: Service = Service {
    name: "wafv2",
    burst: 1,
    per_second: 1,
    // What was made a moment ago is not everywhere yet (its API reference, `AssociateWebACL`);
    // Terraform's provider asks for minutes of a new load balancer (`internal/service/wafv2`).
    codes: &[
        Code::new("WAFUnavailableEntityException", Cause::NotYet),
        Code::new("WAFOptimisticLockException", Cause::Busy),
    ],
};

/// The load balancers stand in the policy as well: they are another service's.
const WEB_ACL: &[Reach] = &[Reach::Named("regional/webacl/*")];

/// What changes the web ACL of a load balancer asks that of ELB too ("Permissions for
/// AssociateWebACL" in the AWS WAF developer guide).
const OF_THE_BALANCER: &[&str] = &["elasticloadbalancing:SetWebACL"];

operations! {
    /// What does not exist is the web ACL, or the load balancer.
    ASSOCIATE_WEB_ACL = SERVICE.changes("AssociateWebACL")
        .on(WEB_ACL)
        .also(OF_THE_BALANCER)
        .codes(&[Code::new("WAFNonexistentItemException", Cause::Missing)]);
    DISASSOCIATE_WEB_ACL = SERVICE.changes("DisassociateWebACL")
        .on(WEB_ACL)
        .also(OF_THE_BALANCER)
        .gone(&["WAFNonexistentItemException"]);
    GET_WEB_ACL_FOR_RESOURCE = SERVICE.reads("GetWebACLForResource")
        .also(&["wafv2:GetWebACL"])
        .gone(&["WAFNonexistentItemException"]);
}
