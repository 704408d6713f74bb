//! What Service Quotas is asked to do, and what its codes mean.

use deployer_engine::{Operation, Service};

use crate::send::operations;

/// Service Quotas. How many calls it takes is not documented; these figures are an assumption.
pub(crate) static SERVICE: Service =
    Service { name: "servicequotas", burst: 10, per_second: 5, codes: &[] };

/// Of a quota to which no value was applied `GetServiceQuota` says the same as of one that there is
/// not (aws-cli issue 6629; Service Quotas API reference).
const GONE: &[&str] = &["NoSuchResourceException"];

operations! {
    GET_AWS_DEFAULT_SERVICE_QUOTA = SERVICE.reads("GetAWSDefaultServiceQuota").gone(GONE);
    GET_SERVICE_QUOTA = SERVICE.reads("GetServiceQuota").gone(GONE);
}
