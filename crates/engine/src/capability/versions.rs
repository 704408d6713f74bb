//! What a resource was before.

use serde_json::Value;

use super::capability;
use crate::Provenance;

capability! {
    /// A kind of which each change makes another version, and whose earlier ones stay.
    Versions, AnyVersions {
        /// A version of it by its identifier, whether it can still be used or not; none where the
        /// identifier is not that of one of its versions, or the cloud has forgotten it.
        fn version(id: str) -> Option<Version>;
    }
}

/// One version.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// Its identifier.
    pub id: String,
    /// Its number: the higher, the newer.
    pub number: u32,
    /// Its spec, as a scan gives it.
    pub spec: Value,
    /// Where it comes from.
    pub provenance: Provenance,
}
