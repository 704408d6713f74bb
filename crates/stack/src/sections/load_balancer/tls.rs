//! How load balancers encrypt.

use deployer_core::{Code, Partition};

use super::body::LoadBalancer;
use crate::draft::Draft;
use crate::section::Section;

/// The TLS policy where none is written: what ELB takes by itself allows TLS 1.0 (ELB user guide,
/// "Security policies for your Application Load Balancer").
pub(super) const TLS: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";

/// Reports a certificate that is not named by an ARN.
pub(super) fn certificate_form(draft: &mut Draft, name: &str, certificate: &serde_json::Value) {
    if certificate.as_str().is_some_and(|text| !text.starts_with("arn:")) {
        let (region, partition) = (draft.region.clone(), Partition::of(&draft.region).name());
        draft.error(
            Code::BadValue,
            "a certificate is named by its ARN",
            &[LoadBalancer::KEY, name, "certificate"],
            "not an ARN",
            format!("write one such as `arn:{partition}:acm:{region}:123456789012:certificate/…`"),
        );
    }
}
