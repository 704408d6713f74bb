//! Whether a certificate is fit for use.

use aws_sdk_acm::types::CertificateStatus;
use deployer_engine::{Concern, Result};
use jiff::{SignedDuration, Timestamp};

use crate::Aws;
use crate::moment::moment;
use crate::send::unless_gone;

use super::certificate::look;

/// How long before its end a certificate is worth a word. ACM renews its own 60 days before, and
/// none that was imported ("Managed certificate renewal" in the ACM user guide).
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Looks at the certificate that a field names.
pub(crate) async fn verify(aws: &Aws, path: &str, arn: &str) -> Result<Option<Concern>> {
    let Some(certificate) = unless_gone(look(aws, arn).await)? else {
        let title = format!("there is no certificate `{arn}`");
        return Ok(Some(Concern::sure(path, title, "request it, or name one that is there")));
    };
    let name = certificate.domain_name().unwrap_or(arn);
    let state = certificate.status().map_or("", CertificateStatus::as_str);
    Ok(match certificate.status() {
        Some(CertificateStatus::Issued) => {
            let end = moment(certificate.not_after());
            let is_soon = end.is_some_and(|end| end < Timestamp::now() + SOON);
            end.filter(|_| is_soon).map(|end| {
                let title = format!("the certificate of {name} ends on {}", end.strftime("%F"));
                Concern::maybe(path, title, "renew it, or let ACM have its validation record")
            })
        }
        Some(CertificateStatus::PendingValidation) => {
            let title = format!("the certificate of {name} waits for its validation record");
            let help = "make the record that `deployer status` names, where it is not ours";
            Some(Concern::maybe(path, title, help))
        }
        _ => {
            let title = format!("the certificate of {name} cannot be used: it is {state}");
            Some(Concern::sure(path, title, "request another one"))
        }
    })
}
