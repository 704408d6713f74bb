//! What CloudWatch is asked to do, and what its codes mean.

use deployer_engine::{Operation, Service};

use crate::send::operations;

/// CloudWatch. It takes 50 calls of GetMetricData a second ("CloudWatch service quotas" in its user
/// guide), which others in the account need as well.
pub(crate) static SERVICE: Service =
    Service { name: "cloudwatch", burst: 20, per_second: 10, codes: &[] };

operations! {
    GET_METRIC_DATA = SERVICE.reads("GetMetricData");
}
