//! What is wrong with a certificate.

use aws_sdk_acm::types::{CertificateStatus, RenewalStatus};
use deployer_engine::{Checks, Finding, Found, Result, Stage};
use deployer_kinds::Certificate;

use super::certificate::{ended, look, records, told};
use crate::Aws;

impl Checks<Aws> for Certificate {
    async fn findings(aws: &Aws, live: &Found<Self>) -> Result<Vec<Finding>> {
        let detail = look(aws, &live.output.id).await?;
        let domain = detail.domain_name().unwrap_or(&live.output.id);
        let finding = |problem: String, help: &str| {
            let shown =
                records(&detail).map(|records| format!("DNS has to show {}", told(&records)));
            vec![Finding::new(Stage::Domain, problem, help).because(shown)]
        };
        if let Some(end) = ended(&detail) {
            let problem = format!("the certificate of {domain} is no longer valid: {end}");
            return Ok(finding(problem, "`deployer apply` requests another"));
        }
        let renewal = detail.renewal_summary().map(|it| it.renewal_status());
        // ACM gives up after 72 hours ("DNS validation" in its user guide).
        if detail.status() == Some(&CertificateStatus::PendingValidation) {
            let problem = format!("the certificate of {domain} is not validated yet");
            return Ok(finding(
                problem,
                "look whether the domain's name servers are those of the hosted zone that the \
                 record is in; where the zone is elsewhere, make the record there. ACM waits for 72 \
                 hours",
            ));
        }
        if renewal == Some(&RenewalStatus::PendingValidation) {
            let problem = format!("the certificate of {domain} cannot be renewed");
            return Ok(finding(problem, "make the record again: `deployer apply`"));
        }
        Ok(Vec::new())
    }
}
