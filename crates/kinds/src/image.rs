//! A published image: the current release of something built here.
//!
//! Releases are numbered tags in a repository, `web-1`, `web-2`, …; the highest is the current
//! one. So the repository itself is the journal of releases, and which image should run does not
//! depend on what happens to run.

use deployer_core::{Change, Impact, Kind, Opaque, Ref, Removal, Replacement, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Architecture, Repository};

/// A published image.
pub struct Image;

impl Kind for Image {
    const NAME: &'static str = "image";
    // How an image is made shows in nothing but its digest, and that only `publish` knows: it
    // builds first and plans then. Every other plan takes the current release as it is.
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("repository", Change::Replace(Impact::None)),
        ("build", Change::Delegated),
        ("architecture", Change::Delegated),
        ("command", Change::Delegated),
        ("health-command", Change::Delegated),
        ("digest", Change::Replace(Impact::None)),
    ];
    const REPLACEMENT: Replacement = Replacement::Supersede;
    const REMOVAL: Removal = Removal::WithParent;
    const PART_OF: Option<&'static str> = Some("repository");
    const DELETION: Impact = Impact::None;
    // A cold release build of a small Rust service; a push of some 10 MB.
    const TYPICAL: Typical = Typical { create: 120, update: 1, delete: 1 };
    type Spec = ImageSpec;
    type Output = ImageOutput;
}

/// What we want of an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ImageSpec {
    /// The repository it is kept in.
    pub repository: Ref<Repository>,
    /// How it is made.
    pub build: Opaque<Build>,
    /// The processor it is for.
    #[serde(default)]
    pub architecture: Opaque<Architecture>,
    /// What it runs; for a `cargo` build its binary when empty.
    #[serde(default)]
    pub command: Opaque<Vec<String>>,
    /// The command that checks whether it works, for the image's own health check; none when empty.
    #[serde(default)]
    pub health_command: Opaque<Vec<String>>,
    /// The digest, `sha256:…`; whatever the current release has when left out.
    pub digest: Option<String>,
}

/// How an image is made. Paths are relative to the stack file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Build {
    /// From the Cargo package in this folder: a static binary in an otherwise empty image.
    Cargo(String),
    /// From the Dockerfile at this path, with the builder that is on the machine.
    Dockerfile(String),
    /// From an archive that another tool wrote, in the OCI or the Docker format.
    Archive(String),
}

/// What AWS returns for an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImageOutput {
    /// The digest, `sha256:…`.
    pub id: String,
    /// What it is pulled by: the repository and the digest.
    pub uri: String,
    /// The tag of the release, such as `web-12`.
    pub release: String,
}
