//! Service Quotas: how much of something an account may have in a region.

mod operations;

pub(crate) use operations::*;

use deployer_engine::Result;

use crate::Aws;
use crate::send::unless_gone;

/// What a quota allows.
pub(crate) struct Limit {
    /// What Service Quotas calls it: `VPCs per Region`.
    pub(crate) name: String,
    /// The most that there may be.
    pub(crate) value: f64,
}

/// Looks at a quota by its codes: the value that was applied to the account, or else the one that
/// everybody has. None where Service Quotas knows no such quota in the region.
pub(crate) async fn limit(aws: &Aws, service: &str, quota: &str) -> Result<Option<Limit>> {
    let purpose = "look at a quota";
    let request = aws.service_quotas.get_service_quota().service_code(service).quota_code(quota);
    let applied = aws.send(&GET_SERVICE_QUOTA, purpose, || request.clone().send()).await;
    let applied = unless_gone(applied)?.and_then(|answer| answer.quota);
    let quota = if applied.is_some() {
        applied
    } else {
        let request = aws.service_quotas.get_aws_default_service_quota();
        let request = request.service_code(service).quota_code(quota);
        let send = || request.clone().send();
        let usual = aws.send(&GET_AWS_DEFAULT_SERVICE_QUOTA, purpose, send).await;
        unless_gone(usual)?.and_then(|answer| answer.quota)
    };
    let limit = quota.and_then(|it| Some(Limit { name: it.quota_name?, value: it.value? }));
    Ok(limit)
}
