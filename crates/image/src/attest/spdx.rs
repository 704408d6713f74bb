//! The bill of materials, as SPDX 2.3 writes it in JSON (<https://spdx.github.io/spdx-spec/v2.3/>).

use serde_json::{Value, json};

use crate::Image;
use crate::bill::Package;

/// What SPDX writes for what nobody has looked at.
const NO_ASSERTION: &str = "NOASSERTION";

/// The document. Its time is fixed, so that the same image has the same.
pub(super) fn document(image: &Image) -> Vec<u8> {
    let digest = image.digest();
    let whole = json!({
        "SPDXID": "SPDXRef-Image",
        "name": digest.as_str(),
        "versionInfo": digest.as_str(),
        "downloadLocation": NO_ASSERTION,
        "filesAnalyzed": false,
        "primaryPackagePurpose": "CONTAINER",
        "checksums": [{ "algorithm": "SHA256", "checksumValue": digest.hex() }],
    });
    let parts = image.packages().iter().enumerate();
    let packages: Vec<Value> =
        std::iter::once(whole).chain(parts.clone().map(|(at, part)| package(at, part))).collect();
    let contains = parts.map(|(at, _)| relation("SPDXRef-Image", "CONTAINS", &name(at)));
    // That nobody has found anything does not say that there is nothing.
    let unknown = image.packages().is_empty();
    let unknown = unknown.then(|| relation("SPDXRef-Image", "CONTAINS", NO_ASSERTION));
    let relationships: Vec<Value> =
        std::iter::once(relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image"))
            .chain(contains)
            .chain(unknown)
            .collect();
    let document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": digest.as_str(),
        "documentNamespace": format!("https://spdx.org/spdxdocs/deployer-{}", digest.hex()),
        "creationInfo": {
            "created": "1970-01-01T00:00:00Z",
            "creators": [concat!("Tool: deployer-", env!("CARGO_PKG_VERSION"))],
        },
        "packages": packages,
        "relationships": relationships,
    });
    serde_json::to_vec(&document).expect("texts and numbers are JSON")
}

fn package(at: usize, Package { name: called, version, license, url }: &Package) -> Value {
    json!({
        "SPDXID": name(at),
        "name": called,
        "versionInfo": version,
        "downloadLocation": NO_ASSERTION,
        "filesAnalyzed": false,
        "licenseDeclared": license.as_deref().unwrap_or(NO_ASSERTION),
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": url,
        }],
    })
}

fn name(at: usize) -> String {
    format!("SPDXRef-Package-{}", at + 1)
}

fn relation(of: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": of, "relationshipType": kind, "relatedSpdxElement": to })
}
