//! How an image came about, as SLSA's provenance 1.0 in an in-toto statement
//! (<https://slsa.dev/spec/v1.0/provenance>).

use serde_json::{Value, json};

use super::made::Made;
use crate::Image;

/// What this program builds and how, by a name that is no address.
const BUILD: &str = "https://deployer.invalid/build/v1";

/// The statement. It says neither when nor on which machine, so that the same image has the same.
pub(super) fn document(image: &Image) -> Vec<u8> {
    let Made { way, commit } = image.made();
    // What was changed since is not looked at: git would run what the repository's settings name.
    let note = "checked out when it was built; changes since are not known";
    let source = commit.as_ref().map(|commit| {
        json!({ "name": "source", "digest": { "gitCommit": commit }, "annotations": { "note": note } })
    });
    let base = image
        .base()
        .map(|base| json!({ "name": base.name, "digest": { "sha256": base.digest.hex() } }));
    let packages = image.packages().iter().map(|package| json!({ "uri": package.url }));
    let dependencies: Vec<Value> = source.into_iter().chain(base).chain(packages).collect();
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "digest": { "sha256": image.digest().hex() } }],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD,
                "externalParameters": { "build": way },
                "resolvedDependencies": dependencies,
            },
            "runDetails": {
                "builder": {
                    "id": concat!("https://deployer.invalid/", env!("CARGO_PKG_VERSION")),
                },
            },
        },
    });
    serde_json::to_vec(&statement).expect("texts are JSON")
}
