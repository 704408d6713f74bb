//! A certificate at a listener that somebody else made.

use deployer_core::{After, Change, Impact, Kind, Ref, Replacement, Time, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::listener::VALIDATION;
use crate::{Certificate, Listener};

/// A certificate of ours at a listener that somebody else made, which clients are shown that ask for
/// a name of its. What a listener of ours has stands in its own `certificates`.
pub struct ListenerCertificate;

impl Kind for ListenerCertificate {
    const NAME: &'static str = "listener-certificate";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("listener", Change::Replace(Impact::None)),
        ("certificate", Change::Replace(Impact::None)),
    ];
    // The certificate's tags say where it was put.
    const PART_OF: Option<&'static str> = Some("certificate");
    // It is issued once its domains are validated, and only then a listener takes it.
    const AFTER: &'static [After] =
        &[After { kind: "validation-record", sharing: Some("certificate") }];
    const REPLACEMENT: Replacement = Replacement::CreateFirst;
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    type Spec = ListenerCertificateSpec;
    type Output = ListenerCertificateOutput;

    /// As for a listener of one's own.
    fn time(
        action: deployer_core::Action,
        _live: Option<&ListenerCertificateSpec>,
        _wanted: Option<&ListenerCertificateSpec>,
    ) -> Time {
        Time { limit: VALIDATION, ..Self::TYPICAL.time(action) }
    }
}

/// What we want of a certificate at a listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ListenerCertificateSpec {
    /// The listener, which speaks HTTPS.
    pub listener: Ref<Listener>,
    /// The certificate.
    pub certificate: Ref<Certificate>,
}

/// What AWS returns for a certificate at a listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ListenerCertificateOutput {
    /// The ARNs of the listener and the certificate, with a space between them.
    pub id: String,
}
