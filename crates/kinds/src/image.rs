//! A published image: the current release of something built here.
//!
//! Releases are numbered tags in a repository, `web-1`, `web-2`, …; the highest is the current
//! one. So the repository itself is the journal of releases, and which image should run does not
//! depend on what happens to run.

use std::collections::BTreeMap;

use deployer_core::{
    Action, Change, Impact, Kind, Opaque, Problem, Ref, Removal, Replacement, Time, Typical,
    is_plainly_secret, is_secretive,
};
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

    /// One that is in its repository already only gets another tag.
    fn time(action: Action, _: Option<&ImageSpec>, wanted: Option<&ImageSpec>) -> Time {
        match wanted {
            Some(wanted) if wanted.build.known().is_none() => Time { typical: 1, limit: 0 },
            _ => Self::TYPICAL.time(action),
        }
    }

    fn check(spec: &ImageSpec) -> Vec<Problem> {
        match spec.build.known() {
            Some(Build::Dockerfile(dockerfile)) => dockerfile.problems(),
            _ => Vec::new(),
        }
    }
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
    /// From a Dockerfile, with the builder that is on the machine.
    Dockerfile(Dockerfile),
    /// From an archive that another tool wrote, in the OCI or the Docker format.
    Archive(String),
}

/// How a Dockerfile is built. Paths are relative to the stack file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Dockerfile {
    /// The Dockerfile.
    pub file: String,
    /// The folder that it copies from; its own when left out.
    pub context: Option<String>,
    /// The stage that is built; the last one when left out.
    pub target: Option<String>,
    /// Its build arguments. They stand in the image's history, so none is a secret.
    #[serde(default)]
    pub args: BTreeMap<String, String>,
    /// A repository that the layers of builds are kept in, without a tag.
    pub cache: Option<String>,
}

impl Dockerfile {
    fn problems(&self) -> Vec<Problem> {
        const AT: &str = "build.dockerfile";
        let mut problems = Vec::new();
        for (name, value) in &self.args {
            let place = format!("{AT}.args.{name}");
            if !is_argument(name) {
                let title = format!("`{name}` cannot be a build argument");
                let help = "use letters, digits and underscores, beginning with a letter";
                problems.push(Problem::new(place, title, help));
            } else if is_secret(name, value) {
                problems.push(Problem::new(
                    place,
                    format!("`{name}` would be kept in the image: its history has all arguments"),
                    "hand it to the program when it runs, by `secrets:` of the service",
                ));
            }
        }
        if self.target.as_ref().is_some_and(|target| !is_stage(target)) {
            let help = "write what stands behind `AS` in the Dockerfile";
            problems.push(Problem::new(format!("{AT}.target"), "not the name of a stage", help));
        }
        if let Some(cache) = self.cache.as_ref().filter(|cache| !is_repository(cache)) {
            problems.push(Problem::new(
                format!("{AT}.cache"),
                format!("`{cache}` is not a repository"),
                "write it without a tag, such as `registry.example.com/team/web-cache`",
            ));
        }
        problems
    }
}

/// Whether a Dockerfile can have an argument of this name (Dockerfile reference, `ARG`).
fn is_argument(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(is_part) && !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty()
}

/// Public keys are none, though they are called keys.
fn is_secret(name: &str, value: &str) -> bool {
    let is_public = name.to_ascii_uppercase().contains("PUBLIC");
    is_plainly_secret(value) || (is_secretive(name) && !is_public && !value.is_empty())
}

fn is_stage(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    !name.is_empty() && !name.starts_with('-') && name.chars().all(is_part)
}

/// Whether this is the name of a repository, with its registry and without a tag or a digest.
fn is_repository(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
    let Some((registry, path)) = name.split_once('/') else { return false };
    !registry.is_empty()
        && !registry.starts_with('-')
        && !path.is_empty()
        && path.chars().all(is_part)
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
