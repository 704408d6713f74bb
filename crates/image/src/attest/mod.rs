//! What is attached to an image in the registry: a bill of what is in it, and how it came about. The
//! same image has the same of both, whoever builds it from the same commit. Neither is signed.

mod made;
mod provenance;
mod spdx;

pub(crate) use made::Made;
use serde::Serialize;

use crate::image::{Descriptor, MANIFEST};
use crate::{Digest, Image};

/// OCI's empty configuration ("Guidance for an Empty Descriptor" in the image specification).
pub(crate) const EMPTY: &[u8] = b"{}";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";

/// A document about an image, as the registry keeps it: an artifact whose subject is the image
/// (OCI's distribution specification, "Listing Referrers").
#[derive(Debug)]
pub(crate) struct Attached {
    /// The document.
    pub(crate) document: Vec<u8>,
    /// The manifest that points to it.
    pub(crate) manifest: Vec<u8>,
}

impl Attached {
    /// The bill of materials and the provenance of an image.
    pub(crate) fn all(image: &Image) -> [Self; 2] {
        [
            Self::new(image, "application/spdx+json", spdx::document(image)),
            Self::new(image, "application/vnd.in-toto+json", provenance::document(image)),
        ]
    }

    fn new(image: &Image, kind: &'static str, document: Vec<u8>) -> Self {
        let describe = |media_type: &str, digest: Digest, bytes: &[u8]| {
            Descriptor::new(media_type, digest, bytes.len() as u64)
        };
        let manifest = Referrer {
            schema_version: 2,
            media_type: MANIFEST,
            artifact_type: kind,
            config: describe(EMPTY_TYPE, Digest::of(EMPTY), EMPTY),
            layers: [describe(kind, Digest::of(&document), &document)],
            subject: describe(image.media_type(), image.digest().clone(), image.manifest()),
        };
        let manifest = serde_json::to_vec(&manifest).expect("a struct of texts is JSON");
        Self { document, manifest }
    }
}

/// The manifest of an artifact that is about an image.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Referrer {
    schema_version: u32,
    media_type: &'static str,
    artifact_type: &'static str,
    config: Descriptor,
    layers: [Descriptor; 1],
    subject: Descriptor,
}
