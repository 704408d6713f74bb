//! A certificate of AWS Certificate Manager, validated through DNS.

use std::collections::BTreeSet;

use deployer_core::{Change, Impact, Kind, Problem, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::wrong_name;

/// The most characters of the name that a certificate is issued to (`DomainName` of
/// `RequestCertificate` in the ACM API reference).
const LONGEST_FIRST: usize = 64;

/// The most names of a certificate besides the first (`SubjectAlternativeNames`, where AWS takes
/// 100), of which an account may have ten altogether unless its quota was raised (ACM quotas).
const MOST_OTHERS: usize = 99;

/// A certificate.
pub struct Certificate;

impl Kind for Certificate {
    const NAME: &'static str = "certificate";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("domain", Change::Replace(Impact::None)),
        ("others", Change::Replace(Impact::None)),
        ("key", Change::Replace(Impact::None)),
    ];
    const REFUSED_WHILE_USED: bool = true;
    const DELETION: Impact = Impact::None;
    // What is to be shown in DNS is there after some seconds (Terraform's provider waits for it,
    // acm/certificate.go); whoever uses it waits until it is issued.
    const TYPICAL: Typical = Typical { create: 10, update: 1, delete: 10 };
    type Spec = CertificateSpec;
    type Output = CertificateOutput;

    fn check(spec: &CertificateSpec) -> Vec<Problem> {
        let CertificateSpec { domain, others, .. } = spec;
        let mut problems = Vec::new();
        if let Some((message, help)) = wrong_name(domain) {
            problems.push(Problem::new("domain", message, help));
        } else if domain.len() > LONGEST_FIRST {
            let message = format!("`{domain}` is too long for the first name of a certificate");
            let help = "name a shorter one first, and this one among the others";
            problems.push(Problem::new("domain", message, help));
        }
        for (message, help) in others.iter().filter_map(|name| wrong_name(name)) {
            problems.push(Problem::new("others", message, help));
        }
        if others.contains(domain) {
            let message = format!("`{domain}` is its first name already");
            problems.push(Problem::new("others", message, "remove it here"));
        }
        if others.len() > MOST_OTHERS {
            let message = format!("{} names are too many for one certificate", others.len() + 1);
            problems.push(Problem::new("others", message, "spread them over several"));
        }
        problems
    }
}

/// What we want of a certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CertificateSpec {
    /// The name that it is issued to: `example.com`, or `*.example.com`.
    pub domain: String,
    /// Other names that it is good for.
    #[serde(default)]
    pub others: BTreeSet<String>,
    /// Its key.
    #[serde(default)]
    pub key: CertificateKey,
}

/// The key of a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CertificateKey {
    /// RSA with 2048 bits, which every client knows.
    #[default]
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// The elliptic curve P-256.
    #[serde(rename = "ec-p256")]
    EcP256,
    /// The elliptic curve P-384.
    #[serde(rename = "ec-p384")]
    EcP384,
}

/// What AWS returns for a certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateOutput {
    /// The ARN.
    pub id: String,
    /// What DNS has to show before it is issued: for each of its domains a line with the domain,
    /// the name of a CNAME and its value.
    pub records: String,
}

impl CertificateOutput {
    /// The CNAME by which a domain is validated, its name and its value, by the lines of
    /// [`CertificateOutput::records`]. A domain and the wildcard beneath it have the same.
    pub fn record<'a>(records: &'a str, domain: &str) -> Option<(&'a str, &'a str)> {
        records.lines().find_map(|line| {
            let mut words = line.split(' ');
            let is_its = words.next()?.trim_start_matches("*.") == domain.trim_start_matches("*.");
            let (name, value) = (words.next()?, words.next()?);
            is_its.then_some((name, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_and_its_wildcard_are_validated_by_one_record() {
        let records = "example.com _a.example.com _b.acm-validations.aws\nwww.example.org _c.www.example.org _d.acm-validations.aws";
        let of = |domain: &str| CertificateOutput::record(records, domain).map(|(name, _)| name);
        assert_eq!(of("*.example.com"), Some("_a.example.com"));
        assert_eq!(of("www.example.org"), Some("_c.www.example.org"));
        assert_eq!(of("example.org"), None);
    }

    #[test]
    fn names_that_no_certificate_can_have_are_said() {
        let paths = |domain: &str, others: &[&str]| -> Vec<String> {
            let others = others.iter().map(ToString::to_string).collect();
            let key = CertificateKey::default();
            let spec = CertificateSpec { domain: domain.to_owned(), others, key };
            Certificate::check(&spec).into_iter().map(|it| it.path).collect()
        };
        assert_eq!(paths("example.com", &["*.example.com"]), Vec::<String>::new());
        assert_eq!(paths("example", &["example.com"]), ["domain"]);
        assert_eq!(paths("example.com", &["example.com", "Www.example.com"]), ["others", "others"]);
        assert_eq!(paths(&format!("{}.example.com", "a".repeat(60)), &[]), ["domain"]);
    }
}
