//! Certificates of ACM: `RequestCertificate`, `DescribeCertificate`, `ListCertificates`,
//! `DeleteCertificate`.

use std::collections::BTreeSet;

use aws_sdk_acm::types::{
    CertificateDetail, CertificateStatus, CertificateSummary, Filters, KeyAlgorithm, RenewalStatus,
    ValidationMethod,
};
use deployer_core::{Cause, Failure, Phase};
use deployer_engine::{Context, Found, Progress, Resource, Result, Survey};
use deployer_kinds::{Certificate, CertificateKey, CertificateOutput, CertificateSpec, plain_name};

use crate::Aws;
use crate::acm::{self, tagged};
use crate::index::{TagIndex, one_by_one};
use crate::missing::Required;
use crate::ownership::{self, Owned, readable};
use crate::send::unless_gone;

/// What a list leaves out unless it is asked for (`Filters` in the ACM API reference): all but RSA
/// with 1024 and 2048 bits.
const KEYS: [KeyAlgorithm; 7] = [
    KeyAlgorithm::Rsa1024,
    KeyAlgorithm::Rsa2048,
    KeyAlgorithm::Rsa3072,
    KeyAlgorithm::Rsa4096,
    KeyAlgorithm::EcPrime256v1,
    KeyAlgorithm::EcSecp384r1,
    KeyAlgorithm::EcSecp521r1,
];

impl Resource<Aws> for Certificate {
    /// A new one may not be described for some seconds (Terraform's provider, acm/certificate.go).
    const SHOWN_LATE: bool = true;
    const MADE_ONCE: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let index = survey.shared.get::<TagIndex>();
        let arns = index.nominated::<Self>(survey, "acm").await;
        let ask = |arns| one_by_one(survey.cloud, arns, acm::tags);
        let tags = index.of(survey, arns, ask).await?;
        let mut all = Vec::new();
        for (arn, tags) in tags {
            let Some(owned) = Owned::tagged::<Self>(survey.scope, &tags) else { continue };
            // The index remembers for a while what is gone.
            let Some(detail) = unless_gone(look(survey.cloud, &arn).await)? else { continue };
            all.extend(readable(survey, &owned, Some(&arn), found(&owned, &detail)));
        }
        all.into_iter().collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let Some(detail) = unless_gone(look(survey.cloud, id).await)? else { return Ok(None) };
        let Some(tags) = acm::tags(survey.cloud, id).await? else { return Ok(None) };
        found(&Owned::read::<Self>(survey.scope, None, &tags), &detail).map(Some)
    }

    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        let all = list(survey.cloud).await?;
        Ok(all.into_iter().filter_map(|it| it.certificate_arn).collect())
    }

    async fn create(cx: &Context<'_, Aws>, spec: &CertificateSpec) -> Result<CertificateOutput> {
        let others = spec.others.iter().cloned().collect();
        // ACM knows a token for an hour, and takes 32 letters and digits (`IdempotencyToken` of
        // `RequestCertificate`).
        let token = &ownership::token(cx.identity, &format!("{spec:?}"))[..32];
        let request = cx
            .cloud
            .acm
            .request_certificate()
            .domain_name(&spec.domain)
            .set_subject_alternative_names(Some(others).filter(|it: &Vec<_>| !it.is_empty()))
            .validation_method(ValidationMethod::Dns)
            .key_algorithm(algorithm(spec.key))
            .idempotency_token(token)
            .set_tags(Some(tagged(cx.identity)));
        let made = cx
            .cloud
            .send(&acm::REQUEST_CERTIFICATE, "request the certificate", || request.clone().send())
            .await?;
        let id = made.certificate_arn.required("the ARN of the certificate")?;
        Ok(CertificateOutput { id, records: String::new() })
    }

    async fn update(
        _cx: &Context<'_, Aws>,
        live: &Found<Self>,
        _spec: &CertificateSpec,
    ) -> Result<CertificateOutput> {
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &CertificateOutput) -> Result<()> {
        acm::remember(cx, &output.id).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx.cloud.acm.delete_certificate().certificate_arn(&live.output.id);
        cx.cloud
            .send(&acm::DELETE_CERTIFICATE, "delete the certificate", || request.clone().send())
            .await?;
        Ok(Vec::new())
    }

    /// It is made once it says what DNS has to show: that comes later than the certificate.
    async fn ready(
        cx: &Context<'_, Aws>,
        output: CertificateOutput,
    ) -> Result<Progress<CertificateOutput>> {
        let detail = look(cx.cloud, &output.id).await?;
        if let Some(end) = ended(&detail) {
            return Ok(Progress::Failed(end));
        }
        Ok(match records(&detail) {
            Some(records) => Progress::Done(CertificateOutput { records, ..output }),
            None => Progress::Waiting("its validation records are not there yet".to_owned()),
        })
    }
}

/// What is said of a certificate that a load balancer does not take: it is not issued yet, it will
/// not be, or it was a moment ago (Terraform's provider #10510).
pub(crate) async fn not_usable(aws: &Aws, arns: &[&str], failure: Failure) -> Failure {
    // The other one is said for a moment of one that was just issued (Terraform's provider #10510).
    let is_about_one = ["UnsupportedCertificate", "CertificateNotFound"]
        .iter()
        .any(|it| failure.code.as_deref() == Some(it));
    if !is_about_one {
        return failure;
    }
    let mut is_there = false;
    for arn in arns {
        // One that was imported in a way that no load balancer takes stays so.
        let Ok(detail) = look(aws, arn).await else { continue };
        is_there = true;
        let domain = detail.domain_name().unwrap_or(arn);
        if let Some(end) = ended(&detail) {
            let message = format!("the certificate of {domain}: {end}");
            return Failure { cause: Cause::Refused, message, ..failure };
        }
        if detail.status() == Some(&CertificateStatus::PendingValidation) {
            let message = match records(&detail) {
                Some(records) => format!("{domain} is validated once DNS shows {}", told(&records)),
                None => format!("{domain} is not validated yet"),
            };
            // Some minutes, or as long as it takes somebody to make the records.
            return Failure { cause: Cause::Busy, message, ..failure };
        }
    }
    let cause = if is_there { Cause::NotYet } else { failure.cause };
    Failure { cause, ..failure }
}

/// The certificates of the account in this region, but for one, that a record of a domain's is
/// needed for.
pub(crate) async fn others_of(aws: &Aws, domain: &str, but: &str) -> Result<Vec<String>> {
    let base = |name: &str| plain_name(name).trim_start_matches("*.").to_owned();
    let domain = base(domain);
    let others = list(aws).await?.into_iter().filter(|it| {
        let names = it.subject_alternative_name_summaries().iter().map(String::as_str);
        let mut names = names.chain(it.domain_name());
        names.any(|name| base(name) == domain)
    });
    let arns = others.filter_map(|it| it.certificate_arn).filter(|arn| arn != but);
    Ok(arns.collect())
}

fn found(owned: &Owned, detail: &CertificateDetail) -> Result<Found<Certificate>> {
    let id = detail.certificate_arn().required("the ARN of a certificate")?;
    let mut domain = plain_name(detail.domain_name().required("the domain of a certificate")?);
    let others: BTreeSet<String> =
        detail.subject_alternative_names().iter().map(|it| plain_name(it)).collect();
    let others = others.into_iter().filter(|it| *it != domain).collect();
    let end = ended(detail);
    // Nothing makes one valid that failed: it is requested anew.
    if let Some(end) = &end {
        domain = format!("{domain} ({end})");
    }
    let renewal = detail.renewal_summary().map(|it| it.renewal_status());
    let state = match renewal {
        Some(RenewalStatus::PendingValidation) => "its renewal waits for its record".to_owned(),
        _ => detail.status().map(state).unwrap_or_default(),
    };
    let records = records(detail);
    // One that was imported, or validated by mail, has none.
    let is_issued = detail.status() == Some(&CertificateStatus::Issued);
    let is_there = is_issued || records.is_some() || end.is_some();
    Ok(Found {
        badge: owned.badge(),
        spec: CertificateSpec { domain, others, key: key(detail)? },
        output: CertificateOutput { id: id.to_owned(), records: records.unwrap_or_default() },
        phase: if is_there { Phase::Ready } else { Phase::Settling },
        state,
        foreign: Vec::new(),
    })
}

/// Why one will never be valid again; none of one that is, or will be.
pub(super) fn ended(detail: &CertificateDetail) -> Option<String> {
    use CertificateStatus::{Expired, Failed, Revoked, ValidationTimedOut};
    match detail.status()? {
        Failed => {
            let why = detail.failure_reason().map(|reason| word(reason.as_str()));
            Some(why.map_or_else(|| "failed".to_owned(), |why| format!("failed: {why}")))
        }
        // ACM gives up after 72 hours ("DNS validation" in its user guide).
        ended @ (ValidationTimedOut | Expired | Revoked) => Some(word(ended.as_str())),
        _ => None,
    }
}

/// `PENDING_VALIDATION` as people read it; nothing of one that is issued.
fn state(status: &CertificateStatus) -> String {
    if *status == CertificateStatus::Issued { String::new() } else { word(status.as_str()) }
}

fn word(code: &str) -> String {
    code.to_lowercase().replace('_', " ")
}

/// What DNS has to show, once it is known of all domains; see [`CertificateOutput::records`].
pub(super) fn records(detail: &CertificateDetail) -> Option<String> {
    let options = detail.domain_validation_options();
    let line = |option: &aws_sdk_acm::types::DomainValidation| {
        let record = option.resource_record()?;
        let (name, value) = (plain_name(record.name()), plain_name(record.value()));
        Some(format!("{} {name} {value}", plain_name(option.domain_name())))
    };
    let lines: Option<BTreeSet<String>> = options.iter().map(line).collect();
    let lines: Vec<String> = lines?.into_iter().collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The records in a sentence.
pub(super) fn told(records: &str) -> String {
    let told = records.lines().filter_map(|line| {
        let (name, value) = line.split_once(' ')?.1.split_once(' ')?;
        Some(format!("{name} CNAME {value}"))
    });
    let told: BTreeSet<String> = told.collect();
    told.into_iter().collect::<Vec<_>>().join(", ")
}

/// AWS says `RSA-2048` as well as `RSA_2048`.
fn key(detail: &CertificateDetail) -> Result<CertificateKey> {
    let key = detail.key_algorithm().map(|key| key.as_str().replace('-', "_"));
    let known = match key.as_deref() {
        Some("RSA_2048") => Some(CertificateKey::Rsa2048),
        Some("EC_prime256v1") => Some(CertificateKey::EcP256),
        Some("EC_secp384r1") => Some(CertificateKey::EcP384),
        _ => None,
    };
    known.required("the key of a certificate")
}

fn algorithm(key: CertificateKey) -> KeyAlgorithm {
    match key {
        CertificateKey::Rsa2048 => KeyAlgorithm::Rsa2048,
        CertificateKey::EcP256 => KeyAlgorithm::EcPrime256v1,
        CertificateKey::EcP384 => KeyAlgorithm::EcSecp384r1,
    }
}

pub(super) async fn look(aws: &Aws, arn: &str) -> Result<CertificateDetail> {
    let request = aws.acm.describe_certificate().certificate_arn(arn);
    let answer = aws
        .send(&acm::DESCRIBE_CERTIFICATE, "look at the certificate", || request.clone().send())
        .await?;
    answer.certificate.required("the certificate asked for")
}

async fn list(aws: &Aws) -> Result<Vec<CertificateSummary>> {
    let includes = Filters::builder().set_key_types(Some(KEYS.to_vec())).build();
    let request = aws.acm.list_certificates().includes(includes).max_items(1000);
    let pages = aws
        .pages(
            &acm::LIST_CERTIFICATES,
            "list the certificates",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|it| it.certificate_summary_list.unwrap_or_default()).collect())
}
